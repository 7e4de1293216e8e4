"""Queries are read as Placement itself reads them.

Method: the queries of the recorded cases, with the groups that Placement made of them;
each value alone, and random queries, through Placement's own handlers, stopped where
they would look at the state; then the recorded queries that Placement refused.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import FOLDER, Case, cases, request_of
from generators.document import uuid_of
from kilonova.bench.peers.third_party import allocation_candidate
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.errors import BadRequest
from kilonova.request.group import Request, RequestGroup
from kilonova.request.query import parse_query

AGGREGATE, OTHER, PROVIDER = (uuid_of(name) for name in ("agg", "other", "cn"))

# The recorded cases.

_NAMED = re.compile(r"(member_of|in_tree)(.*)")
_SIGN = re.compile("!?(in:)?")


def uuids_for_names(query: str) -> str:
    """Write UUIDs for the names in a recorded query, and percent-encode it."""
    parts = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if _NAMED.fullmatch(name):
            sign = _SIGN.match(value)
            assert sign
            names = value[sign.end() :].split(",")
            value = sign[0] + ",".join(uuid_of(name) for name in names)
        parts.append(f"{name}={quote(value)}")
    return "&".join(parts)


def recorded_request(case: Case) -> Request:
    """Return what Placement made of a query, with UUIDs for names."""
    request = request_of(case)
    groups = (
        replace(
            group,
            member_of=tuple(frozenset(map(uuid_of, c)) for c in group.member_of),
            forbidden_aggregates=frozenset(map(uuid_of, group.forbidden_aggregates)),
            in_tree=None if group.in_tree is None else uuid_of(group.in_tree),
        )
        for group in request.groups
    )
    return in_one_order(replace(request, groups=tuple(groups)))


def in_one_order(request: Request) -> Request:
    """Sort what the records do not keep in order."""
    groups = (
        replace(
            group,
            required=tuple(sorted(group.required, key=sorted)),
            member_of=tuple(sorted(group.member_of, key=sorted)),
        )
        for group in request.groups
    )
    return replace(
        request,
        groups=tuple(sorted(groups, key=lambda group: group.suffix)),
        same_subtree=tuple(sorted(request.same_subtree, key=sorted)),
    )


def test_recorded_queries() -> None:
    different = [
        case["id"]
        for case in cases()
        if in_one_order(parse_query(uuids_for_names(case["query"])))
        != recorded_request(case)
    ]
    assert len(cases()) > 3_700
    assert not different


# Placement itself.


@dataclass
class Reader:
    """Placement's handlers, with nothing behind them."""

    application: PlacementApplication
    seen: list[Request]

    def read(self, query: str, microversion: str) -> Request | tuple[int, str | None]:
        """Return what Placement reads in a query, or its status and code."""
        self.seen.clear()
        status, body = self.application.call(
            "GET", "/allocation_candidates", query=query, microversion=microversion
        )
        if status == 200:
            (request,) = self.seen
            return request
        return status, json.loads(body)["errors"][0].get("code")


@pytest.fixture(scope="module")
def placement() -> Iterator[Reader]:
    seen: list[Request] = []

    def remember(
        _context: object, groups: Any, params: Any, nested_aware: bool = True
    ) -> Any:
        seen.append(request_of_peer(groups, params))
        return allocation_candidate.AllocationCandidates([], [])

    with pytest.MonkeyPatch.context() as patch, PlacementApplication() as application:
        patch.setattr(
            allocation_candidate.AllocationCandidates, "get_by_requests", remember
        )
        yield Reader(application, seen)


def request_of_peer(groups: Any, params: Any) -> Request:
    """Build our request from Placement's own objects."""
    return Request(
        groups=tuple(
            RequestGroup(
                suffix=suffix,
                resources=group.resources,
                required=tuple(map(frozenset, group.required_traits)),
                forbidden=frozenset(group.forbidden_traits),
                member_of=tuple(map(frozenset, group.member_of)),
                forbidden_aggregates=frozenset(group.forbidden_aggs),
                in_tree=group.in_tree,
            )
            for suffix, group in groups.items()
        ),
        group_policy=params.group_policy,
        same_subtree=tuple(map(frozenset, params.same_subtrees)),
        root_required=frozenset(params.anchor_required_traits or ()),
        root_forbidden=frozenset(params.anchor_forbidden_traits or ()),
        limit=params.limit or None,
    )


TRAITS = ["CUSTOM_A", "CUSTOM_A,!CUSTOM_B", "!CUSTOM_A", " CUSTOM_A , CUSTOM_B"]
BAD_TRAITS = ["", "CUSTOM_A,", "!", "CUSTOM_A,!CUSTOM_A", "!! x", "in:", "in:A,!B"]


class Parameter(NamedTuple):
    """A parameter: the microversion it came with, good values, and bad ones nearby."""

    since: int
    good: list[str]
    bad: list[str]


PARAMETERS = {
    "resources": Parameter(
        10,
        ["VCPU:1", "VCPU:1,MEMORY_MB:2147483647", "VCPU:1,VCPU:2", "x:1"],
        ["", "VCPU", "VCPU:", "VCPU:0", "VCPU:-1", "VCPU:1:1", "VCPU:1.0", "VCPU:1,"],
    ),
    "required": Parameter(17, [*TRAITS, "in:CUSTOM_A,CUSTOM_B"], BAD_TRAITS),
    "member_of": Parameter(
        21,
        [AGGREGATE, f"in:{AGGREGATE},{OTHER}", f"!{OTHER}", f"!in:{OTHER},{AGGREGATE}"],
        ["", "!", f" {AGGREGATE}", f"{AGGREGATE},{OTHER}", f"in:{AGGREGATE},!{OTHER}"],
    ),
    "in_tree": Parameter(31, [PROVIDER, f" {PROVIDER.upper()} "], ["", PROVIDER[:-1]]),
    "limit": Parameter(16, ["1", "99999999999999999999"], ["0", "01", "-1", "x", ""]),
    "group_policy": Parameter(25, ["none", "isolate"], ["", "None"]),
    "root_required": Parameter(35, TRAITS, [*BAD_TRAITS, "in:CUSTOM_A"]),
    "same_subtree": Parameter(36, ["_A", "_A,1", " 1 , _A", "1,1"], ["", "_A,", "_B"]),
    "bogus": Parameter(39, ["1"], [""]),
}
OF_GROUPS = "required", "member_of", "in_tree"
OF_ALL = "limit", "group_policy", "root_required", "same_subtree"
BAD_SUFFIXES = ["0", "01", "é", "$", "x" * 64, "x" * 65, " "]
# All where something begins, and those just before.
MINORS = [39, 38, 36, 35, 34, 33, 32, 31, 30, 25, 24, 23, 22, 21, 20, 17, 16, 15, 10, 9]


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a query and a microversion: one that would do, and at most one mistake.

    Parameters that stand anywhere and mistakes that meet would nearly all be refused,
    for the first reason that comes.
    """
    minor = draw(st.sampled_from(MINORS))
    suffixes = ["", "1", "_A" if minor >= 33 else "2"][: 3 if minor >= 25 else 1]
    pairs = []
    for suffix in draw(st.permutations(suffixes).flatmap(prefixes)):
        if minor < 36 or draw(st.sampled_from([True, True, False])):
            pairs.append(("resources" + suffix, draw(values("resources"))))
        for name in draw(some(OF_GROUPS, minor)) * draw(st.sampled_from([1, 2])):
            pairs.append((name + suffix, draw(values(name))))
    for name in draw(some(OF_ALL, minor)):
        pairs.append((name, draw(values(name))))
    pairs += draw(st.one_of(st.just([]), st.lists(mistakes(), max_size=1)))
    pairs = draw(st.one_of(st.just(pairs), st.permutations(pairs)))
    query = "&".join(f"{quote_plus(n)}={quote_plus(v)}" for n, v in pairs)
    return query, f"1.{minor}"


def prefixes(suffixes: list[str]) -> st.SearchStrategy[list[str]]:
    """Draw how many of the suffixes are used, at least one."""
    return st.sampled_from(range(1, len(suffixes) + 1)).map(lambda n: suffixes[:n])


def some(names: tuple[str, ...], minor: int) -> st.SearchStrategy[list[str]]:
    """Draw different parameters that the microversion has."""
    there = [name for name in names if PARAMETERS[name].since <= minor]
    return st.lists(st.sampled_from(there), unique=True) if there else st.just([])


def values(name: str) -> st.SearchStrategy[str]:
    """Draw a good value."""
    return st.sampled_from(PARAMETERS[name].good)


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a parameter that is likely wrong: in its value, its suffix or its place.

    Never a limit or a group_policy, of which there may be one already: of two,
    Placement checks the last and goes by the first.
    """
    name = draw(st.sampled_from([n for n in PARAMETERS if n not in OF_ALL[:2]]))
    suffix = draw(st.sampled_from(["", "1", "_A", *BAD_SUFFIXES]))
    if name not in ("resources", *OF_GROUPS):
        suffix = ""
    good, bad = PARAMETERS[name].good, PARAMETERS[name].bad
    return name + suffix, draw(st.sampled_from([*bad, *good]))


def check(placement: Reader, query: str, microversion: str) -> None:
    """Read a query with both: the same request, or the same status and code."""
    expected = placement.read(query, microversion)
    if isinstance(expected, Request):
        assert parse_query(query, microversion) == expected
        return
    with pytest.raises(BadRequest) as refused:
        parse_query(query, microversion)
    assert (refused.value.status, refused.value.code) == expected
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("minor", MINORS)
def test_each_value_once_and_twice(placement: Reader, minor: int) -> None:
    for name, parameter in PARAMETERS.items():
        for value in [*parameter.good, *parameter.bad]:
            part = f"{name}={quote_plus(value)}"
            for times in 1, 2:
                query = "&".join(["resources=VCPU:1", *[part] * times])
                check(placement, query, f"1.{minor}")


@settings(max_examples=200)
@given(asked=queries())
def test_same_as_placement(placement: Reader, asked: tuple[str, str]) -> None:
    check(placement, *asked)


# What Placement refused.

# Only the cloud can tell that these name nothing it knows: whoever looks for the
# candidates refuses them, once it reaches the group.
LEFT_TO_THE_CANDIDATES = {
    "resources=vcpu:1",
    "resources=NO_SUCH:1",
    "resources=CUSTOM_NOPE:1",
    "resources=VCPU:1&required=CUSTOM_NOPE",
    "resources=VCPU:1&required=!CUSTOM_NOPE",
    "resources=VCPU:1&required=in:CUSTOM_A,CUSTOM_NOPE",
    "resources=VCPU:1&root_required=CUSTOM_NOPE",
}
# Placement fails on these (500); here they are bad requests.
FAILS = {"resources=VCPU:99999999999999999999"}

RECORDED_ERRORS = [
    json.loads(line)
    for line in (FOLDER / "placement_errors.jsonl").read_text().splitlines()
]


def named(query: str) -> str:
    """Write UUIDs for the three names that the recorded errors use."""
    return re.sub(
        r"(?<![\w-])(agg|cn|unknown-uuid)(?![\w-])", lambda m: uuid_of(m[1]), query
    )


@pytest.mark.parametrize(
    "case", RECORDED_ERRORS, ids=lambda c: f"{c['microversion']} {c['query']}"
)
def test_recorded_errors(case: dict[str, Any]) -> None:
    status, code = case["status"], case.get("code")
    if case["query"] in FAILS:
        status = 400
    if status == 200 or case["query"] in LEFT_TO_THE_CANDIDATES:
        assert parse_query(named(case["query"]), case["microversion"]).groups
        return
    with pytest.raises(BadRequest) as refused:
        parse_query(named(case["query"]), case["microversion"])
    assert (refused.value.status, refused.value.code) == (status, code)


def test_all_cases_left_to_the_candidates_are_recorded() -> None:
    recorded = {case["query"]: case["status"] for case in RECORDED_ERRORS}
    assert {recorded[query] for query in LEFT_TO_THE_CANDIDATES} == {400}
    assert {recorded[query] for query in FAILS} == {500}

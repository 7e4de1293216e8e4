"""The query string of GET /allocation_candidates: the limits of each rule.

Method: named queries at the limits, with what Placement 16.0.0 made of them; then what
is refused, and in which words. `test_request_peer.py` compares with Placement at large.
"""

from dataclasses import replace

import pytest

from generators.document import uuid_of
from kilonova.errors import BadRequest
from kilonova.request.group import Request, RequestGroup
from kilonova.request.microversion import Microversion, parse_microversion
from kilonova.request.query import parse_query
from kilonova.request.values import is_uuid

A, B = frozenset({"CUSTOM_A"}), frozenset({"CUSTOM_B"})
AGGREGATE, OTHER, PROVIDER = (uuid_of(name) for name in ("agg", "other", "cn"))
VCPU = RequestGroup(resources={"VCPU": 1})


def one(query: str, microversion: str = "1.39") -> RequestGroup:
    """Parse a query that has one group."""
    (group,) = parse_query(query, microversion).groups
    return group


# Microversions.


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.0", (1, 0)),
        ("1.9", (1, 9)),
        ("1.10", (1, 10)),
        ("1.39", (1, 39)),
        ("latest", (1, 39)),
        ("1.039", (1, 39)),
        ("+1. 39", (1, 39)),
    ],
)
def test_microversions(text: str, version: tuple[int, int]) -> None:
    assert parse_microversion(text) == Microversion(*version)


def test_microversions_compare_as_numbers() -> None:
    assert parse_microversion("1.9") < parse_microversion("1.10")
    assert str(parse_microversion("latest")) == "1.39"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("1.40", 406),
        ("2.0", 406),
        ("0.39", 406),
        ("1.-1", 406),
        ("1", 400),
        ("1.2.3", 400),
        ("Latest", 400),
        ("", 400),
    ],
)
def test_bad_microversions(text: str, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_microversion(text)
    assert (refused.value.status, refused.value.code) == (status, None)


# Values at their limits.


@pytest.mark.parametrize(
    ("value", "resources"),
    [
        pytest.param("VCPU:1", {"VCPU": 1}, id="least"),
        pytest.param("VCPU:2147483647", {"VCPU": 2147483647}, id="most"),
        pytest.param("VCPU:1,VCPU:2", {"VCPU": 2}, id="last of one class"),
        pytest.param("VCPU:%201_0", {"VCPU": 10}, id="a number as Python reads it"),
        pytest.param("VCPU:+7", {"VCPU": 7}, id="plus is a space"),
        pytest.param("+VCPU:1", {" VCPU": 1}, id="a class keeps its spaces"),
        pytest.param(":1", {"": 1}, id="no class: for the cloud to refuse"),
        pytest.param("vcpu:1", {"vcpu": 1}, id="no such class: likewise"),
    ],
)
def test_resources(value: str, resources: dict[str, int]) -> None:
    assert one(f"resources={value}").resources == resources


@pytest.mark.parametrize(
    ("query", "required", "forbidden"),
    [
        pytest.param("required=CUSTOM_A,CUSTOM_B", (A, B), frozenset(), id="both"),
        pytest.param("required=in:CUSTOM_A,CUSTOM_B", (A | B,), frozenset(), id="any"),
        pytest.param(
            "required=in:CUSTOM_B&required=CUSTOM_A", (B, A), frozenset(), id="in order"
        ),
        pytest.param("required=CUSTOM_A,!CUSTOM_B", (A,), B, id="forbidden"),
        pytest.param("required=!!!CUSTOM_B", (), B, id="any number of !"),
        pytest.param("required=+CUSTOM_A+,!CUSTOM_B+", (A,), B, id="spaces around"),
        pytest.param("required=!+X", (), frozenset({" X"}), id="space after !"),
        pytest.param(
            "required=+in:X", (frozenset({"in:X"}),), frozenset(), id="in: is a prefix"
        ),
        pytest.param("required=CUSTOM_A,CUSTOM_A", (A, A), frozenset(), id="twice"),
        pytest.param(
            "required=in:CUSTOM_A,CUSTOM_B&required=!CUSTOM_A", (A | B,), A, id="left"
        ),
    ],
)
def test_traits(
    query: str, required: tuple[frozenset[str], ...], forbidden: frozenset[str]
) -> None:
    group = one(f"resources=VCPU:1&{query}")
    assert (group.required, group.forbidden) == (required, forbidden)


@pytest.mark.parametrize(
    ("query", "member_of", "forbidden"),
    [
        pytest.param(f"member_of={AGGREGATE}", [{AGGREGATE}], [], id="one"),
        pytest.param(f"member_of=in:{AGGREGATE}", [{AGGREGATE}], [], id="in: one"),
        pytest.param(
            f"member_of=in:{AGGREGATE},{OTHER}", [{AGGREGATE, OTHER}], [], id="any"
        ),
        pytest.param(
            f"member_of={OTHER}&member_of={AGGREGATE}",
            [{OTHER}, {AGGREGATE}],
            [],
            id="all, in order",
        ),
        pytest.param(f"member_of=!{AGGREGATE}", [], [AGGREGATE], id="forbidden"),
        pytest.param(
            f"member_of=!in:{AGGREGATE}&member_of=!{OTHER}",
            [],
            [AGGREGATE, OTHER],
            id="forbidden are gathered",
        ),
        pytest.param(
            f"member_of={AGGREGATE}&member_of=!{AGGREGATE}",
            [{AGGREGATE}],
            [AGGREGATE],
            id="a contradiction is allowed",
        ),
    ],
)
def test_aggregates(
    query: str, member_of: list[set[str]], forbidden: list[str]
) -> None:
    group = one(f"resources=VCPU:1&{query}")
    assert group.member_of == tuple(frozenset(clause) for clause in member_of)
    assert group.forbidden_aggregates == frozenset(forbidden)


def test_in_tree_loses_spaces_and_the_last_one_counts() -> None:
    query = f"resources=VCPU:1&in_tree={AGGREGATE}&in_tree=+{PROVIDER}+"
    assert one(query).in_tree == PROVIDER


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (PROVIDER, True),
        (PROVIDER.upper(), True),
        (PROVIDER.replace("-", ""), True),
        (f"{{urn:uuid:{PROVIDER}}}", True),
        (PROVIDER[:-1], False),
        (f"{PROVIDER}0", False),
        (f" {PROVIDER[1:]}", False),
        (f"g{PROVIDER[1:]}", False),
        ("", False),
    ],
)
def test_uuids(text: str, answer: bool) -> None:
    assert is_uuid(text) is answer


def test_parameters_of_the_whole_request() -> None:
    query = (
        "resources_A=VCPU:1&required_B=CUSTOM_A&group_policy=isolate"
        "&root_required=CUSTOM_A,!CUSTOM_B,CUSTOM_A"
        "&same_subtree=+_A,_B&same_subtree=_B&limit=5"
    )
    assert parse_query(query) == Request(
        groups=(
            RequestGroup("_A", {"VCPU": 1}),
            RequestGroup("_B", required=(A,)),
        ),
        group_policy="isolate",
        same_subtree=(frozenset({"_A", "_B"}), frozenset({"_B"})),
        root_required=A,
        root_forbidden=B,
        limit=5,
    )


@pytest.mark.parametrize(
    ("query", "suffixes"),
    [
        ("resources=VCPU:1&resources_A=VCPU:1", ["", "_A"]),
        ("resources_A=VCPU:1&resources=VCPU:1", ["_A", ""]),
        (
            "required_B=CUSTOM_A&resources=VCPU:1&resources_A=VCPU:1&resources_B=VCPU:1"
            "&group_policy=none",
            ["_B", "", "_A"],
        ),
    ],
)
def test_groups_keep_the_order_of_their_first_parameter(
    query: str, suffixes: list[str]
) -> None:
    assert [group.suffix for group in parse_query(query).groups] == suffixes


@pytest.mark.parametrize(
    ("query", "microversion", "request_"),
    [
        pytest.param(
            "&;resources=VCPU:9;resources=VCPU:1&",
            "1.10",
            Request((VCPU,)),
            id="the last resources count",
        ),
        pytest.param(
            "resources=VCPU:1&limit=1&limit=5",
            "1.16",
            Request((VCPU,), limit=1),
            id="the first limit counts",
        ),
        pytest.param(
            "resources=VCPU:1&group_policy=isolate&group_policy=none",
            "1.25",
            Request((VCPU,), group_policy="isolate"),
            id="the first group_policy counts",
        ),
        pytest.param(
            "resources=VCPU:1&required=,&required=CUSTOM_A",
            "1.38",
            Request((replace(VCPU, required=(A,)),)),
            id="before 1.39 only the last required is read",
        ),
        pytest.param(
            "resources12345=VCPU:1",
            "1.25",
            Request((replace(VCPU, suffix="12345"),)),
            id="a numbered group",
        ),
        pytest.param(
            f"resources{'x' * 64}=VCPU:1",
            "1.33",
            Request((replace(VCPU, suffix="x" * 64),)),
            id="the longest suffix",
        ),
        pytest.param(
            "resour%63es=VCPU%3A1", "latest", Request((VCPU,)), id="percent-encoded"
        ),
    ],
)
def test_repetitions_and_microversions(
    query: str, microversion: str, request_: Request
) -> None:
    assert parse_query(query, microversion) == request_


def test_equal_requests_have_one_hash() -> None:
    both = [parse_query(f"resources={v}") for v in ("VCPU:1,VGPU:2", "VGPU:2,VCPU:1")]
    assert both[0] == both[1]
    assert len(set(both)) == 1


# What is refused.


@pytest.mark.parametrize(
    ("query", "microversion", "message"),
    [
        ("resources=VCPU:0", "1.39", "resources: VCPU must be at least 1, got 0."),
        (
            "resources_A=VCPU:2147483648",
            "1.39",
            "resources_A: VCPU must be at most 2147483647, got 2147483648.",
        ),
        (
            "resources=VCPU:" + "9" * 20,
            "1.39",
            f"resources: VCPU must be at most 2147483647, got {'9' * 20}.",
        ),
        (
            "resources=VCPU:x",
            "1.39",
            "resources: VCPU must be a whole number, got 'x'.",
        ),
        (
            "resources=VCPU:1&limit=x&limit=5",
            "1.39",
            "limit must be a whole number from 1, got 'x'.",
        ),
        (
            "resources=VCPU:1&limit=5%0A",
            "1.39",
            "limit must be a whole number from 1, got '5\\n'.",
        ),
        (
            "resources_A%0A=VCPU:1",
            "1.39",
            "resources must end in at most 64 of the characters a-z A-Z 0-9 _ -, "
            "got 'resources_A\\n'.",
        ),
        (
            "resources=VCPU:1&group_policy=&group_policy=none",
            "1.39",
            "group_policy must be 'none' or 'isolate', got ''.",
        ),
        (
            "resources=VCPU:1&limit=1",
            "1.15",
            "limit needs microversion 1.16 or later, got 1.15.",
        ),
        (
            "resources01=VCPU:1",
            "1.25",
            "resources must end in a number from 1 before microversion 1.33, "
            "got 'resources01'.",
        ),
        (
            "resources1=VCPU:1",
            "1.24",
            "resources must have no suffix before microversion 1.25, got 'resources1'.",
        ),
        (
            "bogus=1",
            "1.17",
            "No parameter is called 'bogus'. Known: ('limit', 'required', "
            "'resources').",
        ),
        (
            "resources=VCPU:1&required=%FF",
            "1.39",
            "A query must be UTF-8 and percent-encoded, got '%FF'.",
        ),
        (
            "resources=VCPU:1&required_A=CUSTOM_A",
            "1.39",
            "resources_A must be given, or same_subtree must name '_A', got neither.",
        ),
        (
            "resources_A=VCPU:1&required_B=CUSTOM_A&same_subtree=_A,_B",
            "1.39",
            "group_policy must be 'none' or 'isolate' with two or more suffixed "
            "groups, got none for ['_A', '_B'].",
        ),
    ],
)
def test_messages(query: str, microversion: str, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_query(query, microversion)
    assert str(refused.value) == message


@pytest.mark.parametrize("digits", [4_300, 4_301])
def test_endless_numbers(digits: int) -> None:
    with pytest.raises(BadRequest, match="resources: VCPU must be"):
        parse_query(f"resources=VCPU:{'9' * digits}")


def test_the_longest_limit() -> None:
    assert parse_query(f"resources=VCPU:1&limit={'9' * 4_300}").limit == 10**4_300 - 1
    with pytest.raises(BadRequest, match="limit must be a whole number"):
        parse_query(f"resources=VCPU:1&limit={'9' * 4_301}")

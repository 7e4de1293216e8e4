"""A request is rendered as the query that asks for it, and for nothing else.

Method: named requests with the whole string; random requests that are parsed again;
the recorded queries, rendered and parsed; then requests that no query can express.
"""

import pickle
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import cases, request_of
from generators.document import uuid_of
from kilonova.errors import BadRequest
from kilonova.request.checks import check_request
from kilonova.request.group import Request, RequestGroup
from kilonova.request.query import parse_query
from kilonova.request.rendering import render_query
from kilonova.request.values import AMOUNT_MAX

A, B, EITHER = frozenset("A"), frozenset("B"), frozenset("AB")
AGGREGATES = [uuid_of(name) for name in ("one", "two", "three")]
VCPU = RequestGroup(resources={"VCPU": 1})


@pytest.mark.parametrize(
    ("request_", "query"),
    [
        pytest.param(Request((VCPU,)), "resources=VCPU:1", id="least"),
        pytest.param(
            Request((RequestGroup(resources={"VGPU": 1, "DISK_GB": 2}),)),
            "resources=DISK_GB:2,VGPU:1",
            id="classes are sorted",
        ),
        pytest.param(
            Request((replace(VCPU, required=(B, A), forbidden=frozenset("DC")),)),
            "resources=VCPU:1&required=B,A,!C,!D",
            id="required is not, forbidden is",
        ),
        pytest.param(
            Request(
                (replace(VCPU, required=(A, EITHER, B), forbidden=frozenset("C")),)
            ),
            "resources=VCPU:1&required=A&required=in:A,B&required=B,!C",
            id="any-of stands alone",
        ),
        pytest.param(
            Request((replace(VCPU, required=(EITHER,), forbidden=A),)),
            "resources=VCPU:1&required=in:A,B&required=!A",
            id="forbidden after any-of",
        ),
        pytest.param(
            Request((replace(VCPU, suffix="_A"), replace(VCPU, suffix=""))),
            "resources_A=VCPU:1&resources=VCPU:1",
            id="groups keep their order",
        ),
        pytest.param(
            Request(
                (RequestGroup("1", {"VCPU": 1}), RequestGroup("2", required=(A,))),
                "isolate",
                (frozenset("21"), frozenset("2")),
                A,
                B,
                7,
            ),
            "resources1=VCPU:1&required2=A&group_policy=isolate&root_required=A,!B"
            "&same_subtree=1,2&same_subtree=2&limit=7",
            id="the whole request",
        ),
        pytest.param(
            Request((RequestGroup(resources={"A&B+C %é": 1}),)),
            "resources=A%26B%2BC%20%25%C3%A9:1",
            id="percent-encoded",
        ),
    ],
)
def test_queries(request_: Request, query: str) -> None:
    assert render_query(request_) == query


def test_aggregates_and_tree() -> None:
    one, two, three = sorted(AGGREGATES)
    group = replace(
        VCPU,
        member_of=(frozenset([two]), frozenset([three, one])),
        forbidden_aggregates=frozenset([three, two]),
        in_tree=one,
    )
    assert unquote(render_query(Request((group,)))) == (
        f"resources=VCPU:1&member_of={two}&member_of=in:{one},{three}"
        f"&member_of=!in:{two},{three}&in_tree={one}"
    )


# Random requests.

names = st.text("ABZ019_", min_size=1, max_size=6)
suffixes = st.text("azAZ09_-", max_size=64)
uuids = st.uuids().map(str)


def clauses(items: st.SearchStrategy[str]) -> st.SearchStrategy[list[frozenset[str]]]:
    """Draw clauses, some of them twice and some with one member."""
    return st.lists(st.frozensets(items, min_size=1, max_size=3), max_size=4)


@st.composite
def groups(draw: st.DrawFn, suffix: str) -> RequestGroup:
    """Draw a group that Placement would take."""
    required = draw(clauses(names))
    forbidden = draw(st.frozensets(names, max_size=3))
    amounts = st.one_of(st.sampled_from([1, AMOUNT_MAX]), st.integers(1, AMOUNT_MAX))
    return RequestGroup(
        suffix=suffix,
        resources=draw(st.dictionaries(names, amounts, max_size=3)),
        required=tuple(clause for clause in required if not clause <= forbidden),
        forbidden=forbidden,
        member_of=tuple(draw(clauses(uuids))),
        forbidden_aggregates=draw(st.frozensets(uuids, max_size=3)),
        in_tree=draw(st.none() | uuids),
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request; what would make it impossible is mended."""
    drawn = draw(st.lists(suffixes, min_size=1, max_size=4, unique=True))
    found = [draw(groups(suffix)) for suffix in drawn]
    if not found[0].resources or any(not g.resources and not g.suffix for g in found):
        found = [replace(group, resources={"VCPU": 1}) for group in found]
    # A group that asks for nothing leaves no trace in a query.
    found = [g for g in found if g != RequestGroup(suffix=g.suffix)]
    known = [group.suffix for group in found if group.suffix]
    empty = frozenset(group.suffix for group in found if not group.resources)
    subtrees = draw(
        st.lists(st.frozensets(st.sampled_from(known), min_size=1), max_size=2)
        if known
        else st.just([])
    )
    policies = st.sampled_from(["none", "isolate"])
    root = draw(st.frozensets(names, max_size=3))
    return Request(
        groups=tuple(found),
        group_policy=draw(policies if len(known) > 1 else st.none() | policies),
        same_subtree=tuple([*subtrees, empty] if empty else subtrees),
        root_required=root,
        root_forbidden=draw(st.frozensets(names, max_size=3)) - root,
        limit=draw(st.none() | st.integers(1, 10**20)),
    )


@given(requests())
def test_parsing_gives_the_request_again(request_: Request) -> None:
    check_request(request_)
    again = parse_query(render_query(request_))
    assert again == request_
    assert hash(again) == hash(request_)


@given(requests())
def test_a_request_survives_pickling(request_: Request) -> None:
    assert pickle.loads(pickle.dumps(request_)) == request_


def test_recorded_requests() -> None:
    asked = [request_of(case) for case in cases()]
    plain = [
        replace(
            request,
            groups=tuple(
                replace(g, member_of=(), forbidden_aggregates=frozenset(), in_tree=None)
                for g in request.groups
                if g.resources
            ),
            same_subtree=(),
        )
        for request in asked
    ]
    assert len(plain) > 3_700
    assert all(parse_query(render_query(request)) == request for request in plain)


# What no query says.


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        pytest.param(Request(()), "resources must be given", id="no group"),
        pytest.param(
            Request((VCPU, RequestGroup("_A")), same_subtree=(frozenset(["_A"]),)),
            r"same_subtree must name suffixes of \[''\], got \['_A'\]",
            id="a group that asks for nothing",
        ),
        pytest.param(
            Request((VCPU, RequestGroup("_A"))), "No query says", id="nor is used"
        ),
        pytest.param(
            Request((replace(VCPU, required=(frozenset(["A,B"]),)),)),
            "No query says",
            id="a comma in a trait",
        ),
        pytest.param(
            Request((replace(VCPU, required=(frozenset(),)),)),
            "required must name a trait",
            id="a clause that cannot hold",
        ),
        pytest.param(
            Request((replace(VCPU, suffix="a b"),)),
            "resources must end in at most 64",
            id="a suffix with a space",
        ),
        pytest.param(
            Request((RequestGroup(resources={"VCPU": 0}),)),
            "resources: VCPU must be at least 1, got 0",
            id="nothing of a class",
        ),
        pytest.param(
            Request((replace(VCPU, suffix="1"), replace(VCPU, suffix="2"))),
            "group_policy must be 'none' or 'isolate'",
            id="no group policy",
        ),
        pytest.param(Request((VCPU, VCPU)), "No query says", id="one suffix twice"),
    ],
)
def test_what_cannot_be_said(request_: Request, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        render_query(request_)

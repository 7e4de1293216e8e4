"""An unknown name is an error only if everything before it has a solution.

Named cases at the edges of Placement's order, then random requests of known groups with
one unknown name somewhere, against the oracle; what Placement itself says to such
queries is compared in test_differential.
"""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from asking import in_uuids, named_document, with_uuids
from generators.clouds import random_cloud
from generators.queries import random_query
from kilonova import Cloud, Request, RequestGroup
from kilonova.errors import BadRequest
from kilonova.request.query import parse_query
from oracle import state
from oracle.candidates import candidates
from oracle.groups import UnknownNameError

NOPE = "CUSTOM_NOPE"
VCPU = {"VCPU": 1}
VGPU = {"VGPU": 1}
TOO_MUCH = RequestGroup("", {"VCPU": 99})
ASKS = RequestGroup("_A", VGPU, required=(frozenset({NOPE}),))


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    """Make a host with a device.

    cn     VCPU, CUSTOM_T, aggregate agg
    +-- g  VGPU
    """
    return Cloud.from_document(
        {
            "providers": [
                {
                    "name": "cn",
                    "inventories": {"VCPU": {"total": 8}},
                    "traits": ["CUSTOM_T"],
                    "aggregates": ["agg"],
                },
                {"name": "g", "parent": "cn", "inventories": {"VGPU": {"total": 4}}},
            ]
        }
    )


def of(*groups: RequestGroup, **wide: Any) -> Request:
    policy = "none" if sum(bool(group.suffix) for group in groups) > 1 else None
    return Request(groups, policy, **wide)


AGG, GHOST = (frozenset({name}) for name in ("agg", "ghost"))


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(of(RequestGroup("", VCPU), ASKS), id="last group"),
        pytest.param(of(ASKS, TOO_MUCH), id="before a group without solution"),
        pytest.param(
            of(RequestGroup("", {"VCPU": 99, NOPE: 1})), id="class, beside too much"
        ),
        pytest.param(
            of(RequestGroup("", {NOPE: 1}, member_of=(GHOST,))),
            id="class before aggregate",
        ),
        pytest.param(
            of(RequestGroup("", VCPU, forbidden=frozenset({NOPE}), in_tree="ghost")),
            id="trait before tree",
        ),
        pytest.param(
            of(RequestGroup("", {"VCPU": 99}, forbidden=frozenset({NOPE}))),
            id="trait before room",
        ),
        pytest.param(
            of(TOO_MUCH, root_required=frozenset({NOPE})), id="root before groups"
        ),
        pytest.param(
            of(
                TOO_MUCH,
                root_required=frozenset({"HW_CPU_X86_AVX2"}),
                root_forbidden=frozenset({NOPE}),
            ),
            id="root, forbidden, beside one that no root has",
        ),
        pytest.param(
            of(RequestGroup("", VCPU, member_of=(AGG,)), ASKS),
            id="after a group in an aggregate",
        ),
    ],
)
def test_reached(cloud: Cloud, request_: Request) -> None:
    with pytest.raises(BadRequest, match=NOPE) as refused:
        cloud.allocation_candidates(request_)
    assert refused.value.status == 400
    assert refused.value.code == "placement.undefined_code"
    with pytest.raises(BadRequest) as refused:
        cloud.allocation_candidates(request_, microversion="1.22")
    assert refused.value.code is None


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(of(TOO_MUCH, ASKS), id="trait"),
        pytest.param(of(TOO_MUCH, RequestGroup("_A", {NOPE: 1})), id="class"),
        pytest.param(of(replace(ASKS, member_of=(GHOST,))), id="aggregate"),
        pytest.param(
            of(RequestGroup("", VCPU, in_tree="ghost"), ASKS), id="tree of the first"
        ),
        pytest.param(
            of(ASKS, root_required=frozenset({"HW_CPU_X86_AVX2"})), id="no such root"
        ),
        pytest.param(
            of(ASKS, root_forbidden=frozenset({"CUSTOM_T"})), id="no root without it"
        ),
        pytest.param(
            of(
                RequestGroup("", VCPU, required=(frozenset({"HW_CPU_X86_AVX2"}),)), ASKS
            ),
            id="clause of the first",
        ),
        pytest.param(
            of(RequestGroup("_B", {"VCPU": 1, "VGPU": 1}), ASKS),
            id="no provider of both",
        ),
    ],
)
def test_not_reached(cloud: Cloud, request_: Request) -> None:
    found = cloud.allocation_candidates(request_)
    assert not found
    assert found.count() == 0
    assert list(found) == []
    nothing: dict[str, Any] = {"allocation_requests": [], "provider_summaries": {}}
    assert found.to_placement() == nothing
    assert found.to_arrow().num_rows == 0


def test_a_group_alone_is_solved_under_the_wanted_roots_only() -> None:
    """Forbid the trait of the only host that has what the first group asks for."""
    cloud = Cloud.from_document(
        {
            "providers": [
                {
                    "name": "cn",
                    "inventories": {"VGPU": {"total": 4}},
                    "traits": ["CUSTOM_T"],
                },
                {"name": "other", "inventories": {"VCPU": {"total": 8}}},
            ]
        }
    )
    first = RequestGroup("", VGPU)
    with pytest.raises(BadRequest, match=NOPE):
        cloud.allocation_candidates(of(first, ASKS))
    without = of(first, ASKS, root_forbidden=frozenset({"CUSTOM_T"}))
    assert not cloud.allocation_candidates(without)


def spoil(rng: random.Random, request: Request) -> Request:
    """Put an unknown name somewhere into a request."""
    place = rng.randrange(len(request.groups))
    group = request.groups[place]
    kind = rng.choice(["class", "required", "any", "forbidden", "root"])
    unknown = frozenset({NOPE})
    if kind == "root":
        return replace(request, root_forbidden=request.root_forbidden | unknown)
    if kind == "class" and group.resources:
        group = replace(group, resources={**group.resources, NOPE: 1})
    elif kind == "forbidden":
        group = replace(group, forbidden=group.forbidden | unknown)
    else:
        clause = unknown | {"CUSTOM_GOLD"} if kind == "any" else unknown
        group = replace(group, required=(*group.required, clause))
    groups = (*request.groups[:place], group, *request.groups[place + 1 :])
    return replace(request, groups=groups)


def test_same_as_oracle() -> None:
    came_to = Counter[str]()
    for seed in range(150):
        document = random_cloud(seed)
        plain = named_document(in_uuids(document))
        cloud = Cloud.from_document(plain)
        known = state.from_document(plain, plain["traits"], plain["resource_classes"])
        for number in range(2):
            query = random_query(document, 1000 * seed + number)
            rng = random.Random(f"spoil {seed} {number}")
            request = spoil(rng, parse_query(with_uuids(query)))
            try:
                expected = "empty" if not candidates(known, request) else "found"
            except UnknownNameError:
                expected = "refused"
            try:
                got = "found" if cloud.allocation_candidates(request) else "empty"
            except BadRequest:
                got = "refused"
            assert got == expected, (seed, query)
            came_to[got] += 1
    assert came_to["refused"] > 50
    assert came_to["empty"] > 20
    assert not came_to["found"]

"""Compiled plans: where counting providers decides, it says what a search would say.

Whether a tree fits is found in three ways: by the kernels as plans are compiled, by the
search alone, and by the oracle. Random requests lean to what counting is made for, and
to what it must not be used for: alike groups that are kept apart, a class both in the
unsuffixed group and in a suffixed one, required traits that several providers have only
together.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.cases import Case, random_case
from generators.clouds import SHARES, TRAITS
from kilonova.candidates.clauses import MISSING_TREE
from kilonova.candidates.cloud import Cloud
from kilonova.candidates.compile import Plans, compile_requests
from kilonova.errors import BadInput, UnknownResourceClass, UnknownTrait
from kilonova.request.group import Request, RequestGroup
from kilonova_kernels.candidates import fill_candidates
from kilonova_kernels.columns import ResultColumns
from kilonova_kernels.fits import mark_fitting
from oracle.candidates import anchored_candidates
from oracle.state import State

SEEDS = st.integers(0, 10**6)


def fitting(cloud: Cloud, plans: Plans) -> list[bool]:
    """Mark the trees that fit, as placement does."""
    columns = cloud.state.columns()
    fits = np.zeros(len(columns.roots), np.bool_)
    search = plans.search(cloud.state.largest_pool())
    found = mark_fitting(columns, plans.columns, 0, search, fits)
    assert found == fits.sum()
    marks: list[bool] = fits.tolist()
    return marks


def searched(cloud: Cloud, plans: Plans) -> list[bool]:
    """Mark the trees in which a search without any counting finds a candidate."""
    columns = cloud.state.columns()
    count = len(columns.roots)
    every = np.arange(count, dtype=np.int32)
    out = ResultColumns(
        tree=np.zeros(count, np.int32),
        provider=np.zeros((count, len(plans.slots[0])), np.int32),
        # At most one candidate of each tree.
        at=np.array([0, 0, 1, 0], np.int64),
        place=every.copy(),
    )
    search = plans.search(cloud.state.largest_pool())
    found = fill_candidates(columns, plans.columns, 0, every, search, out, count)
    trees = set(out.tree[:found].tolist())
    return [tree in trees for tree in range(count)]


def wanted(cloud: Cloud, state: State, request: Request, aware: bool) -> list[bool]:
    anchors = {c.anchor for c in anchored_candidates(state, request, aware)}
    roots = cloud.state.index().roots.tolist()
    return [cloud.state.provider_names[root] in anchors for root in roots]


def check(case: Case, request: Request, aware: bool = True) -> Plans:
    cloud = Cloud.from_document(case.document)
    plans = compile_requests(cloud.state, [request], nested_aware=aware)
    right = wanted(cloud, case.state, request, aware)
    assert searched(cloud, plans) == right
    assert fitting(cloud, plans) == right
    return plans


@given(SEEDS, SEEDS, st.booleans())
def test_random_requests(seed: int, number: int, aware: bool) -> None:
    case = random_case(seed, number)
    # Groups without resources came with 1.36, which knows of nested providers.
    aware = aware or not all(group.resources for group in case.request.groups)
    check(case, case.request, aware)


@given(SEEDS, st.randoms(use_true_random=False))
def test_requests_that_counting_is_made_for(seed: int, draw: random.Random) -> None:
    case = random_case(seed)
    check(case, countable(case.state, draw))


def countable(state: State, draw: random.Random) -> Request:
    """Draw alike suffixed groups, and an unsuffixed one with clauses on traits."""
    name = draw.choice([p.root for p in state.providers.values()])
    tree = [p for p in state.providers.values() if p.root == name]
    tree += [p for p in state.providers.values() if p.is_sharing]
    offers = [(p, c) for p in tree for c in p.inventories]
    groups: list[RequestGroup] = []
    for _ in range(draw.choice([1, 1, 2])):
        provider, resource_class = draw.choice(offers or [(None, "VCPU")])
        amount = 1
        if provider is not None:
            offer = provider.inventories[resource_class]
            room = offer.capacity - provider.used.get(resource_class, 0)
            amount = draw.choice([offer.min_unit, offer.min_unit, room, room + 1])
        resources = {resource_class: max(1, amount)}
        traits = sorted(provider.traits - {SHARES}) if provider else []
        required = (
            [frozenset(draw.sample(traits, 1))] if traits[draw.randrange(3) :] else []
        )
        alike = RequestGroup("", resources, tuple(required))
        groups += [
            replace(alike, suffix=f"_{len(groups) + i}")
            for i in range(draw.choice([1, 2, 2, 3]))
        ]
    if draw.random() < 0.7:
        groups.insert(0, plain(offers, draw))
    policy = draw.choice(["isolate", "isolate", "isolate", "none"])
    return Request(tuple(groups), policy)


def plain(offers: Sequence[tuple[object, str]], draw: random.Random) -> RequestGroup:
    """Draw the unsuffixed group: classes of the tree, and traits to have together."""
    classes = sorted({name for _, name in offers}) or ["VCPU"]
    chosen = draw.sample(classes, min(len(classes), draw.choice([1, 2, 2])))
    clauses = [
        frozenset(draw.sample(TRAITS, draw.choice([1, 2])))
        for _ in range(draw.choice([0, 0, 1, 2]))
    ]
    return RequestGroup("", dict.fromkeys(chosen, 1), tuple(clauses))


def rack() -> Cloud:
    """Make a host with two NUMA cells and three devices.

    host            DISK_GB 10, CUSTOM_GOLD
    +-- host:0      VCPU 4, CUSTOM_SILVER
    +-- host:1      VCPU 2, HW_CPU_X86_AVX2
    +-- host:a      VGPU 1
    +-- host:b      VGPU 1
    +-- host:c      VGPU 2
    """
    cloud = Cloud()
    for trait in ("CUSTOM_GOLD", "CUSTOM_SILVER"):
        cloud.add_trait(trait)
    disk = {"DISK_GB": {"total": 10}}
    cloud.add_provider("host", inventories=disk, traits=["CUSTOM_GOLD"])
    for name, resource_class, total, traits in (
        ("0", "VCPU", 4, ["CUSTOM_SILVER"]),
        ("1", "VCPU", 2, ["HW_CPU_X86_AVX2"]),
        ("a", "VGPU", 1, []),
        ("b", "VGPU", 1, []),
        ("c", "VGPU", 2, []),
    ):
        inventories = {resource_class: {"total": total}}
        cloud.add_provider(
            f"host:{name}", "host", inventories=inventories, traits=traits
        )
    return cloud


def asked(suffix: str = "", *required: str, **resources: int) -> RequestGroup:
    return RequestGroup(
        suffix, resources, tuple(frozenset(clause.split("|")) for clause in required)
    )


def gpus(count: int, amount: int = 1) -> list[RequestGroup]:
    return [asked(f"_{i}", VGPU=amount) for i in range(count)]


@pytest.mark.parametrize(
    ("groups", "policy", "fits", "counts"),
    [
        pytest.param([asked(VCPU=4)], None, True, True, id="all of it"),
        pytest.param([asked(VCPU=5)], None, False, True, id="one too many"),
        pytest.param(gpus(3), "isolate", True, True, id="three apart"),
        pytest.param(gpus(4), "isolate", False, True, id="four apart"),
        pytest.param(gpus(4), "none", True, False, id="four together"),
        pytest.param(gpus(2, 2), "isolate", False, True, id="two of two"),
        pytest.param(
            [*gpus(2), asked("_9", VGPU=2)], "isolate", True, False, id="unlike ones"
        ),
        pytest.param(
            [*gpus(3), asked("_9", VGPU=2)], "isolate", False, False, id="too many"
        ),
        pytest.param(
            [asked(VGPU=1), *gpus(3)], "isolate", True, False, id="class in both"
        ),
        pytest.param(
            [asked(VGPU=2), *gpus(3)], "isolate", False, False, id="class in both, full"
        ),
        pytest.param(
            [asked("", "CUSTOM_GOLD", "CUSTOM_SILVER", VCPU=1, DISK_GB=1)],
            None, True, True, id="traits together",
        ),
        pytest.param(
            [asked("", "CUSTOM_SILVER", "HW_CPU_X86_AVX2", VCPU=1, DISK_GB=1)],
            None, False, True, id="one class cannot be two cells",
        ),
        pytest.param(
            [asked("", "HW_CPU_X86_AVX2", VCPU=3, DISK_GB=1)],
            None, False, True, id="trait of a cell that is too small",
        ),
    ],
)  # fmt: skip
def test_named_cases(
    groups: list[RequestGroup], policy: str | None, fits: bool, counts: bool
) -> None:
    cloud = rack()
    plans = compile_requests(cloud.state, [Request(tuple(groups), policy)])
    assert bool(plans.columns.plan_counts[0]) is counts
    assert fitting(cloud, plans) == [fits]
    assert searched(cloud, plans) == [fits]


def test_alike_groups_are_counted_once() -> None:
    """Of two kinds each is looked at once; how many there are is left to the search."""
    groups = (*gpus(3), asked("_8", VCPU=1), asked("_9", VCPU=1))
    plans = compile_requests(rack().state, [Request(groups, "isolate")]).columns
    assert plans.slot_counted.tolist() == [True, False, False, True, False]
    assert plans.plan_twins.tolist() == [1]
    alone = compile_requests(rack().state, [Request(groups[:3], "isolate")]).columns
    assert alone.plan_twins.tolist() == [3]


def test_plans_lie_one_after_the_other() -> None:
    """A plan compiled behind others decides as it does alone."""
    cloud = rack()
    requests = [
        Request((asked(VCPU=5),)),
        Request(tuple(gpus(3)), "isolate"),
        Request((asked(VCPU=2, DISK_GB=10), *gpus(4)), "isolate"),
        Request((asked("", "CUSTOM_GOLD", DISK_GB=1),)),
    ]
    plans = compile_requests(cloud.state, requests)
    columns, fits = cloud.state.columns(), np.zeros(1, np.bool_)
    search = plans.search(cloud.state.largest_pool())
    got = [
        mark_fitting(columns, plans.columns, number, search, fits)
        for number in range(4)
    ]
    assert got == [0, 1, 0, 1]
    assert plans.slots == ((0,), (0, 1, 2), (0, 0, 1, 2, 3, 4), (0,))


def test_in_tree_of_nobody_serves_nobody() -> None:
    request = Request((replace(asked(VCPU=1), in_tree="nobody"),))
    plans = compile_requests(rack().state, [request])
    assert plans.columns.group_tree.tolist() == [MISSING_TREE]
    assert fitting(rack(), plans) == [False]


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        pytest.param(Request(()), BadInput, "1 to 63 groups, got 0", id="no group"),
        pytest.param(Request(tuple(gpus(64))), BadInput, "got 64", id="many groups"),
        pytest.param(
            Request((asked("", *["CUSTOM_GOLD"] * 64, VCPU=1),)),
            BadInput, "63 required clauses, got 64", id="many clauses",
        ),
        pytest.param(
            Request((asked(CUSTOM_NOT=1),)),
            UnknownResourceClass, "'CUSTOM_NOT'", id="class",
        ),
        pytest.param(
            Request((asked("", "CUSTOM_NOT", VCPU=1),)),
            UnknownTrait, "'CUSTOM_NOT'", id="trait",
        ),
    ],
)  # fmt: skip
def test_refused(request_: Request, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compile_requests(rack().state, [request_])


def test_most_groups_and_clauses() -> None:
    clauses = ["CUSTOM_GOLD"] * 63
    request = Request((asked("", *clauses, DISK_GB=1), *gpus(62)))
    assert fitting(rack(), compile_requests(rack().state, [request])) == [False]
    alone = Request((asked("", *clauses, DISK_GB=1),))
    assert fitting(rack(), compile_requests(rack().state, [alone])) == [True]

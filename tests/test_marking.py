"""Marks by scan, and marks kept by the journal, are those of looking at each tree.

Random clouds and requests of the generators; the truth is the naive oracle, which knows
neither plans nor marks. Claims and releases then change the clouds at random, and the
kept marks must follow; traits and aggregates change, and the marks must be made anew.
"""

import random

import numpy as np
import pytest

from generators.cases import Case, random_case
from kilonova import Cloud, DoesNotFit
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.compile import compile_requests
from kilonova.candidates.marking import Marking, marking_of
from kilonova.request.query import parse_query
from oracle.candidates import anchored_candidates

SHAPES = ("flat", "nested", "sharing")
PORT = (
    "resources=VCPU:8,MEMORY_MB:32768,DISK_GB:160"
    "&resources_p=NET_BW_EGR_KILOBIT_PER_SEC:{0},NET_BW_IGR_KILOBIT_PER_SEC:{0}"
    "&required_p=CUSTOM_PHYSNET_PHYSNET0,CUSTOM_VNIC_TYPE_NORMAL"
)


def marked(cloud: Cloud, marking: Marking) -> set[str]:
    fits = marking.fits(cloud.state)
    roots = cloud.state.index().roots
    return {cloud.state.provider_names[int(row)] for row in roots[fits]}


def freshly_marked(cloud: Cloud, marking: Marking) -> set[str]:
    """Mark tree by tree with plans that nobody kept."""
    from kilonova_kernels.fits import mark_fitting

    state = cloud.state
    plans = compile_requests(state, marking.plans.requests)
    fits = np.zeros(len(state.index().roots), np.bool_)
    search = plans.search(state.largest_pool())
    mark_fitting(state.columns(), plans.columns, 0, search, fits)
    return {state.provider_names[int(row)] for row in state.index().roots[fits]}


def expected(case: Case) -> set[str]:
    return {found.anchor for found in anchored_candidates(case.state, case.request)}


@pytest.mark.parametrize("seed", range(120))
def test_same_as_oracle(seed: int) -> None:
    for number in range(3):
        case = random_case(seed, number)
        cloud = Cloud.from_document(case.document)
        marking = Marking(cloud.state, case.request, True)
        assert marked(cloud, marking) == expected(case)


@pytest.mark.parametrize("seed", range(40))
def test_kept_marks_follow_claims(seed: int) -> None:
    case = random_case(seed)
    cloud = Cloud.from_document(case.document)
    marking = marking_of(cloud.state, case.request, True)
    rng = random.Random(seed)
    taken: list[str] = []
    for step in range(30):
        if taken and rng.random() < 0.4:
            cloud.release(taken.pop(rng.randrange(len(taken))))
        else:
            provider = rng.choice(case.document["providers"])
            offers = cloud.inventories(provider["name"])
            for name, offer in offers.items():
                room = offer.capacity - cloud.usages(provider["name"])[name]
                amount = rng.choice([offer.min_unit, room, room - offer.step_size])
                try:
                    cloud.claim(f"c{step}{name}", {provider["name"]: {name: amount}})
                except (DoesNotFit, ValueError):
                    continue
                taken.append(f"c{step}{name}")
        if rng.random() < 0.5:
            assert marking is marking_of(cloud.state, case.request, True)
            assert marked(cloud, marking) == freshly_marked(cloud, marking)
    assert marked(cloud, marking) == freshly_marked(cloud, marking)


def test_edits_make_marks_anew() -> None:
    cloud = Cloud.from_document(synthetic_cloud(5, "nested", 0.0, 1))
    request = parse_query(PORT.format(1000))
    bridge = "host00003:Open vSwitch agent:br-physnet0"
    assert len(marked(cloud, marking_of(cloud.state, request, True))) == 5
    cloud.set_traits(bridge, [])
    assert "host00003" not in marked(cloud, marking_of(cloud.state, request, True))
    cloud.set_traits(bridge, ["CUSTOM_PHYSNET_PHYSNET0", "CUSTOM_VNIC_TYPE_NORMAL"])
    assert len(marked(cloud, marking_of(cloud.state, request, True))) == 5
    cloud.set_inventory("host00001", "VCPU", {"total": 64, "min_unit": 9})
    assert "host00001" not in marked(cloud, marking_of(cloud.state, request, True))
    cloud.set_inventory("host00001", "VCPU", {"total": 64, "step_size": 8})
    assert len(marked(cloud, marking_of(cloud.state, request, True))) == 5
    cloud.add_provider("alone", inventories={"VCPU": {"total": 64}})
    assert len(marked(cloud, marking_of(cloud.state, request, True))) == 5


def test_journal_shorter_than_the_writes() -> None:
    cloud = Cloud.from_document(synthetic_cloud(40, "nested", 0.0, 1))
    marking = marking_of(cloud.state, parse_query(PORT.format(1000)), True)
    assert len(marked(cloud, marking)) == 40
    for turn in range(len(cloud.state.journal) + 3):
        cloud.claim("c", {f"host{turn % 40:05}": {"MEMORY_MB": 520_192}})
    assert marked(cloud, marking) == freshly_marked(cloud, marking)
    assert len(marked(cloud, marking)) == 39


def test_equal_requests_share_one_marking() -> None:
    cloud = Cloud.from_document(synthetic_cloud(3, "flat", 0.0, 1))
    first = marking_of(cloud.state, parse_query("resources=VCPU:1"), True)
    assert marking_of(cloud.state, parse_query("resources=VCPU:1"), True) is first
    assert marking_of(cloud.state, parse_query("resources=VCPU:2"), True) is not first
    assert marking_of(cloud.state, parse_query("resources=VCPU:1"), False) is not first

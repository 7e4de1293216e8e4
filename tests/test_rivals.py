"""Groups that may want one provider: marks by scan are those of searching each tree.

Random small clouds and groups over one or two classes, of amounts at the limits, with
traits that admit the same devices, other ones or some of both; the truth is the naive
oracle. Where no two groups can be in each other's way, nothing is searched, which the
kernels' own count of options tried shows.
"""

import random
import re

import numpy as np
import pytest

from asking import named_document
from generators.rivals import (
    TRAITS,
    listed,
    provider,
    random_document,
    random_groups,
)
from kilonova import Cloud
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.compile import compile_requests
from kilonova.candidates.marking import Marking
from kilonova.candidates.scan import scan_columns
from kilonova.request.query import parse_query
from kilonova_kernels.columns import Cursor
from kilonova_kernels.scan import scan_fitting
from oracle.candidates import anchored_candidates
from oracle.state import from_document

PORT = (
    "&resources_{0}=NET_BW_EGR_KILOBIT_PER_SEC:{2},NET_BW_IGR_KILOBIT_PER_SEC:{2}"
    "&required_{0}=CUSTOM_PHYSNET_PHYSNET{1}"
)
NORMAL, DIRECT = ",CUSTOM_VNIC_TYPE_NORMAL", ",CUSTOM_VNIC_TYPE_DIRECT"


@pytest.mark.parametrize("part", range(8))
def test_same_as_oracle(part: int) -> None:
    draw = random.Random(f"rivals {part}")
    fitting = settled = 0
    for _ in range(40):
        document = random_document(draw)
        state = from_document(document, TRAITS)
        cloud = Cloud.from_document(named_document(listed(document), TRAITS))
        for _ in range(5):
            request = parse_query(random_groups(draw))
            marking = Marking(cloud.state, request, True)
            roots = cloud.state.index().roots[marking.fits(cloud.state)]
            got = {cloud.state.provider_names[int(row)] for row in roots}
            assert got == {c.anchor for c in anchored_candidates(state, request)}
            fitting += len(got)
            scan = scan_columns(cloud.state, marking.plans, 0)
            assert scan is not None
            settled += bool(scan.rival_slot.size)
    assert fitting > 50
    assert settled > 40


@pytest.mark.parametrize("part", range(4))
def test_other_amounts(part: int) -> None:
    """Requests that differ only in amounts share lists, unless groups become alike."""
    draw = random.Random(f"amounts {part}")
    alike = 0
    for _ in range(40):
        document = random_document(draw)
        state = from_document(document, TRAITS)
        cloud = Cloud.from_document(named_document(listed(document), TRAITS))
        query = random_groups(draw)
        lists = []
        for _ in range(6):
            request = parse_query(
                re.sub(r":\d", lambda _: f":{draw.choice('112')}", query)
            )
            marking = Marking(cloud.state, request, True)
            roots = cloud.state.index().roots[marking.fits(cloud.state)]
            got = {cloud.state.provider_names[int(row)] for row in roots}
            assert got == {c.anchor for c in anchored_candidates(state, request)}
            lists.append(scan_columns(cloud.state, marking.plans, 0))
        alike += len({id(each) for each in lists}) < len(lists)
    assert alike > 20


def searched(query: str, hosts: int = 60) -> tuple[int, int, bool]:
    """Give how many trees fit, how many options were tried, and if there are rivals."""
    document = synthetic_cloud(hosts, "nested", 0.0, 1)
    cloud = Cloud.from_document(document)
    plans = compile_requests(cloud.state, [parse_query(query)])
    scan = scan_columns(cloud.state, plans, 0)
    assert scan is not None
    search = plans.search(cloud.state.largest_pool())
    fits = np.zeros(hosts, np.bool_)
    found = scan_fitting(cloud.state.columns(), plans.columns, 0, scan, search, fits)
    return int(found), int(search.cursor[Cursor.STEPS]), bool(scan.rivals.any())


@pytest.mark.parametrize("policy", ["none", "isolate"])
@pytest.mark.parametrize(
    ("ports", "rivals"),
    [
        pytest.param([("_a", f"0{NORMAL}"), ("_b", f"1{NORMAL}")], False, id="bridges"),
        pytest.param([("_a", f"0{NORMAL}"), ("_b", f"0{DIRECT}")], False, id="kinds"),
        pytest.param([("_a", f"0{DIRECT}"), ("_b", f"0{DIRECT}"), ("_c", "1")], True,
                     id="two of one and another"),
    ],
)  # fmt: skip
def test_ports_apart_are_not_searched(
    ports: list[tuple[str, str]], rivals: bool, policy: str
) -> None:
    query = f"resources=VCPU:1&group_policy={policy}"
    query += "".join(PORT.format(name, traits, 1000) for name, traits in ports)
    found, steps, are_rivals = searched(query)
    assert are_rivals is rivals
    if not rivals:
        assert (found, steps) == (60, 0)


@pytest.mark.parametrize(
    ("amounts", "policy", "fits"),
    [
        pytest.param((5_000_000, 4_000_000), "none", 60, id="both on one bridge"),
        pytest.param((5_000_000, 5_000_000), "none", 60, id="all of it"),
        pytest.param((5_000_000, 5_000_001), "none", 0, id="one too many"),
        pytest.param((1, 2), "isolate", 0, id="apart on one bridge"),
    ],
)
def test_ports_on_one_bridge(amounts: tuple[int, int], policy: str, fits: int) -> None:
    query = f"resources=VCPU:1&group_policy={policy}"
    for name, amount in zip("ab", amounts, strict=True):
        query += PORT.format(f"_{name}", f"0{NORMAL}", amount)
    found, steps, rivals = searched(query)
    assert found == fits
    assert rivals
    # What the first provider of each settles is not searched.
    assert (steps == 0) is (fits > 0)


def test_later_rivals_make_room_for_earlier_ones() -> None:
    """Greedy choice fails where the first takes what only the second can have.

    h      VCPU
    +-- x  VGPU, trait A       one entry for a, two for b
    +-- y  VGPU
    """
    one = {"VGPU": {"total": 1}}
    document = {
        "providers": [
            provider("h", None, {"VCPU": {"total": 1}}, ()),
            provider("x", "h", one, ["CUSTOM_A"]),
            provider("y", "h", one, ()),
        ],
        "consumers": [],
    }
    cloud = Cloud.from_document(named_document(document, TRAITS))
    query = "resources_b=VGPU:1&resources_a=VGPU:1&required_a=CUSTOM_A"
    for policy in ("none", "isolate"):
        asked = f"{query}&group_policy={policy}"
        assert len(cloud.allocation_candidates(asked)) == 1
        assert len(cloud.allocation_candidates(f"{asked}&resources_c=VGPU:1")) == 0

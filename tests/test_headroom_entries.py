"""Headroom along the lists of a scan is headroom by walking each tree.

Random clouds are counted both ways, and all that is found of each tree must be the
same: bounds, what sets them, and what each family finds. The lists do for most
trees, and those that are left are walked in either case; both are met often.
"""

import random
from collections import Counter

import numpy as np
import pytest

from generators.rooms import random_room_request, random_rooms
from kilonova import Cloud
from kilonova.candidates import headroom_families
from kilonova.candidates.headroom import count_trees
from kilonova.candidates.headroom_families import Families, families_of
from kilonova.candidates.marking import Marking
from kilonova.candidates.scan import no_entries
from kilonova.cloud.state import State
from kilonova.request.group import Request
from kilonova.request.query import parse_query
from kilonova_kernels.headroom_claims import HeadroomColumns

PORT = (
    "&resources{0}=NET_BW_EGR_KILOBIT_PER_SEC:{1},NET_BW_IGR_KILOBIT_PER_SEC:{1}"
    "&required{0}={2}"
)


def both_ways(
    state: State, request: Request, most: int | None = None
) -> tuple[HeadroomColumns, HeadroomColumns, Families]:
    """Count along the lists where that does, and by walking all trees."""
    marking = Marking(state, request, True)
    plans, search = marking.plans, marking.new_search()
    lists = families_of(state, marking)
    columns = lists.columns._replace(
        walked=np.ones(len(state.index().roots), np.bool_),
        shared=np.zeros(state.tables.provider.count, np.bool_),
    )
    walks = lists._replace(columns=columns, scan=no_entries(plans, 0))
    return (
        count_trees(state, plans, lists, search, most),
        count_trees(state, plans, walks, search, most),
        lists,
    )


def assert_same(got: HeadroomColumns, wanted: HeadroomColumns) -> None:
    for name in got._fields:
        assert np.array_equal(getattr(got, name), getattr(wanted, name)), name


@pytest.mark.parametrize("block", [1, 3, 1024])
@pytest.mark.parametrize("part", range(4))
def test_same_as_walking(
    part: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headroom_families, "_BLOCK", block)
    draw = random.Random(f"rooms {part} {block}")
    met: Counter[str] = Counter()
    for _ in range(60):
        cloud = random_rooms(draw)
        for _ in range(8):
            request = random_room_request(draw, cloud.state)
            most = draw.choice([None, None, 1, 5, 40])
            got, wanted, families = both_ways(cloud.state, request, most)
            assert_same(got, wanted)
            meet(met, got, families)
    assert len(met) == 7
    assert min(met.values()) > 4, met


def meet(met: Counter[str], found: HeadroomColumns, families: Families) -> None:
    """Count which ways of counting came to something."""
    columns, scan = families.columns, families.scan
    room = found.lower > 0
    by_lists = bool((room & ~columns.walked).any())
    whole = scan.slot_class[columns.lead] >= 0
    single = scan.slot_single[columns.lead] & ~whole
    met["walked"] += int((room & columns.walked).sum())
    met["by lists"] += int((room & ~columns.walked).sum())
    met["some of both"] += 0 < int(columns.walked.sum()) < len(columns.walked)
    met["whole table"] += by_lists and bool(whole.any())
    met["one entry each"] += by_lists and bool(single.any())
    met["any number of entries"] += by_lists and bool((~whole & ~single).any())
    met["alike groups"] += by_lists and int(columns.size.max()) > 1


@pytest.mark.parametrize(
    ("used", "vcpus", "count"),
    [
        pytest.param(0, 8, 16, id="max_unit is below what is left"),
        pytest.param(0, 9, 0, id="max_unit"),
        pytest.param(120, 8, 1, id="max_unit is what is left"),
        pytest.param(121, 7, 1, id="all that is left"),
        pytest.param(121, 8, 0, id="one too many"),
        pytest.param(128, 1, 0, id="none left"),
        pytest.param(130, 1, 0, id="more in use than there is"),
    ],
)
def test_max_unit(used: int, vcpus: int, count: int) -> None:
    cloud = Cloud()
    offer = {"total": 8, "max_unit": 8, "allocation_ratio": 16.0}
    cloud.add_provider("h0", inventories={"VCPU": offer})
    cloud.state.tables.inventory["used"][:] = used
    cloud.state.rows_moved()
    request = parse_query(f"resources=VCPU:{vcpus}")
    got, wanted, families = both_ways(cloud.state, request)
    assert not families.columns.walked.any()
    assert_same(got, wanted)
    assert got.lower.tolist() == [count]


def bridges(count: int) -> Cloud:
    """Make a host with bridges of 10, 20 ... units either way.

    h0             100 VCPU
    +-- b0         bandwidth, CUSTOM_A
    +-- b1         bandwidth, CUSTOM_B
    +-- ...
    """
    cloud = Cloud()
    for trait in ("CUSTOM_A", "CUSTOM_B"):
        cloud.add_trait(trait)
    cloud.add_provider("h0", inventories={"VCPU": {"total": 100}})
    for number in range(count):
        offer = {"total": 10 * (number + 1)}
        offers = {f"NET_BW_{way}_KILOBIT_PER_SEC": offer for way in ("EGR", "IGR")}
        cloud.add_provider(f"b{number}", "h0", inventories=offers)
        cloud.set_traits(f"b{number}", [f"CUSTOM_{'AB'[number % 2]}"])
    return cloud


@pytest.mark.parametrize(
    ("ports", "walked", "count"),
    [
        pytest.param([("_a", 3, "CUSTOM_A")], False, 3 + 10, id="two bridges"),
        pytest.param(
            [("_a", 3, "CUSTOM_A"), ("_b", 3, "CUSTOM_B")], False, 6, id="bridges apart"
        ),
        pytest.param(
            [("_a", 3, "CUSTOM_A"), ("_b", 3, "CUSTOM_A")], False, 6, id="alike ports"
        ),
        pytest.param(
            [("_a", 3, "CUSTOM_A"), ("_b", 2, "CUSTOM_A")], True, 8, id="unlike ports"
        ),
    ],
)
def test_ports(ports: list[tuple[str, int, str]], walked: bool, count: int) -> None:
    query = "resources=VCPU:1&group_policy=none"
    query += "".join(PORT.format(*port) for port in ports)
    cloud = bridges(3)
    got, wanted, families = both_ways(cloud.state, parse_query(query))
    assert families.columns.walked.tolist() == [walked]
    assert_same(got, wanted)
    # The second time with what is kept of the first.
    assert cloud.headroom(query).total == cloud.headroom(query).total == count


@pytest.mark.parametrize(
    ("traits", "walked"),
    [
        pytest.param(["CUSTOM_A"], False, id="the root has it"),
        pytest.param([], True, id="nobody who serves has it"),
    ],
)
def test_required_trait(traits: list[str], walked: bool) -> None:
    cloud = bridges(0)
    cloud.set_traits("h0", traits)
    request = parse_query("resources=VCPU:3&required=CUSTOM_A")
    got, wanted, families = both_ways(cloud.state, request)
    assert families.columns.walked.tolist() == [walked]
    assert_same(got, wanted)
    assert got.lower.tolist() == [0 if walked else 33]


@pytest.mark.parametrize("count", [1, 2])
def test_more_than_is_counted(count: int) -> None:
    """Counts end at 2**40; even of those that do, the scarcest class is named.

    h0             EGR without end, IGR without end but on its last bridge
    +-- b0
    +-- b1
    """
    cloud = Cloud()
    cloud.add_provider("h0")
    for number in range(count):
        ratio = {"EGR": 2.0**20, "IGR": 2.0**20 if number < 1 else 1.0}
        offers = {
            f"NET_BW_{way}_KILOBIT_PER_SEC": {
                "total": 2**31 - 1,
                "allocation_ratio": ratio[way],
            }
            for way in ratio
        }
        cloud.add_provider(f"b{number}", "h0", inventories=offers)
    ways = ",".join(f"NET_BW_{way}_KILOBIT_PER_SEC:1" for way in ("EGR", "IGR"))
    request = parse_query(f"resources_a={ways}")
    got, wanted, families = both_ways(cloud.state, request)
    assert not families.columns.walked.any()
    assert_same(got, wanted)
    assert got.upper.tolist() == [2**40]
    assert got.resource.tolist() == [count - 1]


def test_other_limits_are_seen() -> None:
    """What is kept of a request says from which amount on to look at limits."""
    cloud = bridges(1)
    query = "resources=VCPU:2"
    assert cloud.headroom(query).total == 50
    cloud.set_inventory("h0", "VCPU", {"total": 100, "max_unit": 2})
    assert cloud.headroom(query).total == 50
    cloud.set_inventory("h0", "VCPU", {"total": 100, "max_unit": 1})
    assert cloud.headroom(query).total == 0
    cloud.set_inventory("h0", "VCPU", {"total": 100, "step_size": 4})
    assert cloud.headroom(query).total == 0
    assert cloud.headroom("resources=VCPU:4").total == 25


def test_most_stops_within_a_block() -> None:
    cloud = Cloud()
    for number in range(30):
        cloud.add_provider(f"h{number}", inventories={"VCPU": {"total": 10}})
    for most in (1, 10, 11, 299, 300, 301):
        got, wanted, _ = both_ways(cloud.state, parse_query("resources=VCPU:1"), most)
        assert_same(got, wanted)
        assert (got.lower > 0).sum() == min(30, -(-most // 10))


def test_hosts_with_most_room_come_first() -> None:
    """Of hosts with as much room the first ones are named."""
    cloud = Cloud()
    rooms = [3 if number in (5, 45) else 1 + number % 2 for number in range(50)]
    for number, room in enumerate(rooms):
        cloud.add_provider(f"h{number}", inventories={"VCPU": {"total": room}})
    found = cloud.headroom("resources=VCPU:1")
    wanted = sorted(range(50), key=lambda number: -rooms[number])[:20]
    assert [each.host for each in found.hosts] == [f"h{number}" for number in wanted]
    assert (found.host_count, found.total) == (50, sum(rooms))


def test_classes_that_limit_as_many_hosts_are_named_in_their_order() -> None:
    cloud = Cloud()
    offers = [(1, 9), (9, 1), (9, 1), (1, 9), (0, 9)]
    for number, (vcpus, memory) in enumerate(offers):
        totals = {"VCPU": vcpus, "MEMORY_MB": memory}
        inventories = {name: {"total": n} for name, n in totals.items() if n}
        cloud.add_provider(f"h{number}", inventories=inventories)
    found = cloud.headroom("resources=VCPU:1,MEMORY_MB:1")
    assert list(found.limited_by.items()) == [("VCPU", 2), ("MEMORY_MB", 2)]

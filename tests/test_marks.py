"""What is kept of each plan: looked at again where something changed, and only there.

That kept marks are those made anew, whatever happened between, is in ``test_place.py``;
here is how much work that takes.
"""

import numpy as np
import pytest

from called_parts import refresh
from kilonova.candidates.cloud import Cloud
from kilonova.hosts import policies
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.request.group import Request, RequestGroup

SHARES = "MISC_SHARES_VIA_AGGREGATE"
SMALL = Request((RequestGroup(resources={"VCPU": 1}),))
LARGE = Request((RequestGroup(resources={"VCPU": 5}),))
HOSTS = 6


@pytest.fixture
def cloud() -> Cloud:
    """Give six equal hosts and a pool that serves the last three of them."""
    cloud = Cloud()
    for number in range(HOSTS):
        cloud.add_provider(
            f"host{number}",
            inventories={"VCPU": {"total": 8}},
            aggregates=["rack"] if number >= 3 else [],
        )
    return cloud


def placer_of(cloud: Cloud, policy: str = "BestFit") -> Placer:
    return Placer(cloud, [SMALL, LARGE], policies.find(policy))


def place(placer: Placer, cloud: Cloud, *plans: int) -> list[int]:
    # Consumers without a UUID are known by their rows alone.
    consumers = add_consumers(cloud, [""] * len(plans))
    chosen: list[int] = placer.place(np.array(plans, np.int32), consumers).tree.tolist()
    return chosen


def test_all_are_weighed_once(cloud: Cloud) -> None:
    placer = placer_of(cloud)
    assert [refresh(placer), refresh(placer)] == [HOSTS, 0]


def test_each_plan_has_its_own_stamp(cloud: Cloud) -> None:
    placer = placer_of(cloud)
    refresh(placer, 0)
    cloud.claim("a", {"host1": {"VCPU": 1}})
    assert [refresh(placer, 1), refresh(placer, 0), refresh(placer, 1)] == [HOSTS, 1, 0]


def test_many_changes_of_one_tree_are_weighed_once(cloud: Cloud) -> None:
    placer = placer_of(cloud)
    refresh(placer)
    for number in range(5):
        cloud.claim(f"a{number}", {"host1": {"VCPU": 1}})
    cloud.claim("b", {"host2": {"VCPU": 1}})
    cloud.release("a3")
    assert refresh(placer) == 2


def test_consumer_on_two_trees_changes_both(cloud: Cloud) -> None:
    placer = placer_of(cloud)
    refresh(placer)
    cloud.claim("a", {"host1": {"VCPU": 1}, "host4": {"VCPU": 1}})
    assert refresh(placer) == 2


@pytest.mark.parametrize(("writes", "weighed"), [(8, 1), (9, HOSTS)])
def test_all_are_weighed_where_the_journal_is_too_short(
    cloud: Cloud, writes: int, weighed: int
) -> None:
    placer = placer_of(cloud)
    cloud.state.journal = np.zeros(8, np.int32)
    cloud.state.arrays_replaced()
    refresh(placer)
    for _ in range(writes // 2):
        cloud.claim("a", {"host1": {"VCPU": 1}})
        cloud.release("a")
    if writes % 2:
        cloud.claim("a", {"host1": {"VCPU": 1}})
    assert refresh(placer) == weighed


def test_pool_has_the_trees_weighed_that_it_serves(cloud: Cloud) -> None:
    pool = {"DISK_GB": {"total": 8}}
    cloud.add_provider("pool", inventories=pool, traits=[SHARES], aggregates=["rack"])
    placer = placer_of(cloud)
    refresh(placer)
    cloud.claim("a", {"pool": {"DISK_GB": 1}})
    assert refresh(placer) == 4
    cloud.claim("b", {"host3": {"VCPU": 1}})
    assert refresh(placer) == 1


@pytest.mark.parametrize(
    ("rank", "chosen"),
    [
        pytest.param([0, 1, 2, 3, 4, 5], [0, 0], id="in order"),
        pytest.param([5, 4, 3, 2, 1, 0], [5, 5], id="reversed"),
        pytest.param([2, 1, 1, 1, 3, 3], [1, 1], id="equal ranks: the first"),
        pytest.param([-1, -7, 0, 0, 0, 0], [1, 1], id="below zero"),
    ],
)
def test_of_equals_the_lowest_rank(
    cloud: Cloud, rank: list[int], chosen: list[int]
) -> None:
    """The second time that host is the only best one, as it is fuller."""
    placer = placer_of(cloud)
    placer.set_rank(np.array(rank, np.int64))
    assert place(placer, cloud, 0, 0) == chosen


def test_weight_goes_before_rank(cloud: Cloud) -> None:
    cloud.claim("other", {"host4": {"VCPU": 1}})
    assert place(placer_of(cloud), cloud, 1) == [4]


def test_ranks_stay_with_their_trees(cloud: Cloud) -> None:
    """A host before the others and one after them: both come last."""
    placer = placer_of(cloud)
    placer.set_rank(np.array([3, 2, 1, 0, 4, 5], np.int64))
    cloud.remove_provider("host0")
    cloud.add_provider("new", inventories={"VCPU": {"total": 8}})
    assert place(placer, cloud, 1, 1, 1, 1, 1, 1, 1) == [2, 1, 0, 3, 4, 5, -1]


@pytest.mark.parametrize("draw", [0.0, 0.2, 0.5, 0.99, float(np.nextafter(1.0, 0.0))])
def test_drawn_among_those_that_fit(cloud: Cloud, draw: float) -> None:
    for number in (0, 2, 5):
        cloud.claim(f"full{number}", {f"host{number}": {"VCPU": 8}})
    placer, consumers = placer_of(cloud, "Random"), add_consumers(cloud, ["a"])
    one = np.zeros(1, np.int32)
    placed = placer.place(one, consumers, np.array([[draw, 0.0]]))
    assert placed.tree.tolist() == [[1, 3, 4][int(3 * draw)]]

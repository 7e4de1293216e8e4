"""Improved plans are within 2 % of the best where HiGHS finds the best.

Clouds of some dozens to hundreds of nested hosts that are in use by 90 to 99 %, with
ports of guaranteed bandwidth and server groups. HiGHS solves each to the end, whole
servers host by host, provider by provider; in most of them Nova's order is far off.
"""

import pytest

from kilonova.bench.outage import outage
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan import bound as bounding
from kilonova.plan.evacuation import evacuate
from kilonova.plan.plan import Plan
from oracle.evacuation_most import most

pytestmark = pytest.mark.jit

AT_MOST = 0.02
# Hosts, those of them that fail, and servers of each of these.
SIZES = ((30, 3, 60), (60, 6, 60), (120, 6, 60))
FILLS = (0.9, 0.95, 0.97, 0.99)


def solved(
    size: tuple[int, int, int], fill: float, seed: int
) -> tuple[Plan, int] | None:
    """Give a plan and what is best; None where HiGHS does not come to an end."""
    given = outage(*size, fill, seed)
    best = most(given.cloud, given.records, given.failed)
    if best is None:
        return None
    return evacuate(Scheduler(given.cloud), given.records, given.failed), best


def check(plan: Plan, best: int) -> None:
    assert plan.greedy <= plan.placed <= best <= plan.bound
    assert plan.placed >= (1 - AT_MOST) * best
    # Neither does the bound promise much more than there is.
    assert plan.bound <= (1 + AT_MOST) * best


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_within_two_per_cent_of_the_best(size: tuple[int, int, int]) -> None:
    found = [solved(size, fill, seed) for fill in FILLS for seed in range(2)]
    pairs = [each for each in found if each is not None]
    assert len(pairs) >= len(found) - 1
    for plan, best in pairs:
        check(plan, best)
    # Else Nova's order would do.
    assert sum(plan.greedy < 0.95 * best for plan, best in pairs) >= len(pairs) // 3


@pytest.mark.parametrize("seed", range(3))
def test_bounds_by_shares_are_near_too(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Larger clouds have no other bound, nor a solution of HiGHS to follow."""
    for name in ("_MOST_WHOLE", "_MOST_FINER"):
        monkeypatch.setattr(bounding, name, 0)
    found = solved((200, 2, 100), 0.99, seed)
    assert found is not None
    plan, best = found
    assert not plan.bound_exact
    check(plan, best)

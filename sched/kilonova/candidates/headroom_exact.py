"""Hosts where the order of claims matters, solved as integer programs."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns, SearchColumns
    from kilonova_kernels.headroom_claims import HeadroomColumns

# An integer program takes some milliseconds: so many of them, of so many candidates.
MOST_TREES = 64
MOST_CANDIDATES = 64
# Not a time limit: the same question gets the same answer on any machine.
MOST_NODES = 1000


def solve_trees(
    cloud: "CloudColumns",
    plans: Plans,
    search: "SearchColumns",
    found: "HeadroomColumns",
) -> None:
    """Narrow the bounds of the first trees where they differ, until they meet.

    How often each candidate is claimed is a variable; an inventory's room bounds the
    sum of what they take of it. All else that a candidate must meet is the same before
    and after other claims.
    """
    from kilonova_kernels.headroom import list_claims

    width = len(search.claim_inventory)
    rows = np.zeros((MOST_CANDIDATES, width), np.int32)
    amounts = np.zeros((MOST_CANDIDATES, width), np.int64)
    for tree in np.flatnonzero(found.lower < found.upper)[:MOST_TREES].tolist():
        count = list_claims(cloud, plans.columns, search, tree, rows, amounts)
        if count < 0:
            continue
        best = _most_claims(
            cloud, rows[:count], amounts[:count], int(found.upper[tree])
        )
        found.lower[tree] = max(int(found.lower[tree]), best.lower)
        found.upper[tree] = min(int(found.upper[tree]), best.upper)


class Solved(NamedTuple):
    """At least and at most so many claims."""

    lower: int
    upper: int


def _most_claims(
    cloud: "CloudColumns",
    rows: NDArray[np.int32],
    amounts: NDArray[np.int64],
    upper: int,
) -> Solved:
    """Solve one tree; what the solver says is checked in whole numbers."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not len(rows):
        return Solved(0, 0)
    inventories = np.unique(rows[rows >= 0])
    takes = np.zeros((len(inventories), len(rows)), np.int64)
    for c in range(len(rows)):
        kept = rows[c] >= 0
        takes[np.searchsorted(inventories, rows[c, kept]), c] = amounts[c, kept]
    capacity = cloud.offer_capacity[cloud.inventory_offer[inventories]]
    room = capacity - cloud.inventory_used[inventories]
    # Small numbers: the solver knows equality only up to a tolerance.
    units = np.gcd.reduce(takes, axis=1)
    takes, room = takes // units[:, None], room // units
    answer = milp(
        -np.ones(len(rows)),
        constraints=LinearConstraint(takes, ub=room),
        integrality=np.ones(len(rows)),
        bounds=Bounds(0, upper),
        options={"node_limit": MOST_NODES, "mip_rel_gap": 0.0},
    )
    if answer.x is None:
        return Solved(0, upper)
    counts = np.rint(answer.x).astype(np.int64)
    lower = int(counts.sum()) if (takes @ counts <= room).all() else 0
    bound = answer.mip_dual_bound
    # The bound is a real number, true but for rounding.
    most = upper if bound is None else int(np.floor(-bound + 1e-6))
    return Solved(lower, min(upper, most))

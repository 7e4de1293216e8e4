"""Hosts where the order of claims matters, solved as integer programs."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns, SearchColumns
    from kilonova_kernels.headroom_claims import HeadroomColumns

# An integer program takes some milliseconds, and to state one takes a tenth of one.
MOST_PROGRAMS = 24
MOST_TREES = 2000
MOST_CANDIDATES = 64
# Not a time limit: the same question gets the same answer on any machine.
MOST_NODES = 1000


class Solved(NamedTuple):
    """At least and at most so many claims."""

    lower: int
    upper: int


class _Program(NamedTuple):
    """What decides how many claims fit one tree.

    ``takes`` has what each candidate (column) takes of each inventory (row), and
    ``room`` what is left there, in the largest unit that divides all that is taken.
    """

    takes: NDArray[np.int64]
    room: NDArray[np.int64]
    upper: int

    @property
    def key(self) -> tuple[bytes, bytes, int, int]:
        return self.takes.tobytes(), self.room.tobytes(), len(self.room), self.upper


def solve_trees(
    cloud: "CloudColumns",
    plans: Plans,
    search: "SearchColumns",
    found: "HeadroomColumns",
) -> None:
    """Narrow the bounds of trees where they differ; mostly until they meet.

    How often each candidate is claimed is a variable; an inventory's room bounds the
    sum of what they take of it. All else that a candidate must meet is the same before
    and after other claims. Trees that come to the same program share its answer; the
    programs of most trees are solved.
    """
    alike: dict[tuple[bytes, bytes, int, int], list[int]] = {}
    programs: dict[tuple[bytes, bytes, int, int], _Program] = {}
    for tree in np.flatnonzero(found.lower < found.upper)[:MOST_TREES].tolist():
        upper = int(found.upper[tree])
        program = _program_of(cloud, plans, search, tree, upper)
        if program is not None:
            programs.setdefault(program.key, program)
            alike.setdefault(program.key, []).append(tree)
    often = sorted(alike, key=lambda key: -len(alike[key]))
    for key in often[:MOST_PROGRAMS]:
        best = _most_claims(programs[key])
        trees = alike[key]
        found.lower[trees] = np.maximum(found.lower[trees], best.lower)
        found.upper[trees] = np.minimum(found.upper[trees], best.upper)


def _program_of(
    cloud: "CloudColumns",
    plans: Plans,
    search: "SearchColumns",
    tree: int,
    upper: int,
) -> _Program | None:
    """State the program of one tree; None if it has too many candidates."""
    from kilonova_kernels.headroom import list_claims

    width = len(search.claim_inventory)
    rows = np.zeros((MOST_CANDIDATES, width), np.int32)
    amounts = np.zeros((MOST_CANDIDATES, width), np.int64)
    count = list_claims(cloud, plans.columns, search, tree, rows, amounts)
    if count < 0:
        return None
    taken = rows[:count] >= 0
    inventories, place = np.unique(rows[:count][taken], return_inverse=True)
    takes = np.zeros((len(inventories), count), np.int64)
    takes[place, np.nonzero(taken)[0]] = amounts[:count][taken]
    capacity = cloud.offer_capacity[cloud.inventory_offer[inventories]]
    room = capacity - cloud.inventory_used[inventories]
    # Small numbers: the solver knows equality only up to a tolerance.
    units = np.gcd.reduce(takes, axis=1)
    takes = takes // units[:, None]
    # More room than all claims together could take is as good as just that.
    enough = takes.max(axis=1, initial=0) * upper
    return _Program(takes, np.minimum(room // units, enough), upper)


def _most_claims(program: _Program) -> Solved:
    """Solve one program; what the solver says is checked in whole numbers."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    takes, room, upper = program
    count = takes.shape[1]
    if not count:
        return Solved(0, 0)
    answer = milp(
        -np.ones(count),
        constraints=LinearConstraint(takes, ub=room),
        integrality=np.ones(count),
        bounds=Bounds(0, upper),
        options={"node_limit": MOST_NODES, "mip_rel_gap": 0.0, "presolve": False},
    )
    if answer.x is None:
        return Solved(0, upper)
    claims = np.rint(answer.x).astype(np.int64)
    lower = int(claims.sum()) if (takes @ claims <= room).all() else 0
    bound = answer.mip_dual_bound
    # The bound is a real number, true but for rounding.
    most = upper if bound is None else int(np.floor(-bound + 1e-6))
    return Solved(lower, min(upper, most))

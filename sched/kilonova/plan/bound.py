"""How many servers any plan could place at most, by HiGHS over the relaxed problem."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.plan.model import Model
from kilonova.plan.rounding import rounded_rows

# Pairs of a kind and a host up to which whole servers are counted host by host.
_MOST_WHOLE = 3000
# The same where no plan comes near what shares of servers come to.
_MOST_FINER = 20_000
# How near is near enough: as a share of the servers that could be placed.
_NEAR = 0.01
# Pairs of a kind and a class of hosts that the linear problem may have.
_MOST_PAIRS = 20_000
# Branches after which HiGHS ends with what it has: the same question always ends alike.
_MOST_BRANCHES = 1000
# Only should single branches take very long.
_SECONDS = 5.0
# HiGHS' own tolerance, and what many sums of it come to.
_SLACK = 1e-4


class Bound(NamedTuple):
    """What is best in the relaxed problem.

    Attributes
    ----------
    most
        No plan places more servers.
    exact
        Whether whole servers were counted host by host, and not shares of them over
        classes of hosts.
    whole
        How many of each kind go to each host in the best solution that was found,
        (T, H) int64; None where there is none in whole servers.
    """

    most: int
    exact: bool
    whole: NDArray[np.int64] | None


def bound_of(model: Model) -> Bound:
    """Bound the servers that a plan can place."""
    demand = np.where(model.most.any(axis=1), model.demand, 0)
    trivial = int(np.minimum(demand, model.most.sum(axis=1)).sum())
    if not trivial:
        return Bound(0, True, np.zeros(model.most.shape, np.int64))
    if int((model.most > 0).sum()) <= _MOST_WHOLE:
        found = _whole(model)
        if found is not None:
            return Bound(min(found.most, trivial), True, found.whole)
    return Bound(min(_shares(model), trivial), False, None)


def finer_bound(model: Model, bound: Bound, placed: int) -> Bound:
    """Count whole servers after all, if a plan is far from a bound by shares.

    Parameters
    ----------
    model
        The relaxed problem.
    bound
        What is known of it.
    placed
        Servers that the best plan so far places.
    """
    pairs = int((model.most > 0).sum())
    near = placed >= (1 - _NEAR) * bound.most
    if near or bound.whole is not None or pairs > _MOST_FINER:
        return bound
    found = _whole(model)
    if found is None:
        return bound
    return found._replace(most=min(found.most, bound.most))


def _whole(model: Model) -> Bound | None:
    """Count whole servers, host by host; None where HiGHS finds nothing in time."""
    kind, host = np.nonzero(model.most)
    pairs = len(kind)
    top = model.most[kind, host]
    rows = _Rows(pairs)
    rows.limit_kinds(kind, model.demand)
    rows.limit_heaps(host, model.amount[kind], model.free)
    for g in range(len(model.apart)):
        of_group = np.flatnonzero(model.group[kind] == g)
        for h in np.unique(host[of_group]).tolist():
            at = of_group[host[of_group] == h]
            rows.add(at, np.ones(len(at)), float(model.apart[g, h]))
    extra = rows.gather(kind, host, model.together, top)
    found = rows.solve(np.concatenate([top, np.ones(extra)]), pairs, whole=True)
    if found is None:
        return None
    most, values = found
    count = None
    if values is not None:
        count = np.zeros(model.most.shape, np.int64)
        count[kind, host] = np.rint(values[:pairs]).astype(np.int64)
    return Bound(most, True, count)


def _shares(model: Model) -> int:
    """Bound by shares of servers over classes of hosts that can take the same kinds."""
    takes = model.most > 0
    packed = np.packbits(takes, axis=0)
    _, place = np.unique(packed, axis=1, return_inverse=True)
    place = place.reshape(-1)
    classes = int(place.max()) + 1
    if classes * len(takes) > _MOST_PAIRS:
        place, classes = np.zeros(len(place), np.int64), 1
    room = _usable(model, takes)
    top = np.array([np.bincount(place, row, classes) for row in model.most])
    kind, at = np.nonzero(top)
    rows = _Rows(len(kind))
    rows.limit_kinds(kind, model.demand)
    free = np.array([np.bincount(place, row, classes) for row in room])
    rows.limit_heaps(at, model.amount[kind], free.reshape(-1, classes))
    for factors, limits in rounded_rows(model.amount, room):
        limit = np.bincount(place, limits, classes)
        rows.limit_heaps(at, factors[kind][:, None], limit[None, :])
    found = rows.solve(top[kind, at], len(kind), whole=False)
    return int(model.demand.sum()) if found is None else found[0]


def _usable(model: Model, takes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give what servers could use of what each host has left, (K, H) int64."""
    # What no server could use of a host is no room.
    usable = np.minimum(model.free, model.amount.T @ model.most).astype(np.int64)
    # Nor is what is left below the common divisor of all amounts that fit.
    divisor = _divisors(model.amount, takes)
    return np.where(divisor > 0, usable - usable % np.maximum(divisor, 1), 0)


def _divisors(amount: NDArray[np.int64], takes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give the common divisor of the amounts that each host could be asked for.

    (K, H) int64; 0 where it takes nothing of a resource.
    """
    found = np.zeros((amount.shape[1], takes.shape[1]), np.int64)
    for t, row in enumerate(takes):
        found[:, row] = np.gcd(found[:, row], amount[t][:, None])
    return found


class _Rows:
    """Rows of a linear problem over pairs of a kind and a place, all of them ``<=``."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs
        self._parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self._limits: list[float] = []

    def add(
        self, columns: NDArray[np.int64], factors: NDArray[np.float64], limit: float
    ) -> None:
        """Add one row."""
        row = np.full(len(columns), len(self._limits))
        self._parts.append((row, columns, factors))
        self._limits.append(limit)

    def limit_kinds(self, kind: NDArray[np.int64], demand: NDArray[np.int64]) -> None:
        """Place no more of a kind than there are."""
        self._parts.append((kind, np.arange(len(kind)), np.ones(len(kind))))
        self._limits += demand.tolist()

    def limit_heaps(
        self,
        place: NDArray[np.int64],
        amount: NDArray[np.int64],
        free: NDArray[Any],
    ) -> None:
        """Take no more of a resource than a place has left."""
        for k, left in enumerate(free):
            some = np.flatnonzero((amount[:, k] > 0) & np.isfinite(left[place]))
            used, row = np.unique(place[some], return_inverse=True)
            first = len(self._limits)
            self._parts.append((row + first, some, amount[some, k].astype(np.float64)))
            self._limits += left[used].tolist()

    def gather(
        self,
        kind: NDArray[np.int64],
        host: NDArray[np.int64],
        together: NDArray[np.int64],
        top: NDArray[np.int64],
    ) -> int:
        """Let all servers of a group go to one host; give how many columns it takes."""
        column = self._pairs
        for g in range(int(together.max(initial=-1)) + 1):
            of_group = np.flatnonzero(together[kind] == g)
            hosts = np.unique(host[of_group])
            for i, h in enumerate(hosts.tolist()):
                for at in of_group[host[of_group] == h].tolist():
                    pair = np.array([at, column + i])
                    self.add(pair, np.array([1.0, -float(top[at])]), 0.0)
            each = np.arange(column, column + len(hosts))
            self.add(each, np.ones(len(hosts)), 1.0)
            column += len(hosts)
        return column - self._pairs

    def solve(
        self, top: NDArray[np.float64], pairs: int, *, whole: bool
    ) -> tuple[int, NDArray[np.float64] | None] | None:
        """Place as many as possible: give a bound, and a solution if there is one."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        row, column, factor = (
            np.concatenate([part[i] for part in self._parts]) for i in range(3)
        )
        matrix = coo_array(
            (factor, (row, column)), shape=(len(self._limits), len(top))
        ).tocsr()
        cost = np.zeros(len(top))
        cost[:pairs] = -1.0
        found = milp(
            cost,
            integrality=np.full(len(top), int(whole)),
            bounds=Bounds(0, top),
            constraints=LinearConstraint(matrix, ub=np.array(self._limits)),
            options={"time_limit": _SECONDS, "node_limit": _MOST_BRANCHES},
        )
        best = found.mip_dual_bound if whole else found.fun
        if best is None or not np.isfinite(best) or (not whole and not found.success):
            return None
        return int(np.floor(-best + _SLACK)), found.x

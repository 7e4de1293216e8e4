"""Better plans than one server after the other in Nova's order.

Several orders are tried, hosts being packed instead of evenly filled, and what HiGHS
found for the relaxed problem; servers that are left may put a smaller one elsewhere.
The scheduler has the last word on every step.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kilonova.hosts.options import Options
from kilonova.plan.attempt import Attempt, Progress
from kilonova.plan.bound import Bound, finer_bound
from kilonova.plan.model import Model
from kilonova.plan.problem import Problem
from kilonova.request.server import Destination, ServerSpec

# Exchanges that are tried for the servers that are left.
_MOST_TRIES = 200
# The same over large clouds, where each takes longer: hosts times tries.
_MOST_WORK = 400_000


def packing(options: Options) -> Options:
    """Give options under which the fullest host that has room is the best."""
    section = replace(
        options.filter_scheduler,
        ram_weight_multiplier=-1.0,
        cpu_weight_multiplier=-1.0,
        disk_weight_multiplier=-1.0,
        io_ops_weight_multiplier=0.0,
        host_subset_size=1,
        shuffle_best_same_weighed_hosts=False,
    )
    return replace(options, filter_scheduler=section)


def improved(
    problem: Problem,
    greedy: Attempt,
    model: Model,
    bound: Bound,
    progress: Progress | None,
) -> tuple[Attempt, Bound]:
    """Give the best attempt that was found, which may be the greedy one, and a bound.

    Parameters
    ----------
    problem
        What is to be placed.
    greedy
        What Nova's order comes to.
    model, bound
        The relaxed problem of the same cloud, and what is best there.
    progress
        Is told how many servers were looked at since it was told last.
    """
    best = greedy
    for attempt in _attempts(problem, model, bound, progress):
        if attempt.score > best.score:
            best = attempt
        if best.score[0] >= bound.most:
            return best, bound
    known, bound = bound, finer_bound(model, bound, best.score[0])
    if bound is not known and bound.whole is not None:
        attempt = _followed(problem, model, bound.whole, progress)
        best = max(best, attempt, key=lambda each: each.score)
    if best.score[0] >= bound.most:
        return best, bound
    if best is greedy:
        best = Attempt(problem)
        best.place(range(len(problem.servers)), progress)
    _exchange(best, model, bound.most)
    return max(best, greedy, key=lambda each: each.score), bound


def _attempts(
    problem: Problem, model: Model, bound: Bound, progress: Progress | None
) -> Iterator[Attempt]:
    """Try one way after the other."""
    orders: list[Callable[[], NDArray[np.int64]]] = [
        lambda: _hardest_first(problem, model),
        lambda: _smallest_first(problem, model),
    ]
    options = packing(problem.options)
    if bound.whole is not None:
        yield _followed(problem, model, bound.whole, progress)
    for order in orders:
        attempt = Attempt(problem, options)
        attempt.place(order().tolist(), progress)
        yield attempt


def _share(problem: Problem, model: Model) -> NDArray[np.float64]:
    """Give the dominant share of each server."""
    found: NDArray[np.float64] = model.share[model.row[problem.kind]]
    return found


def _hardest_first(problem: Problem, model: Model) -> NDArray[np.int64]:
    return np.argsort(-_share(problem, model), kind="stable")


def _smallest_first(problem: Problem, model: Model) -> NDArray[np.int64]:
    return np.argsort(_share(problem, model), kind="stable")


def _followed(
    problem: Problem,
    model: Model,
    count: NDArray[np.int64],
    progress: Progress | None,
) -> Attempt:
    """Place servers as the relaxed problem has them, and the rest hardest first."""
    attempt = Attempt(problem, packing(problem.options))
    _follow(attempt, model, count)
    left = [n for n in _hardest_first(problem, model).tolist() if attempt.host[n] < 0]
    attempt.place(left, progress)
    return attempt


def _follow(attempt: Attempt, model: Model, count: NDArray[np.int64]) -> None:
    """Place servers as the relaxed problem has them, as far as that works."""
    problem = attempt.problem
    row = model.row[problem.kind]
    for t in np.flatnonzero(count.any(axis=1)).tolist():
        waiting = np.flatnonzero(row == t).tolist()
        for host in np.flatnonzero(count[t]).tolist():
            wanted, waiting = waiting[: count[t, host]], waiting[count[t, host] :]
            specs = [_to(attempt, problem.specs[n], host) for n in wanted]
            attempt.place(wanted, None, specs)


def _to(attempt: Attempt, spec: ServerSpec, host: int) -> ServerSpec:
    """Give a spec that allows one host only."""
    hosts = attempt.state.hosts
    service = hosts.services[int(hosts.table["service"][host])]
    destination = replace(
        spec.destination or Destination(), host=service, node=hosts.names[host]
    )
    return replace(spec, destination=destination)


def _exchange(attempt: Attempt, model: Model, most: int) -> None:
    """Put a server elsewhere where another one then has room.

    Each exchange that works places one server more; one that does not is undone.
    """
    problem = attempt.problem
    share = _share(problem, model)
    tries = min(_MOST_TRIES, _MOST_WORK // max(1, len(attempt.state.hosts)))
    left = np.flatnonzero(attempt.host < 0)
    for n in left[np.argsort(share[left], kind="stable")].tolist():
        placed = np.flatnonzero(attempt.host >= 0)
        rivals = placed[np.argsort(-share[placed], kind="stable")].tolist()
        for other in rivals[: max(1, tries // 4)]:
            if tries == 0 or attempt.score[0] >= most:
                return
            tries -= 1
            if _swap(attempt, n, other):
                break


def _swap(attempt: Attempt, n: int, other: int) -> bool:
    """Give the place of one server to another one, if the first finds a new one."""
    specs, host = attempt.problem.specs, int(attempt.host[other])
    attempt.take_back(other)
    attempt.place([n], None, [_to(attempt, specs[n], host)])
    if attempt.host[n] >= 0:
        attempt.place([other])
        if attempt.host[other] >= 0:
            return True
        attempt.take_back(n)
    attempt.place([other], None, [_to(attempt, specs[other], host)])
    return False

"""Why servers found no host: after all others have theirs, as the scheduler says it."""

import numpy as np

from kilonova.candidates.marking import marking_of
from kilonova.hosts.refusal import refusal
from kilonova.hosts.shape import Shape, are_weighed_alike
from kilonova.plan.attempt import Attempt
from kilonova.request.server import ServerSpec

# Hosts that are looked at one by one to explain: up to a hundred microseconds each.
_MOST_LOOKS = 5_000


def why_unplaced(attempt: Attempt) -> dict[int, str]:
    """Give a reason for each server without a host, by its number.

    What most servers ask is explained filter by filter, the rest by counts of hosts.
    """
    problem = attempt.problem
    left = np.flatnonzero(attempt.host < 0)
    counts = np.bincount(problem.kind[left], minlength=len(problem.kinds))
    looks = _MOST_LOOKS // max(1, len(attempt.state.hosts))
    short: dict[int, tuple[str, bool]] = {}
    found: dict[int, str] = {}
    for t in np.argsort(-counts, kind="stable").tolist():
        if counts[t] == 0:
            break
        spec = problem.kinds[t]
        shape = attempt.scheduler.shape(spec)
        if id(shape) not in short:
            short[id(shape)] = _counted(attempt, shape)
        text, passing = short[id(shape)]
        named = passing and _names_hosts(spec)
        if looks:
            looks -= 1
            text = attempt.scheduler.explain(spec, 0).text()
            if not named:
                short[id(shape)] = text, passing
        found[t] = text + _in_the_way(spec) if named else text
    return {n: found[int(problem.kind[n])] for n in left.tolist()}


def _counted(attempt: Attempt, shape: Shape) -> tuple[str, bool]:
    """Count the hosts that are left for a shape; say whether there are any."""
    scheduler, state = attempt.scheduler, attempt.state
    shapes = tuple(scheduler.together((shape,)))
    if not are_weighed_alike(shapes, scheduler.options):
        shapes = (shape,)
    engine = scheduler.engine(shapes)
    # Cells and devices may have been taken since it looked at them.
    engine.columns(best=1, pool=1)
    number = [id(each) for each in shapes].index(id(shape))
    fits = marking_of(state, shape.request, True).fits(state)
    tree = engine.host_tree
    allowed = engine.kept.allowed[number] & (tree >= 0)
    passing = bool(fits[tree[allowed]].any())
    return refusal(engine, number, 1), passing


def _names_hosts(spec: ServerSpec) -> bool:
    return spec.server_group is not None or any(spec.hints.values())


def _in_the_way(spec: ServerSpec) -> str:
    """Name the hard server group, which is what removes the hosts that are left."""
    group = spec.server_group
    if group is None or group.policy not in ("affinity", "anti-affinity"):
        return ""
    return f"; server group {group.uuid} ({group.policy})"

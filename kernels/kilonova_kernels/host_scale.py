"""The extremes of raw values over the hosts that pass a shape, kept between choices.

They are what weights are normalised by. A host that changed can only become an extreme
by a value beyond the known one; and a known extreme stays while its host has it and
passes. Only otherwise it is searched for.
"""

import numpy as np

from kilonova_kernels._fetch import fetch
from kilonova_kernels._jit import part
from kilonova_kernels.columns import CloudColumns, Float64, PlanColumns, SearchColumns
from kilonova_kernels.host_bounds import (
    largest,
    lower_bounds,
    raise_bounds,
    weigh_under_newest,
    weight_under_newest,
)
from kilonova_kernels.host_columns import WIDTH, FleetColumns, ShapeColumns
from kilonova_kernels.host_extremes import child_count, raw_value
from kilonova_kernels.host_passing import bar_the_rest, is_barred, passes, readmit


@part
def refresh_shape(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
) -> None:
    """Bring all that is kept of one shape up to date: bars, bounds, extremes."""
    tree, shapes = fleet.tree, fleet.shapes
    stamp, now = shapes.stamp[shape], tree.time[0]
    if stamp == now:
        return
    if stamp < 0 or now - stamp > tree.recent.shape[0]:
        # Changes are not known one by one: all is found out anew.
        stamp = -1
        shapes.high_host[shape] = -1
        shapes.low_host[shape] = -1
        shapes.bound[shape] = np.inf
        bar_the_rest(fleet, shape)
    if stamp >= 0:
        for block in range(stamp // WIDTH, (now - 1) // WIDTH + 1):
            if tree.recent_count[block % tree.recent_count.shape[0]] > 0:
                _take_in(cloud, plans, search, fleet, shape, block)
    _check_witness(cloud, plans, search, fleet, shape, stamp)
    for which in range(2 * fleet.weights.measure.shape[0]):
        _check_extreme(cloud, plans, search, fleet, shape, which)
    shapes.stamp[shape] = now


@part
def _take_in(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    block: int,
) -> None:
    """Take in those of ``WIDTH`` changes, one after the other, that a shape has not.

    What can be said of all of them at once is worked out for all of them at once.
    """
    tree, shapes = fleet.tree, fleet.shapes
    stamp, now = shapes.stamp[shape], tree.time[0]
    values = tree.recent_value[block % tree.recent_value.shape[0]]
    _fetch_bounds(fleet, shape, block)
    weight, beyond = fleet.choice.sum, fleet.choice.most
    weigh_under_newest(fleet, shape, values, weight)
    _find_beyond(shapes, shape, values, beyond)
    for i in range(max(0, stamp - block * WIDTH), min(WIDTH, now - block * WIDTH)):
        slot = (block * WIDTH + i) % tree.recent.shape[0]
        host = tree.recent[slot]
        if host < 0:
            # It changed again.
            continue
        if tree.recent_raised[slot] > stamp:
            readmit(shapes, shape, host)
            if fleet.weights.multiplier.shape[0] > 1:
                weight[i] = weight_under_newest(fleet, shape, host, values, i)
            raise_bounds(fleet, shape, host, values, i, weight[i])
        else:
            lower_bounds(fleet, shape, host)
        if beyond[i] > 0.0 and passes(cloud, plans, search, fleet, shape, host):
            _widen(fleet, shape, host)


@part
def _check_witness(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    stamp: int,
) -> None:
    """Find another host that passes, if the known one does not any more."""
    host = fleet.shapes.witness[shape]
    if stamp >= 0:
        if host < 0 or fleet.tree.host_time[host, 0] <= stamp:
            return
        if passes(cloud, plans, search, fleet, shape, host):
            return
    host = find_extreme(cloud, plans, search, fleet, shape, 0, 1.0)
    fleet.shapes.witness[shape] = host


@part
def _check_extreme(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    which: int,
) -> None:
    """Search for one extreme, if the known one does not stand any more.

    ``which`` is twice the number of the weigher, and 1 more for the lowest value.
    """
    shapes = fleet.shapes
    k, side = which // 2, which % 2
    host = shapes.low_host[shape, k] if side else shapes.high_host[shape, k]
    value = shapes.low[shape, k] if side else shapes.high[shape, k]
    if host >= 0 and raw_value(fleet.weights, host, k) == value:
        if fleet.tree.host_time[host, 0] <= shapes.stamp[shape]:
            return
        if passes(cloud, plans, search, fleet, shape, host):
            return
    host = shapes.witness[shape]
    if host >= 0 and not _all_alike(fleet, k):
        sign = -1.0 if side else 1.0
        host = find_extreme(cloud, plans, search, fleet, shape, k, sign)
    _set_extreme(fleet, shape, k, side, host)


@part
def _all_alike(fleet: FleetColumns, k: int) -> bool:
    """Say whether one weigher gives all hosts the same."""
    tree = fleet.tree
    top = tree.first[tree.first.shape[0] - 1]
    return bool(tree.highest[top, k, 0] == tree.lowest[top, k, 0])


@part
def _set_extreme(fleet: FleetColumns, shape: int, k: int, side: int, host: int) -> None:
    shapes = fleet.shapes
    value = 0.0 if host < 0 else raw_value(fleet.weights, host, k)
    if side:
        shapes.low_host[shape, k] = host
        shapes.low[shape, k] = np.inf if host < 0 else value
    else:
        shapes.high_host[shape, k] = host
        shapes.high[shape, k] = -np.inf if host < 0 else value


@part
def _fetch_bounds(fleet: FleetColumns, shape: int, block: int) -> None:
    """Fetch the lowest bounds above the hosts of a block of changes."""
    tree = fleet.tree
    first = block * WIDTH % tree.recent.shape[0]
    for i in range(first, first + WIDTH):
        host = tree.recent[i]
        if host >= 0:
            node = host // WIDTH
            fetch(fleet.shapes.barred, (shape, node))
            fetch(fleet.shapes.bound, (shape, node // WIDTH, node % WIDTH))


@part
def _find_beyond(
    shapes: ShapeColumns, shape: int, values: Float64, beyond: Float64
) -> None:
    """Say how far raw values, (K, WIDTH), lie beyond the known extremes, (WIDTH,)."""
    for i in range(WIDTH):
        beyond[i] = 0.0
    for k in range(values.shape[0]):
        high, low, value = shapes.high[shape, k], shapes.low[shape, k], values[k]
        for i in range(value.shape[0]):
            beyond[i] = max(beyond[i], value[i] - high, low - value[i])


@part
def _widen(fleet: FleetColumns, shape: int, host: int) -> None:
    """Let the extremes hold for one host more."""
    shapes = fleet.shapes
    shapes.witness[shape] = host
    for k in range(fleet.weights.measure.shape[0]):
        value = raw_value(fleet.weights, host, k)
        if value > shapes.high[shape, k]:
            _set_extreme(fleet, shape, k, 0, host)
        if value < shapes.low[shape, k]:
            _set_extreme(fleet, shape, k, 1, host)


@part
def find_extreme(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    k: int,
    sign: float,
) -> int:
    """Find a passing host whose raw value, times ``sign``, is largest; -1 without."""
    tree, choice = fleet.tree, fleet.choice
    top = tree.first.shape[0] - 1
    level = top
    most = -np.inf
    best = -1
    _open(fleet, shape, k, sign, level, 0)
    while level <= top:
        i = largest(choice.bound[level])
        if choice.bound[level, i] <= most:
            level += 1
            continue
        child = choice.node[level] * WIDTH + i
        if level > 0:
            choice.bound[level, i] = -np.inf
            level -= 1
            _open(fleet, shape, k, sign, level, child)
            continue
        if passes(cloud, plans, search, fleet, shape, child):
            most = choice.bound[level, i]
            best = child
        choice.bound[level, i] = -np.inf
    return int(best)


@part
def _open(
    fleet: FleetColumns, shape: int, k: int, sign: float, level: int, node: int
) -> None:
    """Bound the children of a node; where none may pass, that is noted."""
    tree, shapes, choice = fleet.tree, fleet.shapes, fleet.choice
    choice.node[level] = node
    bound = choice.bound[level]
    children = child_count(tree, level, node)
    none = True
    below = node if level == 0 else tree.first[level - 1] + node
    for i in range(WIDTH):
        bound[i] = -np.inf
        if i >= children:
            continue
        if level == 0:
            if not is_barred(fleet.shapes, shape, node * WIDTH + i):
                bound[i] = sign * fleet.weights.value[node, k, i]
        elif shapes.bound[shape, below, i] > -np.inf:
            extreme = tree.highest if sign > 0 else tree.lowest
            bound[i] = sign * extreme[below, k, i]
        none = none and bound[i] == -np.inf
    if none:
        family = tree.first[level] + node // WIDTH
        shapes.bound[shape, family, node % WIDTH] = -np.inf

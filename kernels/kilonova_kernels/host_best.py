"""The best hosts of a shape: a best-first search in the tree of extremes.

A node that cannot hold a better host than those found is never opened. Bounds are kept
under a reference, the scale of some earlier choice. The present scale makes weights
drift from there; the drift is linear in the raw values, so its largest is found at the
extremes of a node. Whether a host passes is only asked of those that would be among the
best.
"""

import numpy as np

from kilonova_kernels._jit import part
from kilonova_kernels.columns import CloudColumns, PlanColumns, SearchColumns
from kilonova_kernels.host_bounds import (
    highest,
    largest,
    open_node,
    refined,
    refresh_reference,
    weight_under_newest,
)
from kilonova_kernels.host_columns import (
    WIDTH,
    ChoiceColumns,
    FleetColumns,
    Measure,
    WeightColumns,
)
from kilonova_kernels.host_extremes import raw_value
from kilonova_kernels.host_passing import passes_here

_SOFT_ANTI_AFFINITY = Measure.SOFT_ANTI_AFFINITY


@part
def set_range(
    weights: WeightColumns, choice: ChoiceColumns, k: int, low: float, high: float
) -> None:
    """Fix how raw values of one weigher are normalised, from the extremes of all.

    Notes
    -----
    As ``normalize`` and ``BaseWeigher.weigh_objects`` in Nova's ``weights.py``.
    """
    floor = weights.floor[k]
    if floor > -np.inf:
        low = floor
        high = max(high, floor)
    choice.low[k] = low
    choice.range[k] = high - low


@part
def weight_of(fleet: FleetColumns, host: int, soft: float) -> float:
    """Give the weight of one host; ``soft`` is its raw value for soft policies."""
    weights, choice = fleet.weights, fleet.choice
    row = weights.host_multiplier[host]
    total = 0.0
    for k in range(weights.measure.shape[0]):
        is_soft = _SOFT_ANTI_AFFINITY <= weights.measure[k] < 0
        value = soft if is_soft else raw_value(fleet.weights, host, k)
        if choice.range[k] != 0.0:
            value = max(value, weights.floor[k])
            normal = (value - choice.low[k]) / choice.range[k]
            total += weights.multiplier[row, k] * normal
    return total


@part
def find_best(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
) -> None:
    """Put the best passing hosts among those in ``choice``, as many as it has room for.

    Of equal weights the lower host row comes first.
    """
    choice = fleet.choice
    refresh_reference(fleet, shape)
    top = fleet.tree.first.shape[0] - 1
    level = top
    open_node(fleet, shape, top, 0)
    while level <= top:
        i = largest(choice.bound[level])
        bound = choice.bound[level, i]
        child = choice.node[level] * WIDTH + i
        first = child
        for _ in range(level):
            first *= WIDTH
        if bound == -np.inf or not _may_enter(choice, bound, first):
            _close(fleet, shape, level)
            level += 1
            continue
        if level == 0:
            _ask(cloud, plans, search, fleet, shape, child)
            continue
        if choice.slack[1] == 0.0:
            choice.bound[level, i] = refined(fleet, level, i)
            if choice.bound[level, i] < bound:
                continue
        choice.bound[level, i] = -np.inf
        level -= 1
        open_node(fleet, shape, level, child)
    _note_least(fleet, shape)


@part
def _note_least(fleet: FleetColumns, shape: int) -> None:
    """Note what the last of the best hosts weighs under the newest reference."""
    choice, least = fleet.choice, -np.inf
    if choice.found[0] == choice.host.shape[0]:
        host = choice.host[choice.found[0] - 1]
        values, lane = fleet.weights.value[host // WIDTH], host % WIDTH
        least = weight_under_newest(fleet, shape, host, values, lane)
    fleet.shapes.least[shape] = least


@part
def _ask(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    host: int,
) -> None:
    """Put one host of the open block among the best, if it passes and is good."""
    choice = fleet.choice
    choice.bound[0, host % WIDTH] = -np.inf
    weight = weight_of(fleet, host, 0.0)
    if not _may_enter(choice, weight, host):
        return
    if passes_here(cloud, plans, search, fleet, shape, host):
        enter(choice, host, weight)
    else:
        choice.kept[0, host % WIDTH] = -np.inf


@part
def _close(fleet: FleetColumns, shape: int, level: int) -> None:
    """Keep what was learned of a node."""
    shapes, choice = fleet.shapes, fleet.choice
    bound = highest(choice.kept[level], WIDTH)
    node = choice.node[level]
    family = fleet.tree.first[level] + node // WIDTH
    shapes.bound[shape, family, node % WIDTH] = bound
    choice.kept[level + 1, node % WIDTH] = bound


@part
def _may_enter(choice: ChoiceColumns, weight: float, host: int) -> bool:
    """Say whether a host of this weight would be among the best."""
    last = choice.host.shape[0] - 1
    if choice.found[0] <= last:
        return True
    return bool(
        weight > choice.weight[last]
        or (weight == choice.weight[last] and host < choice.host[last])
    )


@part
def enter(choice: ChoiceColumns, host: int, weight: float) -> None:
    """Put a host among the best, if it is one of them."""
    if not _may_enter(choice, weight, host):
        return
    i = min(choice.found[0], choice.host.shape[0] - 1)
    choice.found[0] = i + 1
    while i > 0 and (
        choice.weight[i - 1] < weight
        or (choice.weight[i - 1] == weight and choice.host[i - 1] > host)
    ):
        choice.weight[i] = choice.weight[i - 1]
        choice.host[i] = choice.host[i - 1]
        i -= 1
    choice.weight[i] = weight
    choice.host[i] = host

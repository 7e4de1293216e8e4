"""The best hosts of a shape: a best-first search in its tree of extremes.

A node that cannot hold a better host than those found is never opened. What its hosts
weigh at most is known from the last time that it was open: exactly, where weights are
still normalised alike, and else up to the largest change of a weight between its
extremes. Both are never below the weight of a host under it.
"""

import numpy as np

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.host_columns import (
    SCALES,
    WIDTH,
    ChoiceColumns,
    Measure,
    ShapeColumns,
    WeightColumns,
)

_SOFT_ANTI_AFFINITY = Measure.SOFT_ANTI_AFFINITY


@inlined
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


@inlined
def normal(
    weights: WeightColumns, choice: ChoiceColumns, k: int, value: float
) -> float:
    """Give a raw value of one weigher, normalised."""
    if choice.range[k] == 0.0:
        return 0.0
    return float((max(value, weights.floor[k]) - choice.low[k]) / choice.range[k])


@inlined
def weight_of(
    weights: WeightColumns, choice: ChoiceColumns, host: int, soft: float
) -> float:
    """Give the weight of one host; ``soft`` is its raw value for soft policies."""
    row = weights.host_multiplier[host]
    total = 0.0
    for k in range(weights.measure.shape[0]):
        value = soft if _is_soft(weights.measure[k]) else weights.value[k, host]
        total += weights.multiplier[row, k] * normal(weights, choice, k, value)
    return total


@inlined
def _is_soft(measure: int) -> bool:
    return bool(_SOFT_ANTI_AFFINITY <= measure < 0)


@inlined
def _scaled(value: float, floor: float, low: float, extent: float) -> float:
    """Normalise a raw value by one scale."""
    if extent == 0.0:
        return 0.0
    return float((max(value, floor) - low) / extent)


@inlined
def weight_under(
    weights: WeightColumns, shapes: ShapeColumns, shape: int, scale: int, host: int
) -> float:
    """Give the weight of a host under an earlier scale that is still remembered."""
    row = weights.host_multiplier[host]
    slot = scale % SCALES
    total = 0.0
    for k in range(weights.measure.shape[0]):
        low = shapes.scale_low[shape, slot, k]
        extent = shapes.scale_range[shape, slot, k]
        value = _scaled(weights.value[k, host], weights.floor[k], low, extent)
        total += weights.multiplier[row, k] * value
    return total


@inlined
def is_remembered(shapes: ShapeColumns, shape: int, scale: int) -> bool:
    """Say whether a scale is among the last ones."""
    return bool(scale > shapes.last_scale[shape] - SCALES)


@part
def raise_bounds(
    weights: WeightColumns, shapes: ShapeColumns, shape: int, host: int
) -> None:
    """Let the bounds above a host that changed hold for it too."""
    node = host
    for level in range(shapes.level.shape[0] - 1):
        node //= WIDTH
        at = shapes.level[level] + node
        scale = shapes.scale[shape, at]
        weight = np.inf
        if is_remembered(shapes, shape, scale):
            weight = weight_under(weights, shapes, shape, scale, host)
        shapes.bound[shape, at] = max(shapes.bound[shape, at], weight)


@part
def note_scale(
    weights: WeightColumns, shapes: ShapeColumns, shape: int, choice: ChoiceColumns
) -> None:
    """Give the scale of this choice a number, a new one if it is not the last one."""
    slot = shapes.last_scale[shape] % SCALES
    same = True
    for k in range(weights.measure.shape[0]):
        same = same and shapes.scale_low[shape, slot, k] == choice.low[k]
        same = same and shapes.scale_range[shape, slot, k] == choice.range[k]
    if same:
        return
    shapes.last_scale[shape] += 1
    slot = shapes.last_scale[shape] % SCALES
    for k in range(weights.measure.shape[0]):
        shapes.scale_low[shape, slot, k] = choice.low[k]
        shapes.scale_range[shape, slot, k] = choice.range[k]


@inlined
def _bound_of(
    weights: WeightColumns,
    shapes: ShapeColumns,
    choice: ChoiceColumns,
    shape: int,
    at: int,
) -> float:
    """Give what no host below a node weighs more than, under the present scale."""
    if shapes.highest[shape, 0, at] == -np.inf:
        return -np.inf
    scale = shapes.scale[shape, at]
    bound = shapes.bound[shape, at]
    if scale == shapes.last_scale[shape] and bound < np.inf:
        return float(bound)
    from_extremes = -np.inf
    for row in range(weights.multiplier.shape[0]):
        total = 0.0
        for k in range(weights.measure.shape[0]):
            multiplier = weights.multiplier[row, k]
            extreme = shapes.highest if multiplier > 0 else shapes.lowest
            total += multiplier * normal(weights, choice, k, extreme[shape, k, at])
        from_extremes = max(from_extremes, total)
    if bound == np.inf or not is_remembered(shapes, shape, scale):
        return from_extremes
    bound += _drift(weights, shapes, choice, shape, at) + choice.slack[0]
    return float(min(bound, from_extremes))


@inlined
def _drift(
    weights: WeightColumns,
    shapes: ShapeColumns,
    choice: ChoiceColumns,
    shape: int,
    at: int,
) -> float:
    """Give by how much the new scale raises the weight of a host below a node, at most.

    A normalised value is linear in the raw one, so it changes most at an extreme.
    """
    slot = shapes.scale[shape, at] % SCALES
    most = -np.inf
    for row in range(weights.multiplier.shape[0]):
        total = 0.0
        for k in range(weights.measure.shape[0]):
            low = shapes.scale_low[shape, slot, k]
            extent = shapes.scale_range[shape, slot, k]
            if low == choice.low[k] and extent == choice.range[k]:
                continue
            multiplier = weights.multiplier[row, k]
            floor = weights.floor[k]
            high_value = shapes.highest[shape, k, at]
            low_value = shapes.lowest[shape, k, at]
            up = normal(weights, choice, k, high_value)
            up -= _scaled(high_value, floor, low, extent)
            down = normal(weights, choice, k, low_value)
            down -= _scaled(low_value, floor, low, extent)
            total += max(multiplier * up, multiplier * down)
        most = max(most, total)
    return most


@part
def find_best(
    weights: WeightColumns,
    shapes: ShapeColumns,
    shape: int,
    choice: ChoiceColumns,
) -> None:
    """Put the best passing hosts among those in ``choice``, as many as it has room for.

    Of equal weights the lower host row comes first.
    """
    note_scale(weights, shapes, shape, choice)
    top = shapes.level.shape[0] - 2
    level = top
    _open(weights, shapes, shape, choice, top, 0)
    while level <= top:
        i = 0
        for j in range(1, WIDTH):
            if choice.bound[level, j] > choice.bound[level, i]:
                i = j
        bound = choice.bound[level, i]
        child = choice.node[level] * WIDTH + i
        first = child
        for _ in range(level):
            first *= WIDTH
        if bound == -np.inf or not _may_enter(choice, bound, first):
            _close(shapes, shape, choice, level, max(bound, choice.seen[level]))
            level += 1
            continue
        choice.bound[level, i] = -np.inf
        if level == 0:
            choice.seen[0] = max(choice.seen[0], bound)
            enter(choice, child, bound)
        else:
            level -= 1
            _open(weights, shapes, shape, choice, level, child)


@inlined
def _open(
    weights: WeightColumns,
    shapes: ShapeColumns,
    shape: int,
    choice: ChoiceColumns,
    level: int,
    node: int,
) -> None:
    """Bound the children of a node; hosts have their weight as bound."""
    choice.node[level] = node
    choice.seen[level] = -np.inf
    choice.opened[0] += 1
    if level == 0:
        _weigh_leaves(weights, shapes, shape, choice, node * WIDTH)
        return
    base = shapes.level[level - 1]
    first = base + node * WIDTH
    count = min(WIDTH, shapes.level[level] - first)
    for i in range(count):
        bound = _bound_of(weights, shapes, choice, shape, first + i)
        choice.bound[level, i] = bound
    for i in range(count, WIDTH):
        choice.bound[level, i] = -np.inf


@inlined
def _weigh_leaves(
    weights: WeightColumns,
    shapes: ShapeColumns,
    shape: int,
    choice: ChoiceColumns,
    first: int,
) -> None:
    """Weigh the hosts of one lowest node, all at once.

    Weigher by weigher, so that compiled code adds several hosts in one step; for each
    host the order of additions is that of ``weight_of``.
    """
    bound = choice.bound[0]
    count = min(WIDTH, shapes.passing.shape[1] - first)
    for i in range(count):
        bound[i] = 0.0
    for k in range(weights.measure.shape[0]):
        extent = choice.range[k]
        if extent == 0.0:
            continue
        low, floor = choice.low[k], weights.floor[k]
        value = weights.value[k, first : first + count]
        multiplier = weights.multiplier[0, k]
        if weights.multiplier.shape[0] == 1:
            for i in range(count):
                bound[i] += multiplier * ((max(value[i], floor) - low) / extent)
        else:
            for i in range(count):
                row = weights.host_multiplier[first + i]
                multiplier = weights.multiplier[row, k]
                bound[i] += multiplier * ((max(value[i], floor) - low) / extent)
    for i in range(count):
        if not shapes.passing[shape, first + i]:
            bound[i] = -np.inf
    for i in range(count, WIDTH):
        bound[i] = -np.inf


@inlined
def _close(
    shapes: ShapeColumns, shape: int, choice: ChoiceColumns, level: int, bound: float
) -> None:
    """Keep what was learned of a node."""
    at = shapes.level[level] + choice.node[level]
    shapes.bound[shape, at] = bound
    shapes.scale[shape, at] = shapes.last_scale[shape]
    choice.seen[level + 1] = max(choice.seen[level + 1], bound)


@inlined
def _may_enter(choice: ChoiceColumns, weight: float, host: int) -> bool:
    """Say whether a host of this weight would be among the best."""
    last = choice.host.shape[0] - 1
    if choice.found[0] <= last:
        return True
    return bool(
        weight > choice.weight[last]
        or (weight == choice.weight[last] and host < choice.host[last])
    )


@inlined
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

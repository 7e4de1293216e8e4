"""Bounds on the weights below nodes: under a reference, and under the present scale."""

import numpy as np

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.columns import Float64
from kilonova_kernels.host_columns import REFERENCES, WIDTH, FleetColumns
from kilonova_kernels.host_extremes import child_count
from kilonova_kernels.wide import wide

# Rounding errors of a sum, as a share of its largest part.
_ROUNDING = 1e-14
# A weight that drifts by this share of all multipliers calls for another reference.
_MOST_DRIFT = 0.005


@part
def refresh_reference(fleet: FleetColumns, shape: int) -> None:
    """Find how weights drift from the newest reference; make another one if far."""
    shapes, choice, weights = fleet.shapes, fleet.choice, fleet.weights
    slot = shapes.last_reference[shape] % REFERENCES
    same = True
    for k in range(choice.low.shape[0]):
        same = same and shapes.reference_low[shape, slot, k] == choice.low[k]
        same = same and shapes.reference_range[shape, slot, k] == choice.range[k]
    if not same and _drift_from(fleet, shape, slot) > _most_drift(fleet):
        same = True
        shapes.last_reference[shape] += 1
        slot = shapes.last_reference[shape] % REFERENCES
        for k in range(choice.low.shape[0]):
            shapes.reference_low[shape, slot, k] = choice.low[k]
            shapes.reference_range[shape, slot, k] = choice.range[k]
    choice.slack[1] = 1.0 if same else 0.0
    if same:
        for row in range(weights.multiplier.shape[0]):
            choice.offset[row] = 0.0
            for k in range(choice.low.shape[0]):
                choice.slope[row, k] = 0.0


@part
def _most_drift(fleet: FleetColumns) -> float:
    multiplier = fleet.weights.multiplier
    most = 0.0
    for row in range(multiplier.shape[0]):
        total = 0.0
        for k in range(multiplier.shape[1]):
            total += abs(multiplier[row, k])
        most = max(most, total)
    return most * _MOST_DRIFT


@part
def _per_unit(multiplier: float, extent: float) -> float:
    """Give what one unit of a raw value weighs."""
    return 0.0 if extent == 0.0 else multiplier / extent


@part
def _drift_from(fleet: FleetColumns, shape: int, slot: int) -> float:
    """Set slope and offset of the drift from a reference; give how much it orders anew.

    The offset, and what all hosts share, changes no order.
    """
    shapes, choice, tree = fleet.shapes, fleet.choice, fleet.tree
    multiplier = fleet.weights.multiplier
    top = tree.first[tree.first.shape[0] - 1]
    most, slack = 0.0, 0.0
    for row in range(multiplier.shape[0]):
        total = 0.0
        choice.offset[row] = 0.0
        for k in range(multiplier.shape[1]):
            low = shapes.reference_low[shape, slot, k]
            extent = shapes.reference_range[shape, slot, k]
            before = _per_unit(multiplier[row, k], extent)
            now = _per_unit(multiplier[row, k], choice.range[k])
            high_value, low_value = tree.highest[top, k, 0], tree.lowest[top, k, 0]
            choice.slope[row, k] = now - before
            choice.offset[row] += before * low - now * choice.low[k]
            total += abs(now - before) * (high_value - low_value)
            size = max(abs(high_value), abs(low_value)) + abs(low) + abs(choice.low[k])
            slack += (abs(now) + abs(before)) * size
        most = max(most, total)
    choice.slack[0] = slack * _ROUNDING
    return most


@inlined
def largest(bound: Float64) -> int:
    """Give the first of the largest bounds of the children of a node, (WIDTH,)."""
    found, most = 0, bound[0]
    for i in range(1, WIDTH):
        if bound[i] > most:
            found, most = i, bound[i]
    return found


@part
def open_node(fleet: FleetColumns, shape: int, level: int, node: int) -> None:
    """Bound the children of a node, under the reference and under the scale."""
    choice = fleet.choice
    choice.node[level] = node
    choice.opened[0] += 1
    if level == 0:
        _weigh_block(fleet, shape, node)
    else:
        _recall_family(fleet, shape, level, node)
    bound, kept = choice.bound[level], choice.kept[level]
    if choice.slack[1] != 0.0:
        for i in range(WIDTH):
            bound[i] = kept[i]
        return
    _add_drift(fleet, level, node)
    for i in range(WIDTH):
        bound[i] = kept[i] + choice.most[i] + choice.slack[0]


@part
def _add_drift(fleet: FleetColumns, level: int, node: int) -> None:
    """Find the largest drift below each child of a node, into ``choice.most``."""
    tree, choice, weights = fleet.tree, fleet.choice, fleet.weights
    below = node if level == 0 else tree.first[level - 1] + node
    total, most = choice.sum, choice.most
    for row in range(weights.multiplier.shape[0]):
        for i in range(WIDTH):
            total[i] = choice.offset[row]
        for k in range(weights.measure.shape[0]):
            slope = choice.slope[row, k]
            if slope == 0.0:
                continue
            if level == 0:
                high = weights.value[below, k]
            elif slope > 0.0:
                high = tree.highest[below, k]
            else:
                high = tree.lowest[below, k]
            for i in range(high.shape[0]):
                total[i] += slope * high[i]
        for i in range(WIDTH):
            most[i] = total[i] if row == 0 else max(most[i], total[i])


@part
def _weigh_block(fleet: FleetColumns, shape: int, block: int) -> None:
    """Weigh the hosts of one block under the reference, all at once."""
    kept, values = fleet.choice.kept[0], fleet.weights.value[block]
    children = child_count(fleet.tree, 0, block)
    if fleet.weights.multiplier.shape[0] == 1:
        weigh_under_newest(fleet, shape, values, kept)
    else:
        for i in range(children):
            host = block * WIDTH + i
            kept[i] = weight_under_newest(fleet, shape, host, values, i)
    bits = wide(fleet.shapes.barred[shape, block])
    for i in range(WIDTH):
        if i >= children or (bits >> i) & 1:
            kept[i] = -np.inf


@part
def weigh_under_newest(
    fleet: FleetColumns, shape: int, values: Float64, weight: Float64
) -> None:
    """Weigh raw values, (K, WIDTH), under the newest reference, into (WIDTH,).

    All hosts have the same multipliers. Weigher by weigher, so that compiled code adds
    several hosts in one step; for each host the order of operations is that of
    ``weight_of``.
    """
    shapes, multiplier = fleet.shapes, fleet.weights.multiplier
    slot = shapes.last_reference[shape] % REFERENCES
    for i in range(WIDTH):
        weight[i] = 0.0
    for k in range(multiplier.shape[1]):
        extent = shapes.reference_range[shape, slot, k]
        if extent == 0.0:
            continue
        low, factor = shapes.reference_low[shape, slot, k], multiplier[0, k]
        value = values[k]
        for i in range(value.shape[0]):
            weight[i] += factor * ((value[i] - low) / extent)


@part
def weight_under_newest(
    fleet: FleetColumns, shape: int, host: int, values: Float64, lane: int
) -> float:
    """Weigh a host by its raw values, in a lane of (K, WIDTH), as above."""
    row = fleet.weights.host_multiplier[host]
    newest = fleet.shapes.last_reference[shape]
    return _weight_under(fleet, shape, newest, row, values, lane)


@part
def _recall_family(fleet: FleetColumns, shape: int, level: int, node: int) -> None:
    """Take the bounds of the children of a node from the last time they were open."""
    tree, shapes, choice = fleet.tree, fleet.shapes, fleet.choice
    family = tree.first[level - 1] + node
    newest = shapes.last_reference[shape]
    kept = choice.kept[level]
    children = child_count(tree, level, node)
    number = shapes.reference[shape, family]
    known = number == newest
    for i in range(WIDTH):
        kept[i] = shapes.bound[shape, family, i] if i < children else -np.inf
        known = known and kept[i] < np.inf
    if known:
        return
    slot = newest % REFERENCES
    low, extent = shapes.reference_low[shape, slot], shapes.reference_range[shape, slot]
    for i in range(children):
        known = kept[i] < np.inf
        if kept[i] == -np.inf or (known and number == newest):
            continue
        bound = _from_extremes(fleet, low, extent, family, i)
        if known and number > newest - REFERENCES:
            bound = min(bound, kept[i] + _moved(fleet, shape, number, family, i))
        kept[i] = bound
    if number != newest:
        shapes.reference[shape, family] = newest
        for i in range(children):
            shapes.bound[shape, family, i] = kept[i]


@part
def raise_bounds(
    fleet: FleetColumns,
    shape: int,
    host: int,
    values: Float64,
    lane: int,
    weight: float,
) -> None:
    """Let the bounds above a host hold for it, too.

    Its raw values are those of a lane of (K, WIDTH); its weight is that under the
    newest reference.
    """
    tree, shapes = fleet.tree, fleet.shapes
    newest = shapes.last_reference[shape]
    node = host
    # Nobody asks what bounds the whole tree.
    for level in range(tree.first.shape[0] - 1):
        node //= WIDTH
        family, place = tree.first[level] + node // WIDTH, node % WIDTH
        number = shapes.reference[shape, family]
        bound = shapes.bound[shape, family, place]
        if number == newest:
            bound = max(bound, weight)
        elif number > newest - REFERENCES:
            row = fleet.weights.host_multiplier[host]
            then = _weight_under(fleet, shape, number, row, values, lane)
            bound = max(bound, then)
        else:
            bound = np.inf
        shapes.bound[shape, family, place] = bound


@part
def lower_bounds(fleet: FleetColumns, shape: int, host: int) -> None:
    """Let the bounds above a host that only lost room be no higher than they must.

    They would hold all the same. But a host that was among the best for another shape
    mostly was for this one, too: its block would be opened for nothing.
    """
    tree, shapes = fleet.tree, fleet.shapes
    newest = shapes.last_reference[shape]
    node = host // WIDTH
    family, place = tree.first[0] + node // WIDTH, node % WIDTH
    if (
        shapes.reference[shape, family] != newest
        or shapes.bound[shape, family, place] < shapes.least[shape]
    ):
        return
    _weigh_block(fleet, shape, node)
    bound = highest(fleet.choice.kept[0], WIDTH)
    for level in range(tree.first.shape[0] - 1):
        family, place = tree.first[level] + node // WIDTH, node % WIDTH
        known = shapes.reference[shape, family] == newest
        if not known or bound >= shapes.bound[shape, family, place]:
            return
        shapes.bound[shape, family, place] = bound
        node //= WIDTH
        children = child_count(tree, level + 1, node)
        bound = highest(shapes.bound[shape, family], children)


@inlined
def highest(bound: Float64, count: int) -> float:
    """Give the largest of the first ``count`` bounds."""
    most = -np.inf
    for i in range(count):
        most = max(most, bound[i])
    return most


@inlined
def _weight_under(
    fleet: FleetColumns, shape: int, number: int, row: int, values: Float64, lane: int
) -> float:
    """Weigh raw values, (K, WIDTH), of one lane under a reference, by multipliers."""
    shapes = fleet.shapes
    slot = number % REFERENCES
    total = 0.0
    for k in range(values.shape[0]):
        extent = shapes.reference_range[shape, slot, k]
        if extent != 0.0:
            low = shapes.reference_low[shape, slot, k]
            factor = fleet.weights.multiplier[row, k]
            total += factor * ((values[k, lane] - low) / extent)
    return total


@inlined
def _from_extremes(
    fleet: FleetColumns, low: Float64, extent: Float64, family: int, place: int
) -> float:
    """Bound the weights below a node by its extremes, by the operations of a weight.

    Rounding keeps the order of values, so that no weight is above.
    """
    tree, multiplier = fleet.tree, fleet.weights.multiplier
    most = -np.inf
    for row in range(multiplier.shape[0]):
        total = 0.0
        for k in range(multiplier.shape[1]):
            if extent[k] == 0.0:
                continue
            factor = multiplier[row, k]
            extreme = tree.highest if factor > 0 else tree.lowest
            total += factor * ((extreme[family, k, place] - low[k]) / extent[k])
        most = max(most, total)
    return most


@part
def refined(fleet: FleetColumns, level: int, place: int) -> float:
    """Give a bound of a child of the open node that is also true to its extremes."""
    choice = fleet.choice
    family = fleet.tree.first[level - 1] + choice.node[level]
    bound = _from_extremes(fleet, choice.low, choice.range, family, place)
    return float(min(bound, choice.bound[level, place]))


@part
def _moved(
    fleet: FleetColumns, shape: int, number: int, family: int, place: int
) -> float:
    """Give by how much weights below a node rise from a reference to the newest one."""
    shapes, tree = fleet.shapes, fleet.tree
    multiplier = fleet.weights.multiplier
    old, new = number % REFERENCES, shapes.last_reference[shape] % REFERENCES
    most, slack = -np.inf, 0.0
    for row in range(multiplier.shape[0]):
        total = 0.0
        for k in range(multiplier.shape[1]):
            factor = multiplier[row, k]
            before = _per_unit(factor, shapes.reference_range[shape, old, k])
            after = _per_unit(factor, shapes.reference_range[shape, new, k])
            old_low = shapes.reference_low[shape, old, k]
            new_low = shapes.reference_low[shape, new, k]
            slope = after - before
            extreme = tree.highest if slope > 0 else tree.lowest
            value = extreme[family, k, place]
            total += slope * value + (before * old_low - after * new_low)
            size = abs(value) + abs(old_low) + abs(new_low)
            slack += (abs(after) + abs(before)) * size
        most = max(most, total)
    return most + slack * _ROUNDING

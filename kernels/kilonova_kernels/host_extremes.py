"""The tree of extremes over the hosts that pass a shape: built, and kept true."""

import numpy as np

from kilonova_kernels._jit import inlined, kernel, part
from kilonova_kernels.host_columns import (
    WIDTH,
    HostColumns,
    Measure,
    ShapeColumns,
    WeightColumns,
)

_FREE_RAM = Measure.FREE_RAM
_FREE_CPU = Measure.FREE_CPU
_FREE_DISK = Measure.FREE_DISK
_IO_OPS = Measure.IO_OPS
_INSTANCES = Measure.INSTANCES


@inlined
def measured(hosts: HostColumns, host: int, measure: int) -> float:
    """Give the raw value of a host that follows from its columns."""
    if measure == _FREE_RAM:
        return float(hosts.host_free_ram_mb[host])
    if measure == _FREE_CPU:
        total = hosts.host_vcpus_total[host]
        ratio = hosts.host_cpu_allocation_ratio[host]
        return float(total * ratio - hosts.host_vcpus_used[host])
    if measure == _FREE_DISK:
        return float(hosts.host_free_disk_mb[host])
    if measure == _IO_OPS:
        return float(hosts.host_num_io_ops[host])
    return float(hosts.host_num_instances[host])


@inlined
def measure_host(hosts: HostColumns, weights: WeightColumns, host: int) -> None:
    """Set the raw values of one host that change with a claim."""
    for k in range(weights.measure.shape[0]):
        if weights.measure[k] > 0:
            weights.value[k, host] = measured(hosts, host, weights.measure[k])


@kernel
def build_extremes(weights: WeightColumns, shapes: ShapeColumns, shape: int) -> None:
    """Make the whole tree of one shape, and count its passing hosts."""
    shapes.passing_count[shape] = 0
    for host in range(shapes.passing.shape[1]):
        shapes.passing_count[shape] += shapes.passing[shape, host]
    for level in range(shapes.level.shape[0] - 1):
        for node in range(shapes.level[level + 1] - shapes.level[level]):
            refresh_node(weights, shapes, shape, level, node)
    shapes.bound[shape] = np.inf


@part
def refresh_path(
    weights: WeightColumns, shapes: ShapeColumns, shape: int, host: int
) -> None:
    """Bring the nodes above one host up to date, as far as they change."""
    node = host
    for level in range(shapes.level.shape[0] - 1):
        node //= WIDTH
        if not refresh_node(weights, shapes, shape, level, node):
            return


@inlined
def refresh_node(
    weights: WeightColumns, shapes: ShapeColumns, shape: int, level: int, node: int
) -> bool:
    """Take the extremes of one node from its children; say whether they changed."""
    at = shapes.level[level] + node
    first = node * WIDTH
    changed = False
    if level == 0:
        base = 0
        last = min(first + WIDTH, shapes.passing.shape[1])
    else:
        base = shapes.level[level - 1]
        last = min(first + WIDTH, shapes.level[level] - base)
    for k in range(weights.measure.shape[0]):
        high, low = -np.inf, np.inf
        if level == 0:
            value = weights.value[k]
            passing = shapes.passing[shape]
            for child in range(first, last):
                if passing[child]:
                    high = max(high, value[child])
                    low = min(low, value[child])
        else:
            highest, lowest = shapes.highest[shape, k], shapes.lowest[shape, k]
            for child in range(base + first, base + last):
                high = max(high, highest[child])
                low = min(low, lowest[child])
        if high != shapes.highest[shape, k, at] or low != shapes.lowest[shape, k, at]:
            changed = True
            shapes.highest[shape, k, at] = high
            shapes.lowest[shape, k, at] = low
    return changed

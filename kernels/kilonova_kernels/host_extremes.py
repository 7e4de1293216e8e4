"""The tree of extremes over all hosts: built, and kept true by the journal."""

import numpy as np

from kilonova_kernels._jit import inlined, kernel, part
from kilonova_kernels.claims import journal_root, only_took
from kilonova_kernels.columns import CloudColumns, Counter
from kilonova_kernels.host_columns import (
    WIDTH,
    FleetColumns,
    HostColumns,
    Measure,
    TreeColumns,
    WeightColumns,
)
from kilonova_kernels.marks import journalled_tree, served_range
from kilonova_kernels.trees import tree_of

_WRITES = Counter.WRITES
_FREE_RAM = Measure.FREE_RAM
_FREE_CPU = Measure.FREE_CPU
_FREE_DISK = Measure.FREE_DISK
_IO_OPS = Measure.IO_OPS


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
def raw_value(weights: WeightColumns, host: int, k: int) -> float:
    """Give the raw value of a host for one weigher."""
    return float(weights.value[host // WIDTH, k, host % WIDTH])


@kernel
def catch_up(cloud: CloudColumns, fleet: FleetColumns) -> None:
    """Bring raw values, extremes and times of changes up to date.

    Only hosts of trees that the journal names since the last time are looked at, and
    those that these share with; all of them where it does not go back that far.
    """
    tree = fleet.tree
    writes, stamp = cloud.counters[_WRITES], tree.stamp[0]
    if stamp < 0 or writes - stamp > cloud.journal.shape[0]:
        _build(fleet)
    else:
        for w in range(stamp, writes):
            took = only_took(cloud, w)
            if took and journalled_tree(cloud, w) < 0:
                continue
            changed = tree_of(cloud.roots, journal_root(cloud, w))
            for share in range(-1, cloud.sharing.shape[0]):
                start, stop = served_range(cloud, changed, share)
                for i in range(start, stop):
                    other = changed if share < 0 else cloud.anchor_tree[i]
                    host = fleet.hosts.tree_host[other]
                    if host >= 0 and (share < 0 or other != changed):
                        _note_change(fleet, host, not took)
    tree.stamp[0] = writes


@part
def _measure_host(fleet: FleetColumns, host: int) -> bool:
    """Set the raw values of one host; say whether that may raise its weight."""
    weights = fleet.weights
    raised = False
    block, lane = host // WIDTH, host % WIDTH
    for k in range(weights.measure.shape[0]):
        if weights.measure[k] <= 0:
            continue
        before = weights.value[block, k, lane]
        now = measured(fleet.hosts, host, weights.measure[k])
        # A host that does not report is never weighed beside another one.
        now = 0.0 if np.isnan(now) else max(now, weights.floor[k])
        if now == before:
            continue
        weights.value[block, k, lane] = now
        for row in range(weights.multiplier.shape[0]):
            raised |= weights.multiplier[row, k] * (now - before) > 0
    return raised


@part
def _forget_change(tree: TreeColumns, host: int) -> None:
    """Take the last change of a host, which is about to change again, off the list."""
    before = tree.host_time[host, 0] - 1
    blocks = tree.recent_count.shape[0]
    # Of the block that is being written anew, what is left is of long ago.
    if tree.time[0] // WIDTH - before // WIDTH < blocks:
        slot = before % tree.recent.shape[0]
        if tree.recent[slot] == host:
            tree.recent[slot] = -1
            tree.recent_count[slot // WIDTH] -= 1


@part
def _note_change(fleet: FleetColumns, host: int, raised: bool) -> None:
    """Measure a host that changed; bring what is above it up to date."""
    tree = fleet.tree
    raised |= _measure_host(fleet, host)
    _forget_change(tree, host)
    slot = tree.time[0] % tree.recent.shape[0]
    if slot % WIDTH == 0:
        tree.recent_count[slot // WIDTH] = 0
    tree.recent_count[slot // WIDTH] += 1
    tree.recent[slot] = host
    for k in range(fleet.weights.measure.shape[0]):
        value = raw_value(fleet.weights, host, k)
        tree.recent_value[slot // WIDTH, k, slot % WIDTH] = value
    tree.time[0] += 1
    tree.host_time[host, 0] = tree.time[0]
    if raised:
        tree.host_time[host, 1] = tree.time[0]
    tree.recent_raised[slot] = tree.host_time[host, 1]
    node = host
    for level in range(tree.first.shape[0]):
        node //= WIDTH
        if not _refresh_node(fleet, level, node):
            return


@part
def _build(fleet: FleetColumns) -> None:
    """Measure all hosts, and make the whole tree; any of them may have changed."""
    tree = fleet.tree
    # Nobody can look back over this.
    tree.time[0] += tree.recent.shape[0] + 1
    tree.host_time[:] = tree.time[0]
    tree.recent[:] = -1
    tree.recent_count[:] = 0
    for host in range(tree.host_time.shape[0]):
        _measure_host(fleet, host)
    for level in range(tree.first.shape[0]):
        for node in range(tree.nodes[level]):
            _refresh_node(fleet, level, node)


@part
def _refresh_node(fleet: FleetColumns, level: int, node: int) -> bool:
    """Take the extremes of one node from its children; say whether they changed."""
    tree, weights = fleet.tree, fleet.weights
    family, place = tree.first[level] + node // WIDTH, node % WIDTH
    children = child_count(tree, level, node)
    changed = False
    for k in range(weights.measure.shape[0]):
        high, low = -np.inf, np.inf
        if level == 0:
            for i in range(children):
                value = weights.value[node, k, i]
                high, low = max(high, value), min(low, value)
        else:
            below = tree.first[level - 1] + node
            for i in range(children):
                high = max(high, tree.highest[below, k, i])
                low = min(low, tree.lowest[below, k, i])
        if (
            high != tree.highest[family, k, place]
            or low != tree.lowest[family, k, place]
        ):
            changed = True
            tree.highest[family, k, place] = high
            tree.lowest[family, k, place] = low
    return changed


@inlined
def child_count(tree: TreeColumns, level: int, node: int) -> int:
    """Count the children of a node."""
    below = tree.nodes[level - 1] if level > 0 else tree.host_time.shape[0]
    return int(min(WIDTH, below - node * WIDTH))

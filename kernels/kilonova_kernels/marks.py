"""Marks and weights of all trees for a plan, kept and brought up to date."""

import numpy as np

from kilonova_kernels._jit import part
from kilonova_kernels.claims import journal_root
from kilonova_kernels.columns import (
    CloudColumns,
    Counter,
    Float64,
    Int64,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.device_columns import DeviceColumns, MarkColumns
from kilonova_kernels.fits import tree_fits
from kilonova_kernels.packing import FGD, weigh, weigh_fgd
from kilonova_kernels.trees import tree_of

_WRITES = Counter.WRITES


@part
def refresh_marks(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    devices: DeviceColumns,
    marks: MarkColumns,
) -> int:
    """Bring the marks of one plan up to date; give how many trees were weighed.

    Only trees that the journal names since the plan's stamp are looked at, and those
    that these share with; all of them where the journal does not go back that far.
    """
    writes = cloud.counters[_WRITES]
    stamp = marks.stamp[plan]
    every = stamp < 0 or writes - stamp > cloud.journal.shape[0]
    first, last = stamp, writes
    if every:
        first, last = 0, cloud.roots.shape[0]
    weighed = 0
    for w in range(first, last):
        tree = w if every else journalled_tree(cloud, w)
        if tree < 0:
            continue
        shares = 0 if every else cloud.sharing.shape[0]
        # The tree itself, and those that its sharing providers serve. One call for
        # both, with one type of number: the search is compiled again for another.
        for h in range(-1, shares):
            start, stop = served_range(cloud, tree, h)
            for i in range(start, stop):
                other = tree if h < 0 else int(np.int64(cloud.anchor_tree[i]))
                if h < 0 or other != tree:
                    mark_tree(cloud, plans, plan, other, search, devices, marks)
                    weighed += 1
    marks.stamp[plan] = writes
    return int(weighed)


@part
def journalled_tree(cloud: CloudColumns, write: int) -> int:
    """Give the tree of one entry of the journal, -1 where a later one will do."""
    root = journal_root(cloud, write)
    if cloud.provider_changed[root] != write + 1:
        return -1
    return tree_of(cloud.roots, root)


@part
def served_range(cloud: CloudColumns, tree: int, share: int) -> tuple[int, int]:
    """Give the range of trees in ``anchor_tree`` that a sharing provider serves.

    It is empty where the provider is not in ``tree``; one entry for ``share`` -1.
    """
    if share < 0:
        return 0, 1
    if cloud.provider_root[cloud.sharing[share]] != cloud.roots[tree]:
        return 0, 0
    return int(cloud.anchor_start[share]), int(cloud.anchor_start[share + 1])


@part
def mark_tree(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    tree: int,
    search: SearchColumns,
    devices: DeviceColumns,
    marks: MarkColumns,
) -> None:
    """Mark and weigh one tree for one plan."""
    if not tree_fits(cloud, plans, plan, tree, search):
        marks.weight[plan, tree] = -np.inf
        return
    policy = marks.policy[0]
    if policy != FGD:
        marks.weight[plan, tree] = weigh(devices, policy, plan, tree)
        return
    root = cloud.roots[tree]
    weight, device = weigh_fgd(devices, plan, tree, cloud.provider_trait_set[root])
    marks.weight[plan, tree] = weight
    marks.preferred[plan, tree] = (
        -1 if device < 0 else device_provider(cloud, devices.classes[1], root, device)
    )


@part
def device_provider(
    cloud: CloudColumns, resource_class: int, root: int, device: int
) -> int:
    """Give the provider of the n-th inventory of a class in a tree."""
    first = cloud.inventory_start[root]
    count = 0
    for i in range(first, cloud.inventory_start[cloud.provider_subtree_end[root]]):
        if cloud.inventory_resource_class[i] == resource_class:
            if count == device:
                return int(cloud.inventory_provider[i])
            count += 1
    return -1


@part
def best_tree(weight: Float64, rank: Int64) -> int:
    """Give the tree of largest weight, of equals that of lowest rank, or -1.

    ``weight`` is (T,), minus infinity where a tree does not fit; ``rank`` is (T,).
    """
    best = -1
    most = -np.inf
    for t in range(weight.shape[0]):
        if weight[t] > most or (
            weight[t] == most and best >= 0 and rank[t] < rank[best]
        ):
            best = t
            most = weight[t]
    return best


@part
def drawn_tree(weight: Float64, draw: float) -> int:
    """Give one of the trees that fit, evenly by ``draw`` in [0, 1), or -1."""
    count = 0
    for t in range(weight.shape[0]):
        count += weight[t] > -np.inf
    wanted = int(draw * count)
    for t in range(weight.shape[0]):
        if weight[t] > -np.inf:
            if wanted == 0:
                return t
            wanted -= 1
    return -1

"""Candidates tree by tree, as many as are asked for, to be continued."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.beside import chosen_provider
from kilonova_kernels.columns import (
    CloudColumns,
    Int32,
    PlanColumns,
    ResultColumns,
    SearchColumns,
)
from kilonova_kernels.options import admits, list_options
from kilonova_kernels.search import next_candidate, start_search


@kernel
def fill_candidates(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    trees: Int32,
    search: SearchColumns,
    out: ResultColumns,
    most: int,
) -> int:
    """Write the next candidates of a plan, over the given trees in their order.

    Parameters
    ----------
    cloud, plans, plan
        What is asked of what; nothing is written.
    trees
        Numbers of the trees to search, (N,) int32.
    search
        Working memory; to continue, it must be as the call before left it.
    out
        Outputs. ``at`` is zero but for the limit per tree to begin, and is carried
        along to continue; ``place`` is read, and goes with ``trees``.
    most
        Candidates to find. Those beyond the room in ``out`` are counted only.

    Returns
    -------
    int
        Candidates found; fewer than ``most`` only when there are no more, or when the
        search was given up.
    """
    at, last = out.at, out.tree.shape[0] - 1
    written = 0
    while at[0] < trees.shape[0]:
        tree = trees[at[0]]
        if at[1] == 0:
            at[3] = 0
            if not list_options(cloud, plans, plan, tree, search):
                at[0] += 1
                continue
            start_search(cloud, plans, plan, search)
            at[1] = 1
        while written < most and (at[2] == 0 or at[3] < at[2]):
            if not next_candidate(cloud, plans, plan, search):
                at[1] = 0
                break
            row = min(written, last)
            providers = out.provider[row]
            for depth in range(plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
                providers[search.order[depth]] = chosen_provider(search, depth)
            # With a limit per tree each tree answers for itself: what an earlier one
            # has as well may be just what its limit left out.
            if at[2] != 0 or _is_first_anchor(
                cloud, plans, plan, out.place, tree, providers
            ):
                out.tree[row] = tree
                written += 1
                at[3] += 1
        if at[2] != 0 and at[3] == at[2]:
            at[1] = 0
        if at[1] != 0:
            return written
        at[0] += 1
    return written


@part
def _is_first_anchor(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    place: Int32,
    tree: int,
    providers: Int32,
) -> bool:
    """Say whether no tree searched before this one has the same candidate.

    Only where all providers share can another tree have it: candidates that differ in
    nothing but their anchor are one.
    """
    if cloud.sharing.shape[0] == 0:
        return True
    first = plans.plan_slot[plan]
    count = plans.plan_slot[plan + 1] - first
    for s in range(count):
        if _sharing_number(cloud, providers[s]) < 0:
            return True
    h = _sharing_number(cloud, providers[0])
    start, stop = cloud.anchor_start[h], cloud.anchor_start[h + 1]
    at = _anchor_position(cloud, h, tree)
    for n in range(stop - start):
        # Nearest first: of many trees that have the candidate all but one then see
        # one that was searched before at once.
        other = cloud.anchor_tree[at - 1 - n if n < at - start else start + n]
        if place[other] < place[tree] and _could_anchor(
            cloud, plans, plan, other, providers
        ):
            return False
    return True


@part
def _could_anchor(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    tree: int,
    providers: Int32,
) -> bool:
    """Say whether a candidate made of sharing providers is one of another tree too."""
    root = cloud.roots[tree]
    if not plans.plan_root_ok[plan, cloud.provider_trait_set[root]]:
        return False
    first = plans.plan_slot[plan]
    for s in range(plans.plan_slot[plan + 1] - first):
        h = _sharing_number(cloud, providers[s])
        if not _is_anchored(cloud, h, tree) or not admits(
            cloud, plans, plans.slot_group[first + s], providers[s], root
        ):
            return False
    return True


@part
def _is_anchored(cloud: CloudColumns, sharing: int, tree: int) -> bool:
    """Say whether a sharing provider, by its place among them, serves a tree."""
    at = _anchor_position(cloud, sharing, tree)
    return bool(at < cloud.anchor_start[sharing + 1] and cloud.anchor_tree[at] == tree)


@part
def _anchor_position(cloud: CloudColumns, sharing: int, tree: int) -> int:
    """Give where a tree is, or would be, among those that a sharing provider serves."""
    low, high = cloud.anchor_start[sharing], cloud.anchor_start[sharing + 1]
    while low < high:
        middle = (low + high) // 2
        if cloud.anchor_tree[middle] < tree:
            low = middle + 1
        else:
            high = middle
    return int(low)


@part
def _sharing_number(cloud: CloudColumns, provider: int) -> int:
    """Give the place of a provider among the sharing ones, or -1."""
    low, high = 0, cloud.sharing.shape[0]
    while low < high:
        middle = (low + high) // 2
        if cloud.sharing[middle] < provider:
            low = middle + 1
        else:
            high = middle
    if low < cloud.sharing.shape[0] and cloud.sharing[low] == provider:
        return low
    return -1

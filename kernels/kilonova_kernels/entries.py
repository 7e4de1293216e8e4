"""The entries of one class table that lie in one tree: a run, as rows lie by tree."""

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.columns import CloudColumns, Int64, PlanColumns

# How far to go entry by entry: the next tree begins where the last one ended.
_NEAR = 8


@part
def find_runs(cloud: CloudColumns, plans: PlanColumns, tree: int, runs: Int64) -> None:
    """Find the run of each resource of the first plan, (K, 2); see ``find_run``."""
    for k in range(runs.shape[0]):
        find_run(cloud, plans.resource_class[k], tree, runs[k])


@part
def find_run(cloud: CloudColumns, resource_class: int, tree: int, run: Int64) -> None:
    """Write the first entry of a class in one tree, and the end of them.

    Parameters
    ----------
    cloud
        Columns.
    resource_class, tree
        A class, -1 for one that nothing offers; number of the tree.
    run
        In and out, (2,) int64: zeros, or the run of that class in another tree. After
        that of the tree before it is found at once.
    """
    if resource_class < 0 or resource_class + 1 >= cloud.class_start.shape[0]:
        return
    start = int(cloud.class_start[resource_class])
    stop = int(cloud.class_start[resource_class + 1])
    row = cloud.inventory_start[cloud.roots[tree]]
    entry = min(max(int(run[1]), start), stop)
    if entry > start and cloud.class_row[entry - 1] >= row:
        entry = start
    entry = _first_entry(cloud, entry, stop, row)
    run[0] = entry
    if tree + 1 < cloud.roots.shape[0]:
        row = cloud.inventory_start[cloud.roots[tree + 1]]
        run[1] = _first_entry(cloud, entry, stop, row)
    else:
        run[1] = stop


@inlined
def _first_entry(cloud: CloudColumns, entry: int, stop: int, row: int) -> int:
    """Find the first entry from ``entry`` on whose inventory is not before ``row``."""
    near = min(stop, entry + _NEAR)
    while entry < near and cloud.class_row[entry] < row:
        entry += 1
    if entry < near or near == stop:
        return entry
    low, high = entry, stop
    while low < high:
        middle = (low + high) // 2
        if cloud.class_row[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low

"""Which hosts pass for a shape: found out when it matters, and remembered."""

from kilonova_kernels._jit import inlined, kernel, part
from kilonova_kernels.beside import chosen_provider
from kilonova_kernels.columns import (
    Bool,
    CloudColumns,
    Int32,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.fits import tree_fits
from kilonova_kernels.host_columns import (
    WIDTH,
    FirstColumns,
    FleetColumns,
    ShapeColumns,
)
from kilonova_kernels.host_extremes import child_count, measured
from kilonova_kernels.options import list_options
from kilonova_kernels.search import next_candidate, start_search
from kilonova_kernels.wide import wide


@inlined
def is_barred(shapes: ShapeColumns, shape: int, host: int) -> bool:
    """Say whether a host is known not to pass."""
    bits = wide(shapes.barred[shape, host // WIDTH])
    return bool((bits >> (host % WIDTH)) & 1)


@part
def bar(shapes: ShapeColumns, shape: int, host: int) -> None:
    """Note that a host does not pass."""
    bits = wide(shapes.barred[shape, host // WIDTH])
    shapes.barred[shape, host // WIDTH] = bits | (1 << (host % WIDTH))


@part
def bar_the_rest(fleet: FleetColumns, shape: int) -> None:
    """Bar the hosts that are not allowed, and no other."""
    shapes = fleet.shapes
    for block in range(shapes.barred.shape[1]):
        bits = 0
        for i in range(child_count(fleet.tree, 0, block)):
            if not shapes.allowed[shape, block * WIDTH + i]:
                bits |= 1 << i
        shapes.barred[shape, block] = bits


@inlined
def readmit(shapes: ShapeColumns, shape: int, host: int) -> None:
    """Forget that a host did not pass, if it is allowed."""
    block, lane = host // WIDTH, host % WIDTH
    bits = wide(shapes.barred[shape, block])
    # Most hosts are not barred; then there is no need to fetch what is allowed.
    if (bits >> lane) & 1 and shapes.allowed[shape, host]:
        shapes.barred[shape, block] = bits & ~(1 << lane)


@part
def passes_here(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    host: int,
) -> bool:
    """Say whether a host passes, and bar it if not."""
    if is_barred(fleet.shapes, shape, host):
        return False
    if _has_room(cloud, plans, search, fleet, shape, host):
        return True
    bar(fleet.shapes, shape, host)
    return False


@part
def _has_room(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    host: int,
) -> bool:
    """Say whether a host is below its limits, and has a candidate."""
    tree = fleet.hosts.host_tree[host]
    if tree < 0 or not _below_limits(fleet, shape, host):
        return False
    for turn in range(2):
        plan = fleet.shapes.plan[shape, turn]
        if plan >= 0 and tree_fits(cloud, plans, plan, tree, search):
            rooted = fleet.shapes.rooted[shape]
            if rooted or find_rooted(cloud, plans, search, plan, tree):
                return True
    return False


@part
def passes(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    host: int,
) -> bool:
    """Say whether a host passes, as ``passes_here``: for callers that seldom ask.

    Handing all columns on costs more than most answers do.
    """
    return passes_here(cloud, plans, search, fleet, shape, host)


@kernel
def mark_passing(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    marks: Bool,
) -> None:
    """Ask all hosts whether they pass; ``marks`` is (H,) and is written in full."""
    for host in range(marks.shape[0]):
        marks[host] = fleet.shapes.allowed[shape, host] and _has_room(
            cloud, plans, search, fleet, shape, host
        )


@part
def _below_limits(fleet: FleetColumns, shape: int, host: int) -> bool:
    """Say whether a host is below the limits of a shape."""
    shapes = fleet.shapes
    for i in range(shapes.limit_measure.shape[1]):
        measure = shapes.limit_measure[shape, i]
        if measure > 0:
            limit = shapes.limit[shape, i, host]
            if not measured(fleet.hosts, host, measure) < limit:
                return False
    return True


@part
def find_rooted(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    plan: int,
    tree: int,
) -> bool:
    """Find the first candidate of a tree that takes something of its root.

    Notes
    -----
    As ``select_destinations`` in Nova's ``scheduler/manager.py``, which looks hosts up
    by the providers of their candidates.
    """
    if not list_options(cloud, plans, plan, tree, search):
        return False
    start_search(cloud, plans, plan, search)
    slots = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    while next_candidate(cloud, plans, plan, search):
        for depth in range(slots):
            if chosen_provider(search, depth) == cloud.roots[tree]:
                return True
    return False


@part
def note_providers(
    plans: PlanColumns, plan: int, search: SearchColumns, provider: Int32
) -> None:
    """Write the provider of each slot of the present candidate down."""
    for depth in range(plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
        provider[search.order[depth]] = chosen_provider(search, depth)


@kernel
def first_candidates(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    asked: FirstColumns,
) -> int:
    """Find the first candidate of some trees, as a claim would take it; count them.

    Parameters
    ----------
    cloud, plans, search
        State of the cloud; plans; working memory.
    asked
        Which trees, and output.
    """
    found, plan = 0, asked.plan[0]
    for i in range(asked.trees[0]):
        asked.provider[i] = -1
        if find_rooted(cloud, plans, search, plan, asked.tree[i]):
            note_providers(plans, plan, search, asked.provider[i])
            found += 1
    return found

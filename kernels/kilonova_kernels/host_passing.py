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
from kilonova_kernels.host_columns import WIDTH, FleetColumns, ShapeColumns
from kilonova_kernels.host_extremes import measured
from kilonova_kernels.options import list_options
from kilonova_kernels.search import next_candidate, start_search
from kilonova_kernels.wide import wide


@inlined
def is_barred(shapes: ShapeColumns, shape: int, host: int) -> bool:
    """Say whether a host is known not to pass."""
    bits = wide(shapes.barred[shape, host // WIDTH])
    return bool((bits >> (host % WIDTH)) & 1)


@inlined
def bar(shapes: ShapeColumns, shape: int, host: int) -> None:
    """Note that a host does not pass."""
    bits = wide(shapes.barred[shape, host // WIDTH])
    shapes.barred[shape, host // WIDTH] = bits | (1 << (host % WIDTH))


@inlined
def unbar(fleet: FleetColumns, shape: int, host: int) -> None:
    """Let a host pass again; nothing is known of the nodes above it any more."""
    tree, shapes = fleet.tree, fleet.shapes
    bits = wide(shapes.barred[shape, host // WIDTH])
    shapes.barred[shape, host // WIDTH] = bits & ~(1 << (host % WIDTH))
    node = host
    for level in range(tree.first.shape[0]):
        node //= WIDTH
        shapes.closed[shape, tree.first[level] + node // WIDTH, node % WIDTH] = -1


@inlined
def refresh_barred(fleet: FleetColumns, shape: int, block: int) -> None:
    """Forget of the hosts of one block what is no longer sure."""
    tree, shapes = fleet.tree, fleet.shapes
    seen = shapes.seen[shape, block]
    if seen >= tree.raised[block // WIDTH, block % WIDTH]:
        return
    bits = wide(shapes.barred[shape, block])
    first = block * WIDTH
    for i in range(min(WIDTH, tree.host_raised.shape[0] - first)):
        if tree.host_raised[first + i] > seen:
            bits &= ~(1 << i)
            if not shapes.allowed[shape, first + i]:
                bits |= 1 << i
    shapes.barred[shape, block] = bits
    shapes.seen[shape, block] = tree.time[0]


@part
def passes(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    host: int,
) -> bool:
    """Say whether a host passes: it is allowed, below its limits, and has room."""
    refresh_barred(fleet, shape, host // WIDTH)
    if is_barred(fleet.shapes, shape, host):
        return False
    tree = wide(fleet.hosts.host_tree[host])
    if tree >= 0 and _below_limits(fleet, shape, host):
        for turn in range(2):
            plan = wide(fleet.shapes.plan[shape, turn])
            if plan >= 0 and tree_fits(cloud, plans, plan, tree, search):
                rooted = fleet.shapes.rooted[shape]
                if rooted or find_rooted(cloud, plans, search, plan, tree):
                    return True
    bar(fleet.shapes, shape, host)
    return False


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
        marks[host] = passes(cloud, plans, search, fleet, shape, host)


@inlined
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


@inlined
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
    plan: int,
    search: SearchColumns,
    trees: Int32,
    provider: Int32,
) -> None:
    """Find the first candidate of some trees, as a claim would take it.

    Parameters
    ----------
    cloud, plans, plan, search
        State of the cloud; plans, and the one to look at; working memory.
    trees
        (N,) int32.
    provider
        Output, (N, D) int32: provider of each slot, -1 where a tree has no candidate.
    """
    for i in range(trees.shape[0]):
        provider[i] = -1
        if find_rooted(cloud, plans, search, plan, wide(trees[i])):
            note_providers(plans, plan, search, provider[i])

"""Select hosts for servers one after the other: marks, choice, claim."""

from kilonova_kernels import codes
from kilonova_kernels._jit import inlined, kernel, part, woven
from kilonova_kernels.beside import chosen_provider
from kilonova_kernels.claims import claim, release
from kilonova_kernels.columns import (
    CloudColumns,
    Counter,
    Cursor,
    Int32,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.fits import tree_fits
from kilonova_kernels.host_best import raise_bounds
from kilonova_kernels.host_choice import choose
from kilonova_kernels.host_columns import FleetColumns, OrderColumns
from kilonova_kernels.host_extremes import (
    build_extremes,
    measure_host,
    measured,
    refresh_path,
)
from kilonova_kernels.host_usage import add_member, join_host, leave_host
from kilonova_kernels.marks import journalled_tree, served_range
from kilonova_kernels.options import list_options
from kilonova_kernels.place import merge_rows
from kilonova_kernels.search import next_candidate, start_search
from kilonova_kernels.wide import wide

_WRITES = Counter.WRITES
_GIVEN_UP = Cursor.GIVEN_UP


@kernel
def select_all(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
) -> int:
    """Select and claim a host for each server in its order, or let it go.

    Servers of one call find all their hosts, or none of them keeps one.

    Parameters
    ----------
    cloud, plans, search
        State of the cloud, changed by claims; a plan per shape; working memory.
    fleet
        What is kept of hosts; brought up to date.
    orders
        Servers, and outputs.

    Returns
    -------
    int
        Servers that have a host.
    """
    placed = 0
    n = wide(0)
    count = orders.shape.shape[0]
    while n < count:
        if orders.shape[n] < 0:
            _depart(cloud, fleet, wide(orders.consumer[n]))
            n += 1
            continue
        refresh_shape(cloud, plans, search, fleet, wide(orders.shape[n]))
        choose(fleet, orders, n)
        _note(fleet, orders, n)
        if orders.consumer[n] < 0:
            n += 1
            continue
        host = _drawn(fleet, orders, n)
        if search.cursor[_GIVEN_UP] != 0:
            # Marks cannot be trusted any more: this call fails, and nothing follows.
            host = -1
            count = n + 1
        if host >= 0 and _take(cloud, plans, search, fleet, orders, n, host):
            placed += 1
            n += 1
            continue
        call = orders.call[n]
        for i in range(call, n):
            if orders.host[i] >= 0:
                _depart(cloud, fleet, wide(orders.consumer[i]))
                orders.host[i] = -1
                placed -= 1
        while n < count and orders.call[n] == call:
            orders.host[n] = -1
            n += 1
    return placed


@woven
def refresh_shape(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
) -> None:
    """Bring the marks and extremes of one shape up to date.

    Only trees that the journal names since the shape's stamp are looked at, and those
    that these share with; all of them where the journal does not go back that far.
    """
    shapes = fleet.shapes
    writes = cloud.counters[_WRITES]
    stamp = shapes.stamp[shape]
    every = stamp < 0 or writes - stamp > cloud.journal.shape[0]
    first, last = stamp, writes
    if every:
        first, last = 0, cloud.roots.shape[0]
        shapes.passing[shape] = False
    for w in range(first, last):
        tree = w if every else journalled_tree(cloud, w)
        if tree < 0:
            continue
        shares = 0 if every else cloud.sharing.shape[0]
        for h in range(-1, shares):
            start, stop = served_range(cloud, tree, h)
            for i in range(start, stop):
                other = tree if h < 0 else int(cloud.anchor_tree[i])
                host = wide(fleet.hosts.tree_host[other])
                if host >= 0 and (h < 0 or other != tree):
                    _refresh_host(cloud, plans, search, fleet, shape, host, every)
    if every:
        build_extremes(fleet.weights, shapes, shape)
    shapes.stamp[shape] = writes


@woven
def _refresh_host(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    host: int,
    every: bool,
) -> None:
    """Mark one host for one shape, and bring what is above it up to date."""
    shapes = fleet.shapes
    measure_host(fleet.hosts, fleet.weights, host)
    before = shapes.passing[shape, host]
    now = shapes.allowed[shape, host] and _below_limits(fleet, shape, host)
    if now:
        tree = wide(fleet.hosts.host_tree[host])
        now = False
        for turn in range(2):
            plan = wide(shapes.plan[shape, turn])
            if not now and plan >= 0:
                now = tree_fits(cloud, plans, plan, tree, search)
                if now and not shapes.rooted[shape]:
                    now = _find_rooted(cloud, plans, search, plan, tree)
    shapes.passing[shape, host] = now
    if every or not (before or now):
        return
    shapes.passing_count[shape] += int(now) - int(before)
    refresh_path(fleet.weights, shapes, shape, host)
    if now:
        raise_bounds(fleet.weights, shapes, shape, host)


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
def _find_rooted(
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
def _note(fleet: FleetColumns, orders: OrderColumns, n: int) -> None:
    """Write the best hosts of a choice down."""
    choice = fleet.choice
    for i in range(orders.best.shape[1]):
        if i < choice.found[0]:
            orders.best[n, i] = choice.host[i]
            orders.weight[n, i] = choice.weight[i]
        else:
            orders.best[n, i] = -1


@inlined
def _drawn(fleet: FleetColumns, orders: OrderColumns, n: int) -> int:
    """Give the host to take, drawn from the best where the options say so, or -1."""
    count = min(fleet.choice.found[0], orders.subset[0])
    if count == 0:
        return -1
    return int(fleet.choice.host[int(orders.draw[n, 1] * count)])


@woven
def _take(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
    n: int,
    host: int,
) -> bool:
    """Claim the first candidate of a host for a server, and count the server there."""
    shape, consumer = wide(orders.shape[n]), wide(orders.consumer[n])
    tree = wide(fleet.hosts.host_tree[host])
    plan = wide(fleet.shapes.plan[shape, 0])
    if not _find_rooted(cloud, plans, search, plan, tree):
        plan = wide(fleet.shapes.plan[shape, 1])
        if plan < 0 or not _find_rooted(cloud, plans, search, plan, tree):
            return False
    count = merge_rows(plans, plan, search)
    rows, amounts = search.claim_inventory[:count], search.claim_amount[:count]
    if claim(cloud, consumer, rows, amounts, search.refused) != codes.OK:
        return False
    join_host(fleet.hosts, fleet.shapes, shape, consumer, host)
    measure_host(fleet.hosts, fleet.weights, host)
    group = orders.group[n]
    fleet.hosts.consumer_group[consumer] = group
    if group >= 0:
        add_member(fleet.groups, group, host, 1)
    orders.host[n] = host
    orders.plan[n] = plan
    _note_providers(plans, plan, search, orders.provider[n])
    return True


@inlined
def _note_providers(
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
        if _find_rooted(cloud, plans, search, plan, wide(trees[i])):
            _note_providers(plans, plan, search, provider[i])


@part
def _depart(cloud: CloudColumns, fleet: FleetColumns, consumer: int) -> None:
    """Give back all that a server has, which may be nothing."""
    group = wide(fleet.hosts.consumer_group[consumer])
    release(cloud, consumer)
    host = leave_host(fleet.hosts, consumer)
    if host < 0:
        return
    measure_host(fleet.hosts, fleet.weights, host)
    if group >= 0:
        add_member(fleet.groups, group, host, -1)
        fleet.hosts.consumer_group[consumer] = -1

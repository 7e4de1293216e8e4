"""Select hosts for servers one after the other: marks, choice, claim."""

from kilonova_kernels import codes
from kilonova_kernels._jit import kernel, part
from kilonova_kernels.claims import claim, record_change, release
from kilonova_kernels.columns import (
    CloudColumns,
    Counter,
    Cursor,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.host_choice import choose
from kilonova_kernels.host_columns import FleetColumns, OrderColumns
from kilonova_kernels.host_extremes import catch_up
from kilonova_kernels.host_passing import find_rooted, note_providers
from kilonova_kernels.host_usage import add_member, join_host, leave_host
from kilonova_kernels.place import merge_rows

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
    n = 0
    count = orders.shape.shape[0]
    while n < count:
        if orders.shape[n] < 0:
            _depart(cloud, fleet, orders.consumer[n])
            n += 1
            continue
        catch_up(cloud, fleet)
        choose(cloud, plans, search, fleet, orders, n)
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
                _depart(cloud, fleet, orders.consumer[i])
                orders.host[i] = -1
                placed -= 1
        while n < count and orders.call[n] == call:
            orders.host[n] = -1
            n += 1
    return placed


@part
def _note(fleet: FleetColumns, orders: OrderColumns, n: int) -> None:
    """Write the best hosts of a choice down."""
    choice = fleet.choice
    for i in range(orders.best.shape[1]):
        if i < choice.found[0]:
            orders.best[n, i] = choice.host[i]
            orders.weight[n, i] = choice.weight[i]
        else:
            orders.best[n, i] = -1


@part
def _drawn(fleet: FleetColumns, orders: OrderColumns, n: int) -> int:
    """Give the host to take, drawn from the best where the options say so, or -1."""
    count = min(fleet.choice.found[0], orders.subset[0])
    if count == 0:
        return -1
    return int(fleet.choice.host[int(orders.draw[n, 1] * count)])


@part
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
    shape, consumer = orders.shape[n], orders.consumer[n]
    tree = fleet.hosts.host_tree[host]
    plan = fleet.shapes.plan[shape, 0]
    if not find_rooted(cloud, plans, search, plan, tree):
        plan = fleet.shapes.plan[shape, 1]
        if plan < 0 or not find_rooted(cloud, plans, search, plan, tree):
            return False
    count = merge_rows(plans, plan, search)
    rows, amounts = search.claim_inventory[:count], search.claim_amount[:count]
    if claim(cloud, consumer, rows, amounts, search.refused) != codes.OK:
        return False
    join_host(fleet.hosts, fleet.shapes, shape, consumer, host)
    group = orders.group[n]
    fleet.hosts.consumer_group[consumer] = group
    if group >= 0:
        add_member(fleet.groups, group, host, 1)
    orders.host[n] = host
    orders.plan[n] = plan
    note_providers(plans, plan, search, orders.provider[n])
    return True


@part
def _record_host(cloud: CloudColumns, fleet: FleetColumns, host: int) -> None:
    """Enter the tree of a host in the journal, unless it is the last entry."""
    tree = fleet.hosts.host_tree[host]
    if tree < 0:
        return
    root = cloud.roots[tree]
    if cloud.provider_changed[root] != cloud.counters[_WRITES]:
        record_change(cloud, root)


@part
def _depart(cloud: CloudColumns, fleet: FleetColumns, consumer: int) -> None:
    """Give back all that a server has, which may be nothing."""
    group = fleet.hosts.consumer_group[consumer]
    release(cloud, consumer)
    host = leave_host(fleet.hosts, consumer)
    if host < 0:
        return
    _record_host(cloud, fleet, host)
    if group >= 0:
        add_member(fleet.groups, group, host, -1)
        fleet.hosts.consumer_group[consumer] = -1

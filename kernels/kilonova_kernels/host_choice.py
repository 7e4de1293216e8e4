"""The choice of one host: server groups and lists of hosts around the search."""

import numpy as np

from kilonova_kernels._jit import part
from kilonova_kernels.columns import CloudColumns, PlanColumns, SearchColumns
from kilonova_kernels.host_best import enter, find_best, set_range, weight_of
from kilonova_kernels.host_bounds import raise_bounds, weight_under_newest
from kilonova_kernels.host_columns import (
    WIDTH,
    FleetColumns,
    Measure,
    OrderColumns,
    Policy,
)
from kilonova_kernels.host_extremes import raw_value
from kilonova_kernels.host_passing import (
    bar,
    is_barred,
    passes,
    readmit,
)
from kilonova_kernels.host_scale import find_extreme, refresh_shape
from kilonova_kernels.host_usage import members_on

_ONLY = 1
_EXCEPT = 2
_AFFINITY = Policy.AFFINITY
_ANTI_AFFINITY = Policy.ANTI_AFFINITY
_SOFT_AFFINITY = Policy.SOFT_AFFINITY
_SOFT_ANTI_AFFINITY = Policy.SOFT_ANTI_AFFINITY
_OF_AFFINITY = Measure.SOFT_AFFINITY
_OF_ANTI_AFFINITY = Measure.SOFT_ANTI_AFFINITY


@part
def choose(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
    n: int,
) -> None:
    """Put the best hosts for server ``n`` into ``fleet.choice``.

    Hosts that its group or its list takes away are barred meanwhile.
    """
    choice = fleet.choice
    shape = orders.shape[n]
    choice.found[0] = 0
    refresh_shape(cloud, plans, search, fleet, shape)
    if orders.listed[n] == _ONLY or _is_affine(fleet, orders, n):
        _choose_of_few(cloud, plans, search, fleet, orders, n)
    else:
        _choose_of_all(cloud, plans, search, fleet, orders, n, shape)
    # One host alone is not weighed at all.
    if choice.found[0] == 1:
        choice.weight[0] = 0.0


@part
def _choose_of_all(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
    n: int,
    shape: int,
) -> None:
    """Search the tree of extremes."""
    choice = fleet.choice
    if fleet.shapes.witness[shape] < 0:
        return
    shelved = _shelve_banned(fleet, orders, n)
    if _set_ranges(cloud, plans, search, fleet, shape, shelved):
        if orders.policy[n] >= _SOFT_AFFINITY:
            shelved = _enter_members(cloud, plans, search, fleet, orders, n, shelved)
        find_best(cloud, plans, search, fleet, shape)
    for i in range(shelved):
        host = choice.pool[i]
        readmit(fleet.shapes, shape, host)
        values, lane = fleet.weights.value[host // WIDTH], host % WIDTH
        weight = weight_under_newest(fleet, shape, host, values, lane)
        raise_bounds(fleet, shape, host, values, lane, weight)


@part
def _is_affine(fleet: FleetColumns, orders: OrderColumns, n: int) -> bool:
    """Say whether the server must join members of its group."""
    if orders.policy[n] != _AFFINITY:
        return False
    entry = fleet.groups.first[orders.group[n]]
    while entry >= 0:
        if fleet.groups.members[entry] > 0:
            return True
        entry = fleet.groups.next[entry]
    return False


@part
def _is_listed(orders: OrderColumns, n: int, host: int) -> bool:
    low, high = orders.listed_start[n], orders.listed_start[n + 1]
    while low < high:
        middle = (low + high) // 2
        if orders.listed_host[middle] < host:
            low = middle + 1
        else:
            high = middle
    return bool(low < orders.listed_start[n + 1] and orders.listed_host[low] == host)


@part
def _is_banned(fleet: FleetColumns, orders: OrderColumns, n: int, host: int) -> bool:
    """Say whether the server's list or group keeps it from a host."""
    if orders.listed[n] == _EXCEPT and _is_listed(orders, n, host):
        return True
    group = orders.group[n]
    if group < 0:
        return False
    if orders.policy[n] == _ANTI_AFFINITY:
        return bool(members_on(fleet.groups, group, host) >= orders.most[n])
    return False


@part
def _shelve(fleet: FleetColumns, shape: int, host: int, shelved: int) -> int:
    """Bar a host that may pass, and list it; give how many are listed."""
    if is_barred(fleet.shapes, shape, host):
        return shelved
    bar(fleet.shapes, shape, host)
    fleet.choice.pool[shelved] = host
    return shelved + 1


@part
def _shelve_banned(fleet: FleetColumns, orders: OrderColumns, n: int) -> int:
    """Take the hosts out that the server may not have; give how many."""
    shape = orders.shape[n]
    shelved = 0
    if orders.listed[n] == _EXCEPT:
        for i in range(orders.listed_start[n], orders.listed_start[n + 1]):
            shelved = _shelve(fleet, shape, orders.listed_host[i], shelved)
    if orders.policy[n] == _ANTI_AFFINITY:
        entry = fleet.groups.first[orders.group[n]]
        while entry >= 0:
            if fleet.groups.members[entry] >= orders.most[n]:
                shelved = _shelve(fleet, shape, fleet.groups.host[entry], shelved)
            entry = fleet.groups.next[entry]
    return shelved


@part
def _set_ranges(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    shape: int,
    shelved: int,
) -> bool:
    """Normalise by the extremes of the hosts that pass; say whether there are any."""
    shapes = fleet.shapes
    for k in range(fleet.weights.measure.shape[0]):
        low, high = shapes.low[shape, k], shapes.high[shape, k]
        if shelved > 0 and is_barred(fleet.shapes, shape, shapes.high_host[shape, k]):
            host = find_extreme(cloud, plans, search, fleet, shape, k, 1.0)
            if host < 0:
                return False
            high = raw_value(fleet.weights, host, k)
        if shelved > 0 and is_barred(fleet.shapes, shape, shapes.low_host[shape, k]):
            host = find_extreme(cloud, plans, search, fleet, shape, k, -1.0)
            if host < 0:
                return False
            low = raw_value(fleet.weights, host, k)
        set_range(fleet.weights, fleet.choice, k, low, high)
    return True


@part
def _raw_soft(fleet: FleetColumns, orders: OrderColumns, n: int, host: int) -> float:
    """Give the raw value of a host for the soft policy of the server's group."""
    if orders.group[n] < 0:
        return 0.0
    members = members_on(fleet.groups, orders.group[n], host)
    if orders.policy[n] == _SOFT_AFFINITY:
        return float(members)
    return float(-members) if orders.policy[n] == _SOFT_ANTI_AFFINITY else 0.0


@part
def _soft_measure(policy: int) -> int:
    if policy == _SOFT_AFFINITY:
        return _OF_AFFINITY
    if policy == _SOFT_ANTI_AFFINITY:
        return _OF_ANTI_AFFINITY
    return 0


@part
def _enter_members(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
    n: int,
    shelved: int,
) -> int:
    """Weigh hosts with members of a soft group, which are barred then."""
    shape, groups, choice = orders.shape[n], fleet.groups, fleet.choice
    low, high = np.inf, -np.inf
    first = shelved
    entry = groups.first[orders.group[n]]
    while entry >= 0:
        host = groups.host[entry]
        there = groups.members[entry] > 0
        if there and passes(cloud, plans, search, fleet, shape, host):
            raw = _raw_soft(fleet, orders, n, host)
            low, high = min(low, raw), max(high, raw)
            shelved = _shelve(fleet, shape, host, shelved)
        entry = groups.next[entry]
    if shelved == first:
        return shelved
    if find_extreme(cloud, plans, search, fleet, shape, 0, 1.0) >= 0:
        low, high = min(low, 0.0), max(high, 0.0)
    _set_soft_range(fleet, orders.policy[n], low, high)
    for i in range(first, shelved):
        host = choice.pool[i]
        raw = _raw_soft(fleet, orders, n, host)
        enter(choice, host, weight_of(fleet, host, raw))
    return shelved


@part
def _set_soft_range(fleet: FleetColumns, policy: int, low: float, high: float) -> None:
    for k in range(fleet.weights.measure.shape[0]):
        if fleet.weights.measure[k] == _soft_measure(policy):
            set_range(fleet.weights, fleet.choice, k, low, high)


@part
def _choose_of_few(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
    n: int,
) -> None:
    """Weigh the few hosts that are allowed, one by one."""
    count = _gather(cloud, plans, search, fleet, orders, n)
    choice, weights = fleet.choice, fleet.weights
    for k in range(weights.measure.shape[0]):
        low, high = np.inf, -np.inf
        chosen = weights.measure[k] == _soft_measure(orders.policy[n])
        soft = weights.measure[k] < 0 and chosen
        for i in range(count):
            host = choice.pool[i]
            value = raw_value(fleet.weights, host, k)
            if soft:
                value = _raw_soft(fleet, orders, n, host)
            low, high = min(low, value), max(high, value)
        set_range(weights, choice, k, low, high)
    for i in range(count):
        host = choice.pool[i]
        enter(choice, host, weight_of(fleet, host, _raw_soft(fleet, orders, n, host)))


@part
def _gather(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    fleet: FleetColumns,
    orders: OrderColumns,
    n: int,
) -> int:
    """List the few hosts that are allowed and pass; give how many."""
    shape, choice = orders.shape[n], fleet.choice
    affine = _is_affine(fleet, orders, n)
    listed = _list_few(fleet, orders, n, affine)
    count = 0
    for i in range(listed):
        host = choice.pool[i]
        near = not affine or members_on(fleet.groups, orders.group[n], host) > 0
        free = near and not _is_banned(fleet, orders, n, host)
        if free and passes(cloud, plans, search, fleet, shape, host):
            choice.pool[count] = host
            count += 1
    return count


@part
def _list_few(fleet: FleetColumns, orders: OrderColumns, n: int, affine: bool) -> int:
    """List the hosts that a server names, or else those of its group's members."""
    pool = fleet.choice.pool
    count = 0
    if orders.listed[n] == _ONLY:
        for i in range(orders.listed_start[n], orders.listed_start[n + 1]):
            pool[count] = orders.listed_host[i]
            count += 1
        return count
    entry = fleet.groups.first[orders.group[n]]
    while entry >= 0 and affine:
        if fleet.groups.members[entry] > 0:
            pool[count] = fleet.groups.host[entry]
            count += 1
        entry = fleet.groups.next[entry]
    return count

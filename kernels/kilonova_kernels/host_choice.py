"""The choice of one host: server groups and lists of hosts around the search."""

import numpy as np

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.host_best import (
    enter,
    find_best,
    raise_bounds,
    set_range,
    weight_of,
)
from kilonova_kernels.host_columns import FleetColumns, Measure, OrderColumns, Policy
from kilonova_kernels.host_extremes import refresh_path
from kilonova_kernels.host_usage import members_on
from kilonova_kernels.wide import wide

_ONLY = 1
_EXCEPT = 2
_AFFINITY = Policy.AFFINITY
_ANTI_AFFINITY = Policy.ANTI_AFFINITY
_SOFT_AFFINITY = Policy.SOFT_AFFINITY
_SOFT_ANTI_AFFINITY = Policy.SOFT_ANTI_AFFINITY
_OF_AFFINITY = Measure.SOFT_AFFINITY
_OF_ANTI_AFFINITY = Measure.SOFT_ANTI_AFFINITY


@part
def choose(fleet: FleetColumns, orders: OrderColumns, n: int) -> None:
    """Put the best hosts for server ``n`` into ``fleet.choice``.

    The marks of its shape are up to date. Hosts that its group or its list takes away
    leave the tree of the shape meanwhile, and come back.
    """
    shapes, choice = fleet.shapes, fleet.choice
    shape = wide(orders.shape[n])
    choice.found[0] = 0
    if orders.listed[n] == _ONLY or _is_affine(fleet, orders, n):
        _choose_of_few(fleet, orders, n)
        return
    shelved = _shelve_banned(fleet, orders, n)
    count = shapes.passing_count[shape]
    orders.passed[n] = count
    if count > 0:
        _set_ranges(fleet, shape)
        # One host alone is not weighed at all.
        if orders.policy[n] >= _SOFT_AFFINITY and count > 1:
            shelved = _enter_members(fleet, orders, n, shelved)
        find_best(fleet.weights, shapes, shape, choice)
    for i in range(shelved):
        _mark(fleet, shape, wide(choice.pool[i]), True)


@inlined
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


@inlined
def _is_listed(orders: OrderColumns, n: int, host: int) -> bool:
    low, high = orders.listed_start[n], orders.listed_start[n + 1]
    while low < high:
        middle = (low + high) // 2
        if orders.listed_host[middle] < host:
            low = middle + 1
        else:
            high = middle
    return bool(low < orders.listed_start[n + 1] and orders.listed_host[low] == host)


@inlined
def _is_open(fleet: FleetColumns, orders: OrderColumns, n: int, host: int) -> bool:
    """Say whether a host passes, and neither list nor group keep the server from it."""
    passing = fleet.shapes.passing[orders.shape[n], host]
    return bool(passing and not _is_banned(fleet, orders, n, host))


@inlined
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


@inlined
def _mark(fleet: FleetColumns, shape: int, host: int, passing: bool) -> None:
    """Take a host out of the tree of a shape, or put it back."""
    fleet.shapes.passing[shape, host] = passing
    fleet.shapes.passing_count[shape] += 1 if passing else -1
    refresh_path(fleet.weights, fleet.shapes, shape, host)
    if passing:
        raise_bounds(fleet.weights, fleet.shapes, shape, host)


@inlined
def _shelve(fleet: FleetColumns, shape: int, host: int, shelved: int) -> int:
    if not fleet.shapes.passing[shape, host]:
        return shelved
    _mark(fleet, shape, host, False)
    fleet.choice.pool[shelved] = host
    return shelved + 1


@inlined
def _shelve_banned(fleet: FleetColumns, orders: OrderColumns, n: int) -> int:
    """Take the hosts out that the server may not have; give how many."""
    shape = wide(orders.shape[n])
    shelved = 0
    if orders.listed[n] == _EXCEPT:
        for i in range(orders.listed_start[n], orders.listed_start[n + 1]):
            shelved = _shelve(fleet, shape, wide(orders.listed_host[i]), shelved)
    if orders.policy[n] == _ANTI_AFFINITY:
        entry = fleet.groups.first[orders.group[n]]
        while entry >= 0:
            if fleet.groups.members[entry] >= orders.most[n]:
                shelved = _shelve(fleet, shape, wide(fleet.groups.host[entry]), shelved)
            entry = fleet.groups.next[entry]
    return shelved


@inlined
def _set_ranges(fleet: FleetColumns, shape: int) -> None:
    """Normalise by the extremes of all passing hosts: those of the topmost node."""
    shapes = fleet.shapes
    top = shapes.level[shapes.level.shape[0] - 1] - 1
    for k in range(fleet.weights.measure.shape[0]):
        low, high = shapes.lowest[shape, k, top], shapes.highest[shape, k, top]
        if shapes.passing_count[shape] > 1:
            set_range(fleet.weights, fleet.choice, k, low, high)
        else:
            fleet.choice.range[k] = 0.0


@inlined
def _raw_soft(fleet: FleetColumns, orders: OrderColumns, n: int, host: int) -> float:
    """Give the raw value of a host for the soft policy of the server's group."""
    if orders.group[n] < 0:
        return 0.0
    members = members_on(fleet.groups, orders.group[n], host)
    if orders.policy[n] == _SOFT_AFFINITY:
        return float(members)
    return float(-members) if orders.policy[n] == _SOFT_ANTI_AFFINITY else 0.0


@inlined
def _soft_measure(policy: int) -> int:
    if policy == _SOFT_AFFINITY:
        return _OF_AFFINITY
    if policy == _SOFT_ANTI_AFFINITY:
        return _OF_ANTI_AFFINITY
    return 0


@inlined
def _enter_members(
    fleet: FleetColumns, orders: OrderColumns, n: int, shelved: int
) -> int:
    """Weigh hosts with members of a soft group, which then leave the tree."""
    shape, groups = wide(orders.shape[n]), fleet.groups
    low, high = np.inf, -np.inf
    members = 0
    entry = groups.first[orders.group[n]]
    while entry >= 0:
        host = wide(groups.host[entry])
        if groups.members[entry] > 0 and fleet.shapes.passing[shape, host]:
            raw = _raw_soft(fleet, orders, n, host)
            low, high = min(low, raw), max(high, raw)
            members += 1
        entry = groups.next[entry]
    if members == 0:
        return shelved
    if members < fleet.shapes.passing_count[shape]:
        low, high = min(low, 0.0), max(high, 0.0)
    _set_soft_range(fleet, orders.policy[n], low, high)
    entry = groups.first[orders.group[n]]
    while entry >= 0:
        host = wide(groups.host[entry])
        if groups.members[entry] > 0 and fleet.shapes.passing[shape, host]:
            raw = _raw_soft(fleet, orders, n, host)
            enter(fleet.choice, host, weight_of(fleet.weights, fleet.choice, host, raw))
            shelved = _shelve(fleet, shape, host, shelved)
        entry = groups.next[entry]
    return shelved


@inlined
def _set_soft_range(fleet: FleetColumns, policy: int, low: float, high: float) -> None:
    for k in range(fleet.weights.measure.shape[0]):
        if fleet.weights.measure[k] == _soft_measure(policy):
            set_range(fleet.weights, fleet.choice, k, low, high)


@inlined
def _choose_of_few(fleet: FleetColumns, orders: OrderColumns, n: int) -> None:
    """Weigh the few hosts that are allowed, one by one."""
    count = _gather(fleet, orders, n)
    orders.passed[n] = count
    choice, weights = fleet.choice, fleet.weights
    for k in range(weights.measure.shape[0]):
        low, high = np.inf, -np.inf
        soft = weights.measure[k] < 0
        chosen = weights.measure[k] == _soft_measure(orders.policy[n])
        for i in range(count):
            value = weights.value[k, choice.pool[i]]
            if soft and chosen:
                value = _raw_soft(fleet, orders, n, choice.pool[i])
            low, high = min(low, value), max(high, value)
        if count > 1:
            set_range(weights, choice, k, low, high)
        else:
            choice.range[k] = 0.0
    for i in range(count):
        host = choice.pool[i]
        raw = _raw_soft(fleet, orders, n, host)
        enter(choice, host, weight_of(weights, choice, host, raw))


@inlined
def _gather(fleet: FleetColumns, orders: OrderColumns, n: int) -> int:
    """List the few hosts that are allowed and pass; give how many."""
    orders.shape[n]
    affine = _is_affine(fleet, orders, n)
    count = 0
    if orders.listed[n] == _ONLY:
        for i in range(orders.listed_start[n], orders.listed_start[n + 1]):
            host = orders.listed_host[i]
            near = not affine or members_on(fleet.groups, orders.group[n], host) > 0
            if near and _is_open(fleet, orders, n, host):
                fleet.choice.pool[count] = host
                count += 1
        return count
    entry = fleet.groups.first[orders.group[n]]
    while entry >= 0:
        host = fleet.groups.host[entry]
        if fleet.groups.members[entry] > 0 and _is_open(fleet, orders, n, host):
            fleet.choice.pool[count] = host
            count += 1
        entry = fleet.groups.next[entry]
    return count

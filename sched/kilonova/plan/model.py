"""The relaxed problem: kinds of servers, hosts, what each host could take of each.

Whatever a plan can do, it can do here as well, so what is best here bounds all plans.
Here a host is one heap of each resource class: whose provider an amount comes from
counts only as far as traits say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.marking import marking_of
from kilonova.cloud.hosts import tree_hosts
from kilonova.cloud.state import State
from kilonova.hosts.allowed import allowed
from kilonova.hosts.changing import SlowFilters
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.shape import Shape
from kilonova.plan.problem import Problem
from kilonova.request.group import Request, RequestGroup
from kilonova.request.server import ServerSpec

# Kinds times hosts beyond which server groups do not make a kind of their own.
_MOST_CELLS = 4_000_000
# A resource class, and the traits that its provider must and must not have.
Resource = tuple[str, tuple[frozenset[str], ...], frozenset[str]]


class Model(NamedTuple):
    """T kinds of servers, H hosts, K resources.

    Attributes
    ----------
    demand
        Servers of each kind, (T,) int64.
    amount
        What one of a kind takes of each resource, (T, K) int64.
    most
        How many of one kind alone a host could take, (T, H) int64.
    free
        What each host has left, (K, H) float64; infinite where it is not known.
    group, apart
        Number of each kind's server group if that keeps its members apart, else -1,
        (T,) int64; and how many members of group g one host may still take, (G, H).
    together
        Number of the group if its servers must all go to one host, else -1, (T,) int64.
    row
        Which of the T kinds each kind of the problem is: two that differ in their
        server groups alone may be one here, int64.
    """

    demand: NDArray[np.int64]
    amount: NDArray[np.int64]
    most: NDArray[np.int64]
    free: NDArray[np.float64]
    group: NDArray[np.int64]
    apart: NDArray[np.int64]
    together: NDArray[np.int64]
    row: NDArray[np.int64]

    @property
    def share(self) -> NDArray[np.float64]:
        """Dominant share of each kind in all that is left, (T,) float64."""
        total = np.where(np.isinf(self.free), 0, self.free).sum(axis=1)
        known = total > 0
        if not known.any():
            return np.zeros(len(self.demand))
        found: NDArray[np.float64] = (self.amount[:, known] / total[known]).max(axis=1)
        return found


def model_of(problem: Problem, scheduler: Scheduler) -> Model:
    """Relax a problem.

    Parameters
    ----------
    problem
        What is to be placed.
    scheduler
        Over a copy of the cloud without the failed hosts, in which nothing is placed.
    """
    kinds, kind = problem.kinds, problem.kind
    state = scheduler.state
    demand = np.bincount(kind, minlength=len(kinds))
    shapes = [scheduler.shape(spec) for spec in kinds]
    numbers: dict[int, int] = {}
    shape = np.array(
        [numbers.setdefault(id(s), len(numbers)) for s in shapes], np.int64
    )
    first = [shape.tolist().index(number) for number in range(len(numbers))]
    asked = [_amounts(shapes[t]) for t in first]
    resources = list(dict.fromkeys(key for each in asked for key in each))
    hosts = state.hosts.table.count
    free = np.array([_free(state, each) for each in resources]).reshape(-1, hosts)
    amount = np.array(
        [[each.get(key, 0) for key in resources] for each in asked], np.int64
    ).reshape(len(first), len(resources))
    most = np.array(
        [
            np.where(_mask(state, shapes[t], scheduler), _largest(amount[s], free), 0)
            for s, t in enumerate(first)
        ],
        np.int64,
    ).reshape(len(first), hosts)
    if len(kinds) * hosts > _MOST_CELLS:
        return _by_shape(state, kinds, shape, demand, (amount, most, free))
    most = np.minimum(most[shape], demand[:, None])
    group, apart, together = _keep_groups(state, kinds, most)
    every = np.arange(len(kinds))
    return Model(demand, amount[shape], most, free, group, apart, together, every)


def _by_shape(
    state: State,
    kinds: Sequence[ServerSpec],
    shape: NDArray[np.int64],
    demand: NDArray[np.int64],
    columns: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> Model:
    """Give the model of very many kinds, in which hosts are not kept from groups.

    A group that has lost all its hosts still keeps its servers from any other.
    """
    amount, most, free = columns
    members = _members(state)
    counts = np.zeros(len(most), np.int64)
    for t, spec in enumerate(kinds):
        asked = spec.server_group
        if asked is not None and asked.policy == "affinity":
            there = members.get(state.groups.find(asked.uuid), {})
            if there and not most[shape[t], list(there)].any():
                continue
        counts[shape[t]] += demand[t]
    none = np.full(len(most), -1, np.int64)
    most = np.minimum(most, counts[:, None])
    return Model(counts, amount, most, free, none, most[:0], none, shape)


def _mask(state: State, shape: Shape, scheduler: Scheduler) -> NDArray[np.bool_]:
    """Mark the hosts that pass and have a candidate now; later there are no more."""
    _, host_tree = tree_hosts(state)
    fits = marking_of(state, shape.request, True).fits(state).copy()
    if shape.fallback is not None:
        fits |= marking_of(state, shape.fallback, True).fits(state)
    marks = allowed(state, shape, scheduler.options) & (host_tree >= 0)
    marks[marks] = fits[host_tree[marks]]
    slow = SlowFilters(state, shape, scheduler.options)
    if slow.filters:
        rows = np.flatnonzero(marks)
        marks[rows] = slow.marks(rows)
    return marks


def _largest(amount: NDArray[np.int64], free: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give how often the amounts fit into what each host has left, at most 2**31."""
    asked = amount > 0
    if not asked.any():
        return np.full(free.shape[1], 2**31, np.int64)
    counts = np.floor(free[asked] / amount[asked, None]).min(axis=0)
    found: NDArray[np.int64] = np.minimum(counts, 2**31).astype(np.int64)
    return found


def _amounts(shape: Shape) -> dict[Resource, int]:
    """Give what a server takes whichever candidate it gets."""
    found = _amounts_of(shape.request)
    if shape.fallback is None:
        return found
    other = _amounts_of(shape.fallback)
    return {key: min(found[key], other[key]) for key in found if key in other}


def _amounts_of(request: Request) -> dict[Resource, int]:
    found: dict[Resource, int] = {}
    for group in request.groups:
        for name, amount in group.resources.items():
            for key in {(name, (), frozenset[str]()), _clause(name, group)}:
                found[key] = found.get(key, 0) + amount
    return found


def _clause(name: str, group: RequestGroup) -> Resource:
    if not group.suffix:
        # Its traits may be anywhere in the tree.
        return name, (), frozenset()
    order = sorted(group.required, key=sorted)
    return name, tuple(order), group.forbidden


def _free(state: State, resource: Resource) -> NDArray[np.float64]:
    """Give what each host has left of a resource; infinite where others share it."""
    name, required, forbidden = resource
    number = state.resource_classes.find(name)
    inventory, provider = state.tables.inventory, state.tables.provider
    rows = np.flatnonzero(inventory["resource_class"] == number)
    owner = inventory["provider"][rows]
    hosts = state.hosts.table.count
    if np.isin(owner, state.sharing().provider).any():
        return np.full(hosts, np.inf)
    right = np.ones(len(state.trait_sets), np.bool_)
    for clause in required:
        right &= state.trait_sets.hits(_numbers(state, clause))
    if forbidden:
        right &= ~state.trait_sets.hits(_numbers(state, forbidden))
    marks = right[provider["trait_set"][owner]]
    rows, owner = rows[marks], owner[marks]
    capacity = state.tables.offer["capacity"][inventory["offer"][rows]]
    left = np.maximum(capacity - inventory["used"][rows], 0)
    tree_host, _ = tree_hosts(state)
    host = tree_host[np.searchsorted(state.index().roots, provider["root"][owner])]
    known = host >= 0
    return np.bincount(host[known], left[known], hosts).astype(np.float64)


def _numbers(state: State, names: Iterable[str]) -> frozenset[int]:
    return frozenset(state.traits.find(name) for name in names) - {-1}


def _keep_groups(
    state: State, kinds: Iterable[ServerSpec], most: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Lower ``most`` to what hard server groups allow; number those groups."""
    members = _members(state)
    apart: dict[str, NDArray[np.int64]] = {}
    number: dict[str, int] = {}
    gathered: dict[str, int] = {}
    group = np.full(len(most), -1, np.int64)
    together = np.full(len(most), -1, np.int64)
    for t, spec in enumerate(kinds):
        asked = spec.server_group
        if asked is None:
            continue
        there = members.get(state.groups.find(asked.uuid), {})
        if asked.policy == "affinity" and there:
            most[t, np.setdiff1d(np.arange(most.shape[1]), list(there))] = 0
        elif asked.policy == "affinity":
            together[t] = gathered.setdefault(asked.uuid, len(gathered))
        elif asked.policy == "anti-affinity":
            if asked.uuid not in apart:
                left = np.full(most.shape[1], asked.max_server_per_host, np.int64)
                for host, count in there.items():
                    left[host] = max(0, left[host] - count)
                apart[asked.uuid] = left
            group[t] = number.setdefault(asked.uuid, len(number))
            most[t] = np.minimum(most[t], apart[asked.uuid])
    return (
        group,
        np.array(list(apart.values()), np.int64).reshape(-1, most.shape[1]),
        together,
    )


def _members(state: State) -> Mapping[int, dict[int, int]]:
    """Count the members of each server group by host."""
    table = state.tables.consumer
    found: dict[int, dict[int, int]] = {}
    rows = np.flatnonzero((table["group"] >= 0) & (table["host"] >= 0))
    pairs = zip(
        table["group"][rows].tolist(), table["host"][rows].tolist(), strict=True
    )
    for group, host in pairs:
        counts = found.setdefault(group, {})
        counts[host] = counts.get(host, 0) + 1
    return found

"""How many more of one request fit, in all and on each host."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kilonova.candidates.compile import Plans, compile_requests
from kilonova.candidates.explain import read_request
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.candidates.headroom_exact import solve_trees
from kilonova.candidates.headroom_shared import Bounds, shared_bounds
from kilonova.cloud.state import State
from kilonova.request.checks import check_bound
from kilonova.request.group import Request

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns
    from kilonova_kernels.headroom_claims import FamilyColumns, HeadroomColumns

_TOP = 20


@dataclass(frozen=True, slots=True)
class HostRoom:
    """How many of a request one host has room for, if it were alone.

    Attributes
    ----------
    host
        Name of the root.
    count, upper
        That many fit for sure, and no more than ``upper``.
    resource_class
        The class that runs out first.
    """

    host: str
    count: int
    upper: int
    resource_class: str


@dataclass(frozen=True, slots=True)
class Headroom:
    """How many more of a request fit.

    Attributes
    ----------
    request
        What was asked.
    total, upper
        That many fit for sure, and no more than ``upper``.
    hosts
        The hosts with most room, at most 20, most first.
    host_count
        Hosts that have room for at least one.
    limited_by
        How many of those hosts run out of each class first.
    """

    request: Request
    total: int
    upper: int
    hosts: tuple[HostRoom, ...]
    host_count: int
    limited_by: Mapping[str, int]

    @property
    def exact(self) -> bool:
        """Whether ``total`` is the number, and not only a lower bound of it."""
        return self.total == self.upper

    def __str__(self) -> str:
        if self.exact:
            return f"{self.total} fit."
        return f"At least {self.total} fit, at most {self.upper}."

    def to_dict(self) -> dict[str, Any]:
        """Give all but the request as plain data, for JSON."""
        return {
            "total": self.total,
            "upper": self.upper,
            "exact": self.exact,
            "host_count": self.host_count,
            "limited_by": dict(self.limited_by),
            "hosts": [
                {
                    "host": each.host,
                    "count": each.count,
                    "upper": each.upper,
                    "resource_class": each.resource_class,
                }
                for each in self.hosts
            ],
        }


def headroom(state: State, request: Request | str, most: int | None = None) -> Headroom:
    """Count how often a request can be claimed until no candidate is left.

    Parameters
    ----------
    state
        Where to look; claims are made in a copy.
    request
        A request, or Placement's query string.
    most
        Stop when so many are found, at least 1; None counts all. Hosts not looked at
        by then are missing in the answer.

    Raises
    ------
    BadRequest
        Placement would refuse the request, or ``most`` is not a whole number from 1.
    UnknownTrait, UnknownResourceClass
        A name is unknown.
    """
    from kilonova_kernels.headroom import count_headroom
    from kilonova_kernels.headroom_claims import MOST

    asked = read_request(request)
    check_bound("most", most)
    with state.lock:
        plans = compile_requests(state, [asked])
        cloud = scratch(state)
        families = _families(state, plans)
        search = plans.search(state.largest_pool())
        found = _room_for_results(len(cloud.roots), len(families.lead))
        alone = not families.shared.any()
        stop = min(most, MOST) if most is not None and alone else MOST
        count_headroom(cloud, plans.columns, families, search, stop, found)
        solve_trees(cloud, plans, search, found)
        bounds = Bounds(int(found.lower.sum()), int(found.upper.sum()))
        if found.reaches[found.upper > 0].any():
            copy = scratch(state)
            bounds = shared_bounds(copy, plans, families, search, found)
        check_not_given_up(state, search)
        if most is not None:
            bounds = Bounds(min(bounds.lower, most), min(bounds.upper, most))
        return _result(state, plans, found, bounds)


def scratch(state: State) -> "CloudColumns":
    """Give the columns with copies of what claims change; nothing else is written."""
    cloud = state.columns()
    return cloud._replace(
        inventory_used=cloud.inventory_used.copy(), largest=cloud.largest.copy()
    )


def _families(state: State, plans: Plans) -> "FamilyColumns":
    """Find the slots that ask the same. Each class of the unsuffixed group is alone."""
    from kilonova_kernels.headroom_claims import FamilyColumns

    request, slots = plans.requests[0], plans.slots[0]
    kinds: list[object] = []
    members: list[list[int]] = []
    slot_family = np.zeros(len(slots), np.int32)
    for s, g in enumerate(slots):
        group = request.groups[g]
        kind = replace(group, suffix="_") if group.suffix else s
        if kind not in kinds:
            kinds.append(kind)
            members.append([])
        slot_family[s] = kinds.index(kind)
        members[kinds.index(kind)].append(s)
    sharing = state.sharing()
    shared = np.zeros(state.tables.provider.count, np.bool_)
    shared[sharing.provider[np.diff(sharing.anchor_start) > 1]] = True
    pool = state.largest_pool()
    return FamilyColumns(
        slot_family=slot_family,
        lead=np.array([slots[0] for slots in members], np.int32),
        size=np.array([len(slots) for slots in members], np.int64),
        used=state.tables.inventory["used"],
        shared=shared,
        fit=np.zeros(pool, np.int64),
        bulk=np.zeros(pool, np.int64),
    )


def _room_for_results(trees: int, families: int) -> "HeadroomColumns":
    from kilonova_kernels.headroom_claims import HeadroomColumns

    return HeadroomColumns(
        lower=np.zeros(trees, np.int64),
        upper=np.zeros(trees, np.int64),
        resource=np.full(trees, -1, np.int32),
        family=np.zeros((trees, families), np.int64),
        own=np.zeros((trees, families), np.int64),
        reaches=np.zeros((trees, families), np.bool_),
        coupled=np.zeros(trees, np.bool_),
    )


def _result(
    state: State, plans: Plans, found: "HeadroomColumns", bounds: Bounds
) -> Headroom:
    columns, classes = plans.columns, state.resource_classes
    roots = state.index().roots
    open_ = np.flatnonzero(found.lower)
    names = [classes[rc] if rc >= 0 else "" for rc in columns.resource_class.tolist()]
    # Ties in the order of the trees.
    top = open_[np.argsort(-found.lower[open_], kind="stable")][:_TOP]
    limits = Counter(found.resource[open_].tolist())
    by_class: Counter[str] = Counter()
    for resource, count in limits.items():
        by_class[names[resource]] += count
    return Headroom(
        request=plans.requests[0],
        total=bounds.lower,
        upper=bounds.upper,
        hosts=tuple(
            HostRoom(
                host=_name(state, int(roots[tree])),
                count=int(found.lower[tree]),
                upper=int(found.upper[tree]),
                resource_class=names[int(found.resource[tree])],
            )
            for tree in top.tolist()
        ),
        host_count=len(open_),
        limited_by=dict(by_class.most_common()),
    )


def _name(state: State, provider: int) -> str:
    return state.provider_names[provider] or state.provider_uuids[provider]

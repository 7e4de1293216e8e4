"""How many more of one request fit, in all and on each host."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.candidates.explain import read_request
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.candidates.headroom_exact import solve_trees
from kilonova.candidates.headroom_families import Families, families_of
from kilonova.candidates.headroom_shared import Bounds, shared_bounds
from kilonova.candidates.marking import marking_of
from kilonova.cloud.state import State
from kilonova.request.checks import check_bound
from kilonova.request.group import Request

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns, SearchColumns
    from kilonova_kernels.headroom_claims import HeadroomColumns

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
    asked = read_request(request)
    check_bound("most", most)
    with state.lock:
        marking = marking_of(state, replace(asked, limit=None), True)
        families = families_of(state, marking)
        plans, search = marking.plans, marking.new_search()
        found = count_trees(state, plans, families, search, most)
        solve_trees(state.columns(), plans, search, found)
        bounds = Bounds(int(found.lower.sum()), int(found.upper.sum()))
        if families.sharing and found.reaches[:, found.upper > 0].any():
            copy = scratch(state)
            bounds = shared_bounds(copy, plans, families.columns, search, found)
        check_not_given_up(state, search)
        if most is not None:
            bounds = Bounds(min(bounds.lower, most), min(bounds.upper, most))
        return _result(state, asked, plans, found, bounds)


def count_trees(
    state: State,
    plans: Plans,
    families: Families,
    search: "SearchColumns",
    most: int | None,
) -> "HeadroomColumns":
    """Count what each tree has room for by itself, until ``most`` are found."""
    from kilonova_kernels.headroom import count_headroom
    from kilonova_kernels.headroom_claims import MOST

    columns, scan = families.columns, families.scan
    # Where no tree is walked, nothing is claimed.
    cloud = scratch(state) if columns.walked.any() else state.columns()
    found = _room_for_results(len(cloud.roots), len(columns.lead))
    # What trees share counts in all of them: there is no telling when to stop.
    stop = MOST if most is None or families.sharing else min(most, MOST)
    count_headroom(cloud, plans.columns, columns, scan, search, stop, found)
    return found


def scratch(state: State) -> "CloudColumns":
    """Give the columns with copies of what claims change; nothing else is written."""
    cloud = state.columns()
    return cloud._replace(
        inventory_used=cloud.inventory_used.copy(), largest=cloud.largest.copy()
    )


def _room_for_results(trees: int, families: int) -> "HeadroomColumns":
    from kilonova_kernels.headroom_claims import HeadroomColumns

    return HeadroomColumns(
        lower=np.zeros(trees, np.int64),
        upper=np.zeros(trees, np.int64),
        resource=np.full(trees, -1, np.int32),
        family=np.zeros((families, trees), np.int64),
        own=np.zeros((families, trees), np.int64),
        reaches=np.zeros((families, trees), np.bool_),
        coupled=np.zeros(trees, np.bool_),
    )


def _result(
    state: State,
    request: Request,
    plans: Plans,
    found: "HeadroomColumns",
    bounds: Bounds,
) -> Headroom:
    columns, classes = plans.columns, state.resource_classes
    roots = state.index().roots
    names = [classes[rc] if rc >= 0 else "" for rc in columns.resource_class.tolist()]
    limits = _limits(found)
    by_class: Counter[str] = Counter()
    for resource, count in limits.items():
        by_class[names[resource]] += count
    return Headroom(
        request=request,
        total=bounds.lower,
        upper=bounds.upper,
        hosts=tuple(
            HostRoom(
                host=_name(state, int(roots[tree])),
                count=int(found.lower[tree]),
                upper=int(found.upper[tree]),
                resource_class=names[int(found.resource[tree])],
            )
            for tree in _roomiest(found.lower).tolist()
        ),
        host_count=sum(limits.values()),
        limited_by=dict(by_class.most_common()),
    )


def _roomiest(lower: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the trees with most room, most first, and equals in their order."""
    trees = np.flatnonzero(lower)
    if len(trees) > _TOP:
        # Sorting all of them would take longer than counting did.
        least = np.partition(lower, -_TOP)[-_TOP]
        above = np.flatnonzero(lower > least)
        equal = np.flatnonzero(lower == least)
        trees = np.concatenate([above, equal[: _TOP - len(above)]])
    return trees[np.argsort(-lower[trees], kind="stable")]


def _limits(found: "HeadroomColumns") -> dict[int, int]:
    """Count the trees with room that each resource limits, by their first such tree."""
    # A bound that no resource sets is none that runs out.
    resources = found.resource[(found.lower > 0) & (found.resource >= 0)]
    counts = np.bincount(resources)
    limits = np.flatnonzero(counts).tolist()
    limits.sort(key=lambda resource: int((resources == resource).argmax()))
    return {resource: int(counts[resource]) for resource in limits}


def _name(state: State, provider: int) -> str:
    return state.provider_names[provider] or state.provider_uuids[provider]

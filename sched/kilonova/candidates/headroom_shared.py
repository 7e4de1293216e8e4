"""Headroom where sharing providers tie trees together."""

from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kilonova.candidates.compile import Plans

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns, SearchColumns
    from kilonova_kernels.headroom_claims import FamilyColumns, HeadroomColumns


class Bounds(NamedTuple):
    """At least and at most so many."""

    lower: int
    upper: int


def shared_bounds(
    cloud: "CloudColumns",
    plans: Plans,
    families: "FamilyColumns",
    search: "SearchColumns",
    found: "HeadroomColumns",
) -> Bounds:
    """Bound how many fit all trees together.

    Notes
    -----
    At most: for each family that may use shared providers, a flow from trees, each as
    far as the other families allow, to what is theirs alone and to the providers that
    they share. At least: the same flow, if it is the only such family, its members are
    one a claim, and no families of a tree get in each other's way; or else claims one
    after the other.
    """
    from kilonova_kernels.headroom import claim_trees

    open_ = found.upper > 0
    reaching = np.flatnonzero(found.reaches[:, open_].any(axis=1))
    flows = [
        _flow(cloud, plans, families, search, found, int(family)) for family in reaching
    ]
    upper = min(int(found.upper.sum()), *flows)
    single = len(reaching) == 1 and families.size[reaching[0]] == 1
    if single and not found.coupled.any():
        return Bounds(upper, upper)
    lower = claim_trees(cloud, plans.columns, families, search, found.upper)
    return Bounds(int(lower), upper)


def _flow(
    cloud: "CloudColumns",
    plans: Plans,
    families: "FamilyColumns",
    search: "SearchColumns",
    found: "HeadroomColumns",
    family: int,
) -> int:
    """Bound the claims of all trees by what one family finds on shared providers."""
    from kilonova_kernels.headroom import shared_choices
    from kilonova_kernels.headroom_claims import MOST

    size = int(families.size[family])
    others = np.delete(found.family, family, axis=0).min(axis=0, initial=MOST)
    certain = np.where(found.upper > 0, np.minimum(others, MOST), 0)
    members = np.minimum(certain * size, MOST)
    own = np.minimum(members, found.own[family])
    edges = np.zeros((len(cloud.anchor_tree) + 1, 3), np.int64)
    count = shared_choices(cloud, plans.columns, family, families, search, edges)
    choices: dict[int, list[int]] = defaultdict(list)
    room: dict[int, int] = {}
    for tree, provider, fit in edges[:count].tolist():
        choices[tree].append(provider)
        room[provider] = fit
    wants: dict[tuple[int, ...], int] = defaultdict(int)
    for tree, providers in choices.items():
        wants[tuple(sorted(providers))] += int(members[tree] - own[tree])
    return (int(own.sum()) + _most_given(wants, room)) // size


def _most_given(wants: dict[tuple[int, ...], int], room: dict[int, int]) -> int:
    """Give out units of providers to those who want them: the largest flow.

    ``wants`` has the units wanted from any of some providers. Where one gets nothing
    directly, another may hand over what it can replace: shortest paths first.
    """
    left = dict(room)
    given: dict[tuple[tuple[int, ...], int], int] = defaultdict(int)
    total = 0
    for wanting, amount in wants.items():
        need = amount
        while need > 0:
            path = _path(wanting, left, wants, given)
            if path is None:
                break
            end = path[-1][1]
            back = [given[path[i + 1][0], path[i][1]] for i in range(len(path) - 1)]
            units = min([need, left[end], *back])
            for i, (group, provider) in enumerate(path):
                given[group, provider] += units
                if i:
                    given[group, path[i - 1][1]] -= units
            left[end] -= units
            need -= units
            total += units
    return total


def _path(
    start: tuple[int, ...],
    left: dict[int, int],
    wants: dict[tuple[int, ...], int],
    given: dict[tuple[tuple[int, ...], int], int],
) -> list[tuple[tuple[int, ...], int]] | None:
    """Find who takes what from whom until someone takes what is left, or None."""
    before: dict[int, tuple[tuple[int, ...], int | None]] = {}
    queue: deque[tuple[tuple[int, ...], int | None]] = deque([(start, None)])
    seen = {start}
    while queue:
        group, through = queue.popleft()
        for provider in group:
            if provider in before:
                continue
            before[provider] = (group, through)
            if left[provider] > 0:
                return _walk(before, provider)
            for other in wants:
                if other not in seen and given[other, provider] > 0:
                    seen.add(other)
                    queue.append((other, provider))
    return None


def _walk(
    before: dict[int, tuple[tuple[int, ...], int | None]], provider: int
) -> list[tuple[tuple[int, ...], int]]:
    path = []
    at: int | None = provider
    while at is not None:
        group, through = before[at]
        path.append((group, at))
        at = through
    return path[::-1]

"""Provider summaries: what is told about the providers of an answer."""

from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.enumeration import Enumeration
from kilonova.candidates.layout import slot_amounts
from kilonova.cloud.identities import provider_identities
from kilonova.cloud.state import State
from kilonova.request.microversion import Microversion

_TRAITS = Microversion(1, 17)
_ALL_CLASSES = Microversion(1, 27)
NESTED = Microversion(1, 29)

_Resources = dict[str, dict[str, int]]


def provider_summaries(
    found: Enumeration, version: Microversion
) -> dict[str, dict[str, Any]]:
    """Sum up the providers of an answer, by identity, as one microversion does.

    From 1.29 on every provider of every tree that a candidate takes resources from;
    before only the providers that resources are taken from.
    """
    if found.plans is None:
        return {}
    state = found.state
    used = used_providers(found)
    if version >= NESTED:
        rows = _trees_of(state, used)
    elif found.found == found.limit:
        rows = _used_without_limit(found, used)
    else:
        rows = used
    asked = None
    if version < _ALL_CLASSES:
        groups = found.plans.requests[0].groups
        asked = {name for group in groups for name in group.resources}
    names = provider_identities(state, rows)
    resources = _resources(state, rows, asked)
    return dict(
        zip(names, _rendered(state, rows, names, resources, version), strict=True)
    )


def used_providers(found: Enumeration) -> NDArray[np.int32]:
    """Give the providers that candidates take resources from, ascending."""
    assert found.plans is not None
    amounts = slot_amounts(found.plans.requests[0])
    # A group without resources opens no tree.
    taking = [s for s, amount in enumerate(amounts) if amount]
    return distinct_rows(found.provider[:, taking])


def distinct_rows(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give each of some rows once, ascending; quicker than sorting many of them."""
    marks = np.zeros(rows.max(initial=-1) + 1, np.bool_)
    marks[rows] = True
    return np.flatnonzero(marks).astype(np.int32)


def _trees_of(state: State, providers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give all providers of the trees that some providers are in, ascending."""
    table = state.tables.provider
    return tree_rows(state, distinct_rows(table["root"][providers]))


def tree_rows(state: State, roots: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give all providers of the trees with these roots, which ascend."""
    return _ranges(roots, state.tables.provider["subtree_end"][roots])


def whole_summaries(
    state: State, rows: NDArray[np.int32], names: list[str]
) -> list[dict[str, Any]]:
    """Give the summary of each provider of whole trees, as from 1.29 on.

    ``rows`` ascend, and ``names`` are their identities.
    """
    return _rendered(state, rows, names, _resources(state, rows, None), NESTED)


def _ranges(start: NDArray[np.int32], stop: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give start, start + 1, ... stop - 1 of each pair, one after the other."""
    sizes = stop - start
    ends = np.cumsum(sizes)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    found: NDArray[np.int32] = (np.repeat(start, sizes) + within).astype(np.int32)
    return found


def _used_without_limit(
    found: Enumeration, used: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give the providers that the answer without its limit uses, in the trees touched.

    Before 1.29 Placement makes the summaries of the whole answer, and then drops those
    of trees that the limit left out.
    """
    state = found.state
    table, index, sharing = state.tables.provider, state.index(), state.sharing()
    touched = _trees_of(state, used)
    if len(touched) == len(used):
        return used
    own = np.searchsorted(index.roots, table["root"][touched]).astype(np.int32)
    shared = np.flatnonzero(np.isin(sharing.provider, touched))
    served = _ranges(sharing.anchor_start[shared], sharing.anchor_start[shared + 1])
    trees = np.union1d(own, sharing.anchor_tree[served])
    if found.trees is not None:
        trees = trees[np.isin(trees, found.trees)]
    whole = Enumeration(state, found.marking, trees, found.per_host)
    whole.find()
    return np.intersect1d(touched, used_providers(whole))


def _resources(
    state: State, rows: NDArray[np.int32], asked: set[str] | None
) -> list[_Resources]:
    """Give capacity and usage by class of each provider; of all classes if None."""
    start = state.index().inventory_start
    inventories = _ranges(start[rows], start[rows + 1])
    table, classes = state.tables.inventory, state.resource_classes
    capacities = state.tables.offer["capacity"][table["offer"][inventories]].tolist()
    in_use = table["used"][inventories].tolist()
    names = [classes[number] for number in range(len(classes))]
    labels = [names[i] for i in table["resource_class"][inventories].tolist()]
    amounts = [
        {"capacity": capacity, "used": used}
        for capacity, used in zip(capacities, in_use, strict=True)
    ]
    pairs = zip(labels, amounts, strict=True)
    counts = (start[rows + 1] - start[rows]).tolist()
    found = [dict(islice(pairs, count)) for count in counts]
    if asked is None:
        return found
    return [
        {name: amount for name, amount in held.items() if name in asked}
        for held in found
    ]


def _rendered(
    state: State,
    rows: NDArray[np.int32],
    names: list[str],
    resources: list[_Resources],
    version: Microversion,
) -> list[dict[str, Any]]:
    """Give the summary of each provider; from 1.29 whole trees, ascending."""
    if version < _TRAITS:
        return [{"resources": held} for held in resources]
    table = state.tables.provider
    numbers = table["trait_set"][rows].tolist()
    known = {
        number: sorted(state.traits[trait] for trait in state.trait_sets[number])
        for number in set(numbers)
    }
    if version < NESTED:
        return [
            {"resources": held, "traits": known[number].copy()}
            for held, number in zip(resources, numbers, strict=True)
        ]
    above = np.searchsorted(rows, table["parent"][rows])
    # One name more, for the parent that a root has not.
    above[table["parent"][rows] < 0] = len(rows)
    parents = [*names, None]
    roots = np.searchsorted(rows, table["root"][rows]).tolist()
    return [
        {
            "resources": held,
            "traits": known[number].copy(),
            "parent_provider_uuid": parents[parent],
            "root_provider_uuid": names[root],
        }
        for held, number, parent, root in zip(
            resources, numbers, above.tolist(), roots, strict=True
        )
    ]

"""Whether a candidate takes something of the root of its tree, whatever it is."""

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.kept import Kept
from kilonova.cloud.state import State
from kilonova.hosts.shape import Shape


def is_rooted(state: State, shape: Shape) -> bool:
    """Say whether all of a shape do, as it asks for a class that only roots offer."""
    elsewhere = _ELSEWHERE.of(state)
    requests = [shape.request, shape.fallback or shape.request]
    return all(
        any(
            state.resource_classes.find(name) not in elsewhere
            for group in request.groups
            if not group.suffix
            for name in group.resources
        )
        for request in requests
    )


def _elsewhere(state: State) -> frozenset[int]:
    """Give the classes that providers below roots, or sharing ones, offer."""
    inventory, provider = state.tables.inventory, state.tables.provider
    owners: NDArray[np.bool_] = provider["parent"] >= 0
    owners[state.sharing().provider] = True
    offered = inventory["resource_class"][owners[inventory["provider"]]]
    return frozenset(np.flatnonzero(np.bincount(offered)).tolist())


_ELSEWHERE = Kept(lambda state: (state.structure, state.facts), _elsewhere)

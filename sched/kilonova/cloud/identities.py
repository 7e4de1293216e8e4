"""Identities of many providers at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kilonova.cloud.state import State

# Below, looking at each name alone costs less.
_FEW = 16


def provider_identities(state: "State", rows: NDArray[np.int32]) -> list[str]:
    """Give the UUID of each provider, or its name where it has none."""
    if len(rows) < _FEW:
        return [state.provider_identity(row) for row in rows.tolist()]
    named = state.provider_uuids.named(rows)
    if named.all():
        return state.provider_uuids.of(rows)
    found = state.provider_names.of(rows)
    places = np.flatnonzero(named)
    uuids = state.provider_uuids.of(rows[places])
    for place, uuid in zip(places.tolist(), uuids, strict=True):
        found[place] = uuid
    return found


def identity_rows(state: "State", provider: NDArray[np.int32]) -> list[Sequence[str]]:
    """Give the identities in an array of providers, (C, S), row by row."""
    rows, places = np.unique(provider, return_inverse=True)
    names = np.array([*provider_identities(state, rows), None], np.object_)[:-1]
    found: list[Sequence[str]] = names[places.reshape(provider.shape)].tolist()
    return found

"""Identities of many providers at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.names import NameColumn
from kilonova.cloud.state import State

# Below, looking at each name alone costs less than a pass over the whole column.
_FEW = 64
_UUID_MARK = 0xFF
_UUID_LENGTH = 36
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
# Where the two digits of each of the sixteen bytes stand.
_DIGIT = np.array([i for i in range(36) if i not in (8, 13, 18, 23)]).reshape(16, 2)


def provider_identities(state: State, rows: NDArray[np.int32]) -> list[str]:
    """Give the UUID of each provider, or its name where it has none."""
    if len(rows) < _FEW:
        return [state.provider_identity(row) for row in rows.tolist()]
    named = state.provider_uuids.named()[rows]
    if named.all():
        return _names(state.provider_uuids, rows)
    found = _names(state.provider_names, rows)
    places = np.flatnonzero(named)
    uuids = _names(state.provider_uuids, rows[places])
    for place, uuid in zip(places.tolist(), uuids, strict=True):
        found[place] = uuid
    return found


def identity_rows(state: State, provider: NDArray[np.int32]) -> list[Sequence[str]]:
    """Give the identities in an array of providers, (C, S), row by row."""
    rows, places = np.unique(provider, return_inverse=True)
    names = np.array([*provider_identities(state, rows), None], np.object_)[:-1]
    found: list[Sequence[str]] = names[places.reshape(provider.shape)].tolist()
    return found


def _names(column: NameColumn, rows: NDArray[np.int32]) -> list[str]:
    """Decode the names of some rows; the same as ``column[row]`` of each."""
    text, lengths = column.packed()
    ends = np.cumsum(lengths)[rows]
    starts = ends - lengths[rows]
    if len(rows) and (lengths[rows] > 0).all() and (text[starts] == _UUID_MARK).all():
        return _uuids(text[starts[:, None] + np.arange(1, 17)])
    if (text == _UUID_MARK).any():
        return [column[row] for row in rows.tolist()]
    raw = text.tobytes()
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [raw[start:end].decode() for start, end in pairs]


def _uuids(raw: NDArray[np.uint8]) -> list[str]:
    """Write UUIDs of sixteen bytes each, (N, 16), as text."""
    letters = np.full((len(raw), _UUID_LENGTH), ord("-"), np.uint8)
    letters[:, _DIGIT[:, 0]] = _HEX[raw >> 4]
    letters[:, _DIGIT[:, 1]] = _HEX[raw & 15]
    text = letters.tobytes().decode()
    ends = range(_UUID_LENGTH, len(text) + 1, _UUID_LENGTH)
    return [text[end - _UUID_LENGTH : end] for end in ends]

"""Names of all consumers at once: looked up one by one, a million take seconds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.names import NameColumn, decode

_UUID = 17
_MARK = 0xFF
# Where the 32 digits of a UUID stand among its 36 characters.
_DASHES = (8, 13, 18, 23)
_DIGITS = np.array([i for i in range(36) if i not in _DASHES])
_PAIRS = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], np.uint8)
_NO_DIGIT = 0xFF
_VALUES = np.full(256, _NO_DIGIT, np.uint8)
_VALUES[list(b"0123456789abcdef")] = np.arange(16)


def names_of(column: NameColumn, rows: NDArray[np.int64]) -> list[str]:
    """Give the names of some rows, ``rows`` (N,) int64; empty where there is none."""
    text, starts, lengths = _spans(column, rows)
    is_uuid = _are_uuids(text, starts, lengths)
    raw = _raw(text, starts[is_uuid])
    characters = np.full((len(raw), 36), ord("-"), np.uint8)
    characters[:, _DIGITS] = _PAIRS[raw].reshape(len(raw), 32)
    whole = characters.tobytes().decode("ascii")
    uuids = [whole[i : i + 36] for i in range(0, 36 * len(raw), 36)]
    if len(uuids) == len(rows):
        return uuids
    found = [""] * len(rows)
    for place, uuid in zip(np.flatnonzero(is_uuid).tolist(), uuids, strict=True):
        found[place] = uuid
    for place in np.flatnonzero(~is_uuid & (lengths > 0)).tolist():
        start = int(starts[place])
        found[place] = decode(text[start : start + int(lengths[place])].tobytes())
    return found


def raw_uuids(
    column: NameColumn, rows: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Say which rows have a canonical UUID for name, (N,) bool; give these, (U, 16)."""
    text, starts, lengths = _spans(column, rows)
    is_uuid = _are_uuids(text, starts, lengths)
    return is_uuid, _raw(text, starts[is_uuid])


def raw_texts(texts: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Say which texts are canonical UUIDs, (N,) bool, and give these, (U, 16)."""
    is_uuid = np.fromiter(map(len, texts), np.int64, len(texts)) == 36
    if not is_uuid.all():
        texts = [texts[place] for place in np.flatnonzero(is_uuid).tolist()]
    # What is no ASCII becomes one byte each that is no digit.
    whole = "".join(texts).encode("ascii", "replace")
    characters = np.frombuffer(whole, np.uint8).reshape(len(texts), 36)
    digits = _VALUES[characters[:, _DIGITS]]
    right = (digits != _NO_DIGIT).all(axis=1)
    for place in _DASHES:
        right &= characters[:, place] == ord("-")
    is_uuid[is_uuid] = right
    digits = digits[right]
    return is_uuid, digits[:, ::2] << 4 | digits[:, 1::2]


def matches(wanted: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Give the place in ``known`` (K, 16) of each of ``wanted`` (N, 16); -1 for none.

    A hash join of Arrow's, as look-ups in a dictionary need a text for each first.
    """
    import pyarrow as pa
    from pyarrow import compute

    def column(raw: NDArray[np.uint8]) -> pa.Array:
        buffer = pa.py_buffer(np.ascontiguousarray(raw))
        return pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(16), len(raw), [None, buffer]
        )

    found = compute.index_in(column(wanted), value_set=column(known))
    places: NDArray[np.int64] = found.fill_null(-1).to_numpy().astype(np.int64)
    return places


def _spans(
    column: NameColumn, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Give the bytes of all names, and start and length of those of some rows."""
    text, lengths = column.packed()
    return text, (np.cumsum(lengths) - lengths)[rows], lengths[rows]


def _are_uuids(
    text: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    is_uuid: NDArray[np.bool_] = lengths == _UUID
    is_uuid[is_uuid] = text[starts[is_uuid]] == _MARK
    return is_uuid


def _raw(text: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give the 16 bytes after the mark of each UUID, (U, 16) uint8."""
    count = len(starts)
    if not count:
        return np.zeros((0, 16), np.uint8)
    first = int(starts[0])
    if np.array_equal(starts, np.arange(first, first + count * _UUID, _UUID)):
        return text[first : first + count * _UUID].reshape(count, _UUID)[:, 1:]
    raw: NDArray[np.uint8] = text[starts[:, np.newaxis] + np.arange(1, _UUID)]
    return raw

"""Names of rows, stored as bytes, and found through a hash table of row numbers.

A million Python strings and a dict of them take over 150 bytes a row; this takes the
bytes of the name and about 14 more. A canonical UUID takes 17 bytes.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import ModuleType
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kilonova.errors import BadInput

_RAW_UUID = 0xFF
_LONGEST = 2**16 - 1


def encode(name: str) -> bytes:
    """Give the bytes under which ``name`` is kept."""
    if len(name) == 36 and name[8] == "-":
        try:
            value = UUID(name)
        except ValueError:
            return name.encode()
        if str(value) == name:
            # No UTF-8 text starts with this byte, so the two forms cannot meet.
            return bytes([_RAW_UUID]) + value.bytes
    return name.encode()


def decode(text: bytes) -> str:
    """Give the name that ``encode`` made ``text`` of."""
    if text[:1] == b"\xff":
        return str(UUID(bytes=text[1:]))
    return text.decode()


@lru_cache(maxsize=1)
def _kernels() -> ModuleType:
    # Loaded on first use: numba takes a second to import.
    from kilonova_kernels import names

    return names


class NameColumn:
    """One name per row; rows without a name have an empty one. Names are unique."""

    def __init__(self) -> None:
        self._text = np.zeros(0, np.uint8)
        self._text_used = 0
        self._start = np.zeros(0, np.uint32)
        self._length = np.zeros(0, np.uint16)
        self._slots = np.full(8, -1, np.int32)
        self._slots_used = 0
        self._stale = False

    def __len__(self) -> int:
        return len(self._start)

    def __getitem__(self, row: int) -> str:
        start = int(self._start[row])
        return decode(self._text[start : start + int(self._length[row])].tobytes())

    def to_list(self) -> list[str]:
        """Give all names, by row."""
        return [self[row] for row in range(len(self))]

    @property
    def nbytes(self) -> int:
        """Bytes held, spare ones and the hash table included."""
        columns = (self._text, self._start, self._length, self._slots)
        return sum(column.nbytes for column in columns)

    def packed(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Give the encoded names one after the other, and the length of each."""
        if self._text_used != int(self._length.sum(dtype=np.int64)):
            self._pack()
        return self._text[: self._text_used], self._length.astype(np.int64)

    def load(self, text: NDArray[np.uint8], offsets: NDArray[np.int32]) -> None:
        """Take encoded names and the (N + 1,) offsets between them, for all rows."""
        self._text, self._text_used = text, len(text)
        self._start = offsets[:-1].astype(np.uint32)
        self._length = np.diff(offsets).astype(np.uint16)
        self._stale = True

    def find(self, name: str) -> int:
        """Give the row that has this name, or -1."""
        if not name or not len(self):
            return -1
        if self._stale:
            self._index()
        key = np.frombuffer(encode(name), np.uint8)
        found = _kernels().find_name(
            self._text, self._start, self._length, self._slots, key
        )
        return int(found)

    def insert(self, position: int, names: Sequence[str]) -> None:
        """Put rows before row ``position``; ``len(self)`` appends.

        Raises
        ------
        BadInput
            A name is too long to keep, or is there already. Nothing was inserted.
        """
        encoded = [encode(name) for name in names]
        lengths = np.array([len(text) for text in encoded], np.int64)
        if len(lengths) and lengths.max() > _LONGEST:
            long = names[int(lengths.argmax())]
            raise BadInput(
                f"A name has at most {_LONGEST} bytes, got {len(long)}: {long[:40]!r}…"
            )
        self._append_text(b"".join(encoded))
        starts = self._text_used - lengths.sum() + np.cumsum(lengths) - lengths
        at = np.full(len(names), position)
        self._stale = self._stale or position != len(self)
        self._start = np.insert(self._start, at, starts.astype(np.uint32))
        self._length = np.insert(self._length, at, lengths.astype(np.uint16))
        if self._slots_used + len(names) > len(self._slots) // 2:
            self._stale = True
        rows = np.arange(position, position + len(names), dtype=np.int32)
        twice = self._index() if self._stale else self._enter(rows)
        if twice >= 0:
            name = self[twice]
            self._start = np.delete(self._start, rows)
            self._length = np.delete(self._length, rows)
            self._stale = True
            raise BadInput(f"The name {name!r} is taken; names are unique.")

    def append(self, names: Sequence[str]) -> None:
        """Add rows at the end."""
        self.insert(len(self), names)

    def set(self, row: int, name: str) -> None:
        """Give ``row`` another name, or none."""
        if self._stale:
            self._index()
        if self._length[row]:
            _kernels().remove_name(
                self._text, self._start, self._length, self._slots, row
            )
        text = encode(name)
        if self._text_used > 2 * int(self._length.sum()) + 4096:
            self._pack()
        self._append_text(text)
        self._start[row] = self._text_used - len(text)
        self._length[row] = len(text)
        if name:
            self._slots_used += 1
            if self._slots_used > len(self._slots) // 2:
                self._index()
            else:
                self._enter(np.array([row], np.int32))

    def remove(self, position: int, rows: int) -> None:
        """Take rows away; later rows move up."""
        gone = slice(position, position + rows)
        self._start = np.delete(self._start, gone)
        self._length = np.delete(self._length, gone)
        self._stale = True

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Lay rows in another order: new row i is what was row ``order[i]``."""
        self._start = self._start[order]
        self._length = self._length[order]
        self._stale = True

    def _append_text(self, text: bytes) -> None:
        end = self._text_used + len(text)
        if end > len(self._text):
            grown = np.zeros(max(end, len(self._text) * 3 // 2), np.uint8)
            grown[: self._text_used] = self._text[: self._text_used]
            self._text = grown
        self._text[self._text_used : end] = np.frombuffer(text, np.uint8)
        self._text_used = end

    def _pack(self) -> None:
        kept = [self._text[s : s + n] for s, n in zip(*self._bounds(), strict=True)]
        self._text = np.concatenate([*kept, np.zeros(0, np.uint8)])
        self._text_used = len(self._text)
        self._start = (np.cumsum(self._length) - self._length).astype(np.uint32)

    def _bounds(self) -> tuple[Iterable[int], Iterable[int]]:
        return self._start.tolist(), self._length.tolist()

    def _index(self) -> int:
        """Build the hash table anew; give a row whose name is not unique, or -1."""
        wanted = 2 * len(self) + 8
        self._slots = np.full(1 << wanted.bit_length(), -1, np.int32)
        self._slots_used = 0
        self._stale = False
        return self._enter(np.arange(len(self), dtype=np.int32))

    def _enter(self, rows: NDArray[np.int32]) -> int:
        self._slots_used += len(rows)
        added = _kernels().add_names(
            self._text, self._start, self._length, rows, self._slots
        )
        return int(added)

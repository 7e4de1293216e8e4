"""Names of rows, stored as bytes, and found through a hash table of row numbers.

A million Python strings and a dict of them take over 150 bytes a row; this takes the
bytes of the name and about 14 more. A canonical UUID takes 17 bytes.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from types import ModuleType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kilonova.errors import BadInput

Scalar = TypeVar("Scalar", bound=np.generic)

_UUID_MARK = b"\xff"
_UUID_LENGTH = 36
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
# Where the two digits of each of the sixteen bytes stand.
_DIGIT = np.array([i for i in range(36) if i not in (8, 13, 18, 23)]).reshape(16, 2)
_LONGEST = 2**16 - 1
_PIECE = 1 << 14
# Arrow's offsets into a binary column are 32-bit and signed.
_MOST_TEXT = 2**31 - 1


def encode(name: str) -> bytes:
    """Give the bytes under which ``name`` is kept.

    Raises
    ------
    BadInput
        The name has half a surrogate pair, which is no character, or is too long.
    """
    if len(name) == 36 and name[8] == "-":
        try:
            value = bytes.fromhex(name.replace("-", ""))
        except ValueError:
            return _encode_text(name)
        if _canonical(value) == name:
            # No UTF-8 text starts with this byte, so the two forms cannot meet.
            return _UUID_MARK + value
    return _encode_text(name)


def _canonical(value: bytes) -> str:
    """Write 16 bytes as a UUID, four times as fast as its own class does."""
    x = value.hex()
    return f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"


def _encode_text(name: str) -> bytes:
    try:
        text = name.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"A name must be text, got {name[:40]!r}.") from error
    if len(text) > _LONGEST:
        raise BadInput(
            f"A name has at most {_LONGEST} bytes, got {len(text)}: {name[:40]!r}…"
        )
    return text


def decode(text: bytes) -> str:
    """Give the name that ``encode`` made ``text`` of."""
    if text[:1] == _UUID_MARK:
        return _canonical(text[1:])
    return text.decode()


def _uuids(raw: NDArray[np.uint8]) -> list[str]:
    """Write UUIDs of sixteen bytes each, (N, 16), as text."""
    letters = np.full((len(raw), _UUID_LENGTH), ord("-"), np.uint8)
    letters[:, _DIGIT[:, 0]] = _HEX[raw >> 4]
    letters[:, _DIGIT[:, 1]] = _HEX[raw & 15]
    text = letters.tobytes().decode()
    ends = range(_UUID_LENGTH, len(text) + 1, _UUID_LENGTH)
    return [text[end - _UUID_LENGTH : end] for end in ends]


@lru_cache(maxsize=1)
def _kernels() -> ModuleType:
    # Loaded on first use: numba takes a second to import.
    from kilonova_kernels import names

    return names


def _appended(array: NDArray[Scalar], values: NDArray[Scalar]) -> NDArray[Scalar]:
    """Give an array with values at its end; only now and then it is copied.

    The array given is not to be used any more: both may share what is behind it.
    """
    count, more = len(array), len(values)
    whole = array.base if isinstance(array.base, np.ndarray) else array
    if len(whole) < count + more or whole.dtype != array.dtype:
        whole = np.zeros(max(count + more, count * 3 // 2 + 16), array.dtype)
        whole[:count] = array
    whole[count : count + more] = values
    return whole[: count + more]


class NameColumn:
    """One name per row; rows without a name have an empty one. Names are unique."""

    def __init__(self) -> None:
        self._text = np.zeros(0, np.uint8)
        self._text_used = 0
        self._text_most = 0
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
        return self.of(np.arange(len(self)))

    def of(self, rows: NDArray[np.integer]) -> list[str]:
        """Give the names of some rows; quicker than one after the other."""
        # In pieces: bytes of UUIDs are looked up by number, which takes memory.
        pieces = (rows[at : at + _PIECE] for at in range(0, len(rows), _PIECE))
        return list(chain.from_iterable(map(self._piece, pieces)))

    def _piece(self, rows: NDArray[np.integer]) -> list[str]:
        starts = self._start[rows].astype(np.int64)
        lengths = self._length[rows]
        marks = self._text[starts[lengths > 0]] == _UUID_MARK[0]
        if marks.any():
            if len(marks) < len(rows) or not marks.all():
                return [self[row] for row in rows.tolist()]
            return _uuids(self._text[starts[:, None] + np.arange(1, 17)])
        text = memoryview(self._text.data)
        pairs = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
        return [str(text[start:end], "utf-8") for start, end in pairs]

    def copied(self, rows: NDArray[np.int32]) -> "NameColumn":
        """Give a column of its own of the names of some rows."""
        offsets = np.zeros(len(rows) + 1, np.int32)
        np.cumsum(self._length[rows], out=offsets[1:])
        text = np.zeros(offsets[-1], np.uint8)
        _kernels().copy_names(self._text, self._start, rows, offsets, text)
        made = NameColumn()
        made.load(text, offsets)
        return made

    def named(
        self, rows: NDArray[np.integer] | slice = slice(None)
    ) -> NDArray[np.bool_]:
        """Mark those of some rows that have a name; of all where none are given."""
        return self._length[rows] > 0

    @property
    def nbytes(self) -> int:
        """Bytes held, spare ones and the hash table included."""
        columns = (self._text, self._start, self._length, self._slots)
        return sum(column.nbytes for column in columns)

    def packed(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Give the encoded names one after the other, and the length of each."""
        lengths = self._length.astype(np.int64)
        if not np.array_equal(self._start, np.cumsum(lengths) - lengths):
            self._pack()
        return self._text[: int(lengths.sum())], lengths

    def load(self, text: NDArray[np.uint8], offsets: NDArray[np.int32]) -> None:
        """Take encoded names and the (N + 1,) offsets between them, for all rows."""
        self._text, self._text_used = text, len(text)
        self._start = offsets[:-1].astype(np.uint32)
        self._length = np.diff(offsets).astype(np.uint16)
        self._stale = True

    def find(self, name: str) -> int:
        """Give the row that has this name, or -1; raises BadInput if it is not text."""
        if not isinstance(name, str):
            raise BadInput(f"A name must be text, got {name!r:.80}.")
        if not name or not len(self):
            return -1
        if self._stale:
            self._index()
        try:
            key = np.frombuffer(encode(name), np.uint8)
        except BadInput:
            return -1
        found = _kernels().find_name(
            self._text, self._start, self._length, self._slots, key
        )
        return int(found)

    def insert(self, position: int, names: Sequence[str]) -> None:
        """Put rows before row ``position``; ``len(self)`` appends.

        Raises
        ------
        BadInput
            A name cannot be kept, or is there already. Nothing was inserted.
        """
        encoded = [encode(name) for name in names]
        lengths = np.array([len(text) for text in encoded], np.int64)
        self._append_text(b"".join(encoded))
        starts = self._text_used - lengths.sum() + np.cumsum(lengths) - lengths
        if position == len(self):
            self._start = _appended(self._start, starts.astype(np.uint32))
            self._length = _appended(self._length, lengths.astype(np.uint16))
        else:
            self._stale = True
            at = np.full(len(names), position)
            self._start = np.insert(self._start, at, starts.astype(np.uint32))
            self._length = np.insert(self._length, at, lengths.astype(np.uint16))
        self._stale = self._stale or self._is_full(len(names))
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
        """Give ``row`` another name, or none.

        Raises
        ------
        BadInput
            The name cannot be kept, or another row has it. Nothing was changed.
        """
        text = encode(name)
        if self.find(name) not in (-1, row):
            raise BadInput(f"The name {name!r} is taken; names are unique.")
        if self._text_used > self._text_most:
            self._pack_if_half_empty()
        self._append_text(text)
        if self._stale:
            self._index()
        if self._length[row]:
            _kernels().remove_name(
                self._text, self._start, self._length, self._slots, row
            )
        self._start[row] = self._text_used - len(text)
        self._length[row] = len(text)
        if self._is_full(1):
            self._index()
        elif name:
            self._enter(np.array([row], np.int32))

    def remove(self, position: int, rows: int) -> None:
        """Take rows away; later rows move up."""
        if position + rows == len(self):
            self._remove_last(rows)
            return
        gone = slice(position, position + rows)
        self._start = np.delete(self._start, gone)
        self._length = np.delete(self._length, gone)
        self._stale = True

    def _remove_last(self, rows: int) -> None:
        """Take the last rows away, and their text where nothing came after it."""
        for row in reversed(range(len(self) - rows, len(self))):
            if not self._stale and self._length[row]:
                _kernels().remove_name(
                    self._text, self._start, self._length, self._slots, row
                )
            start, length = int(self._start[row]), int(self._length[row])
            if start + length == self._text_used:
                self._text_used = start
        self._start = self._start[: len(self) - rows]
        self._length = self._length[: len(self._start)]

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Lay rows in another order: new row i is what was row ``order[i]``."""
        self._start = self._start[order]
        self._length = self._length[order]
        self._stale = True

    def _append_text(self, text: bytes) -> None:
        end = self._text_used + len(text)
        if end > _MOST_TEXT:
            raise BadInput(f"Names take {end} bytes together, at most {_MOST_TEXT}.")
        if end > len(self._text):
            grown = np.zeros(max(end, len(self._text) * 3 // 2), np.uint8)
            grown[: self._text_used] = self._text[: self._text_used]
            self._text = grown
        self._text[self._text_used : end] = np.frombuffer(text, np.uint8)
        self._text_used = end

    def _pack_if_half_empty(self) -> None:
        """Lay the names anew where half of the text is no name's any more."""
        lengths = int(self._length.sum(dtype=np.int64))
        if self._text_used > 2 * lengths + 4096:
            self._pack()
        # A name must not cost a look at all of them: the next one is a good deal later.
        self._text_most = self._text_used + lengths + 4096

    def _pack(self) -> None:
        """Lay the names in the order of the rows, without gaps."""
        lengths = self._length.astype(np.int64)
        starts = np.cumsum(lengths) - lengths
        away = np.repeat(self._start - starts, lengths)
        self._text = self._text[np.arange(len(away)) + away]
        self._text_used = len(self._text)
        self._start = starts.astype(np.uint32)

    def _is_full(self, more: int) -> bool:
        """Say whether the hash table would be too full for quick look-ups."""
        return 4 * (self._slots_used + more) > 3 * len(self._slots)

    def _index(self) -> int:
        """Build the hash table anew; give a row whose name is not unique, or -1."""
        # At most five eighths full, so that it is not soon to be built again.
        wanted = 8 * len(self) // 5 + 8
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

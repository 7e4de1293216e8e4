"""Look-up columns that are derived from the tables whenever rows moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.tables import Tables

_PIECE = 1 << 15


@dataclass(frozen=True, slots=True)
class Index:
    """Two ways into the inventories: by provider, and by class.

    Attributes
    ----------
    inventory_start
        First inventory of each provider, (P + 1,) int32; rows of a tree are one range.
    class_start
        First entry of each class in the class tables, (R + 1,) int32.
    class_row
        Inventory row of each entry, (I,) int32, by class and then by provider.
    inventory_position
        Entry of each inventory row, (I,) int32: the inverse of ``class_row``.
    largest
        Largest single amount that each entry can still give, (I,) int32. Kept up to
        date by every claim; a whole class is one contiguous run to scan.
    roots
        Rows of the roots, ascending, (T,) int32: one per tree.
    """

    inventory_start: NDArray[np.int32]
    class_start: NDArray[np.int32]
    class_row: NDArray[np.int32]
    inventory_position: NDArray[np.int32]
    largest: NDArray[np.int32]
    roots: NDArray[np.int32]

    @property
    def providers(self) -> int:
        """How many providers it knows."""
        return len(self.inventory_start) - 1

    @classmethod
    def of(cls, tables: Tables, class_count: int) -> "Index":
        """Derive the index from what the tables now hold."""
        nothing, start = np.zeros(0, np.int32), np.zeros(1, np.int32)
        no_class = np.zeros(class_count + 1, np.int32)
        none = cls(start, no_class, nothing, nothing, nothing, nothing)
        return none.followed(tables, class_count, 0)

    def followed(self, tables: Tables, class_count: int, first: int) -> "Index":
        """Derive anew what is of providers from ``first`` on; the others stay.

        Parameters
        ----------
        tables, class_count
            What they now hold, and the number of classes.
        first
            Provider; rows before it, and what they offer, are as this index has them.

        Notes
        -----
        A provider at the end costs a copy of the index, not a sort of all inventories.
        """
        kept = int(self.inventory_start[first])
        inventory = tables.inventory
        classes = inventory["resource_class"][kept:]
        counts = np.bincount(classes, minlength=class_count)
        before = self._counts(kept, class_count)
        class_start = _starts(before + counts)
        new = (np.argsort(classes, kind="stable") + kept).astype(np.int32)
        runs = self._runs(before, _starts(counts))
        class_row = _joined(runs, self.class_row, new)
        position = np.empty_like(class_row)
        position[:kept] = self.inventory_position[:kept]
        moved = class_start[:-1] - self._first(class_count)
        _shift(position[:kept], inventory["resource_class"][:kept], moved)
        ends = np.repeat(class_start[:-1] + before - _starts(counts)[:-1], counts)
        position[new] = ends + np.arange(len(new))
        parents = tables.provider["parent"][first:]
        own = np.bincount(inventory["provider"][kept:] - first, minlength=len(parents))
        roots = self.roots[: np.searchsorted(self.roots, np.int32(first))]
        more = (np.flatnonzero(parents < 0) + first).astype(np.int32)
        return Index(
            inventory_start=np.concatenate(
                [self.inventory_start[:first], kept + _starts(own)], dtype=np.int32
            ),
            class_start=class_start,
            class_row=class_row,
            inventory_position=position,
            largest=_joined(runs, self.largest, _largest(tables, new)),
            roots=np.concatenate([roots, more]),
        )

    def _first(self, class_count: int) -> NDArray[np.int32]:
        """Give the first entry of each class, also of those that were not known."""
        more = class_count + 1 - len(self.class_start)
        return np.pad(self.class_start, (0, more), mode="edge")[:-1]

    def _counts(self, kept: int, class_count: int) -> NDArray[np.int64]:
        """Count the entries of each class among the first inventories."""
        first = self._first(class_count)
        ends = np.append(first[1:], np.int32(len(self.class_row)))
        # Entries of a class lie by inventory: those that go are the last ones.
        lost = np.searchsorted(ends, self.inventory_position[kept:], side="right")
        return ends - first - np.bincount(lost, minlength=class_count)

    def _runs(
        self, before: NDArray[np.int64], new_start: NDArray[np.int32]
    ) -> list[tuple[slice, slice]]:
        """Give, class by class, which old entries stay and which new ones follow."""
        first = self._first(len(before))
        return [
            (slice(start, start + count), slice(more, end))
            for start, count, more, end in zip(
                first.tolist(),
                before.tolist(),
                new_start[:-1].tolist(),
                new_start[1:].tolist(),
                strict=True,
            )
        ]


def _shift(
    position: NDArray[np.int32],
    resource_class: NDArray[np.int16],
    moved: NDArray[np.int32],
) -> None:
    """Add to each position what its class has moved by."""
    # numpy makes 64-bit indices first: in pieces they stay in the cache.
    for start in range(0, len(position), _PIECE):
        piece = slice(start, start + _PIECE)
        position[piece] += moved[resource_class[piece]]


def _joined(
    runs: list[tuple[slice, slice]], old: NDArray[np.int32], new: NDArray[np.int32]
) -> NDArray[np.int32]:
    pieces = [piece for mine, more in runs for piece in (old[mine], new[more])]
    return np.concatenate([np.zeros(0, np.int32), *pieces])


def _largest(tables: Tables, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give the largest single amount of each inventory in rows, as claims keep it."""
    inventory, offer = tables.inventory, tables.offer
    offers = inventory["offer"][rows]
    room = offer["capacity"][offers] - inventory["used"][rows]
    most = np.minimum(room, offer["max_unit"][offers])
    largest: NDArray[np.int32] = np.maximum(most, 0).astype(np.int32)
    return largest


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    starts = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=starts[1:])
    return starts

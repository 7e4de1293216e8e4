"""Look-up columns that are derived from the tables whenever rows moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.tables import Tables


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

    @classmethod
    def of(cls, tables: Tables, class_count: int) -> "Index":
        """Derive the index from what the tables now hold."""
        provider = tables.inventory["provider"]
        resource_class = tables.inventory["resource_class"]
        counts = np.bincount(provider, minlength=tables.provider.count)
        class_counts = np.bincount(resource_class, minlength=class_count)
        class_row = np.argsort(resource_class, kind="stable").astype(np.int32)
        position = np.empty_like(class_row)
        position[class_row] = np.arange(len(class_row), dtype=np.int32)
        return cls(
            inventory_start=_starts(counts),
            class_start=_starts(class_counts),
            class_row=class_row,
            inventory_position=position,
            largest=_largest(tables)[class_row],
            roots=np.flatnonzero(tables.provider["parent"] < 0).astype(np.int32),
        )


def _largest(tables: Tables) -> NDArray[np.int32]:
    """Give the largest single amount each inventory can give, as claims keep it."""
    inventory, offer = tables.inventory, tables.offer
    room = offer["capacity"][inventory["offer"]] - inventory["used"]
    most = np.minimum(room, offer["max_unit"][inventory["offer"]])
    largest: NDArray[np.int32] = np.maximum(most, 0).astype(np.int32)
    return largest


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    starts = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=starts[1:])
    return starts

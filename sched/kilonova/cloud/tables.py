"""Growing columnar tables whose row numbers stay true under insertion and removal."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.schema import COLUMNS, TABLES, columns_of, validate

Array = NDArray[np.generic]


class Table:
    """Columns of equal length with spare rows at the end.

    ``table["name"]`` is a view of the rows in use: writing to it writes the column, and
    it is out of date once the table grows.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self._arrays = {c.name: np.zeros(0, c.dtype) for c in columns_of(name)}

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self._arrays[column][: self.count]

    def whole(self, column: str) -> Array:
        """Give a column with its spare rows, as kernels need that append."""
        return self._arrays[column]

    def reserve(self, spare: int) -> bool:
        """Have room for ``spare`` more rows; say whether arrays were replaced."""
        size = len(next(iter(self._arrays.values())))
        needed = self.count + spare
        if needed <= size:
            return False
        grown = max(needed, size + size // 2, 16)
        for name, old in self._arrays.items():
            new = np.zeros(grown, old.dtype)
            new[: self.count] = old[: self.count]
            self._arrays[name] = new
        return True

    def append(self, rows: int = 1) -> int:
        """Add zeroed rows at the end and give the number of the first."""
        self.reserve(rows)
        first = self.count
        self.count += rows
        for array in self._arrays.values():
            array[first : self.count] = 0
        return first

    def load(self, arrays: dict[str, Array], where: str = "") -> None:
        """Take writable arrays in place of all rows."""
        for column in columns_of(self.name):
            validate(column, arrays[column.name], where)
        self._arrays = {c.name: arrays[c.name] for c in columns_of(self.name)}
        self.count = len(next(iter(self._arrays.values())))

    def insert(self, position: int, rows: int) -> None:
        """Put zeroed rows before row ``position``. Use ``Tables.insert``."""
        if position == self.count:
            self.append(rows)
            return
        at = np.full(rows, position)
        for name, array in self._arrays.items():
            self._arrays[name] = np.insert(array[: self.count], at, 0)
        self.count += rows

    def remove(self, position: int, rows: int) -> None:
        """Take rows away. Use ``Tables.remove``."""
        if position + rows == self.count:
            self.count = position
            return
        gone = slice(position, position + rows)
        for name, array in self._arrays.items():
            self._arrays[name] = np.delete(array[: self.count], gone)
        self.count -= rows

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Lay rows in another order. Use ``Tables.reorder``."""
        for name, array in self._arrays.items():
            self._arrays[name] = array[: self.count][order]


class Tables:
    """All tables of the register; values that are row numbers follow their rows."""

    def __init__(self) -> None:
        self.provider = Table("provider")
        self.inventory = Table("inventory")
        self.offer = Table("offer")
        self.consumer = Table("consumer")
        self.allocation = Table("allocation")
        self.host = Table("host")

    def __iter__(self) -> Iterator[Table]:
        return (self[name] for name in TABLES)

    def __getitem__(self, name: str) -> Table:
        table: Table = getattr(self, name)
        return table

    def insert(self, table: str, position: int, rows: int = 1) -> None:
        """Put zeroed rows before row ``position`` of a table."""
        at_end = position == self[table].count
        self[table].insert(position, rows)
        if not at_end:
            self._shift(table, position, rows)

    def remove(self, table: str, position: int, rows: int = 1) -> None:
        """Take rows away that nothing refers to."""
        self[table].remove(position, rows)
        if position < self[table].count:
            self._shift(table, position + rows, -rows)

    def reorder(self, table: str, order: NDArray[np.int64]) -> NDArray[np.int32]:
        """Lay rows in another order: new row i is what was row ``order[i]``.

        Returns
        -------
        NDArray[np.int32]
            Where each old row is now, (N,) int32.
        """
        now = np.empty(len(order), np.int32)
        now[order] = np.arange(len(order), dtype=np.int32)
        self[table].reorder(order)
        for column in COLUMNS:
            if column.refers == table:
                values = self[column.table][column.name]
                some = values >= 0
                values[some] = now[values[some]]
        return now

    def _shift(self, table: str, position: int, rows: int) -> None:
        for column in COLUMNS:
            if column.refers == table:
                values = self[column.table][column.name]
                values[values >= position] += rows

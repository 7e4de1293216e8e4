"""Dictionary-encoded values: hosts carry a number, the distinct values are few."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=Hashable)

# Values that there may be beyond twice those in use.
SPARE = 4096


class ValueDictionary(Generic[Value]):
    """Distinct values in the order of their first use; the position is the number.

    Evaluate a condition once for each value, and a host's answer is one look-up.

    Values that nobody has any more stay until they are looked for; the others then get
    new numbers. They are looked for when there are more than twice as many as were in
    use the last time: for every two that are looked at, one was entered since.
    """

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._values: list[Value] = []
        self._numbers: dict[Value, int] = {}
        self._most = SPARE
        for value in values:
            self.number(value)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> Value:
        return self._values[number]

    def number(self, value: Value) -> int:
        """Give the number of a value, which is entered if it is new."""
        # Hashing some values takes long: it is done once.
        count = len(self._values)
        number = self._numbers.setdefault(value, count)
        if number == count:
            self._values.append(value)
        return number

    def is_full(self) -> bool:
        """Say whether it is time to forget values that are not in use."""
        return len(self._values) > self._most

    def forget_unused(self, column: NDArray[np.int32]) -> None:
        """Forget the values that no row has: whoever keeps numbers must do so, too.

        Parameters
        ----------
        column
            Numbers of values, -1 for none, (N,): all that are in use. They become the
            new ones.
        """
        # The last place stands for none.
        used = np.zeros(len(self) + 1, np.bool_)
        used[column] = True
        kept = np.flatnonzero(used[:-1])
        number = np.full(len(self) + 1, -1, np.int32)
        number[kept] = np.arange(len(kept))
        column[:] = number[column]
        self._values = [self._values[i] for i in kept.tolist()]
        self._numbers = {value: i for i, value in enumerate(self._values)}
        self._most = 2 * len(kept) + SPARE

"""Dictionary-encoded sets: providers carry a number, the distinct sets are few."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class SetDictionary:
    """Distinct sets of numbers. Set 0 is the empty one.

    Evaluate a condition once for each of ``len(self)`` sets, and a provider's answer is
    one look-up.
    """

    def __init__(self, sets: Iterable[frozenset[int]] = ()) -> None:
        self._sets: list[frozenset[int]] = [frozenset()]
        self._numbers: dict[frozenset[int], int] = {frozenset(): 0}
        for members in sets:
            self.number(members)

    def __len__(self) -> int:
        return len(self._sets)

    def __getitem__(self, number: int) -> frozenset[int]:
        return self._sets[number]

    def number(self, members: Iterable[int]) -> int:
        """Give the number of a set, which is entered if it is new."""
        members = frozenset(members)
        number = self._numbers.get(members)
        if number is None:
            number = self._numbers[members] = len(self._sets)
            self._sets.append(members)
        return number

    def hits(self, wanted: frozenset[int]) -> NDArray[np.bool_]:
        """Mark the sets that have a member of ``wanted``, (S,) bool."""
        return np.array([not wanted.isdisjoint(s) for s in self._sets], np.bool_)

"""Dictionary-encoded values: hosts carry a number, the distinct values are few."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value", bound=Hashable)


class ValueDictionary(Generic[Value]):
    """Distinct values in the order of their first use; the position is the number.

    Evaluate a condition once for each value, and a host's answer is one look-up.
    """

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._values: list[Value] = []
        self._numbers: dict[Value, int] = {}
        for value in values:
            self.number(value)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> Value:
        return self._values[number]

    def number(self, value: Value) -> int:
        """Give the number of a value, which is entered if it is new."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self._values)
            self._values.append(value)
        return number

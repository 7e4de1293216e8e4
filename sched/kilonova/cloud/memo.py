"""Answers that are kept as long as there are not too many."""

from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memo(dict[Key, Value]):
    """What was found out, by all that it depends on.

    When there is no room it forgets everything: what is asked often is soon known
    again, and a look-up needs no note of when it was.

    Parameters
    ----------
    most
        Answers that are kept.
    """

    def __init__(self, most: int = 4096) -> None:
        super().__init__()
        self.most = most

    def keep(self, key: Key, value: Value) -> Value:
        """Keep one answer; give it back."""
        if len(self) >= self.most:
            self.clear()
        self[key] = value
        return value

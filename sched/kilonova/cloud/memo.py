"""Answers that are kept as long as there are not too many."""

from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MOST = 4096


class Memo(dict[Key, Value]):
    """What was found out, by all that it depends on; at most ``MOST`` answers.

    When there is no room it forgets all of them: what is asked often is soon known
    again, and a look-up needs no note of when it was.
    """

    def keep(self, key: Key, value: Value) -> Value:
        """Keep one answer; give it back."""
        if len(self) >= MOST:
            self.clear()
        self[key] = value
        return value

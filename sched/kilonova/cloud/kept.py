"""What was found out about a cloud, kept while a version of it lasts."""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from kilonova.cloud.state import State

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """One value of each cloud, made anew when the cloud has another version.

    Parameters
    ----------
    version
        Gives the version of a cloud: all that the value hangs on.
    make
        Makes the value of a cloud.
    """

    def __init__(
        self,
        version: Callable[[State], tuple[int, ...]],
        make: Callable[[State], Value],
    ) -> None:
        self._version = version
        self._make = make
        self._known: WeakKeyDictionary[State, tuple[tuple[int, ...], Value]] = (
            WeakKeyDictionary()
        )

    def of(self, state: State) -> Value:
        """Give the value of a cloud as it is now."""
        version = self._version(state)
        known = self._known.get(state)
        if known is None or known[0] != version:
            known = self._known[state] = version, self._make(state)
        return known[1]

"""Names with numbers: resource classes, traits, aggregates, projects, users."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from kilonova.errors import BadInput, UnknownResourceClass, UnknownTrait

_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")


class Vocabulary:
    """Names in the order of their first use; the position is the number."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        for name in names:
            self.number(name)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    def slots(self) -> list[str | None]:
        """Give all names by number, None for one that was removed."""
        return [name if name in self._numbers else None for name in self._names]

    def load(self, slots: Iterable[str | None]) -> None:
        """Take what ``slots`` gave."""
        for number, name in enumerate(slots):
            self._names.append(name or "")
            if name is not None:
                self._numbers[name] = number

    def find(self, name: str) -> int:
        """Give the number of a name, or -1."""
        return self._numbers.get(name, -1)

    def number(self, name: str) -> int:
        """Give the number of a name, which is entered if it is new."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number


@lru_cache(maxsize=1)
def standard_resource_classes() -> frozenset[str]:
    """Give OpenStack's own resource classes."""
    import os_resource_classes

    return frozenset(os_resource_classes.STANDARDS)


@lru_cache(maxsize=1)
def standard_traits() -> frozenset[str]:
    """Give OpenStack's own traits."""
    import os_traits

    return frozenset(os_traits.get_traits())


class Registered(Vocabulary):
    """A vocabulary that is closed: standard names, and custom ones once added.

    Standard names get a number when they are first used, so that tables stay small.
    """

    def __init__(
        self,
        standard: Callable[[], frozenset[str]],
        error: type[UnknownResourceClass] | type[UnknownTrait],
        kind: str,
    ) -> None:
        super().__init__()
        self._standard = standard
        self._error = error
        self._kind = kind

    def knows(self, name: str) -> bool:
        """Say whether the name is standard, or was added."""
        return name in self or name in self._standard()

    def custom(self) -> list[str]:
        """Give the names that are not standard."""
        return [name for name in self._numbers if name not in self._standard()]

    def remove(self, name: str) -> None:
        """Take a custom name out; its number stays unused.

        Raises
        ------
        BadInput
            The name is a standard one.
        UnknownResourceClass, UnknownTrait
            The name was never added.
        """
        if name in self._standard():
            raise BadInput(f"The standard {self._kind} {name!r} cannot be removed.")
        if name not in self:
            raise self._error(f"Unknown {self._kind} {name!r}.")
        del self._numbers[name]

    def known(self, name: str) -> int:
        """Give the number of a known name.

        Raises
        ------
        UnknownResourceClass, UnknownTrait
            The name is neither standard nor was it added.
        """
        self.check(name)
        return self.number(name)

    def check(self, name: str) -> None:
        """Raise UnknownResourceClass or UnknownTrait unless the name is known."""
        if not self.knows(name):
            raise self._error(
                f"Unknown {self._kind} {name!r}: neither standard nor a CUSTOM_ one "
                "that this cloud has."
            )

    def add(self, name: str) -> int:
        """Enter a custom name.

        Raises
        ------
        BadInput
            The name is not of the form that Placement takes.
        """
        if not self.knows(name) and not _CUSTOM.fullmatch(name):
            raise BadInput(
                f"A {self._kind} is a standard one or CUSTOM_ and up to 248 of A-Z, "
                f"0-9, _; got {name!r}."
            )
        return self.number(name)


def resource_classes() -> Registered:
    """Make an empty vocabulary of resource classes."""
    return Registered(standard_resource_classes, UnknownResourceClass, "resource class")


def traits() -> Registered:
    """Make an empty vocabulary of traits."""
    return Registered(standard_traits, UnknownTrait, "trait")

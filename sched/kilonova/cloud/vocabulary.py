"""Names with numbers: resource classes, traits, aggregates, projects, users."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from kilonova.cloud.names import encode
from kilonova.errors import BadInput, UnknownResourceClass, UnknownTrait

# The column that holds the number of a resource class is 16-bit.
_MOST_CLASSES = 2**15
_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")


def checked_name(what: str, name: object, longest: int = 255) -> str:
    """Give a name back that can be kept as one.

    Raises
    ------
    BadInput
        It is not text of 1 to ``longest`` characters; the message begins with ``what``.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= longest:
        raise BadInput(
            f"{what} must be text of 1 to {longest} characters, got {name!r:.80}."
        )
    try:
        encode(name)
    except BadInput as error:
        raise BadInput(f"{what}: {error}") from error
    return name


def checked_names(what: str, names: object) -> list[str]:
    """Give some names back that can be kept.

    Raises
    ------
    BadInput
        They are one text, whose letters would be names, or none at all, or one of them
        cannot be kept; the message begins with ``what``, which is one of them.
    """
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise BadInput(f"{what} must come in a list or a set, got {names!r:.80}.")
    return [checked_name(what, name) for name in names]


class Vocabulary:
    """Names in the order of their first use; the position is the number."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        # By the name in lower case, of the names that were looked at so far.
        self._alike: dict[str, list[int]] = {}
        self._alike_count = 0
        for name in names:
            self.number(name)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def __contains__(self, name: object) -> bool:
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
        return self._numbers.get(name, -1) if isinstance(name, str) else -1

    def find_alike(self, name: str) -> list[int]:
        """Give the numbers of all names that are this one but for case."""
        count = len(self._names)
        for number in range(self._alike_count, count):
            self._alike.setdefault(self._names[number].lower(), []).append(number)
        self._alike_count = count
        return self._alike.get(name.lower(), [])

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
        most: int = 2**31 - 1,
    ) -> None:
        super().__init__()
        self._most = most
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
        self.check_removable(name)
        del self._numbers[name]

    def check_removable(self, name: str) -> None:
        """Raise as ``remove`` does."""
        if not isinstance(name, str):
            raise BadInput(f"A {self._kind} must be text, got {name!r:.80}.")
        if name in self._standard():
            raise BadInput(f"The standard {self._kind} {name!r} cannot be removed.")
        if name not in self:
            raise self._error(f"Unknown {self._kind} {name!r}.")

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
        """Raise UnknownResourceClass or UnknownTrait unless the name is known.

        BadInput if it is not text at all.
        """
        if not isinstance(name, str):
            raise BadInput(f"A {self._kind} must be text, got {name!r:.80}.")
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
            The name is not of the form that Placement takes, or there are too many.
        """
        if not isinstance(name, str) or not (
            self.knows(name) or _CUSTOM.fullmatch(name)
        ):
            raise BadInput(
                f"A {self._kind} is a standard one or CUSTOM_ and up to 248 of A-Z, "
                f"0-9, _; got {name!r:.80}."
            )
        return self.number(name)

    def number(self, name: str) -> int:
        """Give the number of a name; raises BadInput if a new one has no room."""
        if name not in self and len(self) >= self._most:
            raise BadInput(
                f"No room for {self._kind} {name!r}: at most {self._most} can be "
                "entered, removed ones included."
            )
        return super().number(name)


def resource_classes() -> Registered:
    """Make an empty vocabulary of resource classes."""
    return Registered(
        standard_resource_classes,
        UnknownResourceClass,
        "resource class",
        _MOST_CLASSES,
    )


def traits() -> Registered:
    """Make an empty vocabulary of traits."""
    return Registered(standard_traits, UnknownTrait, "trait")

"""A register of things that users name in options: filters, weighers of hosts."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, Protocol, TypeVar

from kilonova.errors import NotFound


class Named(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str:
        """As users write it."""


T = TypeVar("T", bound=Named)


class Register(Generic[T]):
    """Things of one kind by name: ours, those of users' packages, those added later.

    Parameters
    ----------
    what
        What a thing is called in messages.
    modules
        Modules that add ours, imported at the first look.
    group
        Entry point group of users' packages; each entry is one thing, or a list.
    unknown
        What is raised for a name that nothing has.
    """

    def __init__(
        self, what: str, modules: Iterable[str], group: str, unknown: type[NotFound]
    ) -> None:
        self.what = what
        self._modules = tuple(modules)
        self._group = group
        self._unknown = unknown
        self._things: dict[str, T] = {}
        self._loaded = False

    def add(self, thing: T) -> T:
        """Make a thing known by its name; the last one of a name stays."""
        self._things[thing.name] = thing
        return thing

    def all(self) -> tuple[T, ...]:
        """Give all things: ours in their order, then others as they were added."""
        self._load()
        return tuple(self._things.values())

    def find(self, name: str) -> T:
        """Give the thing of a name, or of a path that ends with it.

        Nova's options hold paths of classes, ``nova.scheduler.filters.
        compute_filter.ComputeFilter``: the last word of a path counts.
        """
        self._load()
        thing = self._things.get(name.strip().rpartition(".")[2])
        if thing is None:
            raise self.missing([name])
        return thing

    def missing(self, names: Iterable[str]) -> NotFound:
        """Make the error for names that nothing has."""
        self._load()
        listed = list(names)
        hints = []
        by_lower = {known.lower(): known for known in self._things}
        for name in listed:
            last = name.rpartition(".")[2].lower()
            near = get_close_matches(last, by_lower, n=1)
            hints += [f" Did you mean {by_lower[each]!r}?" for each in near]
        shown = ", ".join(map(repr, listed))
        return self._unknown(
            f"Unknown {self.what} {shown}.{''.join(hints)} "
            f"Known: {', '.join(by_lower.values())}."
        )

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for module in self._modules:
            import_module(module)
        for entry in entry_points(group=self._group):
            given = entry.load()
            for thing in given if isinstance(given, list) else [given]:
                self.add(thing)

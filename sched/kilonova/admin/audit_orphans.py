"""What an audit found, as columns: objects are made of what is looked at only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a consumer holds at a provider where nothing of it is.

    Attributes
    ----------
    provider
        UUID of the provider, or its name where it has none.
    consumer
        UUID.
    resources
        Amounts by resource class.
    failure
        Why it could not be deleted, or None.
    """

    provider: str
    consumer: str
    resources: Mapping[str, int]
    failure: str | None = None


@dataclass(eq=False, slots=True)
class Orphans(Sequence[Orphan]):
    """Orphans in the order of providers, and then of consumers.

    Attributes
    ----------
    providers
        Row of the provider of each, (O,) int32.
    consumers
        UUID of each.
    starts
        First allocation of each, and the end of them, (O + 1,) int64.
    classes, amounts
        Number of the resource class of each allocation, (A,) int16, and units (A,).
    provider_names, class_names
        What rows and numbers mean.
    failures
        Why orphans could not be deleted, by place.
    """

    providers: NDArray[np.int32]
    consumers: list[str]
    starts: NDArray[np.int64]
    classes: NDArray[np.int16]
    amounts: NDArray[np.int32]
    provider_names: Mapping[int, str]
    class_names: Mapping[int, str]
    failures: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.consumers)

    @overload
    def __getitem__(self, place: int) -> Orphan: ...
    @overload
    def __getitem__(self, place: slice) -> list[Orphan]: ...
    def __getitem__(self, place: int | slice) -> Orphan | list[Orphan]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        rows = slice(int(self.starts[place]), int(self.starts[place + 1]))
        held = zip(
            self.classes[rows].tolist(), self.amounts[rows].tolist(), strict=True
        )
        return Orphan(
            self.provider_names[int(self.providers[place])],
            self.consumers[place],
            {self.class_names[number]: amount for number, amount in held},
            self.failures.get(place),
        )

    def __iter__(self) -> Iterator[Orphan]:
        return (self[place] for place in range(len(self)))

    def cut(self, count: int) -> None:
        """Keep the first ``count`` only."""
        self.providers = self.providers[:count]
        self.consumers = self.consumers[:count]
        self.starts = self.starts[: count + 1]

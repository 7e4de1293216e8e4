"""A workload: what is timed, on which clouds, and what it is compared with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from kilonova.candidates.cloud import Cloud
from kilonova.errors import KilonovaError

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SHAPES = ("flat", "nested")
FILLS = (0.0, 0.7, 0.99)
# Of a cloud as operators have it.
FILL = 0.7
# Providers of a host, by shape.
PROVIDERS = {"flat": 1, "nested": 9}


class WrongResult(KilonovaError):
    """What would be timed gives another result than it must; nothing was timed."""


class Fleet(NamedTuple):
    """A cloud of equal hosts, and how full it is."""

    hosts: int
    shape: str
    fill: float

    @property
    def title(self) -> str:
        """What it is, apart from its size."""
        return f"{self.shape}, {percent(self.fill)}"


def percent(fill: float) -> str:
    """Write how full a cloud is."""
    return f"{100 * fill:.0f} %" if fill else "empty"


@dataclass(frozen=True, slots=True)
class Work:
    """A workload on one cloud, ready to be timed.

    Attributes
    ----------
    call
        What is timed.
    check
        Makes the call and says whether its result is right; asked once, before anything
        is timed, which compiles the kernels as well.
    before, after
        Done around each call, outside the clock.
    close
        Leaves the cloud as it was.
    touched
        Bytes that any way to the result must read or write, at least; 0 where only what
        a change touched is looked at, and there is no such bound.
    plain
        The same question as plain numpy passes over the same columns, or None.
    decisions
        Decisions in one call, by which its time is divided.
    """

    call: Callable[[], object]
    check: Callable[[], bool]
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None
    close: Callable[[], object] | None = None
    touched: int = 0
    plain: Callable[[], object] | None = None
    decisions: int = 1


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that users wait for.

    Attributes
    ----------
    name
        Family and name, such as ``"claims: claim"``.
    doing
        What is timed, in one line.
    make
        Makes it ready on a cloud.
    shapes, fills
        Of the clouds that it is timed on.
    largest
        Most hosts of these clouds.
    quick
        Whether a quick run has it.
    """

    name: str
    doing: str
    make: Callable[[Cloud, Fleet], Work]
    shapes: tuple[str, ...] = SHAPES
    fills: tuple[float, ...] = FILLS
    largest: int = SIZES[-1]
    quick: bool = False

    @property
    def family(self) -> str:
        """What comes before the colon of its name."""
        return self.name.partition(":")[0]

    def runs_on(self, fleet: Fleet) -> bool:
        """Say whether it is timed on a cloud."""
        return (
            fleet.shape in self.shapes
            and fleet.fill in self.fills
            and fleet.hosts <= self.largest
        )


def fleets(
    sizes: Iterable[int],
    shapes: Iterable[str] = SHAPES,
    fills: Iterable[float] = FILLS,
) -> list[Fleet]:
    """List clouds; those that differ only in how full they are lie side by side."""
    return [
        Fleet(hosts, shape, fill)
        for hosts in sizes
        for shape in shapes
        for fill in fills
    ]

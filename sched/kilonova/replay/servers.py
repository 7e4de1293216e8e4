"""A recorded list of servers that come and go, in the terms of the scheduler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

STAYS = -1


class Place(NamedTuple):
    """A provider that gives CPUs and memory: a host, or one of its NUMA cells."""

    provider: str
    host: str
    rack: int
    vcpus: int
    memory_mb: int


class Kind(NamedTuple):
    """What a server asks: its spec, and how tables name flavor and rule.

    Attributes
    ----------
    spec
        As the scheduler takes it.
    flavor
        Its amounts, in words.
    rule
        Its server group's policy or its zone; empty without.
    cell_vcpus, cell_memory_mb
        What it takes from each of its cells, or from its host.
    """

    spec: ServerSpec
    flavor: str
    rule: str
    cell_vcpus: int
    cell_memory_mb: int


@dataclass(frozen=True, slots=True)
class Window:
    """One list of requests.

    Attributes
    ----------
    name
        As users name it.
    kinds
        All that its servers ask.
    kind
        Number of each server's kind, (N,) int32.
    call
        Servers next to each other with an equal number come in one call, (N,) int64.
    start, end
        When it comes and leaves, in seconds; ``STAYS`` where it stays, (N,) int64.
    timed
        Whether these are times; else they count the requests.
    """

    name: str
    kinds: tuple[Kind, ...]
    kind: NDArray[np.int32]
    call: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    timed: bool


class Fleet(NamedTuple):
    """An empty cloud, and where its CPUs are."""

    cloud: Cloud
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class ServerTrace:
    """Hosts and lists of servers.

    Attributes
    ----------
    folder
        Where it was read.
    about
        The hosts, in a few words.
    build
        Makes an empty fleet.
    windows
        By name, in the order of the file.
    step
        Servers without times that count as one step.
    adapted
        Puts what the trace needs into options.
    cells
        Whether a place is a NUMA cell.
    """

    folder: Path
    about: str
    build: Callable[[], Fleet]
    windows: Mapping[str, Window]
    cells: bool
    adapted: Callable[[Options], Options] = lambda options: options
    step: int = 500


class Events(NamedTuple):
    """Arrivals and departures in the order in which they are played.

    Attributes
    ----------
    server
        Number of the server, (E,) int64.
    comes
        Whether it comes, (E,) bool.
    time_s
        When, (E,) int64.
    stops
        End of each step, ascending: servers of one step are built side by side.
    """

    server: NDArray[np.int64]
    comes: NDArray[np.bool_]
    time_s: NDArray[np.int64]
    stops: NDArray[np.int64]


def ordered(window: Window, step: int) -> Events:
    """Put arrivals and departures in order.

    By time; at the same time departures first, then by number. What leaves after the
    last arrival is left out. A step ends with the arrivals of one time, or, where there
    are no times, after ``step`` servers.
    """
    last = int(window.start[-1])
    leaving = np.flatnonzero((window.end != STAYS) & (window.end <= last))
    coming = np.arange(len(window.start))
    server = np.concatenate([coming, leaving])
    time_s = np.concatenate([window.start, window.end[leaving]])
    comes = np.concatenate(
        [np.ones(len(coming), np.bool_), np.zeros(len(leaving), np.bool_)]
    )
    order = np.lexsort((server, comes, time_s))
    server, time_s, comes = server[order], time_s[order], comes[order]
    if window.timed:
        stops = np.searchsorted(time_s, np.unique(window.start), side="right")
    else:
        stops = np.append(np.arange(step, len(server), step), len(server))
    return Events(server, comes, time_s, stops.astype(np.int64))


def distinct(rows: Sequence[tuple[int, ...]]) -> tuple[list[int], list[int]]:
    """Give the first row of each distinct one, and each row's number among them."""
    first: dict[tuple[int, ...], int] = {}
    numbers = [first.setdefault(row, len(first)) for row in rows]
    seen: dict[int, int] = {}
    for place, number in enumerate(numbers):
        seen.setdefault(number, place)
    return [seen[number] for number in range(len(first))], numbers


def checked_hosts(count: int) -> int:
    """Refuse a number of hosts that cannot be; raises BadInput."""
    if not 1 <= count <= 1_000_000:
        raise BadInput(f"--hosts must be in 1..1000000, got {count}.")
    return count

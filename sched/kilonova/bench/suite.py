"""A run of the whole suite: workloads, peers, replays, and the machine it was on."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kilonova.bench.bandwidth import bandwidth
from kilonova.bench.beside import Beside, besides
from kilonova.bench.kernels import callable_kernels
from kilonova.bench.machine import machine
from kilonova.bench.peers.available import Peer, database, peers
from kilonova.bench.peers.pairs import Pair
from kilonova.bench.replays import CHURN, Replayed, recorded_games, replays
from kilonova.bench.run import Case, Growth, cases, growths
from kilonova.bench.workload import FILL, FILLS, SHAPES, SIZES, fleets
from kilonova.bench.workloads.register import workloads
from kilonova.errors import BadInput

QUICK_SIZES = (1_000, 10_000)
# Placement takes minutes beyond.
PEER_SIZES = (1_000, 10_000)
_MOST_PEER_HOSTS = 20_000
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run.

    Attributes
    ----------
    quick
        Two sizes, one fill, fewer workloads, shorter budgets.
    sizes
        Numbers of hosts; the usual ones where empty.
    peers
        Names of services to be measured beside.
    only
        Only workloads whose names begin so, without peers that were not named and
        without replays; empty for all.
    """

    quick: bool = False
    sizes: tuple[int, ...] = ()
    peers: tuple[str, ...] = ()
    only: str = ""

    def check(self) -> None:
        """Raise BadInput where it cannot be right."""
        for size in self.sizes:
            if not 100 <= size <= SIZES[-1]:
                raise BadInput(f"--hosts must be in 100..{SIZES[-1]}, got {size}.")
        if self.only and not any(w.name.startswith(self.only) for w in workloads()):
            known = ", ".join(dict.fromkeys(w.family for w in workloads()))
            raise BadInput(f"No workload begins with {self.only!r}; families: {known}.")
        if any(peer.name == "placement" and peer.version for peer in peers(self.peers)):
            database()


@dataclass(slots=True)
class Results:
    """What a run found.

    Attributes
    ----------
    machine
        Processor, system, versions.
    bandwidth
        Bytes a second that this machine's memory moves.
    cases, growths, pairs, replays, besides
        What was measured.
    peers
        Those that were asked for, also those that are missing.
    unreached
        Kernels that Python can call and no workload came to; none of a part of them.
    phases
        Seconds that each phase of the run took.
    """

    machine: dict[str, Any]
    bandwidth: float
    cases: list[Case] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    replays: list[Replayed] = field(default_factory=list)
    besides: list[Beside] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    _before: float = field(default_factory=time.perf_counter)

    def passed(self, phase: str) -> None:
        """Note that what came since the last phase belongs to this one."""
        now = time.perf_counter()
        self.phases[phase] = self.phases.get(phase, 0.0) + now - self._before
        self._before = now

    def document(self) -> dict[str, Any]:
        """Give all of it for JSON."""
        return {
            "machine": self.machine,
            "bandwidth": self.bandwidth,
            "cases": [each.row(self.bandwidth) for each in self.cases],
            "growths": [asdict(each) for each in self.growths],
            "peers": [asdict(each) for each in self.peers],
            "pairs": [each.row() for each in self.pairs],
            "replays": [each.row() for each in self.replays],
            "besides": [each.row() for each in self.besides],
            "kernels_not_reached": self.unreached,
            "phases": self.phases,
        }


def run(wanted: Wanted, progress: Progress = lambda _: None) -> Results:
    """Run the suite.

    Raises
    ------
    BadInput
        What is wanted cannot be.
    WrongResult
        Something gave another result than it must; there are no figures then.
    """
    wanted.check()
    progress("memory bandwidth")
    found = Results(machine(), 0.0)
    found.bandwidth = bandwidth()
    found.passed("memory bandwidth")
    found.peers = peers(wanted.peers)
    chosen = [
        each
        for each in workloads()
        if each.name.startswith(wanted.only)
        and (each.quick or wanted.only or not wanted.quick)
    ]
    sizes = wanted.sizes or (QUICK_SIZES if wanted.quick else SIZES)
    where = fleets(sizes, SHAPES, (FILL,) if wanted.quick else FILLS)
    budget_s = 0.05 if wanted.quick else 0.1
    for case in cases(chosen, where, budget_s, progress):
        found.cases.append(case)
        found.passed(f"{case.hosts:,} hosts")
    found.growths = growths(found.cases)
    for pair in _pairs(wanted, found.peers, progress):
        found.pairs.append(pair)
        found.passed(f"beside {_service(pair)}")
    if wanted.only:
        return found
    games, churn = recorded_games(wanted.quick), CHURN[wanted.quick]
    found.replays = list(replays(games, churn, progress))
    found.passed("replays")
    budget_s = 3.0 if wanted.quick else 4.0
    found.besides = list(besides(games, churn, found.peers, budget_s, progress))
    found.passed("replays beside peers")
    reached = {name for case in found.cases for name in case.kernels}
    found.unreached = sorted(set(callable_kernels()) - reached)
    return found


def _service(pair: Pair) -> str:
    """Name who was asked, by the database where it has one of its own."""
    return "Nova" if pair.peer.startswith("Nova") else pair.peer.replace(",", " on")


def _pairs(wanted: Wanted, known: Sequence[Peer], progress: Progress) -> Iterator[Pair]:
    here = [each.name for each in known if each.version is not None]
    if not here:
        return
    from kilonova.bench.peers import sites

    sizes = wanted.sizes or (QUICK_SIZES[:1] if wanted.quick else PEER_SIZES)
    where = [
        (size, shape)
        for size in sizes
        if size <= _MOST_PEER_HOSTS
        for shape in (("nested",) if wanted.quick else SHAPES)
    ]
    budget_s = 1.0 if wanted.quick else 2.0
    given = database() if "placement" in here else None
    yield from sites.pairs(here, where, budget_s, given, progress)

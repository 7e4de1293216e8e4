"""Play a list of servers through the scheduler, and keep what a report needs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State
from kilonova.hosts.events import Boot, Delete, Event
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.replay.server_refusals import Refusal, refusals_of
from kilonova.replay.servers import Events, Fleet, ServerTrace, Window, ordered

# Looks at the use of hosts in a run, about.
_SAMPLES = 200

Progress = Callable[[int], None]


class Use(NamedTuple):
    """What is used at one moment.

    Attributes
    ----------
    events, time_s
        Events played so far; the time then.
    servers
        Servers that have a host.
    vcpus, memory_mb
        Held by them.
    stranded_memory_mb
        Free on places without a CPU for the smallest request.
    stranded_vcpus
        Free on places without memory for it.
    """

    events: int
    time_s: int
    servers: int
    vcpus: int
    memory_mb: int
    stranded_memory_mb: int
    stranded_vcpus: int


@dataclass(slots=True)
class ServerOutcome:
    """One run that was played.

    Attributes
    ----------
    window, policy, seed, fleet
        What was played, and the cloud as it is at the end.
    events
        In their order.
    host, stuck
        Row of each server's host, -1 for none; whether no host could take it, (N,).
    uses
        Moments, in their order.
    refusals
        A row per step, flavor and rule that was refused.
    vcpus, memory_mb
        Used on each place when most vCPUs were, (P,) int64.
    fullest
        Number of that moment among ``uses``.
    seconds, first_decision_s
        In the scheduler, after the first step; from the beginning, when cloud and
        events are made, to the end of the first step.
    """

    window: Window
    policy: str
    seed: int
    fleet: Fleet
    events: Events
    host: NDArray[np.int32]
    stuck: NDArray[np.bool_]
    uses: list[Use] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    vcpus: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    memory_mb: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    fullest: int = 0
    seconds: float = 0.0
    first_decision_s: float = 0.0

    @property
    def placed(self) -> int:
        """Servers that found a host."""
        return int((self.host >= 0).sum())

    @property
    def rate(self) -> float:
        """Events a second, those of the first step apart."""
        later = len(self.events.server) - int(self.events.stops[0])
        return later / self.seconds if self.seconds else 0.0


class Player:
    """Plays one window on an empty fleet.

    Parameters
    ----------
    trace, window
        What is played.
    policy, options
        Name of the options, and they themselves.
    seed
        Of the scheduler's draws.
    """

    def __init__(
        self,
        trace: ServerTrace,
        window: Window,
        policy: str,
        options: Options,
        *,
        seed: int = 0,
    ) -> None:
        self._begin = time.perf_counter()
        self.window = window
        self.fleet = trace.build()
        self.state = self.fleet.cloud.state
        adapted = trace.adapted(options)
        self.scheduler = Scheduler(self.fleet.cloud, adapted, seed=seed)
        count = len(window.start)
        self.outcome = ServerOutcome(
            window=window,
            policy=policy,
            seed=seed,
            fleet=self.fleet,
            events=ordered(window, trace.step),
            host=np.full(count, -1, np.int32),
            stuck=np.zeros(count, np.bool_),
        )
        find = self.state.provider_names.find
        self._place_provider = np.array(
            [find(place.provider) for place in self.fleet.places]
        )
        self._names = [f"{window.name}-{number}" for number in range(count)]
        self._kind = window.kind.tolist()
        self._call = window.call.tolist()
        self._smallest = (
            min(kind.cell_vcpus for kind in window.kinds),
            min(kind.cell_memory_mb for kind in window.kinds),
        )
        self._alive = 0

    def play(self, progress: Progress) -> ServerOutcome:
        """Play all events.

        Parameters
        ----------
        progress
            Called with the number of events done since the last call.
        """
        outcome = self.outcome
        self.scheduler.prepare(kind.spec for kind in self.window.kinds)
        start = 0
        stops = outcome.events.stops.tolist()
        look = max(1, len(stops) // _SAMPLES)
        for number, stop in enumerate(stops):
            seconds = self._step(start, stop)
            if start == 0:
                outcome.first_decision_s = time.perf_counter() - self._begin
            else:
                outcome.seconds += seconds
            progress(stop - start)
            if number % look == 0 or stop == stops[-1]:
                self._look(stop)
            start = stop
        return outcome

    def _step(self, start: int, stop: int) -> float:
        """Play some events; give the seconds that the scheduler took."""
        outcome, kinds = self.outcome, self.window.kinds
        comes = outcome.events.comes[start:stop]
        servers = outcome.events.server[start:stop]
        listed: list[Event] = []
        here: set[int] = set()
        rows = []
        for server, arrives in zip(servers.tolist(), comes.tolist(), strict=True):
            if arrives:
                spec = kinds[self._kind[server]].spec
                listed.append(Boot(self._names[server], spec, self._call[server]))
                here.add(server)
            elif outcome.host[server] >= 0 or server in here:
                listed.append(Delete(self._names[server]))
            else:
                # It found no host, and nobody knows it any more.
                continue
            rows.append(server)
        begin = time.perf_counter()
        played = self.scheduler.play(listed)
        seconds = time.perf_counter() - begin
        boots = np.array([isinstance(event, Boot) for event in listed])
        coming = np.array(rows)[boots]
        outcome.host[coming] = played.host[boots]
        outcome.stuck[coming] = played.stuck[boots]
        leaving = servers[~comes]
        self._alive += int((outcome.host[coming] >= 0).sum())
        self._alive -= int((outcome.host[leaving] >= 0).sum())
        if (outcome.host[coming] < 0).any():
            outcome.refusals += refusals_of(
                self.scheduler, self.window, coming, outcome.host, outcome.stuck
            )
        return seconds

    def _look(self, stop: int) -> None:
        """Note what is used now."""
        places, outcome = self.fleet.places, self.outcome
        vcpus = used_of(self.state, "VCPU")[self._place_provider]
        memory = used_of(self.state, "MEMORY_MB")[self._place_provider]
        free_vcpus = np.array([place.vcpus for place in places]) - vcpus
        free_memory = np.array([place.memory_mb for place in places]) - memory
        found = Use(
            events=stop,
            time_s=int(outcome.events.time_s[stop - 1]),
            servers=self._alive,
            vcpus=int(vcpus.sum()),
            memory_mb=int(memory.sum()),
            stranded_memory_mb=int(free_memory[free_vcpus < self._smallest[0]].sum()),
            stranded_vcpus=int(free_vcpus[free_memory < self._smallest[1]].sum()),
        )
        outcome.uses.append(found)
        if not len(outcome.vcpus) or found.vcpus >= int(outcome.vcpus.sum()):
            outcome.vcpus, outcome.memory_mb = vcpus, memory
            outcome.fullest = len(outcome.uses) - 1


def used_of(state: State, name: str) -> NDArray[np.int64]:
    """Give what is used of one class on each provider, 0 where it has none, (P,)."""
    index, inventory = state.index(), state.tables.inventory
    number = state.resource_classes.find(name)
    rows = index.class_row[index.class_start[number] : index.class_start[number + 1]]
    found = np.zeros(len(state.tables.provider["root"]), np.int64)
    found[inventory["provider"][rows]] = inventory["used"][rows]
    return found

"""A synthetic cloud in which servers come, go, grow and move, and a rack fails.

A resize or live migration is Nova's: the server's allocations go to a migration, the
server gets a host anew, and the migration gives its own back; where no host is found,
the server keeps what it had.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap

from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.document import uuid_of
from kilonova.bench.part import MOST_EVENTS, Move, Part, Step
from kilonova.bench.traffic import port
from kilonova.bench.workload import WrongResult
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.events import Boot, Delete, Event
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

# Shares of the events; the rest are live migrations.
_BOOTS, _DELETES, _RESIZES = 0.60, 0.30, 0.06
_RACK = 40
# Events of the first step and of most; each has twice as many as the one before.
_FIRST_STEP, _STEP = 8, 500
_SIZES = ((1, 2_048, 10), (2, 4_096, 20), (4, 8_192, 40), (8, 16_384, 80))


@dataclass(slots=True)
class Counts:
    """What happened."""

    boots: int = 0
    deletes: int = 0
    resizes: int = 0
    migrations: int = 0
    evacuations: int = 0
    refused: int = 0

    @property
    def events(self) -> int:
        """All of them."""
        moved = self.resizes + self.migrations + self.evacuations
        return self.boots + self.deletes + moved


@dataclass(slots=True)
class Churn:
    """Servers of a cloud, and what happens to them.

    Attributes
    ----------
    hosts, servers
        Hosts of the cloud, servers that come in all.
    cloud, scheduler
        Where they are.
    alive
        What each server that has a host asks.
    tell
        Told of what happens, step by step.
    counts, seconds
        What happened so far, and the seconds that it took.
    """

    hosts: int
    servers: int
    tell: Callable[[Sequence[Step]], object] = lambda _: None
    cloud: Cloud = field(init=False)
    scheduler: Scheduler = field(init=False)
    alive: dict[str, ServerSpec] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    _random: random.Random = field(default_factory=lambda: random.Random("churn"))

    def __post_init__(self) -> None:
        self.cloud = busy_cloud(self.hosts, "nested", 0.0)
        self.scheduler = Scheduler(self.cloud)
        self.scheduler.prepare(specs())

    def play(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Let all servers come, in steps; half-way a rack fails.

        Raises
        ------
        WrongResult
            In the end the columns do not say what the servers ask.
        """
        failed = False
        for count in _step_sizes():
            if self.counts.boots >= self.servers:
                break
            before = self.counts.events
            self.step(count)
            if not failed and 2 * self.counts.boots >= self.servers:
                self.evacuate(_RACK)
                failed = True
            progress(self.counts.events - before)
        self.check()

    def step(self, count: int) -> None:
        """Draw some events, and play them."""
        draw, known = self._random, list(self.alive)
        # No more than these can be met.
        alive = draw.sample(known, min(count, len(known)))
        coming: list[Event] = []
        moving: dict[str, ServerSpec] = {}
        for _ in range(count):
            kind = draw.random()
            if kind < _BOOTS or not alive:
                number = self.counts.boots
                self.counts.boots += 1
                spec = draw.choice(specs())
                coming.append(Boot(uuid_of(f"churn {number}"), spec))
            elif kind < _BOOTS + _DELETES:
                self.counts.deletes += 1
                server = alive.pop()
                del self.alive[server]
                coming.append(Delete(server))
            elif kind < _BOOTS + _DELETES + _RESIZES:
                self.counts.resizes += 1
                moving[alive.pop()] = draw.choice(specs())
            else:
                self.counts.migrations += 1
                server = alive.pop()
                moving[server] = self._elsewhere(server, (self._host_of(server),))
        self._run(coming, moving)

    def evacuate(self, count: int) -> None:
        """Find other hosts for all servers of the first hosts: a rack has failed."""
        names = self.cloud.state.hosts.names
        rack = tuple(names[row] for row in range(min(count, self.hosts // 2)))
        moving = {
            server: self._elsewhere(server, rack)
            for server in self.alive
            if self._host_of(server) in rack
        }
        self.counts.evacuations += len(moving)
        self._run([], moving)

    def check(self) -> None:
        """Compare what is used with what the servers ask; raises WrongResult."""
        asked = sum(spec.flavor.vcpus for spec in self.alive.values())
        index = self.cloud.state.resource_classes.find("VCPU")
        inventory = self.cloud.state.tables.inventory
        used = int(inventory["used"][inventory["resource_class"] == index].sum())
        if used != asked:
            raise WrongResult(f"{used} VCPU are in use, servers ask {asked}.")

    def _run(self, coming: list[Event], moving: dict[str, ServerSpec]) -> None:
        """Play events and moves; only this is timed."""
        begin = time.perf_counter()
        migrations = {server: uuid_of(f"migration {server}") for server in moving}
        for server, migration in migrations.items():
            self.cloud.move(server, migration)
        events = [*coming, *(Boot(name, spec) for name, spec in moving.items())]
        hosts = self.scheduler.play(events).host.tolist() if events else []
        placed = {
            event.server: host
            for event, host in zip(events, hosts, strict=True)
            if isinstance(event, Boot)
        }
        left: list[Event] = []
        for server, migration in migrations.items():
            if placed[server] >= 0:
                left.append(Delete(migration))
            else:
                self.cloud.move(migration, server)
        if left:
            self.scheduler.play(left)
        self.seconds += time.perf_counter() - begin
        self._tell(migrations, events, left)
        for event in events:
            if isinstance(event, Boot):
                if placed[event.server] < 0:
                    self.counts.refused += 1
                elif event.spec.ignore_hosts:
                    self.alive[event.server] = replace(event.spec, ignore_hosts=())
                else:
                    self.alive[event.server] = event.spec

    def _tell(
        self, migrations: Mapping[str, str], events: list[Event], left: list[Event]
    ) -> None:
        gone = {each.server for each in left}
        self.tell([*starmap(Move, migrations.items()), *events])
        self.tell(
            [
                Delete(target) if target in gone else Move(target, source)
                for source, target in migrations.items()
            ]
        )

    def _elsewhere(self, server: str, hosts: tuple[str, ...]) -> ServerSpec:
        return replace(self.alive[server], ignore_hosts=hosts)

    def _host_of(self, server: str) -> str:
        state = self.cloud.state
        row = state.consumer_uuids.find(server)
        return state.hosts.names[int(state.tables.consumer["host"][row])]


_SPECS = tuple(
    ServerSpec(Flavor(*size), groups=groups)
    for size in _SIZES
    for groups in ((), (port(50_000),))
)


def specs() -> tuple[ServerSpec, ...]:
    """Give what servers ask: four flavors, with a port and without."""
    return _SPECS


def _step_sizes() -> Iterator[int]:
    size = _FIRST_STEP
    while True:
        yield size
        size = min(2 * size, _STEP)


def opening(hosts: int) -> Part:
    """Give the first events on a synthetic cloud of so many hosts."""
    steps: list[Sequence[Step]] = []
    churn = Churn(hosts, MOST_EVENTS, steps.append)
    for count in _step_sizes():
        churn.step(count)
        if sum(map(len, steps)) >= MOST_EVENTS:
            break
    return Part(
        lambda: busy_cloud(hosts, "nested", 0.0), Options(), list(filter(None, steps))
    ).first(MOST_EVENTS)

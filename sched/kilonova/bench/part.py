"""The first events of a replay of servers, as a sequential peer and Kilonova play them.

Events of a step are played side by side by Kilonova, one after the other by a peer; a
server is no I/O operation of its host any more when its step has ended.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from kilonova.bench.document import uuid_of
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.events import Boot, Delete
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.replay.server_replay import ServerGame
from kilonova.replay.servers import ordered
from kilonova.request.server import ServerSpec

# More than any peer finishes, and still a cloud with much room.
MOST_EVENTS = 2_000
# Times that ours are played, each on an empty cloud.
_TURNS = 3


class Move(NamedTuple):
    """What a consumer holds is handed to another one, as Nova does before a move."""

    source: str
    target: str


Step = Boot | Delete | Move
# Name of the host of each server that came; None where none was found.
Hosts = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Part:
    """The beginning of a replay.

    Attributes
    ----------
    build
        Makes the empty cloud.
    options
        Of the scheduler.
    steps
        Events by step; servers have UUIDs.
    """

    build: Callable[[], Cloud]
    options: Options
    steps: Sequence[Sequence[Step]]

    @property
    def specs(self) -> list[ServerSpec]:
        """What its servers ask, each once."""
        boots = (each for step in self.steps for each in step if isinstance(each, Boot))
        return list({id(boot.spec): boot.spec for boot in boots}.values())

    def first(self, count: int) -> "Part":
        """Give as many events of it."""
        steps: list[Sequence[Step]] = []
        for step in self.steps:
            if count <= 0:
                break
            steps.append(step[:count])
            count -= len(step)
        return replace(self, steps=steps)


def part_of(game: ServerGame, most: int = MOST_EVENTS) -> Part:
    """Give the first events of a recorded list of servers.

    A call of Nova has one flavor: servers that the list has in one call come together
    where they ask the same, and one after the other where not.
    """
    window, trace = game.window, game.trace
    order = ordered(window, trace.step)
    uuids = [uuid_of(f"{window.name}-{number}") for number in range(len(window.kind))]
    kind, call = window.kind.tolist(), window.call.tolist()
    listed: list[Step] = []
    for server, comes in zip(
        order.server[:most].tolist(), order.comes[:most].tolist(), strict=True
    ):
        spec = window.kinds[kind[server]].spec
        together = (call[server], kind[server])
        listed.append(
            Boot(uuids[server], spec, together) if comes else Delete(uuids[server])
        )
    starts = [0, *(stop for stop in order.stops.tolist() if stop < len(listed))]
    ends = [*starts[1:], len(listed)]
    steps = [listed[a:b] for a, b in zip(starts, ends, strict=True)]
    return Part(lambda: trace.build().cloud, trace.adapted(game.options), steps)


def together(step: Sequence[Step]) -> list[list[Step]]:
    """Cut a step into calls of Nova: boots of one call, any other event alone."""

    def key(place: int) -> object:
        each = step[place]
        call = each.call if isinstance(each, Boot) else None
        return place if call is None else ("call", call)

    return [[step[n] for n in group] for _, group in groupby(range(len(step)), key)]


def played(part: Part) -> tuple[float, Hosts]:
    """Let Kilonova play a part; give the median of its seconds, and the hosts.

    As in replays, clouds and requests are made ready before.
    """
    turns = [_played(part) for _ in range(_TURNS)]
    return statistics.median(seconds for seconds, _ in turns), turns[0][1]


def _played(part: Part) -> tuple[float, Hosts]:
    cloud = part.build()
    scheduler = Scheduler(cloud, part.options)
    scheduler.prepare(part.specs)
    seconds, found = 0.0, Hosts()
    for step in part.steps:
        begin = time.perf_counter()
        rows: dict[str, int] = {}
        for moves, group in groupby(step, lambda each: isinstance(each, Move)):
            events = list(group)
            if moves:
                for source, target in events:  # type: ignore[misc]
                    cloud.move(source, target)
                continue
            hosts = scheduler.play(events).host.tolist()  # type: ignore[arg-type]
            for event, row in zip(events, hosts, strict=True):
                if isinstance(event, Boot):
                    rows[event.server] = row
        seconds += time.perf_counter() - begin
        names = cloud.state.hosts.names
        found |= {one: names[row] if row >= 0 else None for one, row in rows.items()}
    return seconds, found

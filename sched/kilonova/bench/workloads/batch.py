"""Many servers in one call: alike, or each of another shape."""

from functools import partial

from kilonova.bench.document import uuid_of
from kilonova.bench.traffic import varied
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.events import Boot, Delete, Event
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

_ALIKE = 100
_SHAPES = 128


def _alike(cloud: Cloud, _fleet: Fleet) -> Work:
    scheduler = Scheduler(cloud)
    spec = ServerSpec(Flavor(1, 1_024, 5))
    servers = [uuid_of(f"alike {number}") for number in range(_ALIKE)]

    def leave() -> None:
        for server in servers:
            cloud.release(server)

    def check() -> bool:
        together = scheduler.select(spec, _ALIKE, servers)
        leave()
        chosen = []
        for server in servers:
            chosen.append(scheduler.select(spec, 1, [server]).hosts[0].host)
        leave()
        return [one.host for one in together.hosts] == chosen

    return Work(
        call=lambda: scheduler.select(spec, _ALIKE, servers),
        check=check,
        after=leave,
        decisions=_ALIKE,
    )


def _varied(cloud: Cloud, _fleet: Fleet) -> Work:
    scheduler = Scheduler(cloud)
    servers = [uuid_of(f"varied {number}") for number in range(_SHAPES)]
    specs = [varied(number) for number in range(_SHAPES)]
    boots: list[Event] = list(map(Boot, servers, specs))
    leaving: list[Event] = list(map(Delete, servers))

    def check() -> bool:
        scheduler.prepare(specs)
        played = scheduler.play(boots)
        names = [cloud.state.hosts.names[row] for row in played.host.tolist()]
        scheduler.play(leaving)
        chosen = []
        for server, spec in zip(servers, specs, strict=True):
            chosen.append(scheduler.select(spec, 1, [server]).hosts[0].nodename)
        for server in servers:
            cloud.release(server)
        return names == chosen

    return Work(
        call=lambda: scheduler.play(boots),
        check=check,
        after=partial(scheduler.play, leaving),
        decisions=_SHAPES,
    )


WORKLOADS = (
    Workload(
        "select many: alike",
        f"choose and claim hosts for {_ALIKE} servers of one spec in one call, each",
        _alike,
        fills=(0.7,),
        quick=True,
    ),
    Workload(
        "select many: of many shapes",
        f"play {_SHAPES} servers that ask another thing each, with a port, each",
        _varied,
        shapes=("nested",),
        fills=(0.7,),
        largest=100_000,
        quick=True,
    ),
)

"""Nova and Kilonova place the same servers on the same cloud, turn by turn.

Hosts that pass, their weights, choices, allocations and alternates are compared first.
Nova's compute nodes come from memory, without the databases of cells, and nothing goes
over a network.
"""

import json
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from kilonova.bench.document import uuid_of
from kilonova.bench.peers.nova_scheduler import NovaScheduler
from kilonova.bench.peers.pairs import Pair, Turn, compared, median_of, seconds
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.bench.traffic import port
from kilonova.bench.workload import WrongResult
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Selection
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.server import ServerSpec

SERVERS = (1, 10)
SPEC = ServerSpec(
    Flavor(4, 8_192, root_gb=40, name="medium"),
    Image(uuid=uuid_of("image")),
    groups=(port(100_000),),
    project_id="project",
)
# Hosts up to which Nova and Placement are asked for more than one server: they take a
# minute beyond.
_MANY_AT_ONCE = 1_000
# More candidates than there are.
_ALL = 1_000_000
# Our calls after each of Nova's.
_CALLS = 20
_NAMES = map("server {}".format, count())


class Both(NamedTuple):
    """Two schedulers of one cloud, and how many servers a call has."""

    nova: NovaScheduler
    ours: Scheduler
    servers: int


def pairs(
    placement: PlacementApplication, cloud: Cloud, budget_s: float
) -> Iterator[Pair]:
    """Compare on one nested cloud, which both have; raises WrongResult."""
    # A cloud has hosts once it has a scheduler; Nova is told of these.
    scheduler = Scheduler(cloud)
    nova = NovaScheduler(cloud, placement, Options())
    hosts = len(nova.row)
    for servers in SERVERS:
        both = Both(nova, scheduler, servers)
        passed = check(both)
        turns = [("Nova, filters and weighers", partial(_ranked, both, passed))]
        if servers == 1 or hosts <= _MANY_AT_ONCE:
            turns.append(("Nova with Placement", partial(_called, both)))
        for title, turn in turns:
            question = f"{servers} server{'s' if servers > 1 else ''}"
            where = (title, question, hosts, "nested")
            yield from compared(where, turn, budget_s)


def check(both: Both) -> list[str]:
    """Compare choices without a limit; give the UUIDs of the hosts that pass.

    Nova leaves equal hosts in their order here. Raises WrongResult.
    """
    nova, scheduler = both.nova, both.ours
    ranked = scheduler.explain(SPEC, first=len(nova.row)).ranked
    given = _names(both.servers)
    nova.manager.rank = nova.row
    nova.limit(_ALL)
    theirs = nova.select(SPEC, given)
    nova.release(given)
    nova.manager.rank = None
    nova.limit(Options().scheduler.max_placement_results)
    ours = scheduler.select(SPEC, both.servers, given)
    _release(scheduler, ours)
    weighed = nova.hosts.weighed
    for what, mine, right in (
        ("hosts", [(one.host, one.weight) for one in ranked], weighed[0]),
        (
            "choices",
            [(one.host, one.weight) for one in ours.hosts],
            [each[0] for each in weighed[: both.servers]],
        ),
        (
            "allocations",
            [one.allocations for one in ours.hosts],
            [_claimed(one[0]) for one in theirs],
        ),
        (
            "alternates",
            [[one.host for one in row] for row in ours.alternates],
            [[each.service_host for each in row[1:]] for row in theirs],
        ),
    ):
        if mine != right:
            raise WrongResult(f"{what} must be Nova's, got others.")
    return [uuid_of(one.host) for one in ranked]


def _claimed(selection: Any) -> dict[str, dict[str, int]]:
    held = json.loads(selection.allocation_request)["allocations"]
    return {uuid: part["resources"] for uuid, part in held.items()}


def _names(servers: int) -> list[str]:
    """Give UUIDs that no server had."""
    return [uuid_of(next(_NAMES)) for _ in range(servers)]


def _release(scheduler: Scheduler, found: Selection) -> None:
    for uuid in found.servers:
        scheduler.cloud.release(uuid)


def _ranked(both: Both, hosts: list[str]) -> Turn:
    """Let Nova's filters and weighers have a turn, on states made before."""
    states = both.nova.hosts.states(hosts)
    for state in states:
        state.allocation_candidates = [{"mappings": {}}]
    given = _names(both.servers)
    theirs = seconds(lambda: both.nova.rank(states, SPEC, given))
    return Turn(theirs, _ours(both))


def _called(both: Both) -> Turn:
    """Let Nova and Placement have a turn: candidates, host states, claims."""
    given = _names(both.servers)
    theirs = seconds(lambda: both.nova.select(SPEC, given))
    both.nova.release(given)
    return Turn(theirs, _ours(both))


def _ours(both: Both) -> dict[str, float]:
    """Time our calls, and the first of a new scheduler by itself."""
    cloud, options = both.ours.cloud, both.ours.options
    new = both._replace(ours=Scheduler(cloud, options))
    return {
        "claimed": median_of(partial(_selected, both), _CALLS),
        "claimed, first call": _selected(new),
    }


def _selected(both: Both) -> float:
    """Time one of our calls, and undo it."""
    given, found = _names(both.servers), []
    spent = seconds(lambda: found.append(both.ours.select(SPEC, both.servers, given)))
    _release(both.ours, found[0])
    return spent

"""Let Nova and Kilonova place the same servers, and write the ratios of their times.

Both run in this process on the same synthetic cloud (tests/generators/synthetic.py).
Needs nova (the extra of this name). What they choose is compared first: hosts, order,
weights to the last bit, allocations. Then they take turns, and each turn has a ratio.
"""

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import figures

sys.path.insert(0, str(figures.ROOT / "tests"))

from generators.cases import readable
from generators.document import uuid_of
from kilonova import Cloud
from kilonova.bench.peers.nova_scheduler import NovaScheduler
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Selection
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.server import ServerSpec
from measure_bench import RESULTS, duration
from peers.placement import PlacementPeer

PACKAGES = ("nova", "openstack-placement", "numpy", "numba")
HEAD = (
    "hosts",
    "servers",
    "Nova does",
    "hosts weighed",
    "host states",
    "Placement",
    "Nova",
    "Kilonova",
    "first call",
    "ratio",
    "turns",
)
PORT = RequestGroup(
    "_port",
    {"NET_BW_EGR_KILOBIT_PER_SEC": 100_000, "NET_BW_IGR_KILOBIT_PER_SEC": 100_000},
    required=(
        frozenset({"CUSTOM_VNIC_TYPE_NORMAL"}),
        frozenset({"CUSTOM_PHYSNET_PHYSNET0"}),
    ),
)
SPEC = ServerSpec(
    Flavor(4, 8192, root_gb=40, name="medium"),
    Image(uuid=uuid_of("image")),
    groups=(PORT,),
    project_id="project",
)
NOTES = (
    "Clouds are 70 % full, 9 providers a host; a server has 4 VCPU, 8 GiB, 40 GB and "
    "one port.\nOptions are the defaults. Medians over the turns of both, and of the "
    "ratios of each turn.\n*Filters and weighers*: all hosts with a candidate are "
    "filtered and weighed, server by server; Nova's host states are made\nbefore, "
    "Placement is not asked, and nothing is claimed in it.\n*The whole call*: "
    "`select_destinations` with candidates for at most 1000 hosts, host states from "
    "compute nodes in memory,\nclaims and alternates; *Placement* is its share of that."
    "\n*Kilonova* is `Scheduler.select` among all hosts, claims and alternates "
    "included; *first call* that of a new scheduler."
)
# More candidates than there are.
_ALL = 1_000_000
# Seconds that Nova may take for the turns of one case, and turns at most.
_PATIENCE_S = 30.0
_TURNS = 20
# Our calls after each of Nova's.
_CALLS = 20
_NAMES = map("server {}".format, count())


class Case(NamedTuple):
    """Two schedulers of one cloud, and how many servers a call has."""

    nova: NovaScheduler
    ours: Scheduler
    servers: int


class Turn(NamedTuple):
    """Seconds of one turn: Nova's, those before it, Placement's part of it, ours."""

    nova: float
    states: float
    placement: float
    ours: float


def main() -> int:
    """Measure, write and show the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Compare with Nova's scheduler.")
    parser.add_argument("--hosts", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--print", action="store_true", dest="dry")
    options = parser.parse_args()
    rows = [row for hosts in options.hosts for row in measured(hosts)]
    command = f"python scripts/measure_nova.py --hosts {_words(options.hosts)}"
    measured_by = f"Measured by `{command}`\non {figures.machine(PACKAGES)}."
    body = "\n\n".join([figures.table(HEAD, rows), f"{measured_by}\n{NOTES}"])
    print(body)
    if not options.dry:
        figures.write(RESULTS, "nova", body)
    return 0


def _words(numbers: list[int]) -> str:
    return " ".join(map(str, numbers))


def measured(hosts: int) -> Iterator[tuple[str, ...]]:
    """Give the rows of one cloud."""
    document = synthetic_cloud(hosts, "nested", 0.7, 1)
    cloud = Cloud.from_document(readable(document))
    first = first_call(cloud)
    with PlacementPeer() as placement:
        placement.load_bulk(document)
        nova = NovaScheduler(cloud, placement, Options())
        for servers in (1, 10):
            case = Case(nova, Scheduler(cloud), servers)
            passed = check(case)
            for name, turn in (
                ("filters and weighers", partial(ranked, case, passed)),
                ("the whole call", partial(called, case)),
            ):
                turns = taken(turn)
                weighed = f"{len(nova.hosts.weighed[0]):,} of {len(passed):,}"
                head = (f"{hosts:,}", str(servers), name, weighed)
                yield (*head, *summary(turns, first))


def first_call(cloud: Cloud) -> float:
    """Time the first call of a new scheduler, kernels compiled."""
    release(cloud, Scheduler(cloud).select(SPEC, 1, names(1)))
    scheduler = Scheduler(cloud)
    start = time.perf_counter()
    found = scheduler.select(SPEC, 1, names(1))
    seconds = time.perf_counter() - start
    release(cloud, found)
    return seconds


def names(servers: int) -> list[str]:
    """Give UUIDs that no server had."""
    return [uuid_of(next(_NAMES)) for _ in range(servers)]


def release(cloud: Cloud, found: Selection) -> None:
    """Give back what a call claimed."""
    for uuid in found.servers:
        cloud.release(uuid)


def check(case: Case) -> list[str]:
    """Refuse to time choices that differ; give the UUIDs of the hosts that pass.

    Nova is asked without a limit here, and leaves equal hosts in their order.

    Raises
    ------
    FigureError
        Nova's choice is another one.
    """
    nova, scheduler = case.nova, case.ours
    ranked_hosts = scheduler.explain(SPEC, first=len(nova.row)).ranked
    given = names(case.servers)
    nova.manager.rank = nova.row
    nova.limit(_ALL)
    theirs = nova.select(SPEC, given)
    nova.release(given)
    nova.manager.rank = None
    nova.limit(Options().scheduler.max_placement_results)
    ours = scheduler.select(SPEC, case.servers, given)
    release(scheduler.cloud, ours)
    weighed = nova.hosts.weighed
    _equal("hosts", [(one.host, one.weight) for one in ranked_hosts], weighed[0])
    _equal(
        "choices",
        [(one.host, one.weight) for one in ours.hosts],
        [each[0] for each in weighed[: case.servers]],
    )
    _equal("allocations", _allocations(ours), [_claimed(one[0]) for one in theirs])
    spare = [[one.host for one in row] for row in ours.alternates]
    _equal("alternates", spare, [[s.service_host for s in row[1:]] for row in theirs])
    return [uuid_of(one.host) for one in ranked_hosts]


def _equal(what: str, ours: list[Any], theirs: list[Any]) -> None:
    if ours != theirs:
        pairs = zip(ours, theirs, strict=False)
        first = next((f"ours {a}, Nova's {b}" for a, b in pairs if a != b), "number")
        raise figures.FigureError(f"{what} must be Nova's, got another: {first}.")


def _allocations(ours: Selection) -> list[Any]:
    return [
        {uuid_of(name): amounts for name, amounts in one.allocations.items()}
        for one in ours.hosts
    ]


def _claimed(selection: Any) -> dict[str, dict[str, int]]:
    held = json.loads(selection.allocation_request)["allocations"]
    return {uuid: part["resources"] for uuid, part in held.items()}


def taken(turn: Callable[[], Turn]) -> list[Turn]:
    """Take turns after one to warm up, until patience is at its end."""
    begin = time.perf_counter()
    turns: list[Turn] = []
    while len(turns) <= _TURNS:
        gc.collect()
        gc.disable()
        try:
            turns.append(turn())
        finally:
            gc.enable()
        if len(turns) > 1 and time.perf_counter() - begin > _PATIENCE_S:
            break
    return turns[1:]


def ranked(case: Case, hosts: list[str]) -> Turn:
    """Let Nova's filters and weighers have a turn, on states made for it."""
    start = time.perf_counter()
    states = case.nova.hosts.states(hosts)
    states_s = time.perf_counter() - start
    for state in states:
        state.allocation_candidates = [{"mappings": {}}]
    given = names(case.servers)
    start = time.perf_counter()
    case.nova.rank(states, SPEC, given)
    nova_s = time.perf_counter() - start
    return Turn(nova_s, states_s, 0.0, our_median(case))


def called(case: Case) -> Turn:
    """Let Nova and Placement have a turn."""
    nova = case.nova
    given = names(case.servers)
    before = nova.session.seconds
    start = time.perf_counter()
    nova.select(SPEC, given)
    nova_s = time.perf_counter() - start
    placement_s = nova.session.seconds - before
    nova.release(given)
    return Turn(nova_s, 0.0, placement_s, our_median(case))


def our_median(case: Case) -> float:
    """Give the median time of our calls; each is undone before the next one."""
    times = []
    for _ in range(_CALLS):
        given = names(case.servers)
        start = time.perf_counter()
        found = case.ours.select(SPEC, case.servers, given)
        times.append(time.perf_counter() - start)
        release(case.ours.cloud, found)
    return statistics.median(times)


def summary(turns: list[Turn], first: float) -> tuple[str, ...]:
    """Write medians, and the median of the ratios."""
    nova, states, placement, ours = (
        statistics.median(column) for column in zip(*turns, strict=True)
    )
    ratio = statistics.median(turn.nova / turn.ours for turn in turns)
    return (
        duration(states) if states else "within",
        duration(placement) if placement else "apart",
        duration(nova),
        duration(ours),
        duration(first),
        f"{ratio:,.0f}",
        f"{len(turns)}",
    )


if __name__ == "__main__":
    sys.exit(main())

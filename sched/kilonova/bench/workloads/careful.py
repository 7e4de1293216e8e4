"""Servers that take more than a look at extremes: new groups, shuffled equals."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from kilonova.bench.document import uuid_of
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.errors import UnknownMetric
from kilonova.hosts.options import FilterSchedulerSection, MetricsSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerGroup, ServerSpec

_MEMBERS = 10
_SPEC = ServerSpec(Flavor(1, 1_024, 5))
_SERVER = uuid_of("careful server")
_SHUFFLED = Options(
    filter_scheduler=replace(
        FilterSchedulerSection(), shuffle_best_same_weighed_hosts=True
    )
)
_METRICS = Options(metrics=MetricsSection(weight_setting=("load=1.0",)))
# Hosts up to which a choice is compared with all hosts filtered and weighed one by one.
_MOST_EXPLAINED = 1_000


def _group(cloud: Cloud, _fleet: Fleet) -> Work:
    """Meet a server group for the first time, of servers that are there already."""
    scheduler, state, numbers = Scheduler(cloud), cloud.state, count()
    members = [uuid_of(f"careful member {number}") for number in range(_MEMBERS)]
    scheduler.select(_SPEC, _MEMBERS, members)
    asked = _SPEC

    def meet() -> None:
        nonlocal asked
        uuid = uuid_of(f"careful group {next(numbers)}")
        group = ServerGroup("anti-affinity", frozenset(members), uuid=uuid)
        asked = replace(_SPEC, server_group=group)

    def select() -> object:
        return scheduler.select(asked, 1, [_SERVER])

    def check() -> bool:
        meet()
        select()
        assert asked.server_group is not None
        number, table = (
            state.groups.find(asked.server_group.uuid),
            state.tables.consumer,
        )
        rows = [state.consumer_uuids.find(each) for each in (*members, _SERVER)]
        *others, own = table["host"][rows].tolist()
        right = (table["group"][rows] == number).all() and own not in others
        cloud.release(_SERVER)
        return bool(right)

    def close() -> None:
        for member in members:
            cloud.release(member)

    return Work(
        call=select,
        check=check,
        before=meet,
        after=lambda: cloud.release(_SERVER),
        close=close,
    )


def _shuffled(cloud: Cloud, fleet: Fleet) -> Work:
    scheduler = Scheduler(cloud, _SHUFFLED)

    def check() -> bool:
        explained = fleet.hosts <= _MOST_EXPLAINED
        best = scheduler.explain(_SPEC, 1).ranked[0].weight if explained else None
        found = scheduler.select(_SPEC, 1, [_SERVER])
        right = found.hosts[0].allocations == cloud.allocations(_SERVER)
        cloud.release(_SERVER)
        return right and best in (None, found.hosts[0].weight)

    return Work(
        call=lambda: scheduler.select(_SPEC, 1, [_SERVER]),
        check=check,
        after=lambda: cloud.release(_SERVER),
    )


def _unreported(cloud: Cloud, _fleet: Fleet) -> Work:
    """Weigh a metric that one host does not report, which is disabled."""
    hosts = cloud.state.hosts
    before = dict(hosts.own)
    load = {"metrics": {"load": 1.0}}
    hosts.own.update(dict.fromkeys(range(1, len(hosts)), load))
    hosts.table["disabled"][0] = 1
    hosts.changed()
    scheduler = Scheduler(cloud, _METRICS)

    def check() -> bool:
        found = scheduler.select(_SPEC, 1, [_SERVER])
        right = found.hosts[0].allocations == cloud.allocations(_SERVER)
        cloud.release(_SERVER)
        if not right or found.hosts[0].nodename == hosts.names[0]:
            return False
        # A host that would be weighed is another matter.
        hosts.table["disabled"][0] = 0
        hosts.changed()
        try:
            scheduler.select(_SPEC, 1, [_SERVER])
        except UnknownMetric:
            hosts.table["disabled"][0] = 1
            hosts.changed()
            again = scheduler.select(_SPEC, 1, [_SERVER])
            cloud.release(_SERVER)
            return again.hosts == found.hosts
        return False

    def close() -> None:
        hosts.own.clear()
        hosts.own.update(before)
        hosts.table["disabled"][0] = 0
        hosts.changed()

    return Work(
        call=lambda: scheduler.select(_SPEC, 1, [_SERVER]),
        check=check,
        after=lambda: cloud.release(_SERVER),
        close=close,
    )


def _workload(name: str, doing: str, make: Callable[[Cloud, Fleet], Work]) -> Workload:
    return Workload(
        f"careful: {name}",
        doing,
        make,
        shapes=("flat",),
        fills=(0.7,),
        # What each host reports is a Python object.
        largest=10_000 if make is _unreported else 1_000_000,
    )


WORKLOADS = (
    _workload(
        "new group",
        f"choose a host for one server of a group of {_MEMBERS} that is not known",
        _group,
    ),
    _workload("shuffled", "choose a host where the best of equals is drawn", _shuffled),
    _workload(
        "unreported",
        "choose a host where one does not report the metric that is weighed",
        _unreported,
    ),
)

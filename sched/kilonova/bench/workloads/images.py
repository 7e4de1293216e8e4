"""Images that hosts fetch ahead: which hosts are asked, and what they had then."""

from functools import partial

from kilonova.admin.precache import PrecacheResult, run_precache
from kilonova.admin.precache_plan import PrecachePlan, plan_precache
from kilonova.bench.document import uuid_of
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.host import HostAggregate
from kilonova.cloud.hosts import set_image_uuids

_IMAGE = uuid_of("image")


class _Aggregate:
    """A host aggregate that has all hosts of a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        hosts = cloud.state.hosts
        self._members = hosts.table["aggregate_set"].copy()
        self.uuid = uuid_of("all hosts")
        hosts.aggregates.append(HostAggregate(self.uuid, "all hosts"))
        number = len(hosts.aggregates) - 1
        hosts.table["aggregate_set"][:] = hosts.aggregate_sets.number([number])
        hosts.changed()

    def plan(self) -> PrecachePlan:
        """Plan what its hosts fetch."""
        return plan_precache(self.cloud, self.uuid, [_IMAGE])

    def close(self) -> None:
        """Take it away."""
        hosts = self.cloud.state.hosts
        hosts.table["aggregate_set"][:] = self._members
        hosts.aggregates.pop()
        hosts.changed()


def _planned(cloud: Cloud, fleet: Fleet) -> Work:
    aggregate = _Aggregate(cloud)
    return Work(
        call=aggregate.plan,
        check=lambda: aggregate.plan().host_count == fleet.hosts,
        close=aggregate.close,
        decisions=fleet.hosts,
    )


def _fetched(cloud: Cloud, fleet: Fleet) -> Work:
    """Note what hosts fetched; fetching itself takes no time here."""
    aggregate = _Aggregate(cloud)
    plan = aggregate.plan()

    def call() -> PrecacheResult:
        return run_precache(cloud, plan, lambda host, image: True)

    def forget() -> None:
        rows = range(fleet.hosts)
        set_image_uuids(cloud.state, dict.fromkeys(rows, frozenset[str]()))

    def check() -> bool:
        found = call()
        forget()
        return len(found.hosts) == fleet.hosts and not found.errors

    return Work(
        call=call,
        check=check,
        after=forget,
        close=aggregate.close,
        decisions=fleet.hosts,
    )


_workload = partial(Workload, shapes=("flat",), fills=(0.7,))

WORKLOADS = (
    _workload(
        "images: plan",
        "find which hosts of an aggregate fetch an image ahead; of one host",
        _planned,
    ),
    _workload(
        "images: fetched",
        "let hosts fetch it, and note who has it; of one host",
        _fetched,
        largest=10_000,
    ),
)

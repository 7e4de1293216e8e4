"""Servers that come one by one: a host each, claim and alternates included."""

from functools import partial

from kilonova.bench.document import uuid_of
from kilonova.bench.questions import mark_bytes
from kilonova.bench.traffic import FLAVORS, KINDS, Kind, Traffic
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.events import Boot
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server_spec import server_spec

# Hosts up to which a choice is compared with all hosts filtered and weighed one by one.
_MOST_EXPLAINED = 1_000
# Hosts times flavors: the first server of a flavor takes as long as thousands later.
_PREPARED = 200_000
# Servers of each flavor that come before the clock runs, beside two that are compared.
_SETTLING = 10
_COMMON = ("plain", "one port")


class _Coming:
    """The next server of some traffic, and what becomes of it."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.asked = traffic.next()

    def prepare(self) -> None:
        """Choose the next server."""
        self.asked = self.traffic.next()

    def select(self) -> object:
        """Place it."""
        return self.traffic.scheduler.select(*self.asked)

    def come(self) -> None:
        """Let it stay, and the oldest go."""
        self.traffic.come(self.asked[2][0])

    def is_right(self, hosts: int) -> bool:
        """Place two of each flavor; compare with what filters and weighers say."""
        scheduler = self.traffic.scheduler
        for _ in range(2 * self.traffic.kind.flavors):
            self.prepare()
            spec, count, servers = self.asked
            # An explanation knows a group by its members, not by its number.
            explained = hosts <= _MOST_EXPLAINED and spec.server_group is None
            best = scheduler.explain(spec, 1).ranked if explained else ()
            found = scheduler.select(spec, count, servers)
            held = self.traffic.cloud.allocations(servers[0])
            self.come()
            if explained and (found.hosts[0].nodename, found.hosts[0].weight) != (
                best[0].host,
                best[0].weight,
            ):
                return False
            if held != found.hosts[0].allocations:
                return False
        self._settle()
        return True

    def _settle(self) -> None:
        """Place more: the first servers of a flavor find out where no good host is."""
        for _ in range(_SETTLING * self.traffic.kind.flavors):
            self.prepare()
            self.select()
            self.come()


def _new(cloud: Cloud, fleet: Fleet) -> Work:
    """Forget all shapes before each call."""
    # Another name, as both may be on one cloud.
    kind = KINDS["plain"]._replace(name="first of a flavor")
    coming = _Coming(Traffic(cloud, kind))

    def forget() -> None:
        coming.traffic.scheduler = Scheduler(cloud, kind.options)
        coming.prepare()

    def check() -> bool:
        forget()
        coming.select()
        right = bool(cloud.allocations(coming.asked[2][0]))
        coming.come()
        return right

    return Work(
        call=coming.select,
        check=check,
        before=forget,
        after=coming.come,
        close=coming.traffic.leave,
        touched=mark_bytes(fleet.hosts, 0),
    )


def _prepare(cloud: Cloud, fleet: Fleet) -> Work:
    """Compile what servers of several flavors will ask, on a new scheduler."""
    kind = KINDS["plain"]
    specs = [kind.spec(number) for number in range(kind.flavors)]
    scheduler = Scheduler(cloud, kind.options)

    def forget() -> None:
        nonlocal scheduler
        scheduler = Scheduler(cloud, kind.options)

    def check() -> bool:
        forget()
        scheduler.prepare(specs)
        servers = [uuid_of(f"prepared {number}") for number in range(len(specs))]
        events = [Boot(*each) for each in zip(servers, specs, strict=True)]
        right = (scheduler.play(events).host >= 0).all()
        for server in servers:
            cloud.release(server)
        return bool(right)

    return Work(
        call=lambda: scheduler.prepare(specs),
        check=check,
        before=forget,
        touched=mark_bytes(fleet.hosts, 0),
        decisions=len(specs),
    )


def _notes(cloud: Cloud, _fleet: Fleet) -> Work:
    """Say what is ignored of a flavor."""
    extra_specs = {"resources:VGPU": "x"}
    spec = server_spec(Flavor(1, 1_024, 5, extra_specs=extra_specs))
    scheduler = Scheduler(cloud)
    return Work(
        call=lambda: scheduler.notes(spec), check=lambda: bool(scheduler.notes(spec))
    )


def _one(kind: Kind, cloud: Cloud, fleet: Fleet) -> Work:
    flavors = min(FLAVORS, max(1, _PREPARED // fleet.hosts))
    coming = _Coming(Traffic(cloud, kind._replace(flavors=flavors)))
    return Work(
        call=coming.select,
        check=partial(coming.is_right, fleet.hosts),
        before=coming.prepare,
        after=coming.come,
        close=coming.traffic.leave,
    )


WORKLOADS = (
    *(
        Workload(
            f"select: {kind.name}",
            "choose and claim a host for one server; those of some flavors come and go",
            partial(_one, kind),
            shapes=("nested",) if kind.name == "one port" else ("flat", "nested"),
            fills=(0.0, 0.7, 0.99) if kind.name in _COMMON else (0.7,),
            quick=kind.name in (*_COMMON, "NUMA"),
        )
        for kind in KINDS.values()
    ),
    Workload(
        "select: prepare",
        f"compile what servers of {FLAVORS} flavors ask, together; of one flavor",
        _prepare,
        fills=(0.7,),
    ),
    Workload(
        "select: notes",
        "say what is ignored of what a server asks",
        _notes,
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "select: first of a flavor",
        "choose a host for the first server of its flavor, on a new scheduler",
        _new,
        fills=(0.7,),
        quick=True,
    ),
)

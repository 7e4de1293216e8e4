"""Where all servers of failed hosts go: one host in a hundred fails, of any rack."""

import copy
import shutil
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from kilonova.bench.outage import Outage, outage
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.copies import copied
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.apply import apply
from kilonova.plan.evacuation import evacuate
from kilonova.plan.failed import hosts_of
from kilonova.plan.files import read_plan, write_plan
from kilonova.plan.plan import DONE, PLANNED, Plan

_ONE_IN = 100
# Servers of each host that fails.
_EACH = 100


def _lost(fleet: Fleet) -> Outage:
    return outage(fleet.hosts, max(1, fleet.hosts // _ONE_IN), _EACH, fleet.fill)


def _plan(improve: bool, _cloud: Cloud, fleet: Fleet) -> Work:
    given = _lost(fleet)
    scheduler = Scheduler(given.cloud)

    def call() -> Plan:
        return evacuate(scheduler, given.records, given.failed, improve=improve)

    return Work(call=call, check=lambda: _is_right(call(), given))


def _is_right(plan: Plan, given: Outage) -> bool:
    """Say whether no provider gives more than it has left, and a failed one nothing."""
    taken: Counter[tuple[str, str]] = Counter()
    for step in plan.steps:
        if step.target in plan.hosts:
            return False
        for provider, amounts in step.allocations.items():
            for name, amount in amounts.items():
                taken[provider, name] += amount
    cloud = given.cloud
    fits = all(
        cloud.usages(provider)[name] + amount
        <= cloud.inventories(provider)[name].capacity
        for (provider, name), amount in taken.items()
    )
    return fits and 0 < plan.greedy <= plan.placed <= plan.bound


class _Carried:
    """A plan that is carried out again and again, each time on a copy of the cloud."""

    def __init__(self, fleet: Fleet) -> None:
        self.given = _lost(fleet)
        scheduler = Scheduler(self.given.cloud)
        self.found = evacuate(
            scheduler, self.given.records, self.given.failed, improve=False
        )

    def begin(self) -> None:
        """Make a cloud and records to be changed."""
        cloud = Cloud()
        cloud.state = copied(self.given.cloud.state)
        self.scheduler = Scheduler(cloud)
        self.records = copy.deepcopy(self.given.records)
        self.plan = copy.deepcopy(self.found)

    def call(self) -> int:
        """Carry it out."""
        return apply(self.scheduler, self.records, self.plan)

    def is_right(self) -> bool:
        """Carry it out; see that servers are where it says, and what they take."""
        self.begin()
        waiting = [each for each in self.plan.steps if each.status == PLANNED]
        inventory = self.scheduler.state.tables.inventory
        before = inventory["used"].copy()
        if self.call() or not waiting:
            return False
        servers, taken = self.records.servers, Counter[str]()
        for each in waiting:
            if each.status != DONE or servers[each.server].node != each.target:
                return False
            for amounts in each.allocations.values():
                taken.update(amounts)
        more = np.bincount(inventory["resource_class"], inventory["used"] - before)
        classes = self.scheduler.state.resource_classes
        return all(more[classes.find(name)] == n for name, n in taken.items())


def _apply(_cloud: Cloud, fleet: Fleet) -> Work:
    carried = _Carried(fleet)
    return Work(
        call=carried.call,
        check=carried.is_right,
        before=carried.begin,
        decisions=carried.found.placed,
    )


def _failed(_cloud: Cloud, fleet: Fleet) -> Work:
    """List the failed hosts, as they are named."""
    given = _lost(fleet)
    return Work(
        call=lambda: hosts_of(given.cloud.state, given.failed),
        check=lambda: hosts_of(given.cloud.state, given.failed) == list(given.failed),
        decisions=len(given.failed),
    )


def _file(is_read: bool, _cloud: Cloud, fleet: Fleet) -> Work:
    """Write a plan into a file, or read it."""
    plan = _Carried(fleet).found
    folder = Path(tempfile.mkdtemp(prefix="kilonova-bench-"))
    path = folder / "plan.parquet"

    def write() -> None:
        write_plan(plan, path)

    def read() -> Plan:
        return read_plan(path)

    def check() -> bool:
        write()
        return read() == plan

    return Work(
        call=read if is_read else write,
        check=check,
        close=lambda: shutil.rmtree(folder),
        decisions=len(plan.steps),
    )


WORKLOADS = (
    Workload(
        "plans: Nova's order",
        "plan where the servers of failed hosts go, a hundred of each",
        partial(_plan, False),
        shapes=("nested",),
        fills=(0.7,),
        largest=10_000,
    ),
    Workload(
        "plans: improved",
        "look for a better plan than Nova's order, and for a bound",
        partial(_plan, True),
        shapes=("nested",),
        fills=(0.99,),
        largest=10_000,
    ),
    Workload(
        "plans: apply",
        "carry a plan out, of one server",
        _apply,
        shapes=("nested",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "plans: failed hosts",
        "list the hosts that are to be emptied, by name; of one host",
        _failed,
        shapes=("nested",),
        fills=(0.7,),
        largest=10_000,
    ),
    *(
        Workload(
            f"plans: {name}",
            f"{name} a plan as a file; of one server",
            partial(_file, name == "read"),
            shapes=("nested",),
            fills=(0.7,),
            largest=10_000,
        )
        for name in ("write", "read")
    ),
)

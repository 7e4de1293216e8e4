"""What operators ask of allocations: orphans, servers that lack theirs, aggregates."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kilonova.admin.audit import audit
from kilonova.admin.heal import heal
from kilonova.admin.heal_steps import HealOptions
from kilonova.admin.sync_aggregates import sync_aggregates
from kilonova.bench.document import uuid_of
from kilonova.bench.served import (
    AMOUNTS,
    random_uuids,
    records_of,
    served_cloud,
)
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.host import HostAggregate
from kilonova.cloud.state import State
from kilonova.records.records import Records

# Allocations of a host; of 10 000 hosts, a million.
_ALLOCATIONS = 100
# One in so many servers has no record, or no allocations.
_LOST = 100
# Servers of a host of which some are to be healed.
_HEALED = 10
_RACK = 40
_ROW_BYTES, _NUMBER_BYTES = 8, 4


def _audit(classes: int, is_known: bool, _cloud: Cloud, fleet: Fleet) -> Work:
    servers = random_uuids(fleet.hosts * _ALLOCATIONS // classes)
    cloud = served_cloud(fleet.hosts, servers, classes)
    lost = set(servers[::_LOST] if is_known else servers)
    kept = records_of(cloud, servers).servers if is_known else {}
    records = Records(
        servers={uuid: each for uuid, each in kept.items() if uuid not in lost}
    )
    home = np.arange(len(servers), dtype=np.int32) % fleet.hosts
    home[:: _LOST if is_known else 1] = -1
    plain = _numpy_orphans(cloud.state, home)

    def check() -> bool:
        found = {each.consumer for each in audit(cloud, records).orphans}
        return found == lost and plain() == classes * len(lost)

    inventory = cloud.state.tables.inventory
    return Work(
        call=lambda: audit(cloud, records),
        check=check,
        touched=_ROW_BYTES * classes * len(servers)
        + _NUMBER_BYTES * (inventory.count + len(servers)),
        plain=plain,
    )


def _numpy_orphans(state: State, home: NDArray[np.int32]) -> Callable[[], int]:
    allocation, provider = state.tables.allocation, state.tables.inventory["provider"]

    def count() -> int:
        at = provider[allocation["inventory"]]
        return int((home[allocation["consumer"]] != at).sum())

    return count


def _heal(_cloud: Cloud, fleet: Fleet) -> Work:
    """Find what one in a hundred servers lacks; without writing it."""
    servers = random_uuids(fleet.hosts * _HEALED)
    lacking = servers[::_LOST]
    cloud = served_cloud(fleet.hosts, servers, len(AMOUNTS))
    records = records_of(cloud, servers)
    for server in lacking:
        cloud.release(server)
    _own(cloud.state, records)
    options = HealOptions(dry_run=True)

    def check() -> bool:
        steps = heal(cloud, records, options).steps
        created = {each.server: each for each in steps if each.action == "create"}
        return created.keys() == set(lacking) and all(
            each.allocations == {_provider(cloud, records, uuid): AMOUNTS}
            for uuid, each in created.items()
        )

    return Work(
        call=lambda: heal(cloud, records, options),
        check=check,
        decisions=len(servers),
    )


def _own(state: State, records: Records) -> None:
    """Let all servers be of one project and user, in Nova and in Placement."""
    for each in records.servers.values():
        each.project_id, each.user_id = "project", "user"
    table = state.tables.consumer
    table["project"][:] = state.projects.number("project")
    table["user"][:] = state.users.number("user")


def _provider(cloud: Cloud, records: Records, server: str) -> str:
    row = cloud.state.find_provider(str(records.servers[server].node))
    return cloud.state.provider_identity(row)


def _sync(cloud: Cloud, _fleet: Fleet) -> Work:
    """Mirror a rack of hosts that Placement does not know yet."""
    state = cloud.state
    hosts, column = state.hosts, state.tables.provider["aggregate_set"]
    before, members = column.copy(), hosts.table["aggregate_set"].copy()
    uuid = uuid_of("rack")
    hosts.aggregates.append(HostAggregate(uuid, "rack"))
    number = len(hosts.aggregates) - 1
    hosts.table["aggregate_set"][:_RACK] = hosts.aggregate_sets.number([number])
    hosts.changed()
    names = [hosts.names[row] for row in range(_RACK)]

    def undo() -> None:
        column[:] = before
        state.facts_changed()

    def check() -> bool:
        added = sync_aggregates(cloud).added
        again = sync_aggregates(cloud).added
        undo()
        return added == [(name, uuid) for name in names] and not again

    def close() -> None:
        hosts.table["aggregate_set"][:] = members
        hosts.aggregates.pop()
        hosts.changed()

    return Work(
        call=lambda: sync_aggregates(cloud),
        check=check,
        after=undo,
        close=close,
        decisions=_RACK,
    )


_AUDITS = {
    "audit: a million allocations": (len(AMOUNTS), True, 10_000),
    "audit: all of them orphans": (len(AMOUNTS), False, 10_000),
    # A record for each allocation: making so many objects takes longest.
    "audit: one class a server": (1, True, 1_000),
}

WORKLOADS = (
    *(
        Workload(
            name,
            "find the orphans among a hundred allocations of each host",
            partial(_audit, classes, is_known),
            shapes=("flat",),
            fills=(0.7,),
            largest=largest,
            quick="million" in name,
        )
        for name, (classes, is_known, largest) in _AUDITS.items()
    ),
    Workload(
        "audit: heal",
        "say which servers lack allocations; of one server",
        _heal,
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "audit: aggregates",
        f"mirror a host aggregate of {_RACK} hosts to Placement; of one host",
        _sync,
        shapes=("flat",),
        fills=(0.7,),
    ),
)

"""Claims of hosts that were selected before: alternates, and what servers count for.

A consumer has one host that counts it. While a server holds two, one of both counts is
parked: taken off its consumer, and left in the amounts of its host.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilonova.cloud import claims
from kilonova.cloud.host_use import HostUse
from kilonova.cloud.servers import COLUMNS, join_host, leave_host, note_host
from kilonova.cloud.state import State
from kilonova.hosts.occupying import needs_occupying, occupy
from kilonova.hosts.selection import Chosen
from kilonova.request.server import ServerSpec

if TYPE_CHECKING:
    from kilonova.hosts.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Parked:
    """What a host counts for a server, while no consumer says so."""

    values: tuple[int, ...]
    use: HostUse | None


def claim_chosen(
    scheduler: "Scheduler", spec: ServerSpec, server: str, chosen: Chosen
) -> None:
    """Claim a host that was selected before for a server that holds nothing.

    Raises
    ------
    Conflict
        What was a candidate then does not fit any more; nothing was claimed.
    """
    state = scheduler.state
    with state.lock:
        owner = claims.Owner(spec.project_id or None)
        claims.claim(state, server, chosen.allocations, owner, None)
        row = state.consumer_uuids.find(server)
        count_server(state, row, state.hosts.row(chosen.nodename), spec)
        join_group(state, row, spec.server_group.uuid if spec.server_group else None)
        if needs_occupying(spec):
            occupy(state, row, spec, scheduler.options, chosen.mappings)


def count_server(state: State, row: int, host: int, spec: ServerSpec) -> None:
    """Let a host count a server that it does not count yet, as one being built.

    Notes
    -----
    As ``consume_from_request`` in Nova's ``scheduler/host_manager.py``.
    """
    flavor = spec.flavor
    takes = (flavor.vcpus, flavor.memory_mb, flavor.disk_mb)
    join_host(state, row, host, takes, -1)


def settle(state: State, row: int) -> None:
    """Let a server be one that is no longer built: no I/O operation of its host."""
    table = state.tables.consumer
    if row >= 0 and table["host"][row] >= 0 and table["building"][row]:
        host = int(table["host"][row])
        table["building"][row] = 0
        state.hosts.table["num_io_ops"][host] -= 1
        note_host(state, host)


def join_group(state: State, row: int, group: str | None) -> None:
    """Make a server a member of a server group, or of none."""
    number = state.groups.find(group) if group else -1
    if int(state.tables.consumer["group"][row]) != number:
        state.tables.consumer["group"][row] = number
        state.groups.recount()


def park(state: State, row: int) -> Parked:
    """Take what a host counts off a consumer, and leave it in the host's amounts."""
    table = state.tables.consumer
    parked = Parked(
        tuple(int(table[column][row]) for column in COLUMNS),
        state.hosts.uses.pop(row, None),
    )
    for column in ("host", "group"):
        table[column][row] = -1
    table["building"][row] = 0
    state.groups.recount()
    return parked


def unpark(state: State, row: int, parked: Parked) -> None:
    """Let a consumer, which no host counts, be what was parked."""
    for column, value in zip(COLUMNS, parked.values, strict=True):
        state.tables.consumer[column][row] = value
    if parked.use is not None:
        state.hosts.uses[row] = parked.use
    state.groups.recount()


def park_under(state: State, name: str, parked: Parked) -> None:
    """Keep what was parked under the name of a consumer that holds nothing."""
    if parked.values[0] >= 0:
        unpark(state, claims.add_consumers(state, [name]), parked)


def take_parked(state: State, name: str) -> Parked | None:
    """Take back what ``park_under`` kept; None where there is nothing."""
    row = state.consumer_uuids.find(name)
    if row < 0:
        return None
    parked = park(state, row)
    claims.free_consumer(state, row)
    return parked


def forget_parked(state: State, name: str) -> None:
    """Take what ``park_under`` kept off its host, too."""
    row = state.consumer_uuids.find(name)
    if row >= 0 and state.tables.consumer["first"][row] < 0:
        leave_host(state, row)
        claims.free_consumer(state, row)

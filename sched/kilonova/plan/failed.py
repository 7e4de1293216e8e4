"""Which hosts failed, which servers are on them, and which of these Nova evacuates."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kilonova.cloud.state import State
from kilonova.errors import BadInput, UnknownAggregate, UnknownHost
from kilonova.moves.ports import ACCELERATOR_TYPES
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image

# States of servers that Nova evacuates.
_MOVABLE = frozenset({"active", "stopped", "error"})
_VTPM = ("hw:tpm_version", "hw_tpm_version")


class Lost(NamedTuple):
    """A server on a failed host.

    Attributes
    ----------
    server
        Its record.
    source
        Row of its host.
    own
        Row of its consumer, -1 where it holds nothing.
    refused
        Why Nova does not evacuate it, empty where it does.
    """

    server: Server
    source: int
    own: int
    refused: str


def hosts_of(
    state: State,
    hosts: Iterable[str] = (),
    aggregates: Iterable[str] = (),
    cells: Iterable[str] = (),
) -> list[str]:
    """List the nodes that are named by themselves, by host aggregates or by cells.

    Parameters
    ----------
    state
        The cloud.
    hosts
        Names of nodes or of compute services.
    aggregates
        UUIDs or names of host aggregates: racks, usually.
    cells
        UUIDs of cells.

    Returns
    -------
    list
        Names of nodes, each once, in the order in which they were named.

    Raises
    ------
    UnknownHost, UnknownAggregate, BadInput
        No host, aggregate or cell has one of these names.
    """
    rows: dict[int, None] = {}
    for name in hosts:
        rows |= dict.fromkeys(_rows_of_host(state, name))
    for name in aggregates:
        rows |= dict.fromkeys(_rows_of_aggregate(state, name))
    for name in cells:
        number = state.hosts.cells.find(name)
        if number < 0:
            known = [state.hosts.cells[i] for i in range(len(state.hosts.cells))]
            raise BadInput(f"No cell {name!r:.80} has a host; known: {known}.")
        found = np.flatnonzero(state.hosts.table["cell"] == number)
        rows |= dict.fromkeys(found.tolist())
    return [state.hosts.names[row] for row in rows]


def _rows_of_host(state: State, name: str) -> list[int]:
    row = state.hosts.names.find(name)
    if row >= 0:
        return [row]
    number = state.hosts.services.find(name)
    rows = np.flatnonzero(state.hosts.table["service"] == number)
    if number < 0 or not len(rows):
        raise UnknownHost(
            f"No host {name!r:.80} among the {len(state.hosts)} of this cloud."
        )
    return [int(row) for row in rows]


def _rows_of_aggregate(state: State, name: str) -> list[int]:
    numbers = frozenset(
        i
        for i, aggregate in enumerate(state.hosts.aggregates)
        if name in (aggregate.uuid, aggregate.name)
    )
    if not numbers:
        count = len(state.hosts.aggregates)
        raise UnknownAggregate(
            f"No host aggregate {name!r:.80} among the {count} of this cloud."
        )
    hit = state.hosts.aggregate_sets.hits(numbers)
    rows = np.flatnonzero(hit[state.hosts.table["aggregate_set"]])
    return [int(row) for row in rows]


def lost_servers(state: State, records: Records, rows: Sequence[int]) -> list[Lost]:
    """List the servers on failed hosts: host after host, the oldest server first.

    Parameters
    ----------
    state
        The cloud.
    records
        Where the servers are.
    rows
        Rows of the failed hosts, in the order in which they are evacuated.

    Notes
    -----
    As ``nova host-evacuate`` goes through the servers of one host after the other.
    """
    hosts = state.hosts
    place = {hosts.names[row]: n for n, row in enumerate(rows)}
    services = {
        hosts.services[int(hosts.table["service"][row])]: n
        for n, row in reversed(list(enumerate(rows)))
    }
    found = []
    for server in records.servers.values():
        if server.hidden:
            continue
        n = place.get(server.node or "")
        if n is None and server.node is None:
            n = services.get(server.host or "")
        if n is not None:
            found.append((n, server.created_at, server.uuid, server))
    found.sort(key=lambda each: each[:3])
    return [_lost(state, records, server, rows[n]) for n, _, _, server in found]


def _lost(state: State, records: Records, server: Server, source: int) -> Lost:
    row = state.consumer_uuids.find(server.uuid)
    host = int(state.tables.consumer["host"][row]) if row >= 0 else -1
    refused = refusal_of(state, records, server)
    if host >= 0 and host != source:
        refused = refused or (
            f"The records have it on {state.hosts.names[source]!r}, the cloud on "
            f"{state.hosts.names[host]!r}."
        )
    return Lost(server, source, row, refused)


def refusal_of(state: State, records: Records, server: Server) -> str:
    """Say why a server is not evacuated before any host is looked at, or nothing.

    Notes
    -----
    As the checks before ``evacuate`` in Nova's ``compute/api.py``.
    """
    if server.vm_state not in _MOVABLE:
        return f"vm_state must be one of {sorted(_MOVABLE)}, got {server.vm_state!r}."
    if server.task_state is not None:
        return f"task_state must be none, got {server.task_state!r}."
    if _has_vtpm(server.flavor, server.image):
        return "A server with a vTPM cannot be evacuated: its device is on the host."
    for uuid in server.ports:
        port = records.ports.get(uuid)
        if port is None:
            return f"Port {uuid} is not in the records."
        if port.get("binding:vnic_type") in ACCELERATOR_TYPES:
            return f"Port {uuid} is an accelerator's: Nova does not evacuate it."
    group = server.server_group
    if group is not None and state.groups.find(group) < 0:
        return f"Server group {group} is not in the cloud."
    return ""


# The same flavors and images come again and again.
@lru_cache(maxsize=4096)
def _has_vtpm(flavor: Flavor, image: Image) -> bool:
    return any(
        flavor.extra_specs.get(key) or image.properties.get(key) for key in _VTPM
    )

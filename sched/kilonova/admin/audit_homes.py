"""Where consumers may hold something: hosts of servers, and of migrations."""

from collections.abc import Iterator
from itertools import chain, compress
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from kilonova.admin.audit_names import matches, names_of, raw_texts, raw_uuids
from kilonova.cloud.state import State
from kilonova.records.records import Records

NOWHERE = -1
Place = tuple[str | None, str | None, str | None, str]

_PLACE = attrgetter("host", "node", "cell", "vm_state")


class Places(dict[Place, int]):
    """Row of the host at which a server is, by what its record says of the place.

    A record with a service that does not have the node, or of another cell than the
    host's, is nowhere; so is one that is deleted, while one that can still be restored
    is where it was.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def __missing__(self, place: Place) -> int:
        host, node, cell, vm_state = place
        is_gone = vm_state == "deleted"
        row = NOWHERE if is_gone else host_row(self._state, host, node, cell)
        self[place] = row
        return row


def host_row(
    state: State, host: str | None, node: str | None, cell: str | None = None
) -> int:
    """Give the row of a compute node by service and node, or -1.

    Where both say their cell it must be the same.
    """
    if host is None or node is None:
        return NOWHERE
    hosts = state.hosts
    row = hosts.names.find(node)
    if row < 0 or hosts.services[int(hosts.table["service"][row])] != host:
        return NOWHERE
    number = int(hosts.table["cell"][row])
    if cell is not None and number >= 0 and hosts.cells[number] != cell:
        return NOWHERE
    return row


def server_homes(
    state: State, records: Records, wanted: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give the host row of the server that each consumer is, (C,) int32.

    Parameters
    ----------
    state, records
        The cloud, and what Nova knows.
    wanted
        Rows of the consumers that are asked for, any number of times each.

    Returns
    -------
    NDArray[np.int32]
        By row of the consumer; -1 for one that is no server, or that is on no host, or
        that was not asked for.
    """
    homes = np.full(state.tables.consumer.count, NOWHERE, np.int32)
    is_wanted = np.zeros(len(homes), np.bool_)
    is_wanted[wanted] = True
    rows = np.flatnonzero(is_wanted)
    is_uuid, uuids = raw_uuids(state.consumer_uuids, rows)
    places = Places(state)
    is_known, known = raw_texts(list(records.servers))
    servers = compress(records.servers.values(), is_known.tolist())
    of_servers = map(places.__getitem__, map(_PLACE, servers))
    # The last stands for no server.
    found = np.append(np.fromiter(of_servers, np.int32, len(known)), NOWHERE)
    homes[rows[is_uuid]] = found[matches(uuids, known)]
    others = rows[~is_uuid]
    for row, name in zip(
        others.tolist(), names_of(state.consumer_uuids, others), strict=True
    ):
        if name in records.servers:
            homes[row] = places[_PLACE(records.servers[name])]
    return homes


def migration_homes(
    state: State, records: Records
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give where migrations in progress come from and go to, and copies of servers are.

    Nova looks in the database of each cell, and so finds what is there of servers that
    moved, or move, across cells.

    Returns
    -------
    tuple
        Rows of consumers (M,) int64, and of hosts (M,) int32; two for a migration.
    """
    consumers, hosts = [], []
    for uuid, host, node, cell in _other_places(records):
        consumer = state.consumer_uuids.find(uuid)
        if consumer < 0:
            continue
        row = host_row(state, host, node, cell)
        if row >= 0:
            consumers.append(consumer)
            hosts.append(row)
    return np.array(consumers, np.int64), np.array(hosts, np.int32)


def _other_places(
    records: Records,
) -> Iterator[tuple[str, str | None, str | None, str | None]]:
    """Yield UUID, service, node and cell of what is elsewhere than its server."""
    copies = [copy for each in records.copies.values() for copy in each]
    for migration in chain(
        records.migrations.values(), (copy.migration for copy in copies)
    ):
        if not migration.is_over:
            yield migration.uuid, migration.source_host, migration.source_node, None
            yield migration.uuid, migration.dest_host, migration.dest_node, None
    for server in (copy.server for copy in copies):
        yield server.uuid, server.host, server.node, server.cell

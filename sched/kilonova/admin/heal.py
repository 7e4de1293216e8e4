"""Healing: allocations that servers should have and do not, or not in full."""

from collections.abc import Sequence

from kilonova.admin.audit_homes import host_row
from kilonova.admin.heal_ports import RecordedPorts, ServerPorts, WritePort
from kilonova.admin.heal_server import HealRun, Tell, heal_server
from kilonova.admin.heal_steps import (
    HEALED,
    INVALID,
    MAX_COUNT,
    NOTHING,
    HealOptions,
    HealResult,
    Stop,
)
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.hosts import derive_hosts
from kilonova.records.records import Records
from kilonova.records.server import Server

CELL0 = "00000000-0000-0000-0000-000000000000"
"""The cell of servers that no host was found for."""

_BATCH = 50


def heal(
    cloud: Cloud,
    records: Records,
    options: HealOptions | None = None,
    *,
    write: WritePort | None = None,
    tell: Tell | None = None,
) -> HealResult:
    """Allocate what servers on hosts do not hold, at the host that they are on.

    Parameters
    ----------
    cloud, records
        Changed, unless it is a dry run: allocations of the one, ports of the other. A
        cloud without hosts has one for each tree that offers CPUs.
    options
        Left out: all servers of all cells.
    write
        Gives a port another profile; left out, the records are written.
    tell
        Takes a line for each thing that is done.

    Notes
    -----
    As ``nova-manage placement heal_allocations``: cell by cell without cell0, the
    oldest servers first; the first failure ends it, and what was written stays.
    """
    asked = options or HealOptions()
    with cloud.state.lock:
        if not len(cloud.state.hosts):
            derive_hosts(cloud.state)
        run = HealRun(
            cloud,
            asked,
            write or RecordedPorts(records),
            tell or (lambda line: None),
            ServerPorts(records),
        )
        cells = _cells(run, records)
        if isinstance(cells, Stop):
            return HealResult(cells.code, cells.message)
        return _heal_cells(run, cells)


def cell_of(cloud: Cloud, server: Server) -> str | None:
    """Give the cell of a server: its own, or that of its host; None if unknown."""
    if server.cell is not None:
        return server.cell
    hosts = cloud.state.hosts
    row = host_row(cloud.state, server.host, server.node)
    number = int(hosts.table["cell"][row]) if row >= 0 else -1
    return hosts.cells[number] if number >= 0 else None


def _cells(run: HealRun, records: Records) -> dict[str | None, list[Server]] | Stop:
    """Give the servers of each cell that is looked at, the oldest first."""
    options, cells = run.options, dict[str | None, list[Server]]()
    if options.server and options.cell:
        return Stop(INVALID, "A server and a cell cannot be given together.")
    if options.force and not options.server:
        return Stop(INVALID, "To force is for one server: give its UUID.")
    if options.max_count is not None and options.max_count < 1 and not options.server:
        why = f"The largest count must be at least 1, got {options.max_count}."
        return Stop(INVALID, why)
    if options.server and options.server not in records.servers:
        return Stop(INVALID, f"No server {options.server!r} is mapped to a cell.")
    state = run.cloud.state
    for number in state.hosts.table["cell"].tolist():
        cells.setdefault(state.hosts.cells[number] if number >= 0 else None, [])
    for server in records.servers.values():
        cells.setdefault(cell_of(run.cloud, server), []).append(server)
    if options.cell and options.cell not in cells:
        return Stop(INVALID, f"No cell {options.cell!r} among {len(cells)}.")
    if options.cell:
        cells = {options.cell: cells[options.cell]}
    if options.server:
        server = records.servers[options.server]
        cells = {cell_of(run.cloud, server): [server]}
    return {
        cell: sorted(filter(_is_listed, servers), key=lambda server: server.created_at)
        for cell, servers in cells.items()
    }


def _is_listed(server: Server) -> bool:
    return not server.hidden and server.vm_state not in ("deleted", "soft-delete")


def _heal_cells(run: HealRun, cells: dict[str | None, list[Server]]) -> HealResult:
    options = run.options
    unlimited = options.max_count is None and not options.server
    most = 1 if options.server else options.max_count or _BATCH
    if not cells:
        run.tell("There are no cells.")
    elif unlimited:
        run.tell(f"Servers are healed {_BATCH} at a time, all of them.")
    healed = 0
    for cell, servers in cells.items():
        if cell == CELL0:
            continue
        run.tell(f"Cell {cell}:" if cell else "Servers without a cell:")
        batch = most if unlimited else most - healed
        count, stop = _heal_batches(run, servers, batch, unlimited)
        healed += count
        if stop is not None:
            return HealResult(stop.code, stop.message, run.steps, healed)
        # Nova compares with the size of its batches, too, where no count was given.
        if healed == most and not options.server:
            run.tell(f"The largest count is reached. Healed: {healed}.")
            return HealResult(MAX_COUNT, "", run.steps, healed)
    run.tell(f"Healed: {healed}.")
    return HealResult(HEALED if healed else NOTHING, "", run.steps, healed)


def _heal_batches(
    run: HealRun, servers: Sequence[Server], batch: int, unlimited: bool
) -> tuple[int, Stop | None]:
    """Heal the servers of a cell; give how many were healed, and why it stopped.

    Notes
    -----
    As ``_heal_instances_in_cell`` in Nova's ``cmd/manage.py``: the count is looked at
    after each batch, and each batch is as large as the count. One that is negative,
    as more than wanted were healed before, is a batch of all.
    """
    healed = 0
    size = batch if batch > 0 else max(len(servers), 1)
    for first in range(0, len(servers), size):
        listed = servers[first : first + size]
        run.tell(f"Servers to look at: {len(listed)}.")
        for server in listed:
            found = heal_server(run, server)
            if isinstance(found, Stop):
                return healed, found
            healed += found
        if not unlimited and healed == batch:
            break
    return healed, None

"""Evacuation: claims on top of what the dead host holds, which goes when it returns."""

from kilonova.errors import NoValidHost, StepFailed
from kilonova.hosts.claiming import (
    count_server,
    forget_parked,
    join_group,
    park,
    park_under,
    take_parked,
    unpark,
)
from kilonova.moves.accelerators import (
    bind_accelerators,
    delete_accelerators,
    device_profile,
)
from kilonova.moves.context import Context, note_fault
from kilonova.moves.holding import leave_destination, remove_tree, select
from kilonova.moves.host_claim import claim_at_host
from kilonova.moves.live import claim_copy
from kilonova.moves.ports import bind_ports, check_bindings
from kilonova.moves.refusals import refused
from kilonova.moves.specs import destination_of, spec_of
from kilonova.records.migration import EVACUATION, Migration
from kilonova.records.server import Server
from kilonova.request.server import ServerSpec

_LEFT = ("accepted", "pre-migrating", "done")


def check_host(
    context: Context,
    server: Server,
    host: str | None,
    force: bool,
    target_state: str | None,
) -> None:
    """Raise Refused where Nova's API does not take the words of an evacuation.

    It asks this first of all. A server that is on no host goes to a host only.
    """
    where = f"Server {server.uuid}, evacuate"
    if target_state not in (None, "stopped"):
        raise refused(
            f"{where}: target_state must be 'stopped' or None, got {target_state!r}.",
            "InstanceEvacuateNotSupportedTargetState",
        )
    if force and host is None:
        raise refused(f"{where}: a forced evacuation must name its host.", "BadRequest")
    if host is not None and context.node_of(host) is None:
        raise refused(f"{where}: no host {host!r}.", "ComputeHostNotFound", 404)
    if host == server.host:
        raise refused(f"{where}: host must be another one, got {host!r}.", "BadRequest")


def check_evacuate(context: Context, server: Server) -> None:
    """Raise Refused where Nova's API would not evacuate a server."""
    where = f"Server {server.uuid}, evacuate"
    if context.is_up(server.node):
        raise refused(
            f"{where}: the compute service of {server.host!r} must be down.",
            "ComputeServiceInUse",
        )


def evacuate(
    context: Context,
    server: Server,
    migration: Migration,
    force: bool,
    target_state: str | None,
) -> None:
    """Build a server anew elsewhere, as its host is dead.

    Notes
    -----
    As ``rebuild_instance`` in Nova's ``conductor/manager.py`` and
    ``compute/manager.py``.
    """
    spec = _spec(context, server, migration, force)
    before = server.vm_state
    server.task_state = "rebuilding"
    try:
        mappings = _place(context, server, migration, spec, force)
    except NoValidHost as error:
        migration.status = "error"
        context.fail(server, error, before if force else "error")
        return
    if device_profile(server) is not None:
        delete_accelerators(context, server)
        if not _bind(context, server, migration, mappings):
            return
    try:
        _rebuild(context, server, migration, spec, mappings)
    except StepFailed as error:
        _leave(context, server, migration)
        migration.status = "failed"
        kept = error.rolls_back or error.nova == "ComputeResourcesUnavailable"
        if error.nova == "ComputeResourcesUnavailable":
            error = StepFailed(str(error), "BuildAbortException")
        context.fail(server, error, before if kept else "error")
        return
    stopped = before == "stopped" or (target_state == "stopped" and before != "error")
    server.vm_state = "stopped" if stopped else "active"
    server.power_state = "shutdown" if stopped else "running"
    server.task_state, server.launched = None, True
    server.host, server.node = migration.dest_host, migration.dest_node
    migration.status = "done"
    join_group(context.state, context.row(server.uuid), server.server_group)
    row = context.row(migration.uuid)
    if row >= 0:
        join_group(context.state, row, None)
    context.settle(server)
    context.see("evacuate", server)


def start_service(context: Context, host: str) -> list[Server]:
    """Let a compute service that returns free what was evacuated from it.

    Returns
    -------
    list of Server
        The servers that held something there until now.

    Notes
    -----
    As ``_destroy_evacuated_instances`` in Nova's ``compute/manager.py``.
    """
    freed = []
    for migration in context.records.migrations.values():
        if (
            migration.kind != EVACUATION
            or migration.status not in _LEFT
            or migration.source_host != host
        ):
            continue
        server = context.records.servers.get(migration.server)
        if server is not None and migration.source_node is not None:
            remove_tree(context, server, context.root(migration.source_node))
            freed.append(server)
        forget_parked(context.state, migration.uuid)
        migration.status = "completed"
        if server is not None:
            context.see("start_service", server)
    return freed


def _spec(
    context: Context, server: Server, migration: Migration, force: bool
) -> ServerSpec:
    host = None if force else migration.dest_host
    return spec_of(
        context,
        server,
        ignore_hosts=(server.host or "",),
        destination=destination_of(context, server, host),
    )


def _place(
    context: Context,
    server: Server,
    migration: Migration,
    spec: ServerSpec,
    force: bool,
) -> dict[str, tuple[str, ...]]:
    """Claim the destination beside the source; give the mappings of the claim."""
    if force and migration.dest_host is not None:
        node = context.node_of(migration.dest_host)
        assert node is not None
        _claim_forced(context, server, migration, spec, node)
        migration.dest_node = node
        return {}
    chosen, _ = select(context, spec, server, aside=migration.uuid)
    migration.dest_host, migration.dest_node = chosen.host, chosen.nodename
    return chosen.mappings


def _claim_forced(
    context: Context,
    server: Server,
    migration: Migration,
    spec: ServerSpec,
    node: str,
) -> None:
    """Claim at a forced host; raises NoValidHost, and nothing has changed."""
    cell = context.other_cell(server, node)
    if cell is not None:
        # Nova finds no such host in the cell, and leaves the migration accepted.
        raise NoValidHost(
            f"A forced host must be in cell {server.cell!r}, got {node!r} in {cell!r}."
        )
    state = context.state
    row = context.row(server.uuid)
    if row >= 0:
        park_under(state, migration.uuid, park(state, row))
    try:
        claim_copy(context, server, spec, node, server.uuid)
    except NoValidHost:
        parked = take_parked(state, migration.uuid)
        if parked is not None:
            unpark(state, row, parked)
        raise
    row = context.row(server.uuid)
    count_server(state, row, state.hosts.row(node), spec)
    join_group(state, row, server.server_group)


def _bind(
    context: Context,
    server: Server,
    migration: Migration,
    mappings: dict[str, tuple[str, ...]],
) -> bool:
    try:
        bind_accelerators(
            context,
            server,
            migration.dest_host or "",
            migration.dest_node or "",
            mappings,
        )
    except StepFailed as error:
        # Nova leaves it like this: rebuilding, and both hosts held.
        leave_destination(context, server, migration.uuid)
        note_fault(server, error)
        context.see("fail", server)
        return False
    return True


def _rebuild(
    context: Context,
    server: Server,
    migration: Migration,
    spec: ServerSpec,
    mappings: dict[str, tuple[str, ...]],
) -> None:
    host = migration.dest_host or ""
    migration.status = "pre-migrating"
    claim_at_host(context, server, spec, host, mappings)
    # The guest is not there yet.
    server.power_state = "nostate"
    check_bindings(context, server, mappings)
    context.run("bind_ports", server, host)
    bind_ports(context, server, host, mappings)
    server.task_state = "rebuild_spawning"
    context.run("await_accelerators", server, host)
    context.run("rebuild", server, host)


def _leave(context: Context, server: Server, migration: Migration) -> None:
    """Give the destination back; the source stays held."""
    leave_destination(context, server, migration.uuid)
    remove_tree(context, server, context.root(migration.dest_node or ""))

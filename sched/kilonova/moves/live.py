"""Live migration: one destination after the other until one takes the server."""

from dataclasses import replace

from kilonova.cloud.host_view import host_view
from kilonova.cloud.servers import leave_host
from kilonova.errors import (
    Conflict,
    KilonovaError,
    MaxRetriesExceeded,
    NoValidHost,
    StepFailed,
)
from kilonova.hosts.claiming import count_server, join_group
from kilonova.hosts.pci_matching import is_live_migratable
from kilonova.moves.context import Context, failed, note_fault
from kilonova.moves.holding import (
    apart_from_itself,
    give_back_source,
    hold_source,
    own,
    remove_tree,
    select,
)
from kilonova.moves.host_claim import claim_at_host
from kilonova.moves.ports import bind_ports, check_bindings
from kilonova.moves.refusals import refused
from kilonova.moves.specs import destination_of, spec_of
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.server import ServerSpec

Mappings = dict[str, tuple[str, ...]]
# Nova's exceptions that send a server on to the next host: those that say that this one
# is not for it, as ``exception.Invalid`` does.
_SENDING_ON = frozenset(
    {
        "CPUPinningInvalid",
        "ComputeResourcesUnavailable",
        "DestinationDiskExists",
        "DestinationHypervisorTooOld",
        "InstanceInvalidState",
        "InvalidCPUInfo",
        "InvalidDiskInfo",
        "InvalidHypervisorType",
        "InvalidInput",
        "MemoryPageSizeNotSupported",
        "MigrationPreCheckError",
        "NUMATopologyUnsupported",
        "PortBindingFailed",
        "PortUpdateFailed",
        "UnableToMigrateToSelf",
        "UnsupportedHardware",
    }
)
# Those with which a live migration ends and leaves its server as it was.
_EXPECTED = frozenset(
    {
        "ComputeServiceUnavailable",
        "DestinationHypervisorTooOld",
        "HypervisorUnavailable",
        "InstanceInvalidState",
        "InvalidCPUInfo",
        "InvalidHypervisorType",
        "InvalidLocalStorage",
        "InvalidSharedStorage",
        "MigrationPreCheckError",
        "UnableToMigrateToSelf",
    }
)


def check_live_migrate(
    context: Context, server: Server, host: str | None, force: bool
) -> None:
    """Raise Refused where the host of a live migration cannot be."""
    where = f"Server {server.uuid}, live-migrate"
    if force and host is None:
        raise refused(f"{where}: a forced migration must name its host.", "BadRequest")
    if host is not None and context.node_of(host) is None:
        raise refused(f"{where}: no host {host!r}.", "ComputeHostNotFound")


def live_migrate(
    context: Context,
    server: Server,
    migration: Migration,
    host: str | None,
    force: bool,
) -> None:
    """Migrate a server that runs, to ``host`` or to any.

    Notes
    -----
    As ``LiveMigrationTask`` in Nova's ``conductor/tasks/live_migrate.py``, and
    ``live_migration`` in its ``compute/manager.py``.
    """
    spec = _spec(context, server, None if force else host)
    server.task_state = "migrating"
    try:
        _check_source(context, server)
    except StepFailed as error:
        _give_up(context, server, migration, error)
        return
    hold_source(context, server, migration)
    try:
        if force and host is not None:
            mappings: Mappings = {}
            _force(context, server, migration, spec, host)
        else:
            mappings = _find(context, server, migration, spec)
    except (NoValidHost, StepFailed) as error:
        if isinstance(error, StepFailed) and error.nova not in _EXPECTED:
            server.vm_state = "error"
        _roll_back(context, server, migration, error, "error")
        return
    _migrate(context, server, migration, mappings)


def _spec(context: Context, server: Server, host: str | None) -> ServerSpec:
    destination = destination_of(context, server, host)
    return spec_of(context, server, destination=destination)


def _check_source(context: Context, server: Server) -> None:
    if server.power_state not in ("running", "paused"):
        raise failed(
            f"power_state must be running or paused, got {server.power_state!r}.",
            "InstanceInvalidState",
        )
    if not context.is_up(server.node):
        raise failed(
            f"The compute service of {server.host!r} must be up.",
            "ComputeServiceUnavailable",
        )


def _find(
    context: Context, server: Server, migration: Migration, spec: ServerSpec
) -> Mappings:
    """Find a destination that takes the server; give the mappings of its claim."""
    tried = [server.host or ""]
    most = context.options.migrate_max_retries
    while True:
        if most != -1 and len(tried) - 1 > most:
            migration.status = "failed"
            raise MaxRetriesExceeded(
                f"Server {server.uuid}: migrate_max_retries is {most}, tried {tried}."
            )
        asked = replace(spec, ignore_hosts=tuple(tried))
        with apart_from_itself(context, migration.uuid, server):
            chosen, _ = select(context, asked, server)
        try:
            _check_hypervisors(context, server, chosen.nodename)
            _check_devices(asked)
            _check_destination(context, server, asked, chosen.host, chosen.mappings)
        except StepFailed as error:
            if error.nova not in _SENDING_ON:
                raise
            tried.append(chosen.host)
            _let_go(context, server, chosen.uuid)
            context.see("skip_host", server)
            continue
        migration.dest_host, migration.dest_node = chosen.host, chosen.nodename
        return chosen.mappings


def _check_destination(
    context: Context, server: Server, spec: ServerSpec, host: str, mappings: Mappings
) -> None:
    """Ask the destination, then Neutron; raises StepFailed.

    The fault is that of the destination, as it notes it itself.
    """
    try:
        _claim(context, server, spec, host, mappings)
        context.run("check_live_migration", server, host)
    except StepFailed as error:
        note_fault(server, error)
        raise
    check_bindings(context, server, mappings)
    try:
        context.run("bind_ports", server, host)
    except StepFailed as error:
        if error.nova == "PortBindingFailed":
            error.nova = "MigrationPreCheckError"
        raise


def _claim(
    context: Context, server: Server, spec: ServerSpec, host: str, mappings: Mappings
) -> None:
    try:
        claim_at_host(context, server, spec, host, mappings)
    except StepFailed as error:
        if error.nova == "ComputeResourcesUnavailable":
            error.nova = "MigrationPreCheckError"
        raise


def _check_devices(spec: ServerSpec) -> None:
    for request in spec.pci_requests:
        if request.alias_name is not None and is_live_migratable(request) != "true":
            raise failed(
                f"Devices of alias {request.alias_name!r} must be live_migratable.",
                "MigrationPreCheckError",
            )


def _let_go(context: Context, server: Server, root: str) -> None:
    """Give a destination back; what is held of sharing providers stays, as in Nova."""
    remove_tree(context, server, root)
    if (row := context.row(server.uuid)) >= 0:
        leave_host(context.state, row)


def _check_hypervisors(context: Context, server: Server, node: str) -> None:
    source, dest = (
        host_view(context.state, context.state.hosts.row(name))
        for name in (server.node or "", node)
    )
    if source.hypervisor_type != dest.hypervisor_type:
        raise failed(
            f"hypervisor_type must be {source.hypervisor_type!r}, got "
            f"{dest.hypervisor_type!r}.",
            "InvalidHypervisorType",
        )
    versions = source.hypervisor_version or 0, dest.hypervisor_version or 0
    unchecked = context.options.skip_hypervisor_version_check_on_lm
    if versions[0] > versions[1] and not unchecked:
        raise failed(
            f"hypervisor_version must be at least {versions[0]}, got {versions[1]}.",
            "DestinationHypervisorTooOld",
        )


def _force(
    context: Context,
    server: Server,
    migration: Migration,
    spec: ServerSpec,
    host: str,
) -> None:
    """Copy what the source's root gives to a host that no filter has seen."""
    node = context.node_of(host)
    assert node is not None
    if host == server.host:
        raise failed(
            f"host must be another one, got {host!r}.", "UnableToMigrateToSelf"
        )
    if not context.is_up(node):
        raise failed(
            f"The compute service of {host!r} must be up.", "ComputeServiceUnavailable"
        )
    _check_memory(context, server, node)
    _check_hypervisors(context, server, node)
    claim_copy(context, server, spec, node, migration.uuid)
    migration.dest_host, migration.dest_node = host, node
    try:
        _check_destination(context, server, spec, host, {})
        _check_cell(context, server, node)
    except StepFailed:
        _let_go(context, server, context.root(node))
        raise


def _check_cell(context: Context, server: Server, node: str) -> None:
    cell = context.other_cell(server, node)
    if cell is not None:
        raise failed(
            f"A forced host must be in cell {server.cell!r}, got {node!r} in {cell!r}.",
            "MigrationPreCheckError",
        )


def claim_copy(
    context: Context, server: Server, spec: ServerSpec, node: str, holder: str
) -> None:
    """Claim at a forced host what a consumer holds at its own.

    Raises
    ------
    NoValidHost
        The consumer holds something of several providers, of which there might be no
        like at the other host; or that has no room.

    Notes
    -----
    As ``claim_resources_on_destination`` in Nova's ``scheduler/utils.py``.
    """
    cloud, state = context.scheduler.cloud, context.state
    held = cloud.allocations(holder)
    if len(held) != 1:
        raise NoValidHost(
            f"Server {server.uuid} holds of {len(held)} providers; a forced host needs "
            "exactly one."
        )
    asked = {context.root(node): next(iter(held.values()))}
    own_held = cloud.allocations(server.uuid)
    try:
        cloud.claim(server.uuid, {**asked, **own_held})
    except Conflict as error:
        raise NoValidHost(f"Host {node!r} has no room: {error}") from error
    own(context, server)
    if not own_held:
        row = context.row(server.uuid)
        count_server(state, row, state.hosts.row(node), spec)
        join_group(state, row, server.server_group)
    context.see("select", server)


def _check_memory(context: Context, server: Server, node: str) -> None:
    host = host_view(context.state, context.state.hosts.row(node))
    total, ratio = host.total_usable_ram_mb, host.ram_allocation_ratio or 1.0
    free_mb = total * ratio - (total - host.free_ram_mb)
    if not server.flavor.memory_mb or free_mb <= server.flavor.memory_mb:
        raise failed(
            f"Host {node!r} must have more than {server.flavor.memory_mb} MiB free, "
            f"got {free_mb:.0f}.",
            "MigrationPreCheckError",
        )


def _migrate(
    context: Context, server: Server, migration: Migration, mappings: Mappings
) -> None:
    source, dest = migration.source_host, migration.dest_host
    migration.status = "preparing"
    try:
        context.run("pre_live_migration", server, dest)
    except StepFailed as error:
        _roll_back(context, server, migration, error, "failed")
        return
    migration.status = "running"
    try:
        context.run("live_migration", server, source)
    except StepFailed as error:
        # The hypervisor tells of it later, when nobody waits: Nova notes no fault.
        context.logged.append(error)
        give_back_source(context, server, migration)
        server.task_state, migration.status = None, "failed"
        context.see("fail", server)
        return
    bind_ports(context, server, dest or "", mappings)
    server.host, server.node = dest, migration.dest_node
    context.settle(server)
    try:
        context.run("post_live_migration", server, dest)
    except StepFailed as error:
        # The guest runs there: there is no way back, and the source stays held.
        migration.status = "error"
        context.fail(server, error, "error")
        return
    server.task_state, migration.status = None, "completed"
    context.release(migration.uuid)
    context.see("live_migrate", server)


def _roll_back(
    context: Context,
    server: Server,
    migration: Migration,
    error: KilonovaError,
    status: str,
) -> None:
    give_back_source(context, server, migration)
    _give_up(context, server, migration, error, status)


def _give_up(
    context: Context,
    server: Server,
    migration: Migration,
    error: KilonovaError,
    status: str = "error",
) -> None:
    migration.status = status
    context.fail(server, error)

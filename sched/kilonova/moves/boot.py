"""Boot: select, claim, build; on a failure the alternates, one after the other."""

from dataclasses import replace
from uuid import uuid4

from kilonova.cloud.servers import note_host
from kilonova.cloud.vocabulary import checked_name
from kilonova.errors import KilonovaError, NoValidHost, StepFailed
from kilonova.hosts.selection import Chosen
from kilonova.moves.accelerators import bind_accelerators, delete_accelerators
from kilonova.moves.context import Context, note_fault
from kilonova.moves.holding import claim_alternate, found_in_time, own, uncount
from kilonova.moves.host_claim import claim_at_host
from kilonova.moves.ports import bind_ports, check_bindings, unbind_ports
from kilonova.moves.refusals import refused
from kilonova.moves.specs import asks_groups, ports_of, spec_of
from kilonova.records.server import Server
from kilonova.request.availability_zone import parse_zone
from kilonova.request.server import Destination, ServerSpec

_BOOT_WITH_EXTENDED = 58


def boot(
    context: Context,
    servers: list[Server],
    spec: ServerSpec,
) -> None:
    """Boot servers that ask the same: hosts for all of them, or for none.

    Notes
    -----
    As ``schedule_and_build_instances`` in Nova's ``conductor/manager.py``.
    """
    for server in servers:
        server.vm_state, server.task_state = "building", "scheduling"
        server.power_state, server.launched = "nostate", False
        server.created_at = context.now()
        server.min_disk_gb = server.flavor.root_gb
        context.records.servers[server.uuid] = server
    try:
        uuids = [server.uuid for server in servers]
        with found_in_time():
            found = context.select(spec, uuids)
    except NoValidHost as error:
        for server in servers:
            _bury(server, error)
            context.see("select", server)
        return
    for server, chosen in zip(servers, found.hosts, strict=True):
        server.cell = chosen.cell_uuid
        own(context, server)
    for server in servers:
        context.see("select", server)
    for n, server in enumerate(servers):
        try:
            _bind(context, server, found.hosts[n])
        except StepFailed as error:
            # Nova builds none of those that follow either, and keeps what they claimed.
            for other in servers[n:]:
                uncount(context, other)
                _bury(other, error)
                context.see("abort", other)
            return
        _build(context, server, spec, found.hosts[n], list(found.alternates[n]))


def boot_spec(
    context: Context,
    server: Server,
    force_hosts: tuple[str, ...],
    force_nodes: tuple[str, ...],
    destination: Destination | None,
) -> ServerSpec:
    """Make what a new server asks for; its zone may name a host, as in Nova's API."""
    zone = parse_zone(server.availability_zone)
    spec = spec_of(
        context,
        server,
        force_hosts=force_hosts,
        force_nodes=force_nodes,
        destination=destination,
    )
    server.availability_zone = zone.name
    return spec


def check_boot(context: Context, server: Server, count: int, host: str | None) -> None:
    """Raise Refused where Nova's API would not create a server, on a host if named.

    Raises
    ------
    BadInput
        Its UUID cannot be a name: an empty one would be anybody's.
    """
    checked_name("Server: uuid", server.uuid)
    if host is not None and context.node_of(host) is None:
        raise refused(
            f"Server {server.uuid}, boot: no host {host!r}.", "ComputeHostNotFound"
        )
    if server.uuid in context.records.servers or context.row(server.uuid) >= 0:
        raise refused(
            f"Server {server.uuid} is there already; UUIDs are unique.", "InvalidUUID"
        )
    if count > 1 and server.ports:
        raise refused(
            f"Several servers cannot share the ports {list(server.ports)}.",
            "MultiplePortsNotApplicable",
        )
    for name in server.ports:
        check_port(context, name)
    if context.options.compute_version < _BOOT_WITH_EXTENDED:
        for port in ports_of(context, server):
            if asks_groups(port):
                raise refused(
                    f"Port {port['id']} asks for request_groups, which needs "
                    f"nova-compute {_BOOT_WITH_EXTENDED}, got "
                    f"{context.options.compute_version}.",
                    "ExtendedResourceRequestOldCompute",
                )


def check_port(context: Context, name: str) -> None:
    """Raise Refused unless there is a port of that UUID, and no server has it."""
    port = context.records.ports.get(name)
    if port is None:
        raise refused(f"No port {name!r} in Neutron.", "PortNotFound", 404)
    if port.get("device_id"):
        raise refused(
            f"Port {name} must be free, got device_id {port['device_id']!r}.",
            "PortInUse",
            409,
        )


def copies(server: Server, uuids: list[str]) -> list[Server]:
    """Give servers like one, each with a UUID of its own."""
    return [replace(server, uuid=uuid) for uuid in uuids]


def new_uuids(count: int) -> list[str]:
    """Give so many new UUIDs."""
    return [str(uuid4()) for _ in range(count)]


def count_failed_build(context: Context, node: str, failed: bool) -> None:
    """Count one more failed build of a host, or none since the last that worked.

    Notes
    -----
    As ``build_failed`` and ``build_succeeded`` in Nova's ``compute/stats.py``.
    """
    hosts = context.state.hosts
    row = hosts.row(node)
    before = int(hosts.table["failed_builds"][row])
    hosts.table["failed_builds"][row] = before + 1 if failed else 0
    if failed or before:
        note_host(context.state, row)


def _build(
    context: Context,
    server: Server,
    spec: ServerSpec,
    chosen: Chosen,
    alternates: list[Chosen],
) -> None:
    may_retry = _may_retry(context, spec)
    while True:
        try:
            _build_at(context, server, spec, chosen)
        except StepFailed as error:
            delete_accelerators(context, server, of_ports=True)
            unbind_ports(context, server, server.ports)
            context.release(server.uuid)
            count_failed_build(context, chosen.nodename, failed=True)
            server.host = server.node = None
            if error.aborts or not may_retry:
                nova = "BuildAbort" if error.aborts else "Rescheduled"
                _bury(server, StepFailed(str(error), f"{nova}Exception"))
                context.see("abort", server)
                return
            server.task_state = "scheduling"
            context.see("reschedule", server)
        else:
            count_failed_build(context, chosen.nodename, failed=False)
            context.see("boot", server)
            return
        try:
            chosen = claim_alternate(context, spec, server, alternates)
            _bind(context, server, chosen)
        except (NoValidHost, StepFailed) as error:
            uncount(context, server)
            _bury(server, error)
            context.see("abort", server)
            return


def _build_at(
    context: Context, server: Server, spec: ServerSpec, chosen: Chosen
) -> None:
    """Build a server on a host; raises StepFailed.

    Notes
    -----
    As ``_build_and_run_instance`` in Nova's ``compute/manager.py``: what fails before
    the guest is started, but for the claim, is not tried elsewhere. Ports are bound
    meanwhile; that they are not is found out when the guest is started.
    """
    server.task_state = None
    claim_at_host(context, server, spec, chosen.host, chosen.mappings)
    server.host, server.node = chosen.host, chosen.nodename
    try:
        context.run("await_accelerators", server, chosen.host)
        server.task_state = "networking"
        unbound = _bind_ports(context, server, chosen)
        server.task_state = "block_device_mapping"
        context.run("prepare_disks", server, chosen.host)
    except StepFailed as error:
        error.aborts = True
        raise
    server.task_state = "spawning"
    if unbound is not None:
        raise unbound
    context.run("spawn", server, chosen.host)
    server.vm_state, server.task_state = "active", None
    server.power_state, server.launched = "running", True
    context.settle(server)


def _bind_ports(context: Context, server: Server, chosen: Chosen) -> StepFailed | None:
    """Bind the ports of a server; give what failed, or None."""
    try:
        check_bindings(context, server, chosen.mappings)
        context.run("bind_ports", server, chosen.host)
        bind_ports(context, server, chosen.host, chosen.mappings)
    except StepFailed as error:
        return error
    return None


def _bind(context: Context, server: Server, chosen: Chosen) -> None:
    bind_accelerators(context, server, chosen.host, chosen.nodename, chosen.mappings)


def _may_retry(context: Context, spec: ServerSpec) -> bool:
    """Say whether other hosts are tried, as ``populate_retry`` in Nova decides."""
    forced = len(spec.force_hosts) == 1 or len(spec.force_nodes) == 1
    return context.scheduler.options.scheduler.max_attempts > 1 and not forced


def _bury(server: Server, error: KilonovaError) -> None:
    server.vm_state, server.task_state = "error", None
    note_fault(server, error)

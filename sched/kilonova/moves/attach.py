"""Attach and detach of ports: what they ask is added to what the server holds."""

from dataclasses import replace

from kilonova.errors import Conflict, Refused, StepFailed
from kilonova.moves.boot import check_port
from kilonova.moves.context import Context, failed, note_fault
from kilonova.moves.holding import replace_allocations
from kilonova.moves.host_claim import claim_devices, free_devices
from kilonova.moves.ports import (
    ACCELERATOR_TYPES,
    Allocations,
    bind_ports,
    binding_profile,
    port_allocation,
    unbind_ports,
)
from kilonova.moves.refusals import refused
from kilonova.moves.specs import asks_groups
from kilonova.records.records import Port
from kilonova.records.server import Server
from kilonova.request.group import Request
from kilonova.request.guest_features import pci_numa_policy
from kilonova.request.port import port_groups
from kilonova.request.server_ports import ServerPorts, read_ports

_ATTACH_EXTENDED = 60
Mappings = dict[str, tuple[str, ...]]


def check_attach(context: Context, server: Server, name: str) -> None:
    """Raise Refused where Nova's API would not attach a port."""
    port = context.records.ports.get(name)
    if port is None:
        raise refused(f"No port {name!r} in Neutron.", "PortNotFound", 404)
    _check_no_accelerator(server, port)
    if asks_groups(port) and context.options.compute_version < _ATTACH_EXTENDED:
        raise refused(
            f"Port {name} asks for request_groups, which needs nova-compute "
            f"{_ATTACH_EXTENDED}, got {context.options.compute_version}.",
            "ExtendedResourceRequestOldCompute",
        )


def attach_port(context: Context, server: Server, name: str) -> None:
    """Attach a port to a server that is there.

    Raises
    ------
    Refused
        Its host cannot give what the port asks, the port is in use, or a step failed.
        What Nova leaves behind then is left behind: where the port is not bound, what
        was claimed.

    Notes
    -----
    As ``attach_interface`` in Nova's ``compute/manager.py``.
    """
    try:
        _attach(context, server, name)
    except Refused as error:
        note_fault(server, error)
        raise


def _attach(context: Context, server: Server, name: str) -> None:
    port = context.records.ports[name]
    wanted = _read(context, server, port)
    mappings, added = _allocate(context, server, port)
    try:
        claim_devices(context, server, wanted.pci_requests, mappings)
    except StepFailed as error:
        _take_away(context, server, added)
        raise _refused(server, name, error, error.nova) from error
    context.see("allocate", server)
    check_port(context, name)
    server.ports = (*server.ports, name)
    try:
        context.run("bind_ports", server, server.host)
    except StepFailed as error:
        server.ports = tuple(each for each in server.ports if each != name)
        raise _refused(server, name, error, error.nova, 500) from error
    _bind(context, server, name, mappings)
    try:
        context.run("attach_interface", server, server.host)
    except StepFailed as error:
        _deallocate(context, server, port, wanted)
        raise _refused(server, name, error, "InterfaceAttachFailed", 500) from error
    context.see("attach_port", server)


def check_detach(context: Context, server: Server, name: str) -> None:
    """Raise Refused where Nova's API would not detach a port."""
    port = context.records.ports.get(name)
    if port is not None and name in server.ports:
        _check_no_accelerator(server, port)


def detach_port(context: Context, server: Server, name: str) -> None:
    """Detach a port, and give back what it holds.

    What a port held that Neutron has lost stays with the server, as in Nova. What goes
    wrong is the server's fault, and changes nothing else.

    Notes
    -----
    As ``detach_interface`` in Nova's ``compute/manager.py``.
    """
    port = context.records.ports.get(name)
    try:
        if name not in server.ports:
            known = list(server.ports)
            raise failed(f"port must be one of {known}, got {name!r}.", "PortNotFound")
        try:
            context.run("detach_interface", server, server.host)
        except StepFailed as error:
            raise failed(str(error), "InterfaceDetachFailed") from error
    except StepFailed as error:
        note_fault(server, error)
        context.see("fail", server)
        return
    if port is None:
        server.ports = tuple(each for each in server.ports if each != name)
    else:
        _deallocate(context, server, port, _read(context, server, port))
    context.see("detach_port", server)


def _read(context: Context, server: Server, port: Port) -> ServerPorts:
    records = context.records
    policy = pci_numa_policy(server.flavor, server.image)
    return read_ports([port], records.networks, records.device_profiles, policy)


def _allocate(
    context: Context, server: Server, port: Port
) -> tuple[Mappings, Allocations]:
    """Add the first candidate for a port on the server's host to what it holds."""
    wanted = port_groups(port)
    if not wanted.groups:
        return {}, {}
    root = context.root(server.node or "")
    request = Request(
        tuple(replace(group, in_tree=root) for group in wanted.groups),
        group_policy="none",
        same_subtree=(wanted.same_subtree,) if wanted.same_subtree else (),
    )
    cloud = context.scheduler.cloud
    candidate = next(iter(cloud.allocation_candidates(request, 1)), None)
    if candidate is None:
        raise refused(
            f"Host {server.host!r} cannot give what port {port['id']} asks for.",
            "InterfaceAttachResourceAllocationFailed",
        )
    added = {p: dict(amounts) for p, amounts in candidate.allocations.items()}
    held = cloud.allocations(server.uuid)
    for provider, amounts in added.items():
        mine = held.setdefault(provider, {})
        for resource_class, amount in amounts.items():
            mine[resource_class] = mine.get(resource_class, 0) + amount
    try:
        cloud.claim(server.uuid, held)
    except Conflict as error:
        raise refused(str(error), "InterfaceAttachResourceAllocationFailed") from error
    return dict(candidate.mappings), added


def _bind(context: Context, server: Server, name: str, mappings: Mappings) -> None:
    """Let one port of a server be on its host; the others stay as they are."""
    others, server.ports = server.ports, (name,)
    try:
        bind_ports(context, server, server.host or "", mappings)
    finally:
        server.ports = others


def _deallocate(
    context: Context, server: Server, port: Port, wanted: ServerPorts
) -> None:
    held = port_allocation(port)
    mappings = _mappings(port)
    name = str(port["id"])
    unbind_ports(context, server, (name,))
    server.ports = tuple(each for each in server.ports if each != name)
    free_devices(context, server, wanted.pci_requests, mappings)
    _take_away(context, server, held)


def _mappings(port: Port) -> Mappings:
    """Say which providers give the groups of a port that is bound."""
    named = binding_profile(port).get("allocation")
    if isinstance(named, dict):
        return {suffix: (provider,) for suffix, provider in named.items()}
    return {str(port["id"]): (str(named),)} if named else {}


def _take_away(context: Context, server: Server, amounts: Allocations) -> None:
    """Take amounts out of what a server holds."""
    if not amounts:
        return
    held = context.scheduler.cloud.allocations(server.uuid)
    for provider, by_class in amounts.items():
        mine = held.get(provider, {})
        for resource_class, amount in by_class.items():
            left = mine.get(resource_class, 0) - amount
            mine[resource_class] = left
            if left <= 0:
                del mine[resource_class]
        if provider in held and not mine:
            del held[provider]
    replace_allocations(context, server.uuid, held)


def _check_no_accelerator(server: Server, port: Port) -> None:
    if port.get("binding:vnic_type") in ACCELERATOR_TYPES:
        raise refused(
            f"Server {server.uuid}: port {port['id']} has an accelerator, and must "
            "have none.",
            "ForbiddenPortsWithAccelerator",
        )


def _refused(
    server: Server, name: str, error: StepFailed, nova: str, status: int = 400
) -> Refused:
    return refused(f"Server {server.uuid}, port {name}: {error}", nova, status)

"""Shelve, offload, unshelve: an offloaded server holds nothing."""

import numpy as np

from kilonova.errors import NoValidHost, StepFailed
from kilonova.hosts.selection import Chosen
from kilonova.moves.accelerators import bind_accelerators, delete_accelerators
from kilonova.moves.context import Context
from kilonova.moves.holding import select, uncount
from kilonova.moves.host_claim import claim_at_host
from kilonova.moves.ports import bind_ports, check_bindings, unbind_ports
from kilonova.moves.refusals import refused
from kilonova.moves.specs import destination_of, spec_of
from kilonova.records.server import Server
from kilonova.request.server import ServerSpec

KEEP_ZONE = ":"
"""Stands for the zone that a server has: no zone has a colon in its name."""


def shelve(context: Context, server: Server) -> None:
    """Stop a server and keep its disk as an image; then offload it, by the options.

    Notes
    -----
    As ``shelve_instance`` in Nova's ``compute/manager.py``. A server whose root disk is
    a volume is offloaded at once.
    """
    server.task_state = "shelving"
    if not server.is_volume_backed:
        try:
            context.run("power_off", server, server.host)
            context.run("snapshot", server, server.host)
        except StepFailed as error:
            context.fail(server, error)
            return
        server.vm_state, server.task_state = "shelved", None
        server.power_state = "shutdown"
        context.see("shelve", server)
        if context.options.shelved_offload_time != 0:
            return
        server.task_state = "shelving_offloading"
    shelve_offload(context, server)


def shelve_offload(context: Context, server: Server) -> None:
    """Take a server off its host.

    Notes
    -----
    As ``_shelve_offload_instance`` in Nova's ``compute/manager.py``.
    """
    server.task_state = server.task_state or "shelving_offloading"
    try:
        context.run("power_off", server, server.host)
        context.run("unbind_ports", server, server.host)
        unbind_ports(context, server, server.ports, detach=False)
        context.run("destroy", server, server.host)
    except StepFailed as error:
        context.fail(server, error)
        return
    delete_accelerators(context, server)
    context.release(server.uuid)
    server.power_state, server.vm_state = "shutdown", "shelved_offloaded"
    server.task_state = server.host = server.node = None
    context.see("shelve_offload", server)


def check_unshelve(
    context: Context, server: Server, zone: str | None, host: str | None
) -> None:
    """Raise Refused where zone or host of an unshelve cannot be."""
    where = f"Server {server.uuid}, unshelve"
    if (
        zone != KEEP_ZONE or host is not None
    ) and server.vm_state != "shelved_offloaded":
        raise refused(
            f"{where}: a zone or host needs vm_state shelved_offloaded, got "
            f"{server.vm_state!r}.",
            "UnshelveInstanceInvalidState",
            409,
        )
    if zone not in (KEEP_ZONE, None) and zone not in (zones := _zones(context)):
        raise refused(
            f"{where}: availability_zone must be one of {sorted(zones)}, got {zone!r}.",
            "InvalidRequest",
        )
    if host is None:
        return
    node = context.node_of(host)
    if node is None:
        raise refused(f"{where}: no host {host!r}.", "ComputeHostNotFound")
    expected = server.availability_zone if zone == KEEP_ZONE else zone
    hosts = context.state.hosts
    actual = _zone(context, int(hosts.table["aggregate_set"][hosts.row(node)]))
    if expected is not None and actual != expected:
        raise refused(
            f"{where}: host {host!r} must be in zone {expected!r}, got {actual!r}.",
            "UnshelveHostNotInAZ",
            409,
        )


def unshelve(
    context: Context, server: Server, zone: str | None, host: str | None
) -> None:
    """Start a shelved server, on some host if it was offloaded.

    Notes
    -----
    As ``unshelve_instance`` in Nova's ``conductor/manager.py`` and
    ``compute/manager.py``.
    """
    if server.vm_state == "shelved":
        server.task_state = "powering-on"
        try:
            context.run("power_on", server, server.host)
        except StepFailed as error:
            context.fail(server, error)
            return
        server.vm_state, server.task_state = "active", None
        server.power_state = "running"
        context.see("unshelve", server)
        return
    before = server.availability_zone
    if zone != KEEP_ZONE:
        server.availability_zone = zone
    try:
        spec = _spec(context, server, host)
    except BaseException:
        server.availability_zone = before
        raise
    server.task_state = "unshelving"
    try:
        chosen, _ = select(context, spec, server)
        bind_accelerators(
            context, server, chosen.host, chosen.nodename, chosen.mappings
        )
    except NoValidHost as error:
        context.logged.append(error)
        server.task_state = None
        context.see("fail", server)
        return
    except StepFailed as error:
        # What was claimed stays so: Nova deletes the accelerator requests only.
        uncount(context, server)
        context.fail(server, error)
        return
    _spawn(context, server, spec, chosen)


def _spec(context: Context, server: Server, host: str | None) -> ServerSpec:
    destination = destination_of(context, server, host)
    return spec_of(context, server, destination=destination)


def _spawn(context: Context, server: Server, spec: ServerSpec, chosen: Chosen) -> None:
    server.task_state = "spawning"
    try:
        context.run("await_accelerators", server, chosen.host)
        claim_at_host(context, server, spec, chosen.host, chosen.mappings)
        server.host, server.node = chosen.host, chosen.nodename
        check_bindings(context, server, chosen.mappings)
        context.run("bind_ports", server, chosen.host)
        bind_ports(context, server, chosen.host, chosen.mappings)
        context.run("spawn", server, chosen.host)
    except StepFailed as error:
        context.release(server.uuid)
        server.host = server.node = None
        context.fail(server, error)
        return
    server.vm_state, server.task_state = "active", None
    server.power_state = "running"
    context.settle(server)
    context.see("unshelve", server)


def _zones(context: Context) -> set[str]:
    """Give the zones that hosts are in."""
    sets = np.unique(context.state.hosts.table["aggregate_set"])
    return {_zone(context, number) for number in sets.tolist()}


def _zone(context: Context, aggregate_set: int) -> str:
    """Give the zone of hosts in some aggregates, ``nova`` where none names one."""
    aggregates = context.state.hosts.aggregates_of(aggregate_set)
    named = [each.metadata.get("availability_zone") for each in aggregates]
    return next((zone for zone in named if zone), "nova")

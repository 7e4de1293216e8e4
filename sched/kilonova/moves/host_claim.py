"""What a compute service tests before it takes a server: NUMA cells and PCI devices.

vCPUs, memory and disk are not tested there: Placement has decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kilonova.cloud.host_use import HostUse, difference, give_back
from kilonova.cloud.servers import note_host
from kilonova.cloud.state import State
from kilonova.errors import DevicesConflict
from kilonova.hosts.occupying import needs_occupying, occupy
from kilonova.hosts.pci_pools import Devices, consume
from kilonova.moves.context import Context, failed
from kilonova.records.server import Server
from kilonova.request.pci import PciRequest
from kilonova.request.server import ServerSpec

Mappings = Mapping[str, Sequence[str]]


def claim_at_host(
    context: Context, server: Server, spec: ServerSpec, host: str, mappings: Mappings
) -> None:
    """Take NUMA cells and devices of the chosen host, then do step ``claim`` there.

    Raises
    ------
    StepFailed
        They do not fit, or the step fails. Nova tries an alternate then.

    Notes
    -----
    As ``compute/claims.py`` in Nova. A host that reports no NUMA cells, or no pools, is
    not tested for them.
    """
    state, row = context.state, context.row(server.uuid)
    if needs_occupying(spec):
        asked = replace(
            spec, pci_requests=named_interfaces(state, spec.pci_requests, mappings)
        )
        at = int(state.tables.consumer["host"][row])
        state.hosts.give_back(row, at)
        conflict = occupy(state, row, asked, context.scheduler.options, mappings)
        if conflict is None and not _cells_fit(state, row, at, asked):
            conflict = "The NUMA cells of the server do not fit those of the host."
        if conflict is not None:
            raise failed(conflict, "ComputeResourcesUnavailable")
    context.run("claim", server, host)


def claim_devices(
    context: Context, server: Server, requests: Sequence[PciRequest], mappings: Mappings
) -> None:
    """Take more devices for a server that is on its host.

    Raises
    ------
    StepFailed
        The host has not got them; nothing was taken.
    """
    state, row = context.state, context.row(server.uuid)
    host = int(state.tables.consumer["host"][row]) if row >= 0 else -1
    number = int(state.hosts.table["pci"][host]) if host >= 0 else -1
    if not requests or number < 0:
        return
    pools = Devices(state.hosts.pci[number].values())
    before = pools.pools()
    try:
        consume(pools, named_interfaces(state, requests, mappings), mappings)
    except DevicesConflict as error:
        raise failed(str(error), "InterfaceAttachPciClaimFailed") from error
    taken = difference(before, pools.pools())
    state.hosts.set_pools(host, pools.pools())
    use = state.hosts.uses.get(row, HostUse())
    state.hosts.uses[row] = HostUse(use.cells, give_back(use.pools, taken))
    note_host(state, host)


def free_devices(
    context: Context, server: Server, requests: Sequence[PciRequest], mappings: Mappings
) -> None:
    """Give the devices of some requests back to the host of a server."""
    state, row = context.state, context.row(server.uuid)
    use = state.hosts.uses.get(row) if row >= 0 else None
    if use is None or not requests:
        return
    host = int(state.tables.consumer["host"][row])
    mine = Devices(use.pools)
    try:
        consume(mine, named_interfaces(state, requests, mappings), mappings)
    except DevicesConflict:
        # They were never taken: the host did not report its pools then.
        return
    freed = difference(use.pools, mine.pools())
    state.hosts.uses[row] = HostUse(use.cells, mine.pools())
    number = int(state.hosts.table["pci"][host])
    pools = give_back(state.hosts.pci[number].values(), freed)
    state.hosts.set_pools(host, pools)
    note_host(state, host)


def named_interfaces(
    state: State, requests: Sequence[PciRequest], mappings: Mappings
) -> tuple[PciRequest, ...]:
    """Let the virtual functions of ports come from the interface that was claimed.

    Neutron names its providers ``host:agent:interface``.

    Raises
    ------
    StepFailed
        A provider that gives a port its bandwidth has another kind of name. No other
        host is tried.

    Notes
    -----
    As ``update_pci_request_with_placement_allocations`` in Nova's
    ``compute/utils.py``: ports with an extended request are left as they are.
    """
    found = []
    for request in requests:
        providers = mappings.get(request.request_id or "", ())
        if request.alias_name is not None or not providers:
            found.append(request)
            continue
        name = state.provider_names[state.provider_row(providers[0])]
        parts = name.split(":")
        if len(parts) != 3:
            error = failed(
                f"Provider {name!r} of port {request.request_id} must be named like "
                "'host:agent:interface'.",
                "UnexpectedResourceProviderNameForPCIRequest",
            )
            error.aborts = True
            raise error
        spec = tuple({**each, "parent_ifname": parts[2]} for each in request.spec)
        found.append(replace(request, spec=spec))
    return tuple(found)


def _cells_fit(state: State, row: int, host: int, spec: ServerSpec) -> bool:
    if not (spec.topology and spec.topology.cells):
        return True
    if int(state.hosts.table["numa"][host]) < 0:
        return True
    return bool(state.hosts.uses[row].cells)

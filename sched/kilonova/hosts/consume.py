"""What a chosen host looks like afterwards, for the next server of a multi-create.

Same as ``consume_from_request`` in Nova's ``scheduler/host_manager.py`` and
``_consume_selected_host`` in its ``scheduler/manager.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from kilonova.cloud.host import Host, HostCell
from kilonova.errors import DevicesConflict, PinningConflict
from kilonova.hosts.numa_fit import Devices, Limits, fit
from kilonova.hosts.numa_usage import with_usage
from kilonova.hosts.options import Options
from kilonova.hosts.pci_pools import Devices as Pools
from kilonova.hosts.pci_pools import Mappings, Near, consume
from kilonova.request.server import ServerSpec
from kilonova.request.topology import GuestTopology

_MIB = 1024


@dataclass(frozen=True, slots=True)
class Consumed:
    """What of a host changed; the names are those of ``Host``.

    Attributes
    ----------
    topology
        The guest's cells as they were put into those of the host, None where it has
        none or they no longer fit. Nova asks for these cells for the next server.
    conflict
        Why NUMA cells or PCI pools could not be taken, None where they could. Nova logs
        it, goes on, and does not count the operation of the server then.
    """

    free_ram_mb: int
    free_disk_mb: int
    vcpus_used: int
    num_instances: int
    num_io_ops: int
    numa_cells: tuple[HostCell, ...] | None
    pci_pools: tuple[Mapping[str, Any], ...] | None
    instances: frozenset[str]
    topology: GuestTopology | None = None
    conflict: str | None = None

    def applied_to(self, host: Host) -> Host:
        """Give the host with what changed."""
        changed = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in ("topology", "conflict")
        }
        return replace(host, **changed)


def consumed(
    host: Host,
    spec: ServerSpec,
    options: Options,
    *,
    mapping: Mappings | None = None,
    limits: Limits | None = None,
) -> Consumed:
    """Say what a host has left once a server was put on it.

    Parameters
    ----------
    host
        The chosen host; it is left as it is.
    spec
        What the server asks for. The root disk counts even where it is a volume.
    options
        Order in which host cells are tried.
    mapping
        Provider UUIDs by suffix, of the claimed candidate: those of the groups from
        outside the flavor.
    limits
        Those of NUMATopologyFilter, None where it did not run: nothing limits then.
    """
    flavor = spec.flavor
    grouped = spec.server_group is not None and bool(spec.instance_uuid)
    cells, pools, topology = host.numa_cells, host.pci_pools, spec.topology
    conflict = None
    try:
        if cells and topology is not None and topology.cells:
            devices = Devices(pools, spec.pci_requests, mapping)
            pack = options.compute.packing_host_numa_cells_allocation_strategy
            topology = fit(cells, topology, limits=limits, devices=devices, pack=pack)
            if topology is not None:
                cells = with_usage(cells, topology)
        if spec.pci_requests and pools is not None:
            pools, conflict = _without_devices(host, spec, mapping, topology)
    except PinningConflict as error:
        conflict = str(error)
    return Consumed(
        free_ram_mb=host.free_ram_mb - flavor.memory_mb,
        free_disk_mb=host.free_disk_mb - (flavor.root_gb + flavor.ephemeral_gb) * _MIB,
        vcpus_used=host.vcpus_used + flavor.vcpus,
        num_instances=host.num_instances + 1,
        num_io_ops=host.num_io_ops + (conflict is None),
        numa_cells=cells,
        pci_pools=pools,
        instances=host.instances | ({spec.instance_uuid} if grouped else set()),
        topology=topology,
        conflict=conflict,
    )


def _without_devices(
    host: Host,
    spec: ServerSpec,
    mapping: Mappings | None,
    topology: GuestTopology | None,
) -> tuple[tuple[Mapping[str, Any], ...], str | None]:
    """Give the pools without the server's devices, and why some are not there."""
    chosen = tuple(cell.number for cell in topology.cells) if topology else ()
    pools = Pools(host.pci_pools or ())
    try:
        consume(pools, spec.pci_requests, mapping, Near(chosen, host.numa_cells or ()))
    except DevicesConflict as error:
        return pools.pools(), str(error)
    return pools.pools(), None

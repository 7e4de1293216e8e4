"""What a chosen host looks like afterwards, for the next server of a multi-create.

Same as ``consume_from_request`` in Nova's ``scheduler/host_manager.py`` and
``_consume_selected_host`` in its ``scheduler/manager.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from kilonova.cloud.host import Host, HostCell
from kilonova.errors import DevicesConflict, PinningConflict
from kilonova.hosts.numa_fit import Devices, Limits, fit
from kilonova.hosts.numa_usage import with_usage
from kilonova.hosts.options import Options
from kilonova.hosts.pci_pools import Devices as FreeDevices
from kilonova.hosts.pci_pools import Mappings, Near, consume
from kilonova.request.server import ServerSpec
from kilonova.request.topology import GuestTopology

Cells = tuple[HostCell, ...]
Pools = tuple[Mapping[str, Any], ...]

_MIB = 1024


class Occupied(NamedTuple):
    """Cells and pools that are left, the guest's cells, and why some were not taken.

    See ``Consumed``, which has all of it too.
    """

    cells: Cells | None
    pools: Pools | None
    topology: GuestTopology | None
    conflict: str | None


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
    numa_cells: Cells | None
    pci_pools: Pools | None
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
    left = occupied(
        (host.numa_cells, host.pci_pools),
        spec,
        options,
        mapping=mapping,
        limits=limits,
    )
    return Consumed(
        free_ram_mb=host.free_ram_mb - flavor.memory_mb,
        free_disk_mb=host.free_disk_mb - (flavor.root_gb + flavor.ephemeral_gb) * _MIB,
        vcpus_used=host.vcpus_used + flavor.vcpus,
        num_instances=host.num_instances + 1,
        num_io_ops=host.num_io_ops + (left.conflict is None),
        numa_cells=left.cells,
        pci_pools=left.pools,
        instances=host.instances | ({spec.instance_uuid} if grouped else set()),
        topology=left.topology,
        conflict=left.conflict,
    )


def occupied(
    before: tuple[Cells | None, Pools | None],
    spec: ServerSpec,
    options: Options,
    *,
    mapping: Mappings | None = None,
    limits: Limits | None = None,
) -> Occupied:
    """Say what is left of a host's cells and pools; parameters as for ``consumed``."""
    (cells, pools), topology = before, spec.topology
    conflict = None
    try:
        if cells and topology is not None and topology.cells:
            near = Devices(pools, spec.pci_requests, mapping)
            pack = options.compute.packing_host_numa_cells_allocation_strategy
            topology = fit(cells, topology, limits=limits, devices=near, pack=pack)
            if topology is not None:
                cells = with_usage(cells, topology)
        if spec.pci_requests and pools is not None:
            pools, conflict = _without_devices(before, spec, mapping, topology)
    except PinningConflict as error:
        conflict = str(error)
    return Occupied(cells, pools, topology, conflict)


def _without_devices(
    before: tuple[Cells | None, Pools | None],
    spec: ServerSpec,
    mapping: Mappings | None,
    topology: GuestTopology | None,
) -> tuple[Pools, str | None]:
    """Give the pools without the server's devices, and why some are not there."""
    chosen = tuple(cell.number for cell in topology.cells) if topology else ()
    pools = FreeDevices(before[1] or ())
    try:
        consume(pools, spec.pci_requests, mapping, Near(chosen, before[0] or ()))
    except DevicesConflict as error:
        return pools.pools(), str(error)
    return pools.pools(), None

"""Our hosts, specs and options as those of Nova, made by hand."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from nova import objects
from nova.pci import stats
from nova.scheduler import host_manager
from oslo_config import cfg

from kilonova.bench.peers.nova_imports import CONF, configure
from kilonova.bench.peers.nova_requests import nova_flavor
from kilonova.cloud.host import Host, HostCell
from kilonova.hosts.options import Options
from kilonova.request.pci import PciRequest
from kilonova.request.server import ServerGroup, ServerSpec
from kilonova.request.topology import GuestCell, GuestTopology, NetworkMetadata

# Attributes that Nova's host state has under the same name and with the same value.
_SAME = (
    "uuid",
    "host_ip",
    "hypervisor_type",
    "hypervisor_version",
    "hypervisor_hostname",
    "cpu_info",
    "supported_instances",
    "stats",
    "vcpus_total",
    "total_usable_ram_mb",
    "total_usable_disk_gb",
    "cpu_allocation_ratio",
    "ram_allocation_ratio",
    "disk_allocation_ratio",
    "vcpus_used",
    "free_ram_mb",
    "free_disk_mb",
    "disk_mb_used",
    "num_instances",
    "num_io_ops",
    "failed_builds",
)


def set_options(options: Options) -> None:
    """Give Nova our options; those that it does not have are ours alone."""
    CONF.reset()
    # Without files that were read Nova finds no policies.
    configure()
    for section in fields(options):
        group = None if section.name == "default" else section.name
        values = getattr(options, section.name)
        for field in fields(values):
            value = getattr(values, field.name)
            given = list(value) if isinstance(value, tuple) else value
            with suppress(cfg.NoSuchOptError, cfg.NoSuchGroupError):
                CONF.set_override(field.name, given, group=group)


def host_state(host: Host) -> Any:
    """Make a host state."""
    state = host_manager.HostState(host.host, host.nodename, host.cell_uuid)
    for name in _SAME:
        setattr(state, name, getattr(host, name))
    seen = datetime.fromtimestamp(host.last_seen_up or 0.0, UTC)
    state.service = host_manager.ReadOnlyDict(
        {
            "disabled": host.disabled,
            "disabled_reason": host.disabled_reason,
            "forced_down": host.forced_down,
            "last_seen_up": seen,
            "created_at": seen,
            "host": host.host,
            "binary": "nova-compute",
        }
    )
    state.aggregates = [
        objects.Aggregate(uuid=each.uuid, name=each.name, metadata=dict(each.metadata))
        for each in host.aggregates
    ]
    state.instances = {
        uuid: objects.Instance(uuid=uuid) for uuid in sorted(host.instances)
    }
    state.metrics = objects.MonitorMetricList(
        objects=[
            objects.MonitorMetric(name=name, value=int(value))
            for name, value in (host.metrics or {}).items()
        ]
    )
    state.numa_topology = host_topology(host.numa_cells)
    if host.pci_pools is not None:
        state.pci_stats = stats.PciDeviceStats(state.numa_topology)
        state.pci_stats.pools = [dict(pool) for pool in host.pci_pools]
    state.allocation_candidates = [
        {"mappings": {name: list(uuids) for name, uuids in each.items()}}
        for each in host.candidates
    ]
    return state


def host_topology(cells: Sequence[HostCell] | None) -> Any:
    """Make the topology of a host."""
    if cells is None:
        return None
    return objects.NUMATopology(cells=[_host_cell(cell) for cell in cells])


def _host_cell(cell: HostCell) -> Any:
    return objects.NUMACell(
        id=cell.number,
        cpuset=_ascending(cell.cpuset),
        pcpuset=_ascending(cell.pcpuset),
        memory=cell.memory_mb,
        memory_usage=cell.memory_usage_mb,
        cpu_usage=cell.cpu_usage,
        pinned_cpus=_ascending(cell.pinned_cpus),
        siblings=[_ascending(core) for core in cell.siblings],
        mempages=[
            objects.NUMAPagesTopology(
                size_kb=pool.size_kb,
                total=pool.total,
                used=pool.used,
                reserved=pool.reserved,
            )
            for pool in cell.pages
        ],
        socket=cell.socket,
        network_metadata=objects.NetworkMetadata(
            physnets=set(cell.physnets), tunneled=cell.tunneled
        ),
    )


def _ascending(cpus: Iterable[int]) -> set[int]:
    """Make a set in ascending order, on which depends how it gives its members."""
    return set(sorted(cpus))  # noqa: C414


def request_spec(spec: ServerSpec) -> Any:
    """Make a request spec."""
    group, destination = spec.server_group, spec.destination
    found = objects.RequestSpec(
        flavor=nova_flavor(spec.flavor),
        image=objects.ImageMeta(
            id=spec.image.uuid, properties=image_properties(spec.image.properties)
        ),
        project_id=spec.project_id,
        is_bfv=spec.is_volume_backed,
        scheduler_hints={name: list(texts) for name, texts in spec.hints.items()},
        instance_group=None,
        requested_destination=None,
        requested_resources=[],
        numa_topology=guest_topology(spec.topology),
        pci_requests=pci_requests(spec.pci_requests),
    )
    if group is not None:
        found.instance_group = instance_group(group)
    if destination is not None:
        found.requested_destination = objects.Destination(
            allow_cross_cell_move=destination.allow_cross_cell_move,
            cell=objects.CellMapping(uuid=destination.cell)
            if destination.cell
            else None,
        )
    if spec.networks is not None:
        found.network_metadata = networks(spec.networks)
    return found


def instance_group(group: ServerGroup) -> Any:
    """Make a server group."""
    return objects.InstanceGroup(
        policy=group.policy,
        policies=[group.policy],
        members=sorted(group.members),
        hosts=sorted(group.hosts),
        _rules={"max_server_per_host": str(group.max_server_per_host)},
    )


def image_properties(properties: Mapping[str, Any]) -> Any:
    """Make the properties of an image."""
    return objects.ImageMetaProps(**properties)


def guest_topology(topology: GuestTopology | None) -> Any:
    """Make the topology of a guest."""
    if topology is None:
        return None
    return objects.InstanceNUMATopology(
        cells=[_guest_cell(cell) for cell in topology.cells],
        emulator_threads_policy=topology.emulator_threads_policy,
    )


def _guest_cell(cell: GuestCell) -> Any:
    return objects.InstanceNUMACell(
        id=cell.number,
        cpuset=set(cell.cpuset),
        pcpuset=set(cell.pcpuset),
        memory=cell.memory_mb,
        pagesize=cell.pagesize_kb,
        cpu_policy=cell.cpu_policy,
        cpu_thread_policy=cell.cpu_thread_policy,
    )


def pci_requests(requests: Sequence[PciRequest]) -> Any:
    """Make PCI requests."""
    return objects.InstancePCIRequests(
        requests=[
            objects.InstancePCIRequest(
                count=each.count,
                spec=[dict(one) for one in each.spec],
                alias_name=each.alias_name,
                request_id=each.request_id,
                numa_policy=each.numa_policy,
            )
            for each in requests
        ]
    )


def networks(given: NetworkMetadata) -> Any:
    """Make the networks whose NUMA affinity counts."""
    return objects.NetworkMetadata(
        physnets=set(given.physnets), tunneled=given.tunneled
    )

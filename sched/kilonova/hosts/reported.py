"""Hosts as compute services report them: records of compute nodes become hosts."""

from collections.abc import Mapping, Sequence
from typing import Any

from kilonova.cloud.host import Host, HostAggregate, HostCell

_MIB = 1024


def host_of(
    record: Mapping[str, Any],
    *,
    aggregates: Sequence[HostAggregate] = (),
    instances: frozenset[str] = frozenset(),
    numa_cells: tuple[HostCell, ...] | None = None,
    **service: Any,
) -> Host:
    """Make a host of the record of a compute node.

    Parameters
    ----------
    record
        Columns of Nova's table ``compute_nodes`` by name, ``stats``, ``metrics`` and
        ``supported_instances`` decoded, ``pci_device_pools`` as mappings.
    aggregates
        Aggregates that the host is in.
    instances
        UUIDs of its servers.
    numa_cells
        Its NUMA cells.
    service
        Attributes of the host from its compute service and cell: ``disabled``,
        ``forced_down``, ``last_seen_up``, ``cell_uuid``, ...

    Notes
    -----
    ``_update_from_compute_node`` of Nova's host state: a record whose free disk is not
    known yet says nothing, not even its UUID.
    """
    host = Host(
        host=record["host"],
        nodename=record.get("hypervisor_hostname") or "",
        aggregates=tuple(aggregates),
        instances=instances,
        **service,
    )
    if record.get("free_disk_gb") is None:
        return host
    stats = record.get("stats") or {}
    host.stats = stats
    host.num_instances = int(stats.get("num_instances", 0))
    host.num_io_ops = int(stats.get("io_workload", 0))
    host.failed_builds = int(stats.get("failed_builds", 0))
    host.numa_cells = numa_cells
    host.pci_pools = tuple(sorted(record.get("pci_device_pools") or (), key=len))
    host.metrics = record.get("metrics") or {}
    host.supported_instances = record.get("supported_instances") or []
    _report_amounts(host, record)
    for name in (
        "uuid",
        "host_ip",
        "hypervisor_type",
        "hypervisor_version",
        "hypervisor_hostname",
        "cpu_info",
        "cpu_allocation_ratio",
        "ram_allocation_ratio",
        "disk_allocation_ratio",
    ):
        setattr(host, name, record.get(name))
    return host


def _report_amounts(host: Host, record: Mapping[str, Any]) -> None:
    free_gb, least_gb = record["free_disk_gb"], record.get("disk_available_least")
    # Images of some formats grow: what is left in the worst case counts.
    if least_gb is not None:
        free_gb = min(least_gb, free_gb)
    host.free_disk_mb = free_gb * _MIB
    host.disk_mb_used = record["local_gb_used"] * _MIB
    host.free_ram_mb = record["free_ram_mb"]
    host.total_usable_ram_mb = record["memory_mb"]
    host.total_usable_disk_gb = record["local_gb"]
    host.vcpus_total = record["vcpus"]
    host.vcpus_used = record["vcpus_used"]

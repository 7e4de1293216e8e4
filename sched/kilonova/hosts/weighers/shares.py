"""Weighers by the free share of memory, CPUs or disk, rather than by the amount.

In a fleet of unlike hosts the amounts of Nova's weighers fill the big hosts first; the
shares fill all alike.
"""

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers import cpu
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec

_MIB = 1024


def share(free: float, total: float) -> float:
    """Give what is free of a total, 0 of nothing."""
    return free / total if total > 0 else 0.0


def shares(
    free: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the same for many hosts."""
    some = total > 0
    return np.where(some, free / np.where(some, total, 1.0), 0.0)


def ram(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give the share of memory that is free, without overcommitment."""
    return share(host.free_ram_mb, host.total_usable_ram_mb)


def cpus(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give the share of CPUs that is free, with overcommitment.

    Raises
    ------
    NotReported
        The host has no allocation ratio for CPUs.
    """
    free = cpu.raw(host, spec, options)
    return share(free, free + host.vcpus_used)


def disk(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give the share of disk that is free."""
    return share(host.free_disk_mb, host.total_usable_disk_gb * _MIB)


def ram_columns(
    hosts: HostColumns, spec: ServerSpec, options: Options
) -> NDArray[np.float64]:
    """Give the free share of memory of many hosts."""
    return shares(hosts.free_ram_mb, hosts.total_usable_ram_mb)


def cpu_columns(
    hosts: HostColumns, spec: ServerSpec, options: Options
) -> NDArray[np.float64]:
    """Give the free share of CPUs of many hosts."""
    free = cpu.columns(hosts, spec, options)
    return shares(free, free + hosts.vcpus_used)


def disk_columns(
    hosts: HostColumns, spec: ServerSpec, options: Options
) -> NDArray[np.float64]:
    """Give the free share of disk of many hosts."""
    return shares(hosts.free_disk_mb, hosts.total_usable_disk_gb * _MIB)


RAM_SHARE_WEIGHER = register(
    Weigher(
        name="RAMShareWeigher",
        raw=ram,
        asks=lambda spec, options: "ram share",
        reads=frozenset({"free_ram_mb", "total_usable_ram_mb"}),
        multiplier=lambda options: options.kilonova.ram_share_weight_multiplier,
        key="ram_share_weight_multiplier",
        minval=0.0,
        columns=ram_columns,
    )
)
CPU_SHARE_WEIGHER = register(
    Weigher(
        name="CPUShareWeigher",
        raw=cpus,
        asks=lambda spec, options: "cpu share",
        reads=frozenset({"vcpus_total", "cpu_allocation_ratio", "vcpus_used"}),
        multiplier=lambda options: options.kilonova.cpu_share_weight_multiplier,
        key="cpu_share_weight_multiplier",
        minval=0.0,
        columns=cpu_columns,
    )
)
DISK_SHARE_WEIGHER = register(
    Weigher(
        name="DiskShareWeigher",
        raw=disk,
        asks=lambda spec, options: "disk share",
        reads=frozenset({"free_disk_mb", "total_usable_disk_gb"}),
        multiplier=lambda options: options.kilonova.disk_share_weight_multiplier,
        key="disk_share_weight_multiplier",
        minval=0.0,
        columns=disk_columns,
    )
)

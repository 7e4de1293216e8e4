"""DominantShareWeigher: by what would be left of the scarcest of CPUs, memory, disk."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers import cpu
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.hosts.weighers.shares import share, shares
from kilonova.request.server import ServerSpec

_MIB = 1024


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give the least share that a host would have left of a class the server needs.

    The scarcest class decides when the host is full: what is left of others then lies
    idle. A class that the server does not need does not count.

    Raises
    ------
    NotReported
        The host has no allocation ratio for CPUs.
    """
    free_cpus = cpu.raw(host, spec, options)
    vcpus, memory_mb, disk_mb = _needs(spec)
    left = [
        share(free - need, total)
        for need, free, total in (
            (vcpus, free_cpus, free_cpus + host.vcpus_used),
            (memory_mb, host.free_ram_mb, host.total_usable_ram_mb),
            (disk_mb, host.free_disk_mb, host.total_usable_disk_gb * _MIB),
        )
        if need
    ]
    return min(left, default=0.0)


def columns(
    hosts: HostColumns, spec: ServerSpec, options: Options
) -> NDArray[np.float64]:
    """Give the same for many hosts."""
    free_cpus = cpu.columns(hosts, spec, options)
    vcpus, memory_mb, disk_mb = _needs(spec)
    left = [
        shares(free - need, total)
        for need, free, total in (
            (vcpus, free_cpus, free_cpus + hosts.vcpus_used),
            (memory_mb, hosts.free_ram_mb, hosts.total_usable_ram_mb),
            (disk_mb, hosts.free_disk_mb, hosts.total_usable_disk_gb * _MIB),
        )
        if need
    ]
    return np.minimum.reduce(left) if left else np.zeros(len(free_cpus))


def _needs(spec: ServerSpec) -> tuple[int, int, int]:
    """Give CPUs, MiB of memory and MiB of disk that the server takes of its host."""
    flavor = spec.flavor
    root_gb = 0 if spec.is_volume_backed else flavor.root_gb
    disk_mb = (root_gb + flavor.ephemeral_gb) * _MIB + flavor.swap_mb
    return flavor.vcpus, flavor.memory_mb, disk_mb


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give what the server needs."""
    return _needs(spec)


DOMINANT_SHARE_WEIGHER = register(
    Weigher(
        name="DominantShareWeigher",
        raw=raw,
        asks=asks,
        reads=frozenset(HostColumns._fields)
        - {"num_instances", "num_io_ops", "failed_builds", "hypervisor_version"},
        multiplier=lambda options: options.kilonova.dominant_share_weight_multiplier,
        key="dominant_share_weight_multiplier",
        columns=columns,
    )
)

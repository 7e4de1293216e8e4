"""Weighers by the free share of memory, CPUs or disk, rather than by the amount.

In a fleet of unlike hosts the amounts of Nova's weighers fill the big hosts first; the
shares fill all alike.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers import cpu
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec

_MIB = 1024
Amounts = Host | HostColumns


def share(free: float, total: float) -> float:
    """Give what is free of a total, 0 of nothing."""
    return free / total if total > 0 else 0.0


def shares(
    free: NDArray[np.float64], total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the same for many hosts."""
    some = total > 0
    return np.where(some, free / np.where(some, total, 1.0), 0.0)


def _register(
    name: str,
    reads: frozenset[str],
    free: Callable[[Amounts, ServerSpec, Options], Any],
    total: Callable[[Amounts, Any], Any],
) -> Weigher:
    """Make a weigher known by the share that is free.

    ``free`` and ``total`` take one host, or the columns of many; ``total`` is given
    what is free too.
    """
    key = f"{name.lower()}_share_weight_multiplier"

    def raw(host: Host, spec: ServerSpec, options: Options) -> float:
        amount = free(host, spec, options)
        return share(amount, total(host, amount))

    def columns(
        hosts: HostColumns, spec: ServerSpec, options: Options
    ) -> NDArray[np.float64]:
        amounts = free(hosts, spec, options)
        return shares(amounts, total(hosts, amounts))

    def multiplier(options: Options) -> float:
        return float(getattr(options.kilonova, key))

    return register(
        Weigher(
            name=f"{name}ShareWeigher",
            raw=raw,
            asks=lambda spec, options: key,
            reads=reads,
            multiplier=multiplier,
            key=key,
            minval=0.0,
            columns=columns,
        )
    )


def _free_cpus(hosts: Amounts, spec: ServerSpec, options: Options) -> Any:
    if isinstance(hosts, Host):
        return cpu.raw(hosts, spec, options)
    return cpu.columns(hosts, spec, options)


# Memory and disk count without overcommitment, CPUs with it.
RAM_SHARE_WEIGHER = _register(
    "RAM",
    frozenset({"free_ram_mb", "total_usable_ram_mb"}),
    lambda hosts, spec, options: hosts.free_ram_mb,
    lambda hosts, free: hosts.total_usable_ram_mb,
)
CPU_SHARE_WEIGHER = _register(
    "CPU",
    frozenset({"vcpus_total", "cpu_allocation_ratio", "vcpus_used"}),
    _free_cpus,
    lambda hosts, free: free + hosts.vcpus_used,
)
DISK_SHARE_WEIGHER = _register(
    "Disk",
    frozenset({"free_disk_mb", "total_usable_disk_gb"}),
    lambda hosts, spec, options: hosts.free_disk_mb,
    lambda hosts, free: hosts.total_usable_disk_gb * _MIB,
)

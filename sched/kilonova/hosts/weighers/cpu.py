"""CPUWeigher: by CPUs that are free, overcommitment counted in."""

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.errors import NotReported
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give the CPUs that are free; pinned ones count like others.

    Raises
    ------
    NotReported
        The host has no allocation ratio for CPUs.
    """
    if host.cpu_allocation_ratio is None:
        raise NotReported(
            f"cpu_allocation_ratio of host {host.host!r} must be a number, got None."
        )
    return host.vcpus_total * host.cpu_allocation_ratio - host.vcpus_used


def columns(
    hosts: HostColumns, spec: ServerSpec, options: Options
) -> NDArray[np.float64]:
    """Give the same for many hosts.

    Raises
    ------
    NotReported
        A host has no allocation ratio for CPUs.
    """
    free = hosts.vcpus_total * hosts.cpu_allocation_ratio - hosts.vcpus_used
    unknown = np.flatnonzero(np.isnan(hosts.cpu_allocation_ratio))
    if len(unknown):
        raise NotReported(
            f"cpu_allocation_ratio of {len(unknown)} hosts must be numbers, got none; "
            f"the first is host number {unknown[0]}."
        )
    return free


CPU_WEIGHER = register(
    Weigher(
        name="CPUWeigher",
        raw=raw,
        asks=lambda spec, options: "cpu",
        reads=frozenset({"vcpus_total", "cpu_allocation_ratio", "vcpus_used"}),
        multiplier=lambda options: options.filter_scheduler.cpu_weight_multiplier,
        key="cpu_weight_multiplier",
        minval=0.0,
        columns=columns,
    )
)

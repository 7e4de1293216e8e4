"""Columns of hosts that weighers read, one number for each host."""

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host

Column = NDArray[np.float64]


class HostColumns(NamedTuple):
    """Amounts of H hosts, each (H,) float64; the names are those of ``Host``.

    What a host does not report is 0, an unknown ratio NaN.
    """

    vcpus_total: Column
    vcpus_used: Column
    cpu_allocation_ratio: Column
    total_usable_ram_mb: Column
    free_ram_mb: Column
    total_usable_disk_gb: Column
    free_disk_mb: Column
    num_instances: Column
    num_io_ops: Column
    failed_builds: Column
    hypervisor_version: Column


def columns_of(hosts: Sequence[Host]) -> HostColumns:
    """Read the columns of hosts."""
    return HostColumns(
        *(np.array(_numbers(hosts, name), np.float64) for name in HostColumns._fields)
    )


def _numbers(hosts: Sequence[Host], name: str) -> list[float]:
    found = list(map(attrgetter(name), hosts))
    missing = np.nan if name == "cpu_allocation_ratio" else 0.0
    return [missing if each is None else each for each in found]

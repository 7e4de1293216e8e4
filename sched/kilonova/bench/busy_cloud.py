"""Clouds of many hosts that are partly in use, each by another share.

No server holds what is in use: laying millions of them would take longer than what is
to be measured. VCPU, memory and disk of a host are in use by shares that are partly the
same, as big servers take much of all.
"""

import numpy as np
from numpy.typing import NDArray

from kilonova.bench.bulk_cloud import lay_cloud
from kilonova.bench.questions import class_rows
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.host import HostCell
from kilonova.cloud.host_values import Pools
from kilonova.cloud.hosts import add_rows, defaults
from kilonova.cloud.state import State

# Devices of a host, and CPUs of one of its two NUMA cells.
DEVICES = 8
CELL_CPUS = 32
VENDOR, PRODUCT = "8086", "154c"
_CELL_MB = 262_144
# Units by which amounts are in use.
_STEPS = {"MEMORY_MB": 512, "NET_BW_EGR_KILOBIT_PER_SEC": 1000}


def busy_cloud(hosts: int, shape: str, fill: float, seed: int = 0) -> Cloud:
    """Make a cloud in use by ``fill`` on average.

    Parameters
    ----------
    hosts
        Number of hosts, each with 64 dedicated CPUs beside its shared ones, two NUMA
        cells and a pool of PCI devices.
    shape
        ``"flat"``: a provider each; ``"nested"``: nine. See ``synthetic_cloud``.
    fill
        0 to 1.
    seed
        Of the shares.
    """
    host = synthetic_cloud(1, shape, 0, seed=0)["providers"]
    offers = dict(host[0]["inventories"])
    offers["PCPU"] = {"total": 2 * CELL_CPUS}
    host[0]["inventories"] = offers
    cloud = lay_cloud(host, hosts)
    fill_cloud(cloud, fill, seed)
    return cloud


def fill_cloud(cloud: Cloud, fill: float, seed: int = 0) -> None:
    """Put a cloud of ``busy_cloud`` that has no servers to use anew.

    Parameters
    ----------
    cloud
        It, changed in place.
    fill, seed
        As for ``busy_cloud``, which makes an equal cloud, many times slower.
    """
    rng = np.random.default_rng(seed)
    use_shares(cloud.state, fill, rng)
    _tell_hosts(cloud.state)
    _lay_devices(cloud.state, fill, rng)


def _tell_hosts(state: State) -> None:
    """Do what ``derive_hosts`` does, for hosts that offer the same."""
    roots = state.index().roots
    if not len(state.hosts):
        names = [state.provider_names[root] for root in roots.tolist()]
        add_rows(state, names)
        numbers = [state.hosts.services.number(name) for name in names]
        state.hosts.table["service"][:] = numbers
        state.hosts.table["provider"][:] = roots
    table, first = state.hosts.table, defaults(state, int(roots[0]))
    for name, value in first.items():
        table[name][:] = value
    vcpus, pcpus, memory, disk = (
        class_used(state, name) for name in ("VCPU", "PCPU", "MEMORY_MB", "DISK_GB")
    )
    table["vcpus_used"][:] = vcpus + pcpus
    table["free_ram_mb"][:] += memory[0] - memory
    table["free_disk_mb"][:] += 1024 * (disk[0] - disk)
    table["disk_mb_used"][:] -= 1024 * (disk[0] - disk)


def class_used(state: State, name: str) -> NDArray[np.int64]:
    """Give what is in use of a class, by the providers that offer it."""
    used: NDArray[np.int64] = state.tables.inventory["used"][class_rows(state, name)]
    return used


def use_shares(state: State, fill: float, rng: np.random.Generator) -> None:
    """Put inventories of a laid cloud to use by ``fill``, a share for each host."""
    inventory = state.tables.inventory
    root = state.tables.provider["root"][inventory["provider"]]
    # Inventories of a host lie next to each other.
    host = np.cumsum(np.diff(root, prepend=root[:1]) != 0)
    common = _shares(fill, int(host.max()) + 1, rng)
    share = (common[host] + _shares(fill, len(host), rng)) / 2
    capacity = state.tables.offer["capacity"][inventory["offer"]]
    step = np.ones(len(state.resource_classes), np.int64)
    for name, size in _STEPS.items():
        if (number := state.resource_classes.find(name)) >= 0:
            step[number] = size
    step = step[inventory["resource_class"]]
    inventory["used"][:] = (capacity * share).astype(np.int64) // step * step
    state.rows_moved()


def _shares(fill: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw shares around ``fill``, the closer the fuller."""
    spread = min(0.1, fill, 2 * (1 - fill))
    return np.clip(rng.normal(fill, spread, count), 0, 1)


def _lay_devices(state: State, fill: float, rng: np.random.Generator) -> None:
    """Give hosts NUMA cells as full as their dedicated CPUs, and pools of devices."""
    hosts, table = state.hosts, state.hosts.table
    inventory = state.tables.inventory
    rows = np.flatnonzero(
        inventory["resource_class"] == state.resource_classes.find("PCPU")
    )
    used = inventory["used"][rows]
    numbers = [_number_cells(state, pinned) for pinned in range(2 * CELL_CPUS + 1)]
    table["numa"][:] = np.array(numbers)[used]
    pools = [hosts.pci.number(Pools.of(_pools(n))) for n in range(DEVICES + 1)]
    table["pci"][:] = np.array(pools)[rng.binomial(DEVICES, 1 - fill, table.count)]
    table["num_io_ops"][:] = rng.integers(0, 3, table.count) if fill else 0
    hosts.changed()


def _number_cells(state: State, pinned: int) -> int:
    """Give the number of two NUMA cells of whose CPUs so many are taken in all."""
    return state.hosts.numa.number(
        tuple(_cell(number, (pinned + 1 - number) // 2) for number in range(2))
    )


def _cell(number: int, pinned: int) -> HostCell:
    cpus = range(number * CELL_CPUS, (number + 1) * CELL_CPUS)
    return HostCell(
        number,
        pcpuset=frozenset(cpus),
        memory_mb=_CELL_MB,
        memory_usage_mb=_CELL_MB // CELL_CPUS * pinned,
        pinned_cpus=frozenset(cpus[:pinned]),
        siblings=tuple(frozenset({cpu}) for cpu in cpus),
        socket=number,
    )


def _pools(count: int) -> list[dict[str, object]]:
    pool = {
        "count": count,
        "vendor_id": VENDOR,
        "product_id": PRODUCT,
        "numa_node": 0,
        "dev_type": "type-VF",
        "address": "0000:81:00.0",
    }
    return [pool] if count else []

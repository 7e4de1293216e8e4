"""Nova's own NUMA fit and PCI pools, in process, as the truth of tests."""

from typing import Any

from nova import exception, objects
from nova.pci import stats
from nova.virt import hardware

from generators.fits import FitCase
from kilonova.bench.peers import nova_objects
from kilonova.bench.peers.nova_imports import CONF

_CONFLICTS = (
    exception.CPUPinningInvalid,
    exception.CPUPinningUnknown,
    exception.CPUUnpinningInvalid,
    exception.CPUUnpinningUnknown,
)


def play(case: FitCase) -> list[Any]:
    """Fit the guest with each mapping, put it there and back, take the devices."""
    CONF.set_override(
        "packing_host_numa_cells_allocation_strategy", case.pack, group="compute"
    )
    host = nova_objects.host_topology(case.cells)
    guest = nova_objects.guest_topology(case.topology)
    requests = nova_objects.pci_requests(case.requests).requests
    found: list[Any] = []
    for mapping in case.mappings:
        pools = _pools(case, host)
        fitted = hardware.numa_fit_instance_to_host(
            host,
            guest,
            provider_mapping=mapping,
            limits=_limits(case),
            pci_requests=requests,
            pci_stats=pools,
        )
        found.append(_fitted(host, fitted) if fitted else None)
        if pools is not None:
            cells = fitted.cells if fitted else None
            found.append(_taken(pools, requests, mapping, cells))
    return found


def _pools(case: FitCase, host: Any) -> Any:
    if case.pools is None:
        return None
    found = stats.PciDeviceStats(host)
    found.pools = [dict(pool) for pool in case.pools]
    return found


def _limits(case: FitCase) -> Any:
    if case.ratios is None:
        return None
    limits = objects.NUMATopologyLimits(
        cpu_allocation_ratio=case.ratios[0], ram_allocation_ratio=case.ratios[1]
    )
    if case.networks is not None:
        limits.network_metadata = nova_objects.networks(case.networks)
    return limits


def _fitted(host: Any, fitted: Any) -> list[Any]:
    guests = [
        [
            cell.id,
            cell.pagesize,
            sorted(map(list, (cell.cpu_pinning or {}).items())),
            sorted(cell.cpuset_reserved or ()),
        ]
        for cell in fitted.cells
    ]
    try:
        used = hardware.numa_usage_from_instance_numa(host, fitted)
        free = hardware.numa_usage_from_instance_numa(used, fitted, free=True)
    except _CONFLICTS as error:
        return [guests, type(error).__name__]
    return [guests, _shown(used), _shown(free)]


def _shown(host: Any) -> list[Any]:
    return [
        [
            cell.memory_usage,
            cell.cpu_usage,
            sorted(cell.pinned_cpus),
            [pool.used for pool in cell.mempages],
        ]
        for cell in host.cells
    ]


def _taken(pools: Any, requests: Any, mapping: Any, cells: Any) -> list[Any]:
    enough = True
    try:
        pools.apply_requests(requests, mapping, cells)
    except exception.PciDeviceRequestFailed:
        enough = False
    return [enough, [dict(pool) for pool in pools.pools]]

"""One question about NUMA cells and PCI devices, put to Kilonova."""

from collections.abc import Sequence
from typing import Any

from generators.fits import FitCase
from kilonova.cloud.host import HostCell
from kilonova.errors import DevicesConflict, PinningConflict
from kilonova.hosts import pci_pools
from kilonova.hosts.numa_fit import Devices, Guests, Limits
from kilonova.hosts.numa_usage import with_usage, without_usage
from kilonova.request.topology import GuestTopology


def play(case: FitCase) -> list[Any]:
    """Fit the guest with each mapping, put it there and back, take the devices."""
    limits = Limits(*case.ratios, case.networks) if case.ratios else None
    guests = Guests(case.topology)
    found: list[Any] = []
    for mapping in case.mappings:
        devices = Devices(case.pools, case.requests, mapping)
        fitted = guests.fit(case.cells, limits=limits, devices=devices, pack=case.pack)
        found.append(_fitted(case, fitted) if fitted else None)
        if case.pools is not None:
            near = tuple(cell.number for cell in fitted.cells) if fitted else ()
            found.append(_taken(case, mapping, near))
    return found


def _fitted(case: FitCase, fitted: GuestTopology) -> list[Any]:
    guests = [
        [
            guest.number,
            guest.pagesize_kb,
            sorted(map(list, guest.pinning)),
            sorted(guest.reserved),
        ]
        for guest in fitted.cells
    ]
    try:
        used = with_usage(case.cells, fitted)
        return [guests, _shown(used), _shown(without_usage(used, fitted))]
    except PinningConflict as error:
        return [guests, error.nova]


def _shown(cells: Sequence[HostCell]) -> list[Any]:
    return [
        [
            cell.memory_usage_mb,
            cell.cpu_usage,
            sorted(cell.pinned_cpus),
            [pool.used for pool in cell.pages],
        ]
        for cell in cells
    ]


def _taken(case: FitCase, mapping: Any, near: tuple[int, ...]) -> list[Any]:
    devices = pci_pools.Devices(case.pools or ())
    enough = True
    try:
        where = pci_pools.Near(near, case.cells)
        pci_pools.consume(devices, case.requests, mapping, where)
    except DevicesConflict:
        enough = False
    return [enough, [dict(pool) for pool in devices.pools()]]

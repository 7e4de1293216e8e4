"""PCI devices of a host, in pools: what requests they can serve, and take.

Same as ``PciDeviceStats`` in Nova's ``pci/stats.py`` as far as the scheduler uses it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kilonova.cloud.host import HostCell
from kilonova.errors import DevicesConflict
from kilonova.hosts.pci_matching import (
    is_live_migratable,
    matches,
    may_give,
)
from kilonova.request.pci import PciRequest

Pool = Mapping[str, Any]
Mappings = Mapping[str, Sequence[str]]


class Near(NamedTuple):
    """Where devices should be near.

    Attributes
    ----------
    cells
        Numbers of the host cells that were chosen for the guest's; none: anywhere.
    host_cells
        All cells of the host: policy ``socket`` reads their sockets.
    """

    cells: tuple[int, ...] = ()
    host_cells: tuple[HostCell, ...] = ()


ANYWHERE = Near()


class Devices:
    """Pools while requests take from them; the pools that were given stay as they are.

    Parameters
    ----------
    pools
        Properties of each pool with ``count``, its free devices.
    """

    __slots__ = ("_count", "_left", "_pools")

    def __init__(self, pools: Sequence[Pool]) -> None:
        # Nova keeps pools with fewer properties first and serves requests from these.
        self._pools = sorted(pools, key=len)
        self._count = [pool["count"] for pool in self._pools]
        self._left = list(range(len(self._pools)))

    def pools(self) -> tuple[Pool, ...]:
        """Give the pools with what is left in them; empty ones are gone."""
        return tuple(
            self._pools[p]
            if self._pools[p]["count"] == self._count[p]
            else {**self._pools[p], "count": self._count[p]}
            for p in self._left
        )

    def take(
        self, request: PciRequest, mapping: Mappings | None, near: Near = ANYWHERE
    ) -> bool:
        """Take the devices of one request; give False, and nothing taken, if it fails.

        Parameters
        ----------
        request
            Kind and number of devices.
        mapping
            Provider UUIDs by suffix, of an allocation candidate. Devices of a request
            that it names come from just these providers.
        near
            Where they should be.
        """
        providers = _providers(request, mapping)
        served = self._serving(request, providers, near)
        if not served:
            return False
        if not providers:
            self._take_in_order(served, request.count)
            return True
        return self._take_mapped(served, Counter(providers))

    def _take_in_order(self, served: list[int], count: int) -> None:
        for p in served:
            if self._count[p] > count:
                self._count[p] -= count
                return
            count -= self._count[p]
            self._left.remove(p)
            if not count:
                return

    def _take_mapped(self, served: list[int], wanted: Counter[str]) -> bool:
        # Two pools of one provider: which of them Placement counted is unknown.
        known = Counter(
            self._pools[p]["rp_uuid"] for p in self._left if "rp_uuid" in self._pools[p]
        )
        if any(count > 1 for count in known.values()):
            return False
        for p in served:
            self._count[p] -= wanted[self._pools[p]["rp_uuid"]]
            if self._count[p] == 0:
                self._left.remove(p)
        return True

    def _serving(
        self, request: PciRequest, providers: list[str], near: Near
    ) -> list[int]:
        """List the pools that a request may use, in order; none if they are short."""
        pools, count = self._pools, request.count
        served = [
            p
            for p in self._left
            if any(matches(pools[p], spec) for spec in request.spec)
        ]
        if self._total(served) < count:
            return []
        if near.cells:
            served = self._near(served, request, near)
        served = [p for p in served if may_give(pools[p], request)]
        if providers:
            wanted = Counter(providers)
            served = [
                p
                for p in served
                if pools[p].get("rp_uuid") in wanted
                and self._count[p] >= wanted[pools[p]["rp_uuid"]]
            ]
        live = is_live_migratable(request)
        if live is not None:
            served = [p for p in served if pools[p].get("live_migratable") == live]
        return served if self._total(served) >= count else []

    def _near(self, served: list[int], request: PciRequest, near: Near) -> list[int]:
        """Keep the pools that the NUMA policy allows; nearer ones alone if enough."""
        policy = request.numa_policy or "legacy"
        inside = self._in_cells(served, near.cells)
        if policy == "required" or self._total(inside) >= request.count:
            return inside
        if policy == "socket":
            return self._in_cells(served, _cells_of_sockets(near))
        # Old hosts report no cell for a device.
        unknown = (*near.cells, None)
        inside = self._in_cells(served, unknown)
        if policy == "legacy" or self._total(inside) >= request.count:
            return inside
        return sorted(
            served, key=lambda p: self._pools[p].get("numa_node") not in unknown
        )

    def _in_cells(self, served: list[int], cells: Sequence[int | None]) -> list[int]:
        return [p for p in served if self._pools[p].get("numa_node") in cells]

    def _total(self, served: list[int]) -> int:
        return sum([self._count[p] for p in served])


def supports(
    pools: Sequence[Pool],
    requests: Sequence[PciRequest],
    mapping: Mappings | None = None,
    near: Near = ANYWHERE,
) -> bool:
    """Say whether all requests together can be served.

    Parameters
    ----------
    pools
        Those of a host.
    requests
        Requests of one server, served one after the other.
    mapping
        Provider UUIDs by suffix, of an allocation candidate.
    near
        Where the devices should be.

    Notes
    -----
    ``PciDeviceStats.support_requests`` of Nova.
    """
    devices = Devices(pools)
    return all(devices.take(request, mapping, near) for request in requests)


def consume(
    devices: Devices,
    requests: Sequence[PciRequest],
    mapping: Mappings | None = None,
    near: Near = ANYWHERE,
) -> None:
    """Take the devices of all requests.

    Raises
    ------
    DevicesConflict
        The pools are short of devices for one of them; those before it have theirs, as
        in ``PciDeviceStats.apply_requests`` of Nova.
    """
    for request in requests:
        if not devices.take(request, mapping, near):
            raise DevicesConflict(
                f"{request.count} PCI devices of {_shown(request)} are not free "
                "in the pools of the host."
            )


def _providers(request: PciRequest, mapping: Mappings | None) -> list[str]:
    """Name the provider of each device of a request; none: any provider."""
    # Ports ask Placement for bandwidth at most, never for their devices.
    if request.alias_name is None:
        return []
    if not mapping:
        named = request.spec[0].get("rp_uuids") if request.spec else None
        return named.split(",") if named else []
    if request.request_id is None:
        return []
    return [
        providers[0]
        for suffix, providers in mapping.items()
        if suffix.startswith(f"{request.request_id}-")
    ]


def _cells_of_sockets(near: Near) -> list[int]:
    """List the numbers of the host cells in the sockets of the chosen ones."""
    # Some hosts do not say which socket a cell is in: then no device is near.
    if any(cell.socket is None for cell in near.host_cells):
        return []
    sockets = {cell.socket for cell in near.host_cells if cell.number in near.cells}
    return [cell.number for cell in near.host_cells if cell.socket in sockets]


def _shown(request: PciRequest) -> str:
    return request.alias_name or " or ".join(str(dict(spec)) for spec in request.spec)

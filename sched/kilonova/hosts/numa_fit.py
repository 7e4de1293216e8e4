"""Whether the NUMA cells of a guest fit into cells of a host, and into which.

Same as ``numa_fit_instance_to_host`` in Nova's ``virt/hardware.py``.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

from kilonova.cloud.free_cpus import free_cpus
from kilonova.cloud.host import Host, HostCell
from kilonova.errors import NotReported
from kilonova.hosts.numa_cell_fit import Guest, fits_cell
from kilonova.hosts.pci_pools import Mappings, Near, Pool, supports
from kilonova.request.pci import PciRequest
from kilonova.request.server import ServerSpec
from kilonova.request.topology import GuestTopology, NetworkMetadata


class Limits(NamedTuple):
    """What a guest may use of the cells of a host.

    Attributes
    ----------
    cpu_allocation_ratio, ram_allocation_ratio
        How far CPUs and memory may be overcommitted by guests that float.
    networks
        Networks that must be near, None: none.
    """

    cpu_allocation_ratio: float
    ram_allocation_ratio: float
    networks: NetworkMetadata | None = None


class Devices(NamedTuple):
    """PCI devices that a guest asks for beside its cells.

    Attributes
    ----------
    pools
        Those of the host, None where it reports none: then nothing is asked of them.
    requests
        What the guest asks for.
    mapping
        Provider UUIDs by suffix, of an allocation candidate.
    """

    pools: Sequence[Pool] | None = None
    requests: Sequence[PciRequest] = ()
    mapping: Mappings | None = None


NO_DEVICES = Devices()


def limits_of(host: Host, spec: ServerSpec) -> Limits:
    """Give the limits that a host sets to the guest of a spec.

    Raises
    ------
    NotReported
        The host has no allocation ratio.
    """
    cpu, ram = host.cpu_allocation_ratio, host.ram_allocation_ratio
    if cpu is None or ram is None:
        raise NotReported(
            f"cpu_allocation_ratio and ram_allocation_ratio of host {host.host!r} must "
            f"be numbers, got {cpu!r} and {ram!r}."
        )
    return Limits(cpu, ram, spec.networks)


def fit(
    cells: Sequence[HostCell],
    topology: GuestTopology,
    *,
    limits: Limits | None = None,
    devices: Devices = NO_DEVICES,
    pack: bool = False,
) -> GuestTopology | None:
    """Put the cells of a guest into cells of a host.

    Parameters
    ----------
    cells
        Those of the host.
    topology
        That of the guest.
    limits
        Overcommitment and networks; None: neither is looked at.
    devices
        PCI devices that must be near.
    pack
        ``[compute] packing_host_numa_cells_allocation_strategy``.

    Returns
    -------
    The topology with the number of its host cell in each cell, page size and pinning
    chosen; None where it does not fit.
    """
    return Guests(topology).fit(cells, limits=limits, devices=devices, pack=pack)


def holds_one(
    cells: Sequence[HostCell], guest: Guest, reserve: int, limits: Limits
) -> bool:
    """Say what ``fit`` says of a guest with one cell, without devices.

    Which cell of the host is tried first does not matter then.

    Parameters
    ----------
    cells
        Those of the host, each with a number of its own.
    guest
        Cell of the guest, which does not leave its page size open.
    reserve
        Host CPUs needed for emulator threads.
    limits
        As for ``fit``.
    """
    for cell in cells:
        if fits_cell(cell, guest, limits, reserve, chooses=False):
            networks = limits.networks
            if not networks or _reaches(cells, (cell,), networks):
                return True
    return False


class Guests:
    """The cells of one guest while they are tried, one candidate after the other.

    A cell that was tried keeps what was found for it: its number is then that of a host
    cell, and its page size a certain one. Nova shares cells among the candidates of a
    host in just this way, so that what fits depends on what was tried before.
    """

    __slots__ = ("_cells", "_emulator_threads_policy")

    def __init__(self, topology: GuestTopology) -> None:
        self._cells = [Guest(cell) for cell in topology.cells]
        self._emulator_threads_policy = topology.emulator_threads_policy

    def fit(
        self,
        cells: Sequence[HostCell],
        *,
        limits: Limits | None = None,
        devices: Devices = NO_DEVICES,
        pack: bool = False,
    ) -> GuestTopology | None:
        """Put the guest into cells of a host; see the function of this name."""
        guests = self._cells
        if not cells or not guests or len(cells) < len(guests):
            return None
        if len(cells) > len(guests):
            ordered = _ordered(cells, guests[0].cpu_policy, devices, pack)
        else:
            ordered = list(cells)
        fitting: set[tuple[int, int]] = set()
        failing: set[tuple[int, int]] = set()
        for chosen in permutations(ordered, len(guests)):
            if not self._takes(chosen, limits, fitting, failing):
                continue
            if devices.requests and devices.pools is not None:
                near = Near(tuple(guest.number for guest in guests), tuple(cells))
                if not supports(devices.pools, devices.requests, devices.mapping, near):
                    continue
            networks = limits.networks if limits else None
            if networks and not _reaches(cells, chosen, networks):
                continue
            return GuestTopology(
                tuple(guest.cell() for guest in guests), self._emulator_threads_policy
            )
        return None

    def _takes(
        self,
        chosen: tuple[HostCell, ...],
        limits: Limits | None,
        fitting: set[tuple[int, int]],
        failing: set[tuple[int, int]],
    ) -> bool:
        """Try one choice of host cells; pairs that were tried are not tried again."""
        isolate = self._emulator_threads_policy == "isolate"
        for place, (cell, guest) in enumerate(zip(chosen, self._cells, strict=True)):
            pair = cell.number, guest.number
            if pair in failing:
                return False
            if pair in fitting:
                guest.number = cell.number
                continue
            # Emulator threads run beside the first cell of the guest.
            if not fits_cell(cell, guest, limits, int(isolate and place == 0)):
                failing.add(pair)
                return False
            fitting.add(pair)
        return True


def _ordered(
    cells: Sequence[HostCell], cpu_policy: str | None, devices: Devices, pack: bool
) -> list[HostCell]:
    """Order host cells as they are tried; the last sort counts most."""
    ordered = sorted(
        cells, key=lambda cell: cell.memory_mb - cell.memory_usage_mb, reverse=not pack
    )
    if cpu_policy in (None, "shared"):
        ordered.sort(key=lambda cell: cell.cpu_usage, reverse=pack)
    else:
        ordered.sort(key=lambda cell: free_cpus(cell).count, reverse=not pack)
    if devices.pools is not None:
        count: dict[int | None, int] = {}
        for pool in devices.pools:
            near = pool.get("numa_node")
            count[near] = count.get(near, 0) + pool["count"]
        ordered.sort(
            key=lambda cell: count.get(cell.number, 0), reverse=bool(devices.requests)
        )
    return ordered


def _reaches(
    cells: Sequence[HostCell], chosen: Sequence[HostCell], networks: NetworkMetadata
) -> bool:
    """Say whether networks that are near some host cell are near a chosen one."""
    missing = set(networks.physnets).difference(*(cell.physnets for cell in chosen))
    if any(not missing.isdisjoint(cell.physnets) for cell in cells):
        return False
    if not networks.tunneled or any(cell.tunneled for cell in chosen):
        return True
    return not any(cell.tunneled for cell in cells)

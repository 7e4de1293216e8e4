"""Whether the NUMA cells of a guest fit into cells of a host, and into which.

Same as ``numa_fit_instance_to_host`` in Nova's ``virt/hardware.py``.
"""

from collections.abc import Callable, Sequence
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

# Says of the cells of a host, and its allocation ratios of CPUs and memory, whether a
# guest fits.
HoldsOne = Callable[[Sequence[HostCell], float, float], bool]


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


def one_cell(topology: GuestTopology, networks: NetworkMetadata | None) -> HoldsOne:
    """Give a function that says what ``fit`` says of a guest with one cell.

    Which cell of the host is tried first does not matter then, as long as there are no
    devices and the guest does not leave its page size open. Host CPUs are counted and
    not chosen.

    Parameters
    ----------
    topology
        That of the guest.
    networks
        Those that must be near, None: none.
    """
    asked = topology.cells[0]
    guest, reserve = Guest(asked), int(topology.emulator_threads_policy == "isolate")
    memory_mb, wanted = asked.memory_mb, len(asked.pcpuset)
    is_simple = (
        asked.cpu_policy == "dedicated"
        and asked.cpu_thread_policy in (None, "prefer")
        and not (asked.pagesize_kb or reserve or networks)
    )

    def holds(cells: Sequence[HostCell], cpu: float, ram: float) -> bool:
        for cell in cells:
            if is_simple and not cell.pages:
                # What ``fits_cell`` looks at, in as few steps as there can be.
                if cell.memory_mb - cell.memory_usage_mb >= memory_mb:
                    free = free_cpus(cell)
                    if wanted <= free.in_cores and wanted <= free.count:
                        return True
                continue
            limits = Limits(cpu, ram, networks)
            if fits_cell(cell, guest, limits, reserve, chooses=False) and not (
                networks and not _reaches(cells, (cell,), networks)
            ):
                return True
        return False

    return holds


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
                tuple([guest.cell() for guest in guests]), self._emulator_threads_policy
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
    """Order host cells as they are tried: devices count most, memory least."""
    sign = 1 if pack else -1
    floats = cpu_policy in (None, "shared")
    near: dict[int | None, int] = {}
    for pool in devices.pools or ():
        place = pool.get("numa_node")
        near[place] = near.get(place, 0) + pool["count"]
    if devices.requests:
        near = {place: -count for place, count in near.items()}

    def order(cell: HostCell) -> tuple[int, int, int]:
        # CPUs in use come last where packing, free ones first: signs are opposite.
        cpus = -cell.cpu_usage if floats else free_cpus(cell).count
        memory_mb = cell.memory_mb - cell.memory_usage_mb
        return near.get(cell.number, 0), sign * cpus, sign * memory_mb

    return sorted(cells, key=order)


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

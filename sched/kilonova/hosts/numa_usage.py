"""What a guest takes from the NUMA cells of its host, and gives back.

Same as ``numa_usage_from_instance_numa`` in Nova's ``virt/hardware.py``.
"""

from collections.abc import Sequence
from dataclasses import replace

from kilonova.cloud.host import HostCell, PagePool
from kilonova.errors import PinningConflict
from kilonova.request.topology import GuestCell, GuestTopology

_KIB = 1024


def with_usage(
    cells: Sequence[HostCell], topology: GuestTopology
) -> tuple[HostCell, ...]:
    """Give the cells of a host with a fitted guest in them.

    Parameters
    ----------
    cells
        Those of the host.
    topology
        That of the guest, as ``numa_fit.fit`` gave it: its cells have the numbers of
        their host cells.

    Raises
    ------
    PinningConflict
        A CPU is pinned already, or the cell does not have it.
    """
    return _changed(cells, topology, 1)


def without_usage(
    cells: Sequence[HostCell], topology: GuestTopology
) -> tuple[HostCell, ...]:
    """Give the cells of a host without a guest that was in them.

    Raises
    ------
    PinningConflict
        A CPU of the guest is not pinned, or the cell does not have it.
    """
    return _changed(cells, topology, -1)


def _changed(
    cells: Sequence[HostCell], topology: GuestTopology, sign: int
) -> tuple[HostCell, ...]:
    found = []
    for cell in cells:
        inside = [guest for guest in topology.cells if guest.number == cell.number]
        found.append(_changed_cell(cell, inside, sign) if inside else cell)
    return tuple(found)


def _changed_cell(cell: HostCell, inside: list[GuestCell], sign: int) -> HostCell:
    pages, pinned = cell.pages, cell.pinned_cpus
    memory_mb, cpus = cell.memory_usage_mb, cell.cpu_usage
    for guest in inside:
        pages = _changed_pages(pages, guest, sign)
        memory_mb += sign * guest.memory_mb
        cpus += sign * len(guest.cpuset)
        if guest.cpu_policy in ("dedicated", "mixed"):
            pinned = _changed_pins(cell, pinned, guest, sign)
    return cell.using(max(0, cpus), max(0, memory_mb), pinned, pages)


def _changed_pages(
    pages: tuple[PagePool, ...], guest: GuestCell, sign: int
) -> tuple[PagePool, ...]:
    """Change the use of pages of the guest's size, of the smallest if it has none."""
    if not pages:
        return pages
    size = guest.pagesize_kb or min(pool.size_kb for pool in pages)
    return tuple(
        replace(
            pool,
            used=int(max(0, pool.used + guest.memory_mb * _KIB / size * sign)),
        )
        if pool.size_kb == size
        else pool
        for pool in pages
    )


def _changed_pins(
    cell: HostCell, pinned: frozenset[int], guest: GuestCell, sign: int
) -> frozenset[int]:
    cpus = guest.reserved.union([host_cpu for _, host_cpu in guest.pinning])
    if guest.cpu_thread_policy == "isolate":
        # Nobody else may use the other threads of an isolated core.
        cpus = frozenset().union(*(core for core in cell.siblings if core & cpus))
    word = "pinned" if sign > 0 else "given back"
    prefix = "CPUPinning" if sign > 0 else "CPUUnpinning"
    if cpus - cell.pcpuset:
        raise PinningConflict(
            f"CPUs {sorted(cpus)} cannot be {word} in NUMA cell {cell.number}: it has "
            f"{sorted(cell.pcpuset)}.",
            f"{prefix}Unknown",
        )
    wrong = cpus & pinned if sign > 0 else cpus - pinned
    if wrong:
        state = "pinned already" if sign > 0 else "not pinned"
        raise PinningConflict(
            f"CPUs {sorted(cpus)} cannot be {word} in NUMA cell {cell.number}: "
            f"{sorted(wrong)} are {state}.",
            f"{prefix}Invalid",
        )
    return pinned | cpus if sign > 0 else pinned - cpus

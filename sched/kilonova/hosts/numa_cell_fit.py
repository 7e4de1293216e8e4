"""Whether one cell of a guest fits into one cell of a host.

Same as ``_numa_fit_instance_cell`` in Nova's ``virt/hardware.py``.
"""

from typing import TYPE_CHECKING

from kilonova.cloud.free_cpus import free_cpus
from kilonova.cloud.host import HostCell
from kilonova.hosts.numa_pinning import can_pin, pin
from kilonova.request.topology import GuestCell

if TYPE_CHECKING:
    from kilonova.hosts.numa_fit import Limits

_KIB = 1024
_SMALL, _LARGE, _ANY = -1, -2, -3


class Guest:
    """One cell of a guest, with what trials found for it."""

    __slots__ = (
        "cpu_policy",
        "cpu_thread_policy",
        "cpuset",
        "memory_mb",
        "number",
        "pagesize_kb",
        "pcpuset",
        "pinning",
        "reserved",
    )

    def __init__(self, cell: GuestCell) -> None:
        self.number = cell.number
        self.cpuset = cell.cpuset
        self.pcpuset = cell.pcpuset
        self.memory_mb = cell.memory_mb
        self.pagesize_kb = cell.pagesize_kb
        self.cpu_policy = cell.cpu_policy
        self.cpu_thread_policy = cell.cpu_thread_policy
        self.pinning = dict(cell.pinning)
        self.reserved = cell.reserved

    def cell(self) -> GuestCell:
        """Give the cell as it now is."""
        return GuestCell(
            number=self.number,
            cpuset=self.cpuset,
            pcpuset=self.pcpuset,
            memory_mb=self.memory_mb,
            pagesize_kb=self.pagesize_kb,
            cpu_policy=self.cpu_policy,
            cpu_thread_policy=self.cpu_thread_policy,
            pinning=tuple(self.pinning.items()),
            reserved=self.reserved,
        )


def fits_cell(
    cell: HostCell,
    guest: Guest,
    limits: "Limits | None",
    reserve: int,
    *,
    chooses: bool = True,
) -> bool:
    """Say whether a guest cell fits into a host cell, and note there what was chosen.

    Parameters
    ----------
    cell
        Cell of the host.
    guest
        Cell of the guest. Its page size is settled as soon as the pages suffice, even
        if it then fails, and the other choices where it fits.
    limits
        Overcommitment; None: any.
    reserve
        Host CPUs needed for emulator threads.
    chooses
        Whether host CPUs are chosen, and not only counted.
    """
    pinned = guest.cpu_policy in ("dedicated", "mixed")
    floats = guest.cpu_policy in (None, "shared", "mixed")
    if not _has_memory(cell, guest, pinned):
        return False
    wanted = len(guest.pcpuset) + reserve
    if pinned and wanted > len(cell.pcpuset):
        return False
    if floats and len(guest.cpuset) > len(cell.cpuset):
        return False
    if pinned and wanted > free_cpus(cell).count:
        return False
    if pinned and not (_pins if chooses else _can_pin)(cell, guest, reserve):
        return False
    if floats and limits is not None and not _within(cell, guest, limits):
        return False
    guest.number = cell.number
    return True


def _has_memory(cell: HostCell, guest: Guest, pinned: bool) -> bool:
    if guest.pagesize_kb:
        size = _page_size(cell, guest.pagesize_kb, guest.memory_mb)
        guest.pagesize_kb = size or guest.pagesize_kb
        return bool(size)
    if cell.pages:
        smallest = min(pool.size_kb for pool in cell.pages)
        # Only guests that float may use memory that others use too.
        return _has_pages(cell, smallest, guest.memory_mb, free=pinned)
    used = cell.memory_usage_mb if pinned else 0
    return cell.memory_mb - used >= guest.memory_mb


def _page_size(cell: HostCell, asked: int, memory_mb: int) -> int:
    """Give the first page size that is asked for and has room, 0 for none."""
    sizes = sorted((pool.size_kb for pool in cell.pages), reverse=True)
    if asked == _SMALL:
        sizes = sizes[-1:]
    elif asked == _LARGE:
        sizes = sizes[:-1]
    elif asked != _ANY:
        sizes = [asked]
    for size in sizes:
        if _has_pages(cell, size, memory_mb, free=True):
            return size
    return 0


def _has_pages(cell: HostCell, size_kb: int, memory_mb: int, *, free: bool) -> bool:
    """Say whether whole pages of a size hold the memory, free ones or all."""
    for pool in cell.pages:
        if pool.size_kb == size_kb:
            count = pool.total - pool.used - pool.reserved if free else pool.total
            memory_kb = memory_mb * _KIB
            return memory_kb <= count * size_kb and memory_kb % size_kb == 0
    return False


def _can_pin(cell: HostCell, guest: Guest, reserve: int) -> bool:
    return can_pin(cell, guest.pcpuset, guest.cpu_thread_policy, reserve)


def _pins(cell: HostCell, guest: Guest, reserve: int) -> bool:
    found = pin(cell, guest.pcpuset, guest.cpu_thread_policy, reserve)
    if found is None:
        return False
    guest.pinning.update(found.pairs)
    guest.reserved = found.reserved
    guest.number = cell.number
    return True


def _within(cell: HostCell, guest: Guest, limits: "Limits") -> bool:
    cpus = cell.cpu_usage + len(guest.cpuset)
    if cpus > len(cell.cpuset) * limits.cpu_allocation_ratio:
        return False
    memory_mb = cell.memory_usage_mb + guest.memory_mb
    return memory_mb <= cell.memory_mb * limits.ram_allocation_ratio

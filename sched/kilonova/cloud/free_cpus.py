"""How many CPUs of a NUMA cell are not pinned, counted once for each cell."""

from typing import NamedTuple

from kilonova.cloud.host import HostCell


class FreeCpus(NamedTuple):
    """CPUs for pinned guests that none has.

    Attributes
    ----------
    count
        All of them.
    cores
        Those of each core, in the order of ``siblings``.
    threads
        Threads of the largest core, 1 where no core is known.
    """

    count: int
    cores: tuple[int, ...]
    threads: int


def free_cpus(cell: HostCell) -> FreeCpus:
    """Count the free CPUs of a cell."""
    known: FreeCpus | None = cell.derived()
    if known is None:
        free = cell.pcpuset - cell.pinned_cpus
        known = FreeCpus(
            len(free),
            tuple([len(core & free) for core in cell.siblings]),
            max(map(len, cell.siblings), default=0) or 1,
        )
        cell.derive(known)
    return known

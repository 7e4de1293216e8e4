"""How many CPUs of a NUMA cell are not pinned, counted once for each cell."""

from functools import lru_cache

from kilonova.cloud.host import HostCell


class FreeCpus:
    """CPUs for pinned guests that none has.

    Parameters
    ----------
    cell
        Cell of a host.

    Attributes
    ----------
    cpus
        They, in the order in which Nova's objects give them.
    count, in_cores
        How many there are, and how many are in a core; of two cores: twice.
    """

    __slots__ = ("_cores", "_siblings", "count", "cpus", "in_cores")

    def __init__(self, cell: HostCell) -> None:
        self.cpus = laid_out(cell.pcpuset) - cell.pinned_cpus
        self.count = len(self.cpus)
        self._siblings = cell.siblings
        self._cores: tuple[int, ...] | None = None
        every, apart = _union(cell.siblings)
        self.in_cores = len(self.cpus & every) if apart else sum(self.cores)

    @property
    def cores(self) -> tuple[int, ...]:
        """How many are in each core, in the order of ``siblings``."""
        if self._cores is None:
            self._cores = tuple([len(core & self.cpus) for core in self._siblings])
        return self._cores


def free_cpus(cell: HostCell) -> FreeCpus:
    """Give the free CPUs of a cell."""
    try:
        known: FreeCpus = cell.derived
    except AttributeError:
        known = FreeCpus(cell)
        # What is derived is no part of the value, which never changes.
        object.__setattr__(cell, "derived", known)
    return known


def are_apart(siblings: tuple[frozenset[int], ...]) -> bool:
    """Say whether no two cores share a CPU."""
    return _union(siblings)[1]


@lru_cache(maxsize=4096)
def threads_of(siblings: tuple[frozenset[int], ...]) -> int:
    """Give the threads of the largest core, 1 where no core is known."""
    return max(map(len, siblings), default=0) or 1


@lru_cache(maxsize=4096)
def _union(siblings: tuple[frozenset[int], ...]) -> tuple[frozenset[int], bool]:
    """Give the CPUs of all cores, and whether no two cores share one."""
    every = frozenset().union(*siblings)
    return every, sum(map(len, siblings)) == len(every)


@lru_cache(maxsize=4096)
def laid_out(cpus: frozenset[int]) -> frozenset[int]:
    """Give the same set in the order of Nova's objects made of ascending CPUs.

    The order of a set depends on its history. Ours may come from anywhere, and the same
    CPUs must be pinned all the same. Nova's objects add the members of a set one by one
    to another, and merge that into a third.
    """
    added: set[int] = set()
    for cpu in set(sorted(cpus)):  # noqa: C414 - the order of insertion counts
        added.add(cpu)
    return frozenset(added)

"""Which NUMA cells of hosts hold as many guests as others: CPUs are counted, not named.

Hosts pin other CPUs to their guests as servers come and go, so that hardly two of them
are equal. Whether a guest fits asks only how many CPUs of how many cores are free.
"""

from collections.abc import Hashable, Sequence
from functools import lru_cache

from kilonova.cloud.free_cpus import are_apart, free_cpus, threads_of
from kilonova.cloud.host import HostCell
from kilonova.cloud.memo import Memo

# Of large clouds hardly two hosts are equal, and all of them are looked at for a shape.
_MOST = 2**16

Kind = tuple[Hashable, ...]


class CellKinds:
    """Numbers of cells that stand for all of their kind."""

    def __init__(self) -> None:
        self._first: Memo[Kind, int] = Memo(_MOST)
        self._known: Memo[int, int] = Memo(_MOST)

    def first(self, number: int, cells: Sequence[HostCell]) -> int:
        """Give the first number that was seen of the kind of these cells.

        Parameters
        ----------
        number, cells
            Number of some cells in a dictionary, always the same one, and they.
        """
        found = self._known.get(number)
        if found is None:
            kind = tuple(map(kind_of, cells))
            found = self._first.get(kind)
            if found is None:
                found = self._first.keep(kind, number)
            self._known.keep(number, found)
        return found


@lru_cache(maxsize=4096)
def kind_of(cell: HostCell) -> Kind:
    """Give all of a cell that decides on whether a guest fits.

    Of its CPUs that is how many cores have how many free ones, as long as no CPU is in
    two cores.
    """
    free = free_cpus(cell)
    if are_apart(cell.siblings):
        cores: Hashable = tuple(sorted(free.cores))
    else:
        cores = cell.siblings, free.cpus
    return (
        cell.number,
        len(cell.cpuset),
        len(cell.pcpuset),
        cell.pcpuset == cell.cpuset,
        cell.memory_mb,
        cell.memory_usage_mb,
        cell.cpu_usage,
        free.count,
        threads_of(cell.siblings),
        cores,
        cell.pages,
        cell.socket,
        cell.physnets,
        cell.tunneled,
    )

"""Raw values of all hosts, and the tree of extremes over them."""

from typing import TYPE_CHECKING

import numpy as np

from kilonova.cloud.memo import Memo
from kilonova.cloud.state import State
from kilonova.hosts.allowed import OCCUPIED
from kilonova.hosts.options import Options
from kilonova.hosts.renumbered import Renumbered
from kilonova.hosts.shape import Shape
from kilonova.hosts.weighers.register import Weigher
from kilonova.hosts.weights import is_of_pools, viewed, weights_of

if TYPE_CHECKING:
    from kilonova_kernels.host_columns import TreeColumns


class Extremes:
    """What all shapes share whose hosts are weighed alike.

    Parameters
    ----------
    state
        The cloud; what is derived is true for its present rows and facts of hosts.
    shape
        One of the shapes.
    options
        Options of the scheduler.

    Attributes
    ----------
    weights
        Weighers, and raw values of all hosts.
    tree
        The tree of extremes; kernels keep it true.
    """

    def __init__(self, state: State, shape: Shape, options: Options) -> None:
        self._state = state
        self._shape = shape
        self._options = options
        self.weights = weights_of(state, shape, options)
        self.tree = _tree(state.hosts.table.count, len(self.weights.names))
        self._weighers = [
            each
            for each in shape.weighers
            if each.name in self.weights.names and not each.reads.isdisjoint(OCCUPIED)
        ]
        read = {name for each in self._weighers for name in each.reads}
        columns = [OCCUPIED[name] for name in read & OCCUPIED.keys()]
        self._renumbered = Renumbered(state.hosts, columns)
        self._of_pools: Memo[tuple[str, int], float] = Memo()
        self._numbering = state.hosts.numbering

    def catch_up(self) -> None:
        """Weigh hosts anew whose NUMA cells or PCI pools are others now."""
        rows = self._renumbered.rows()
        if self._numbering != self._state.hosts.numbering:
            self._numbering = self._state.hosts.numbering
            self._of_pools.clear()
        if rows:
            # Who took or gave back has noted these hosts in the journal.
            for weigher in self._weighers:
                self._renew(weigher, rows)

    def _renew(self, weigher: Weigher, rows: list[int]) -> None:
        from kilonova_kernels.host_columns import WIDTH

        if is_of_pools(weigher):
            pools = self._state.hosts.table["pci"][rows].tolist()
            keys = [(weigher.name, number) for number in pools]
            known = self._of_pools
            raw = [
                known.get(key) or known.keep(key, self._raw(weigher, row))
                for key, row in zip(keys, rows, strict=True)
            ]
        else:
            raw = [self._raw(weigher, row) for row in rows]
        k = self.weights.names.index(weigher.name)
        block, place = np.divmod(np.array(rows), WIDTH)
        columns = self.weights.columns
        columns.value[block, k, place] = np.maximum(raw, columns.floor[k])

    def _raw(self, weigher: Weigher, row: int) -> float:
        host = viewed(self._state, weigher, row)
        return weigher.raw(host, self._shape.spec, self._options)


def _tree(hosts: int, weighers: int) -> "TreeColumns":
    """Make a tree that knows nothing yet."""
    from kilonova_kernels.host_columns import RECENT, WIDTH, TreeColumns

    nodes = [-(-max(hosts, 1) // WIDTH)]
    while nodes[-1] > 1:
        nodes.append(-(-nodes[-1] // WIDTH))
    families = [-(-count // WIDTH) for count in nodes]
    first = np.cumsum([0, *families])
    count = int(first[-1])
    blocks = -(-max(RECENT, hosts // 8) // WIDTH)
    return TreeColumns(
        first=first[:-1].astype(np.int64),
        nodes=np.array(nodes, np.int64),
        highest=np.zeros((count, weighers, WIDTH)),
        lowest=np.zeros((count, weighers, WIDTH)),
        host_time=np.zeros((hosts, 2), np.int64),
        recent=np.full(blocks * WIDTH, -1, np.int32),
        recent_count=np.zeros(blocks, np.int64),
        recent_raised=np.zeros(blocks * WIDTH, np.int64),
        recent_value=np.zeros((blocks, weighers, WIDTH)),
        time=np.zeros(1, np.int64),
        stamp=np.full(1, -1, np.int64),
    )

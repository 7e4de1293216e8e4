"""Raw values of all hosts, and the tree of extremes over them."""

from typing import TYPE_CHECKING

import numpy as np

from kilonova.cloud.state import State
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape
from kilonova.hosts.weights import weights_of

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
        self._seen = state.hosts.renumbered.count
        self.weights = weights_of(state, shape, options)
        self.tree = _tree(state.hosts.table.count, len(self.weights.names))

    def catch_up(self) -> None:
        """Weigh hosts anew whose NUMA cells or PCI pools are others now."""
        rows, self._seen = self._state.hosts.renumbered_since(self._seen)
        if rows:
            # Who took or gave back has noted these hosts in the journal.
            self.weights.renew(self._state, self._shape, self._options, rows)


def _tree(hosts: int, weighers: int) -> "TreeColumns":
    """Make a tree that knows nothing yet."""
    from kilonova_kernels.host_columns import RECENT, WIDTH, TreeColumns

    nodes = [-(-max(hosts, 1) // WIDTH)]
    while nodes[-1] > 1:
        nodes.append(-(-nodes[-1] // WIDTH))
    families = [-(-count // WIDTH) for count in nodes]
    first = np.cumsum([0, *families])
    count, recent = int(first[-1]), max(RECENT, hosts // 8)
    return TreeColumns(
        first=first[:-1].astype(np.int64),
        nodes=np.array(nodes, np.int64),
        highest=np.zeros((count, weighers, WIDTH)),
        lowest=np.zeros((count, weighers, WIDTH)),
        host_time=np.zeros((hosts, 2), np.int64),
        recent=np.zeros(recent, np.int32),
        recent_value=np.zeros((recent, weighers)),
        time=np.zeros(1, np.int64),
        stamp=np.full(1, -1, np.int64),
    )

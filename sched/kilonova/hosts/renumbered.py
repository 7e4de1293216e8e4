"""Hosts whose NUMA cells or PCI pools are others than at the last look."""

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.hosts import changed_hosts
from kilonova.cloud.state import State

_NONE = np.zeros(0, np.int64)


class Renumbered:
    """What one reader knows of the cells and pools of all hosts.

    Parameters
    ----------
    state
        The cloud, whose rows stay.
    tree_host
        Host of each tree, (T,).
    """

    def __init__(self, state: State, tree_host: NDArray[np.int32]) -> None:
        self._state = state
        self._stamp = int(state.counters[0])
        self._seen = state.hosts.renumbered
        self._tree_host = tree_host
        self._numbers = {
            name: state.hosts.table[name].copy()
            for name, values in (("numa", state.hosts.numa), ("pci", state.hosts.pci))
            if len(values)
        }

    def rows(self) -> NDArray[np.int64]:
        """Give the rows of the hosts that changed since the last call, ascending."""
        state = self._state
        if self._seen == state.hosts.renumbered:
            self._stamp = int(state.counters[0])
            return _NONE
        self._seen = state.hosts.renumbered
        rows = changed_hosts(state, self._stamp, self._tree_host)
        self._stamp = int(state.counters[0])
        marks = np.zeros(len(rows), np.bool_)
        for name, before in self._numbers.items():
            now = state.hosts.table[name][rows]
            marks |= now != before[rows]
            before[rows] = now
        return rows[marks]

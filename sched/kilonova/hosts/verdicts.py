"""What filters say of hosts as servers take their NUMA cells and PCI devices."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.memo import Memo
from kilonova.cloud.state import State
from kilonova.hosts.allowed import OCCUPIED, Asked, allowed, is_lasting
from kilonova.hosts.filters.register import Filter
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape


class Verdicts:
    """Which hosts pass for one shape, when nothing but their cells and pools changes.

    What a filter said of some numbers is kept, and shared by all shapes that ask it for
    the same.

    Parameters
    ----------
    state, shape, options
        The cloud, whose rows and facts stay; what is asked; which filters there are.

    Attributes
    ----------
    columns
        Those of ``numa`` and ``pci`` that filters look at.
    """

    def __init__(self, state: State, shape: Shape, options: Options) -> None:
        self._state = state
        self._shape = shape
        self._options = options
        self._asked: list[Asked] = []
        self._others: list[Filter] = []
        self._steady: NDArray[np.bool_] | None = None
        for each in shape.filters:
            reads = each.looks_at(shape.spec, options)
            if reads.isdisjoint(OCCUPIED):
                self._others.append(each)
            elif each.threshold is None and is_lasting(each, shape, options):
                self._asked.append(Asked(state, each, shape.spec, options))
        self._recall()
        read = {column for asked in self._asked for column in asked.columns}
        self.columns = read.intersection(OCCUPIED.values())

    def marks(self, rows: list[int]) -> list[bool]:
        """Mark those of some hosts that pass all lasting filters now."""
        if self._steady is None:
            others = replace(self._shape, filters=tuple(self._others))
            self._steady = allowed(self._state, others, self._options)
        if self._numbering != self._state.hosts.numbering:
            self._recall()
        places = np.array(rows, np.int64)
        found: list[bool] = self._steady[places].tolist()
        for asked, known in zip(self._asked, self._known, strict=True):
            values = [asked.numbers(column, places) for column in asked.columns]
            if asked.is_quick:
                found = asked.marks(rows, values, found)
                continue
            for i, key in enumerate(zip(*values, strict=True)):
                if found[i]:
                    verdict = known.get(key)
                    if verdict is None:
                        verdict = known.keep(key, asked.passes(rows[i]))
                    found[i] = verdict
        return found

    def _recall(self) -> None:
        """Look up what each filter said, by the numbers that there are now."""
        self._numbering = self._state.hosts.numbering
        self._known = [self._memo(asked.filter) for asked in self._asked]

    def _memo(self, each: Filter) -> Memo[Any, bool]:
        if each.timed:
            return Memo()
        kept = self._state.hosts.verdicts
        key = (each, each.asks(self._shape.spec, self._options))
        found = kept.get(key)
        return kept.keep(key, Memo()) if found is None else found

"""Candidates as columns, found chunk by chunk as far as somebody asks for them."""

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.counting import count_by_tables
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.cloud.state import State
from kilonova.errors import Conflict

if TYPE_CHECKING:
    from kilonova.candidates.marking import Marking
    from kilonova_kernels.columns import SearchColumns

FIRST_CHUNK = 64
LARGEST_CHUNK = 1 << 16
# More candidates than anybody can wait for.
_MOST = 2**62


class Enumeration:
    """The candidates of one compiled request.

    Parameters
    ----------
    state
        Where to look.
    marking
        The request, compiled alone; None for one that nothing can serve.
    trees
        Numbers of the trees to search, in this order, (N,) int32; None for all that
        have a candidate, in the order of the cloud.
    per_host
        Most candidates to take of one tree, 0 for all. Unless it is 0, candidates that
        differ only in their tree are kept apart.
    limit
        Most candidates to find, or None for all.

    Attributes
    ----------
    plans
        The compiled request, if there is one.
    found
        Candidates found so far.
    search
        Working memory of the kernels, once something was looked for.
    """

    def __init__(
        self,
        state: State,
        marking: "Marking | None",
        trees: NDArray[np.int32] | None = None,
        per_host: int = 0,
        limit: int | None = None,
    ) -> None:
        self.state = state
        self.marking = marking
        self.plans = marking.plans if marking else None
        self.trees = trees
        self.limit = limit
        self.per_host = per_host
        self.found = 0
        self.search: SearchColumns | None = None
        self._complete = marking is None
        slots = 0 if self.plans is None else len(self.plans.slots[0])
        self._tree = np.zeros(0, np.int32)
        self._provider = np.zeros((0, slots), np.int32)
        self._at = np.array([0, 0, per_host, 0], np.int64)
        self._place = np.zeros(0, np.int32)
        # Writes seen when all candidates were counted, and their number.
        self._counted = (-1, 0)

    @property
    def tree(self) -> NDArray[np.int32]:
        """Number of the tree of each candidate found, (C,)."""
        return self._tree[: self.found]

    @property
    def provider(self) -> NDArray[np.int32]:
        """Provider of each slot of each candidate found, (C, S)."""
        return self._provider[: self.found]

    def find(self, count: int | None = None) -> int:
        """Find at least ``count`` candidates, or all; give how many are found.

        Raises
        ------
        Conflict
            Providers, traits or aggregates changed since the request was compiled.
        """
        wanted = self.limit if count is None else count
        if self.limit is not None and wanted is not None:
            wanted = min(wanted, self.limit)
        with self.state.lock:
            self.check()
            while not self._complete and (wanted is None or self.found < wanted):
                self._find_chunk(wanted)
        return self.found

    def count(self) -> int:
        """Count all candidates, of which no more are stored than were before.

        More than 2^62 not yet found count as 2^62.

        Raises
        ------
        Conflict, SearchTooLong
            As ``find``.
        """
        with self.state.lock:
            self.check()
            if self._complete:
                return self.found
            writes = int(self.state.counters[0])
            if self._counted[0] != writes:
                self._counted = (writes, self.found + self._count_rest())
            return self._counted[1]

    def check(self) -> None:
        """Raise Conflict if row numbers may mean something else by now."""
        plans, state = self.plans, self.state
        if plans and (plans.structure, plans.facts) != (state.structure, state.facts):
            raise Conflict(
                "Providers, traits or aggregates changed since these candidates were "
                "asked for; ask again."
            )

    def _find_chunk(self, wanted: int | None) -> None:
        from kilonova_kernels.candidates import fill_candidates
        from kilonova_kernels.columns import ResultColumns

        assert self.plans is not None
        search, trees = self._begin()
        chunk = max(FIRST_CHUNK, 3 * self.found)
        if wanted is not None:
            chunk = max(chunk, wanted - self.found)
        chunk = min(chunk, LARGEST_CHUNK)
        if self.limit is not None:
            chunk = min(chunk, self.limit - self.found)
        stop = self.found + chunk
        self._reserve(stop)
        out = ResultColumns(
            self._tree[self.found : stop],
            self._provider[self.found : stop],
            self._at,
            self._place,
        )
        columns = self.state.columns()
        plans = self.plans.columns
        written = fill_candidates(columns, plans, 0, trees, search, out, chunk)
        check_not_given_up(self.state, search)
        self.found += written
        self._complete = written < chunk or self.found == self.limit

    def _count_rest(self) -> int:
        """Count the candidates not yet found, by tables, or a copy of the search."""
        from kilonova_kernels.candidates import fill_candidates
        from kilonova_kernels.columns import Cursor, ResultColumns

        assert self.plans is not None
        assert self.marking is not None
        search, trees = self._begin()
        most = _MOST if self.limit is None else min(self.limit - self.found, _MOST)
        at = self._at.copy()
        # The tree in whose midst the search stands is searched to its end.
        rest = int(at[0] + at[1])
        counted, left = count_by_tables(
            self.state, self.marking, trees[rest:], self.per_host, most
        )
        left = np.concatenate([trees[at[0] : rest], left])
        if counted == most or not len(left):
            return counted
        at[0] = 0
        copy = deepcopy(search)
        # The one row is written over and over.
        row = np.zeros((1, self._provider.shape[1]), np.int32)
        out = ResultColumns(np.zeros(1, np.int32), row, at, self._place)
        columns, plans = self.state.columns(), self.plans.columns
        searched = fill_candidates(columns, plans, 0, left, copy, out, most - counted)
        search.cursor[Cursor.STEPS] = copy.cursor[Cursor.STEPS]
        check_not_given_up(self.state, copy)
        return counted + int(searched)

    def _begin(self) -> tuple["SearchColumns", NDArray[np.int32]]:
        """Give the working memory and the trees, made when first needed."""
        assert self.marking is not None
        if self.search is not None and self.trees is not None:
            return self.search, self.trees
        state = self.state
        roots = state.index().roots
        self.search = self.marking.new_search()
        if self.trees is None:
            self.trees = np.flatnonzero(self.marking.fits(state)).astype(np.int32)
        # Trees that are not searched come last: they are nobody's first anchor.
        self._place = np.full(len(roots), len(roots), np.int32)
        self._place[self.trees] = np.arange(len(self.trees))
        return self.search, self.trees

    def _reserve(self, rows: int) -> None:
        if rows <= len(self._tree):
            return
        grown = max(rows, 2 * len(self._tree))
        for name in ("_tree", "_provider"):
            old = getattr(self, name)
            new = np.zeros((grown, *old.shape[1:]), np.int32)
            new[: self.found] = old[: self.found]
            setattr(self, name, new)

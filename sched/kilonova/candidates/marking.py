"""Which trees fit a request: marked once by a scan, then kept true by the journal.

Equal requests share what is compiled and marked for them, as long as rows, traits and
aggregates stay; the least recently asked are forgotten.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans, compile_requests
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.candidates.scan import scan_columns
from kilonova.cloud.state import State
from kilonova.errors import SearchTooLong
from kilonova.request.group import Request

if TYPE_CHECKING:
    from kilonova_kernels.columns import ScanColumns, SearchColumns

_MOST_KEPT = 256
# Above this share of changed trees a scan of all is the quicker way.
_MOST_CHANGED = 1 / 16

_Key = tuple[Request, bool]
_KEPT: "WeakKeyDictionary[State, OrderedDict[_Key, Marking]]" = WeakKeyDictionary()


class Marking:
    """A compiled request, and the marks of all trees for it.

    Parameters
    ----------
    state
        The cloud; what is derived here is true for its present rows, traits and
        aggregates.
    request
        Without a limit.
    nested_aware
        As for ``compile_requests``.
    """

    def __init__(self, state: State, request: Request, nested_aware: bool) -> None:
        self.plans: Plans = compile_requests(
            state, [request], nested_aware=nested_aware
        )
        self._pool = state.largest_pool()
        self._search = self.new_search()
        self._scan: ScanColumns | None = scan_columns(state, self.plans, 0)
        self._fits = np.zeros(len(state.index().roots), np.bool_)
        self._stamp = -1
        self._odd_limits = state.odd_limits

    def is_current(self, state: State) -> bool:
        """Say whether rows, traits and aggregates are those it was made for."""
        now = (state.structure, state.facts, state.odd_limits)
        return now == (self.plans.structure, self.plans.facts, self._odd_limits)

    def entries(self, state: State) -> "ScanColumns | None":
        """Give what scans go along; None where they are not all, or not true any more.

        All of it is working memory as well.
        """
        return self._scan if self.is_current(state) else None

    def new_search(self) -> "SearchColumns":
        """Make working memory for a search of the plan in the present trees."""
        return self.plans.search(self._pool)

    def fits(self, state: State) -> NDArray[np.bool_]:
        """Give the marks of all trees, (T,) bool, true of the present usage."""
        from kilonova_kernels.scan import refresh_fitting

        columns = state.columns()
        # What an error leaves behind is marked anew.
        before, self._stamp = self._stamp, -1
        writes = int(state.counters[0])
        most = min(len(state.journal), int(len(self._fits) * _MOST_CHANGED))
        if before < 0 or writes - before > most:
            self.scan(state)
        elif writes > before:
            refresh_fitting(
                columns, self.plans.columns, 0, before, self._search, self._fits
            )
            self._check(state)
        self._stamp = writes
        return self._fits

    def scan(self, state: State) -> int:
        """Mark all trees anew; give how many fit."""
        from kilonova_kernels.fits import mark_fitting
        from kilonova_kernels.scan import scan_fitting

        columns, plans = state.columns(), self.plans.columns
        search, fits = self._search, self._fits
        if self._scan is None:
            found = mark_fitting(columns, plans, 0, search, fits)
        else:
            found = scan_fitting(columns, plans, 0, self._scan, search, fits)
        self._check(state)
        return int(found)

    def _check(self, state: State) -> None:
        """Raise SearchTooLong if a search was given up; the next one begins afresh."""
        try:
            check_not_given_up(state, self._search)
        except SearchTooLong:
            self._search = self.new_search()
            raise


def marking_of(state: State, request: Request, nested_aware: bool) -> Marking:
    """Give the marking of a request, kept from before or made now.

    Raises
    ------
    UnknownResourceClass, UnknownTrait, BadInput
        As ``compile_requests``.
    """
    kept = _KEPT.setdefault(state, OrderedDict())
    key = (request, nested_aware)
    found = kept.get(key)
    if found is None or not found.is_current(state):
        found = kept[key] = Marking(state, request, nested_aware)
        if len(kept) > _MOST_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return found

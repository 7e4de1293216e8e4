"""What servers that come and go change of hosts, beyond what the kernel keeps itself.

Filters that look at what a claim changes, filters of allocation candidates, weighers of
amounts that no column of the kernel holds: they are asked again for the hosts that the
journal names since the last look, and for no other host.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.cloud.hosts import host_view, servers_of
from kilonova.cloud.servers import note_host
from kilonova.cloud.state import State
from kilonova.hosts.allowed import allowed, is_lasting
from kilonova.hosts.device_candidates import DeviceCandidates, maps_devices
from kilonova.hosts.filters.register import Candidates, Filter
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape
from kilonova.hosts.weighers.register import Weigher
from kilonova.hosts.weights import CLAIMED, Weights, is_fixed, viewed

Allow = Callable[[int, NDArray[np.int64], NDArray[np.bool_]], None]


class Changing:
    """Marks and raw values of one engine that change with servers.

    Parameters
    ----------
    state
        The cloud; rows, traits, aggregates and facts of hosts stay as they are.
    shapes, options
        Shapes of requests, and the scheduler's options.
    weights
        Raw values, kept true here.
    allow
        Called with the number of a shape, rows of hosts and their new marks.

    Attributes
    ----------
    filters
        Of each shape, the filters whose answer changes as servers come and go.
    in_turn
        Whether a server must be placed before the next one can be looked at.
    maps_devices
        Whether the candidate of a host is chosen by its PCI devices.
    """

    def __init__(
        self,
        state: State,
        shapes: Sequence[Shape],
        options: Options,
        weights: Weights,
        allow: Allow,
    ) -> None:
        self._state = state
        self._shapes = shapes
        self._options = options
        self._weights = weights
        self._allow = allow
        self.filters = [slow_filters(shape, options) for shape in shapes]
        self._weighers = [
            weigher
            for weigher in shapes[0].weighers
            if weigher.name in weights.names
            and is_fixed(weigher)
            and not weigher.reads.isdisjoint(CLAIMED)
        ]
        self._candidates = [
            DeviceCandidates(state, shape, options)
            if maps_devices(shape.spec)
            else None
            for shape in shapes
        ]
        self._stamp = -1
        self.maps_devices = any(each is not None for each in self._candidates)
        self.in_turn = any(self.filters) or bool(self._weighers)

    def catch_up(self) -> None:
        """Look again at the hosts that changed since the last time."""
        if not self.in_turn:
            return
        rows = self._changed_rows()
        for weigher in self._weighers:
            self._weigh(weigher, rows)
        for s, slow in enumerate(self.filters):
            if slow:
                again = self._all_rows() if self._asks_all(s) else rows
                self._allow(s, again, self._marks(s, again))
        # What was noted just now is known already.
        self._stamp = int(self._state.counters[0])

    def candidates(self, shape: int, row: int) -> list[tuple[int, list[int]]] | None:
        """Give the candidates of a host that pass, None where mappings do not matter.

        Each is whether it is of the fallback (1) or not (0), and the provider row of
        each slot.
        """
        found = self._candidates[shape]
        if found is None:
            return None
        host = self._viewed(shape, row)
        left = self._narrowed(shape, host)
        return [] if left is None else [found.found(each) for each in left]

    def _changed_rows(self) -> NDArray[np.int64]:
        """Give the rows of the hosts that may have changed, ascending."""
        state = self._state
        roots = state.journal_since(self._stamp) if self._stamp >= 0 else None
        if roots is None:
            return self._all_rows()
        providers = state.hosts.table["provider"]
        return np.flatnonzero(np.isin(providers, np.unique(roots)))

    def _all_rows(self) -> NDArray[np.int64]:
        return np.arange(self._state.hosts.table.count)

    def _asks_all(self, shape: int) -> bool:
        """Say whether more may have changed than the journal tells."""
        # What a sharing provider has left decides on candidates of other trees.
        shared = self._candidates[shape] is not None
        shared = shared and len(self._state.sharing().provider) > 0
        return shared or any(each.timed for each in self.filters[shape])

    def _weigh(self, weigher: Weigher, rows: NDArray[np.int64]) -> None:
        values = self._weights.columns.value[self._weights.names.index(weigher.name)]
        spec = self._shapes[0].spec
        rows = rows[self._state.hosts.table["provider"][rows] >= 0]
        for row in rows.tolist():
            raw = weigher.raw(viewed(self._state, weigher, row), spec, self._options)
            if raw != values[row]:
                values[row] = raw
                note_host(self._state, row)

    def _marks(self, shape: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        marks = allowed(self._state, self._shapes[shape], self._options, rows)
        found = self._candidates[shape]
        for i in np.flatnonzero(marks).tolist():
            row = int(rows[i])
            if found is not None and not found.fits(row):
                # A host without candidates is no matter of the filters.
                continue
            marks[i] = self._narrowed(shape, self._viewed(shape, row)) is not None
        return marks

    def _viewed(self, shape: int, row: int) -> Host:
        host = host_view(self._state, row)
        found = self._candidates[shape]
        host.candidates = ({},) if found is None else found.of(row)
        if any("instances" in self._reads(each, shape) for each in self.filters[shape]):
            host.instances = servers_of(self._state, row)
        return host

    def _reads(self, each: Filter, shape: int) -> frozenset[str]:
        return each.looks_at(self._shapes[shape].spec, self._options)

    def _narrowed(self, shape: int, host: Host) -> Candidates | None:
        """Give the candidates that filters leave a host, None where it fails."""
        spec = self._shapes[shape].spec
        for each in self.filters[shape]:
            if each.narrow is None:
                if not each.passes(host, spec, self._options):
                    return None
                continue
            left = each.narrow(host, spec, self._options)
            if left is None:
                return None
            host.candidates = left
        return host.candidates


def slow_filters(shape: Shape, options: Options) -> tuple[Filter, ...]:
    """Give the filters whose answer changes as servers come and go."""
    return tuple(
        each
        for each in shape.filters
        if each.threshold is None and not is_lasting(each, shape, options)
    )

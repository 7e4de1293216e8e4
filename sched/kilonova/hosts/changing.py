"""What servers that come and go change of hosts, beyond what the kernel keeps itself.

Filters that look at what a claim changes, filters of allocation candidates, weighers of
amounts that no column of the kernel holds: they are asked again for the hosts that the
journal names since the last look, and for no other host.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host_view import host_view
from kilonova.cloud.hosts import changed_hosts, servers_of
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
    tree_host
        Host of each tree, (T,).
    allow
        Called with the number of a shape, rows of hosts and their new marks.

    Attributes
    ----------
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
        tree_host: NDArray[np.int32],
        allow: Allow,
    ) -> None:
        self._state = state
        self._shapes = shapes
        self._options = options
        self._weights = weights
        self._allow = allow
        self._slow = [SlowFilters(state, shape, options) for shape in shapes]
        self._weighers = [
            weigher
            for weigher in shapes[0].weighers
            if weigher.name in weights.names
            and is_fixed(weigher)
            and not weigher.reads.isdisjoint(CLAIMED)
        ]
        self._stamp = -1
        self._tree_host = tree_host
        self.maps_devices = any(each.devices is not None for each in self._slow)
        slow = any(each.filters for each in self._slow)
        self.in_turn = slow or bool(self._weighers)

    def catch_up(self) -> None:
        """Look again at the hosts that changed since the last time."""
        if not self.in_turn:
            return
        rows = changed_hosts(self._state, self._stamp, self._tree_host)
        for weigher in self._weighers:
            self._weigh(weigher, rows)
        for s, slow in enumerate(self._slow):
            if slow.filters:
                again = self._all_rows() if self._asks_all(slow) else rows
                self._allow(s, again, slow.marks(again))
        # What was noted just now is known already.
        self._stamp = int(self._state.counters[0])

    def candidates(self, shape: int, row: int) -> list[tuple[int, list[int]]] | None:
        """Give the candidates of a host that pass, None where mappings do not matter.

        Each is whether it is of the fallback (1) or not (0), and the provider row of
        each slot.
        """
        slow = self._slow[shape]
        if slow.devices is None:
            return None
        left = slow.narrowed(row) or ()
        return [slow.devices.found(each) for each in left]

    def _all_rows(self) -> NDArray[np.int64]:
        return np.arange(self._state.hosts.table.count)

    def _asks_all(self, slow: "SlowFilters") -> bool:
        """Say whether more may have changed than the journal tells."""
        # What a sharing provider has left decides on candidates of other trees.
        shared = slow.devices is not None and len(self._state.sharing().provider) > 0
        return shared or any(each.timed for each in slow.filters)

    def _weigh(self, weigher: Weigher, rows: NDArray[np.int64]) -> None:
        k = self._weights.names.index(weigher.name)
        spec = self._shapes[0].spec
        rows = rows[self._state.hosts.table["provider"][rows] >= 0]
        for row in rows.tolist():
            raw = weigher.raw(viewed(self._state, weigher, row), spec, self._options)
            if self._weights.set(k, row, raw):
                note_host(self._state, row)


class SlowFilters:
    """The filters of one shape whose answer changes as servers come and go.

    Parameters
    ----------
    state, shape, options
        The cloud, whose rows and facts stay; a shape; the scheduler's options.
    """

    def __init__(self, state: State, shape: Shape, options: Options) -> None:
        self._state = state
        self._shape = shape
        self._options = options
        self.filters = slow_filters(shape, options)
        maps = maps_devices(shape.spec)
        self.devices = DeviceCandidates(state, shape, options) if maps else None
        reads = (each.looks_at(shape.spec, options) for each in self.filters)
        self._reads_servers = any("instances" in each for each in reads)

    def marks(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark those of some hosts that pass these and all other filters, (N,) bool."""
        marks = allowed(self._state, self._shape, self._options, rows)
        if not self.filters:
            return marks
        for i in np.flatnonzero(marks).tolist():
            row = int(rows[i])
            if self.devices is not None and not self.devices.fits(row):
                # A host without candidates is no matter of the filters.
                continue
            marks[i] = self.narrowed(row) is not None
        return marks

    def narrowed(self, row: int) -> Candidates | None:
        """Give the candidates that are left to a host, None where it fails."""
        host = host_view(self._state, row)
        host.candidates = ({},) if self.devices is None else self.devices.of(row)
        if self._reads_servers:
            host.instances = servers_of(self._state, row)
        for each in self.filters:
            if each.narrow is None:
                if not each.passes(host, self._shape.spec, self._options):
                    return None
                continue
            left = each.narrow(host, self._shape.spec, self._options)
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

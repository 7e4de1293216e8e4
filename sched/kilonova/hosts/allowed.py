"""Which hosts pass the filters of a shape that a claim does not change.

Each filter is asked once for each distinct combination of the values that it reads, not
once for each host.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host_values import FACTS
from kilonova.cloud.host_view import cells_view, host_view
from kilonova.cloud.hosts import OF_CELLS, are_up
from kilonova.cloud.state import State
from kilonova.hosts import clock
from kilonova.hosts.device_candidates import maps_devices
from kilonova.hosts.filters.register import Filter
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape
from kilonova.request.server import ServerSpec

# Columns whose number stands for the value of an attribute; "" is the host itself.
_STANDS_FOR = {
    "aggregates": "aggregate_set",
    "cell_uuid": "cell",
    "numa_cells": "numa",
    "pci_pools": "pci",
    "disabled": "disabled",
    "host": "service",
    "nodename": "",
    "uuid": "",
    "host_ip": "",
    "hypervisor_hostname": "",
    "metrics": "",
    "vcpus_total": "vcpus_total",
    "total_usable_ram_mb": "total_usable_ram_mb",
    "total_usable_disk_gb": "total_usable_disk_gb",
    "cpu_allocation_ratio": "cpu_allocation_ratio",
    "ram_allocation_ratio": "ram_allocation_ratio",
    "disk_allocation_ratio": "disk_allocation_ratio",
    "failed_builds": "failed_builds",
} | dict.fromkeys(FACTS, "facts")
# Those of them that servers with NUMA cells or PCI devices change.
OCCUPIED = {"numa_cells": "numa", "pci_pools": "pci"}
# Those that a quick rule of NUMA cells looks at.
_OF_CELLS = ["cpu_allocation_ratio", "numa", "ram_allocation_ratio"]
# A mapping is the same for all hosts as long as no device comes through Placement.
_IGNORED = frozenset({"candidates"})


def is_lasting(each: Filter, shape: Shape, options: Options) -> bool:
    """Say whether servers coming and going do not change what a filter answers.

    Servers with NUMA cells or PCI devices do change these; see ``Verdicts``.
    """
    reads = each.looks_at(shape.spec, options)
    if not maps_devices(shape.spec):
        reads -= _IGNORED
    return reads <= set(_STANDS_FOR) or _is_compute(each)


def allowed(
    state: State, shape: Shape, options: Options, rows: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Mark the hosts that pass the lasting filters of a shape, by host or by row given.

    Parameters
    ----------
    state
        The cloud with its hosts.
    shape, options
        What is asked, and which filters there are.
    rows
        Hosts to look at, (N,) int64; None: all.
    """
    table = state.hosts.table
    if rows is None:
        rows = np.arange(table.count)
    marks: NDArray[np.bool_] = table["provider"][rows] >= 0
    destination = shape.spec.destination
    if destination and destination.cell and not destination.allow_cross_cell_move:
        marks &= table["cell"][rows] == state.hosts.cells.find(destination.cell)
    for each in shape.filters:
        if each.threshold is None and is_lasting(each, shape, options):
            marks[marks] = _passing(state, each, shape, options, rows[marks])
    return marks


class Asked:
    """One filter as it is asked for one spec, of hosts whose numbers say what they are.

    Parameters
    ----------
    state, each, spec, options
        The cloud, a lasting filter, what a server asks, and the scheduler's options.

    Attributes
    ----------
    reads
        Attributes of a host that decide.
    columns
        Columns whose numbers stand for these, sorted; "" is the host itself.
    is_quick
        Whether asking takes no longer than to remember, or to find out which cells
        are alike.
    """

    def __init__(
        self, state: State, each: Filter, spec: ServerSpec, options: Options
    ) -> None:
        self.filter = each
        self.reads = each.looks_at(spec, options)
        self.columns = sorted({_STANDS_FOR[name] for name in self.reads - _IGNORED})
        self._state = state
        self._spec = spec
        self._options = options
        self._of_cells = None
        if each.of_cells and self.columns == _OF_CELLS:
            self._of_cells = each.of_cells(spec, options)
        self.is_quick = self._of_cells is not None
        self._counts = each.counts_cpus and not self.is_quick

    def numbers(self, column: str, rows: NDArray[np.int64]) -> list[Any]:
        """Give what stands for one value of each host, as far as it decides."""
        if not column:
            rows_listed: list[Any] = rows.tolist()
            return rows_listed
        values: list[Any] = self._state.hosts.table[column][rows].tolist()
        if column == "numa" and self._counts:
            return list(map(self._state.hosts.cells_like, values))
        return values

    def marks(
        self, rows: list[int], numbers: Sequence[list[Any]], found: list[bool]
    ) -> list[bool]:
        """Mark those of some marked hosts that pass; ``is_quick`` must be true.

        Parameters
        ----------
        rows, found
            Rows of hosts, and their marks.
        numbers
            What stands for them, by ``columns``.
        """
        holds, cells = self._of_cells, self._state.hosts.numa
        assert holds is not None
        return [
            mark
            # A ratio that is not reported is not a number.
            and (
                holds(cells[numa], cpu, ram)
                if numa >= 0 and cpu == cpu and ram == ram
                else self.passes(row)
            )
            for mark, row, cpu, numa, ram in zip(found, rows, *numbers, strict=True)
        ]

    def passes(self, row: int) -> bool:
        """Say whether a host passes, with a candidate that maps nothing."""
        few = self.reads - _IGNORED <= OF_CELLS
        hosts = self._state.hosts
        host = cells_view(hosts, row) if few else host_view(self._state, row)
        host.candidates = ({},)
        return self.filter.passes(host, self._spec, self._options)


def _is_compute(each: Filter) -> bool:
    return each.name == "ComputeFilter" and each.timed


def _passing(
    state: State,
    each: Filter,
    shape: Shape,
    options: Options,
    rows: NDArray[np.int64],
) -> NDArray[np.bool_]:
    if _is_compute(each):
        return _up(state, options, rows)
    asked = Asked(state, each, shape.spec, options)
    if not len(rows) or "" in asked.columns:
        marks = [asked.passes(row) for row in rows.tolist()]
        return np.array(marks, np.bool_)
    values = [asked.numbers(column, rows) for column in asked.columns]
    if asked.is_quick:
        every = [True] * len(rows)
        return np.array(asked.marks(rows.tolist(), values, every), np.bool_)
    first, group = _combinations(values, len(rows))
    found: NDArray[np.bool_] = np.array(
        [asked.passes(row) for row in rows[first].tolist()], np.bool_
    )[group]
    return found


def _combinations(
    values: Sequence[list[Any]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give one index of each distinct combination, and the combination of each row."""
    group = np.zeros(count, np.int64)
    for column in values:
        _, number = np.unique(column, return_inverse=True)
        group = group * (int(number.max()) + 1) + number
        _, group = np.unique(group, return_inverse=True)
    _, first = np.unique(group, return_index=True)
    return first, group


def _up(state: State, options: Options, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the hosts whose service is enabled and up: ComputeFilter for all at once."""
    up = are_up(state.hosts, rows, clock.now(), options.default.service_down_time)
    marks: NDArray[np.bool_] = up & (state.hosts.table["disabled"][rows] == 0)
    return marks

"""Which hosts pass the filters of a shape that a claim does not change.

Each filter is asked once for each distinct combination of the values that it reads, not
once for each host.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.cloud.host_values import FACTS
from kilonova.cloud.hosts import OF_CELLS, cells_view, host_view
from kilonova.cloud.state import State
from kilonova.hosts import clock
from kilonova.hosts.device_candidates import maps_devices
from kilonova.hosts.filters.register import Filter
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape

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


def viewed(state: State, row: int, reads: frozenset[str]) -> Host:
    """Give a host as filters see it, with a candidate that maps nothing."""
    few = reads - _IGNORED <= OF_CELLS
    host = cells_view(state.hosts, row) if few else host_view(state, row)
    host.candidates = ({},)
    return host


def columns_of(reads: frozenset[str]) -> list[str]:
    """Name the columns whose numbers stand for what a filter reads of a host."""
    return sorted({_STANDS_FOR[name] for name in reads - _IGNORED})


def numbers_of(
    state: State, each: Filter, column: str, rows: list[int] | NDArray[np.int64]
) -> list[Any]:
    """Give what stands for one value of each host, as far as a filter looks at it."""
    if not column:
        return list(rows)
    values: list[Any] = state.hosts.table[column][rows].tolist()
    if column == "numa" and each.counts_cpus:
        return list(map(state.hosts.cells_like, values))
    return values


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
    reads = each.looks_at(shape.spec, options)
    columns = columns_of(reads)
    first, group = _combinations(state, each, columns, rows)
    marks = np.array(
        [
            each.passes(viewed(state, int(rows[i]), reads), shape.spec, options)
            for i in first.tolist()
        ],
        np.bool_,
    )
    found: NDArray[np.bool_] = marks[group]
    return found


def _combinations(
    state: State, each: Filter, columns: Sequence[str], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give one index of each distinct combination, and the combination of each row."""
    if not len(rows) or "" in columns:
        return np.arange(len(rows)), np.arange(len(rows))
    group = np.zeros(len(rows), np.int64)
    for column in columns:
        values = numbers_of(state, each, column, rows)
        _, number = np.unique(values, return_inverse=True)
        group = group * (int(number.max()) + 1) + number
        _, group = np.unique(group, return_inverse=True)
    _, first = np.unique(group, return_index=True)
    return first, group


def _up(state: State, options: Options, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the hosts whose service is enabled and up: ComputeFilter for all at once."""
    hosts, table = state.hosts, state.hosts.table
    seen = table["last_seen_up"][rows]
    down = [
        number
        for number in range(len(hosts.facts))
        if hosts.facts_of(number).get("forced_down")
    ]
    elapsed = np.abs(clock.now() - seen)
    up = np.isnan(seen) | (elapsed <= options.default.service_down_time)
    enabled = (table["disabled"][rows] == 0) & ~np.isin(table["facts"][rows], down)
    marks: NDArray[np.bool_] = enabled & up
    return marks

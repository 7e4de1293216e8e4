"""Raw values and multipliers of all hosts, as kernels weigh them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.cloud.host_view import cells_view, host_view
from kilonova.cloud.hosts import OF_CELLS, servers_of
from kilonova.cloud.state import State
from kilonova.errors import KilonovaError, NotReported, UnknownMetric
from kilonova.hosts.allowed import OCCUPIED
from kilonova.hosts.options import Options
from kilonova.hosts.rooms import rooms_of
from kilonova.hosts.shape import Shape
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.hosts.weighers.register import Weigher
from kilonova.hosts.weighing import multiplier_of

if TYPE_CHECKING:
    from kilonova_kernels.host_columns import WeightColumns

# Attributes of a host that any server changes as it comes or goes.
CLAIMED = frozenset(
    {
        "vcpus_used",
        "free_ram_mb",
        "free_disk_mb",
        "num_instances",
        "num_io_ops",
        "instances",
        "rooms",
    }
)
_MEASURES = {
    "RAMWeigher": "FREE_RAM",
    "CPUWeigher": "FREE_CPU",
    "DiskWeigher": "FREE_DISK",
    "IoOpsWeigher": "IO_OPS",
    "NumInstancesWeigher": "INSTANCES",
    "ServerGroupSoftAffinityWeigher": "SOFT_AFFINITY",
    "ServerGroupSoftAntiAffinityWeigher": "SOFT_ANTI_AFFINITY",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Columns of the weighers that can tell hosts apart.

    Attributes
    ----------
    names
        Those weighers, in their order.
    columns
        What kernels read.
    unreported
        Why a host cannot be weighed, by row: with another host it fails the request.
    """

    names: tuple[str, ...]
    columns: "WeightColumns"
    unreported: Mapping[int, KilonovaError] = field(default_factory=dict)

    def set(self, k: int, row: int, raw: float) -> bool:
        """Set the raw value of one host for one weigher; say whether it was another."""
        from kilonova_kernels.host_columns import WIDTH

        columns = self.columns
        raw = max(raw, float(columns.floor[k]))
        before = float(columns.value[row // WIDTH, k, row % WIDTH])
        columns.value[row // WIDTH, k, row % WIDTH] = raw
        return before != raw


def weights_of(state: State, shape: Shape, options: Options) -> Weights:
    """Make the columns for one shape, true of the present hosts.

    A weigher that gives all hosts the same and whose normalised value is then 0 is left
    out: what it adds is nothing.
    """
    from kilonova_kernels.host_columns import Measure, WeightColumns

    sets = state.hosts.table["aggregate_set"]
    distinct, number = np.unique(sets, return_inverse=True)
    names, measures, floors, values, factors = [], [], [], [], []
    unreported: dict[int, KilonovaError] = {}
    for weigher in shape.weighers:
        multiplier = [
            multiplier_of(weigher, state.hosts.aggregates_of(each), options)
            for each in distinct.tolist()
        ]
        measure = getattr(Measure, _MEASURES.get(weigher.name, "FIXED"))
        raw = _fixed(state, weigher, shape, options, unreported)
        if not any(multiplier) or raw is None:
            continue
        names.append(weigher.name)
        measures.append(measure)
        floors.append(-np.inf if weigher.minval is None else weigher.minval)
        values.append(raw)
        factors.append(multiplier)
    if not names:
        names, measures, floors = ["none"], [Measure.FIXED], [-np.inf]
        values = [np.zeros(len(sets))]
        factors = [[0.0] * max(len(distinct), 1)]
    raw = np.array(values, np.float64).reshape(len(names), len(sets))
    rows, which = np.unique(np.array(factors).T, axis=0, return_inverse=True)
    columns = WeightColumns(
        measure=np.array(measures, np.int64),
        floor=np.array(floors, np.float64),
        value=_in_blocks(np.maximum(raw, np.array(floors)[:, None])),
        multiplier=np.ascontiguousarray(rows),
        host_multiplier=which.ravel()[number].astype(np.int32),
    )
    return Weights(tuple(names), columns, unreported)


def is_fixed(weigher: Weigher) -> bool:
    """Say whether kernels are given a raw value, and do not measure it themselves."""
    return weigher.name not in _MEASURES


def viewed(state: State, weigher: Weigher, row: int) -> Host:
    """Give a host with all that a weigher reads."""
    if weigher.reads <= OF_CELLS:
        return cells_view(state.hosts, row)
    host = host_view(state, row)
    if "rooms" in weigher.reads:
        host.rooms = rooms_of(state, row)
    if "instances" in weigher.reads:
        host.instances = servers_of(state, row)
    return host


def _in_blocks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay values of hosts, (K, H), block by block, the last one filled up."""
    from kilonova_kernels.host_columns import WIDTH

    weighers, hosts = values.shape
    blocks = -(-max(hosts, 1) // WIDTH)
    filled = np.zeros((weighers, blocks * WIDTH))
    filled[:, :hosts] = values
    parted = filled.reshape(weighers, blocks, WIDTH).transpose(1, 0, 2)
    return np.ascontiguousarray(parted)


def _fixed(
    state: State,
    weigher: Weigher,
    shape: Shape,
    options: Options,
    unreported: dict[int, KilonovaError],
) -> NDArray[np.float64] | None:
    """Give raw values that kernels do not measure, or None where they weigh nothing.

    Hosts that do not report what a weigher reads are entered in ``unreported``.
    """
    count = state.hosts.table.count
    if not is_fixed(weigher):
        if "cpu_allocation_ratio" in weigher.reads:
            unknown = np.isnan(state.hosts.table["cpu_allocation_ratio"])
            _each(state, weigher, shape, options, np.flatnonzero(unknown), unreported)
        return np.zeros(count)
    if weigher.asks(shape.spec, options) is None:
        return None
    raw = None
    if weigher.columns is not None:
        # Some host does not report: each is asked by itself, to find out which.
        with suppress(NotReported, UnknownMetric):
            raw = weigher.columns(_columns(state), shape.spec, options)
    if raw is None:
        rows, place = _unlike(state, weigher)
        raw = _each(state, weigher, shape, options, rows, unreported)[place]
    alike = not len(raw) or bool((raw == raw[0]).all())
    if len(state.hosts.pci) + len(state.hosts.numa):
        # They are alike now; a server that takes devices changes that.
        alike = alike and weigher.reads.isdisjoint(OCCUPIED)
    alike = alike and weigher.reads.isdisjoint(CLAIMED)
    counts = weigher.minval is not None and len(raw) and raw[0] > weigher.minval
    return None if alike and not counts else raw


def is_of_pools(weigher: Weigher) -> bool:
    """Say whether hosts with equal PCI pools weigh the same."""
    return weigher.reads == {"pci_pools"}


def _unlike(
    state: State, weigher: Weigher
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give hosts that stand for all, and which of them stands for each."""
    every = np.arange(state.hosts.table.count)
    if not is_of_pools(weigher):
        return every, every
    _, first, place = np.unique(
        state.hosts.table["pci"], return_index=True, return_inverse=True
    )
    return first, place


def _each(
    state: State,
    weigher: Weigher,
    shape: Shape,
    options: Options,
    rows: NDArray[np.int64],
    unreported: dict[int, KilonovaError],
) -> NDArray[np.float64]:
    """Give raw values of hosts one by one, 0 for those that do not report."""
    found = np.zeros(len(rows))
    for i, row in enumerate(rows.tolist()):
        try:
            host = viewed(state, weigher, row)
            found[i] = weigher.raw(host, shape.spec, options)
        except (NotReported, UnknownMetric) as error:
            unreported.setdefault(row, error)
    return found


def _columns(state: State) -> HostColumns:
    hosts, table = state.hosts, state.hosts.table
    versions = np.array(
        [
            hosts.facts_of(number).get("hypervisor_version") or 0
            for number in range(len(hosts.facts))
        ],
        np.float64,
    )
    found = {
        name: table[name].astype(np.float64)
        for name in HostColumns._fields
        if name != "hypervisor_version"
    }
    if table.count:
        found["hypervisor_version"] = versions[table["facts"]]
    else:
        found["hypervisor_version"] = np.zeros(0)
    return HostColumns(**found)

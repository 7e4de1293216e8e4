"""Raw values and multipliers of all hosts, as kernels weigh them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.hosts import host_view
from kilonova.cloud.state import State
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.hosts.weighers.register import Weigher
from kilonova.hosts.weighing import multiplier_of

if TYPE_CHECKING:
    from kilonova_kernels.host_columns import WeightColumns

# Attributes of a host that servers with NUMA cells or PCI devices change.
OCCUPIED = frozenset({"numa_cells", "pci_pools"})
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
    """

    names: tuple[str, ...]
    columns: "WeightColumns"

    def renew(self, state: State, shape: Shape, options: Options, row: int) -> None:
        """Set raw values of a host anew whose cells or pools are others now."""
        from kilonova_kernels.host_columns import WIDTH

        for weigher in shape.weighers:
            if weigher.name in self.names and not weigher.reads.isdisjoint(OCCUPIED):
                raw = weigher.raw(host_view(state, row), shape.spec, options)
                if weigher.minval is not None:
                    raw = max(raw, weigher.minval)
                k = self.names.index(weigher.name)
                self.columns.value[row // WIDTH, k, row % WIDTH] = raw


def weights_of(state: State, shape: Shape, options: Options) -> Weights:
    """Make the columns for one shape, true of the present hosts.

    A weigher that gives all hosts the same and whose normalised value is then 0 is left
    out: what it adds is nothing.
    """
    from kilonova_kernels.host_columns import Measure, WeightColumns

    sets = state.hosts.table["aggregate_set"]
    distinct, number = np.unique(sets, return_inverse=True)
    names, measures, floors, values, factors = [], [], [], [], []
    for weigher in shape.weighers:
        multiplier = [
            multiplier_of(weigher, state.hosts.aggregates_of(each), options)
            for each in distinct.tolist()
        ]
        measure = getattr(Measure, _MEASURES.get(weigher.name, "FIXED"))
        raw = _fixed(state, weigher, shape, options, measure)
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
    return Weights(tuple(names), columns)


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
    state: State, weigher: Weigher, shape: Shape, options: Options, measure: int
) -> NDArray[np.float64] | None:
    """Give raw values that claims leave alone, or None where they weigh nothing."""
    count = state.hosts.table.count
    if measure != 0:
        return np.zeros(count)
    if weigher.asks(shape.spec, options) is None:
        return None
    if weigher.columns is not None:
        raw = weigher.columns(_columns(state), shape.spec, options)
    else:
        rows, place = _unlike(state, weigher)
        hosts = (host_view(state, row) for row in rows.tolist())
        raw = np.array(
            [weigher.raw(host, shape.spec, options) for host in hosts], np.float64
        )[place]
    alike = not len(raw) or bool((raw == raw[0]).all())
    if len(state.hosts.pci) + len(state.hosts.numa):
        # They are alike now; a server that takes devices changes that.
        alike = alike and weigher.reads.isdisjoint(OCCUPIED)
    counts = weigher.minval is not None and len(raw) and raw[0] > weigher.minval
    return None if alike and not counts else raw


def _unlike(
    state: State, weigher: Weigher
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give hosts that stand for all, and which of them stands for each."""
    every = np.arange(state.hosts.table.count)
    if weigher.reads != {"pci_pools"}:
        return every, every
    _, first, place = np.unique(
        state.hosts.table["pci"], return_index=True, return_inverse=True
    )
    return first, place


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

"""Hosts: rows of the host table, and the dictionaries that give numbers a meaning.

A host's row never moves: one that is gone leaves a row without a provider.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.cell_kinds import CellKinds
from kilonova.cloud.host import HostAggregate, HostCell
from kilonova.cloud.host_use import HostUse, cells_without, give_back
from kilonova.cloud.host_values import Facts, Pools
from kilonova.cloud.memo import Memo
from kilonova.cloud.names import NameColumn
from kilonova.cloud.sets import SetDictionary
from kilonova.cloud.tables import Table
from kilonova.cloud.trail import Trail
from kilonova.cloud.values import ValueDictionary
from kilonova.cloud.vocabulary import Vocabulary
from kilonova.errors import UnknownHost

if TYPE_CHECKING:
    from kilonova.cloud.state import State

# Columns that a Host has under the same name, as they are.
AMOUNTS = (
    "vcpus_total",
    "vcpus_used",
    "total_usable_ram_mb",
    "free_ram_mb",
    "total_usable_disk_gb",
    "free_disk_mb",
    "disk_mb_used",
    "num_instances",
    "num_io_ops",
    "failed_builds",
)
RATIOS = ("cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio")
# What decides on whether guests with NUMA cells and PCI devices fit.
OF_CELLS = frozenset({"host", "numa_cells", "pci_pools", *RATIOS[:2]})


class Hosts:
    """All hosts of a cloud.

    Attributes
    ----------
    names
        Name of each host's node; unique.
    aggregates
        Host aggregates; sets of their numbers are in ``aggregate_sets``.
    uses
        What servers take of NUMA cells and PCI pools.
    version
        Counts changes other than those that servers coming and going make.
    renumbered
        Hosts whose cells, or pools, became others as servers came and went.
    numbering
        Counts how often cells and pools got other numbers, though they are the same.
    changes, verdicts
        What servers made of cells and pools before, and what filters said of them.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.names = NameColumn()
        self.services = Vocabulary()
        self.cells = Vocabulary()
        self.facts: ValueDictionary[Facts] = ValueDictionary()
        self.numa: ValueDictionary[tuple[HostCell, ...]] = ValueDictionary()
        self.pci: ValueDictionary[Pools] = ValueDictionary()
        self.aggregates: list[HostAggregate] = []
        self.aggregate_sets = SetDictionary()
        self.own: dict[int, dict[str, Any]] = {}
        # By row of the consumer.
        self.uses: dict[int, HostUse] = {}
        self.version = 0
        self.renumbered = {"numa": Trail(), "pci": Trail()}
        self.numbering = 0
        self.changes: Memo[Hashable, Any] = Memo()
        self.verdicts: Memo[Hashable, Memo[Hashable, bool]] = Memo()
        # By the identity of what a server took, which is kept with the answer.
        self._given_back: Memo[tuple[int, ...], tuple[int, int, HostUse]] = Memo()
        self._kinds = CellKinds()
        self._sets: dict[int, tuple[HostAggregate, ...]] = {}
        self._values: dict[int, dict[str, Any]] = {}

    def __len__(self) -> int:
        return self.table.count

    def row(self, name: str) -> int:
        """Give the row of a host by the name of its node.

        Raises
        ------
        UnknownHost
            No host has this name.
        """
        row = self.names.find(name)
        if row < 0:
            raise UnknownHost(f"No host {name!r} among the {len(self)} of this cloud.")
        return row

    def aggregates_of(self, number: int) -> tuple[HostAggregate, ...]:
        """Give the aggregates of one set; the same object each time."""
        if number not in self._sets:
            members = sorted(self.aggregate_sets[number])
            self._sets[number] = tuple(self.aggregates[i] for i in members)
        return self._sets[number]

    def facts_of(self, number: int) -> dict[str, Any]:
        """Give what hosts with these facts say of themselves; not to be changed."""
        if number not in self._values:
            self._values[number] = self.facts[number].values()
        return self._values[number]

    def said_of_services(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the service of each host with its facts, by row; not to be changed."""
        columns = (self.table[name].tolist() for name in ("service", "facts"))
        for service, facts in zip(*columns, strict=True):
            yield self.services[service], self.facts_of(facts)

    def give_back(self, consumer: int, row: int) -> None:
        """Give cells and devices of a server back to its host; the caller notes it."""
        use = self.uses.pop(consumer, None)
        if use is None:
            return
        numa, pci = self.numbers_of(row)
        key = (numa, pci, id(use))
        known = self._given_back.get(key)
        if known is None:
            numa, pci = self._without(numa, pci, use)
            known = self._given_back.keep(key, (numa, pci, use))
        self.renumber(row, known[0], known[1])

    def _without(self, numa: int, pci: int, use: HostUse) -> tuple[int, int]:
        if numa >= 0 and use.cells:
            numa = self.numa.number(cells_without(self.numa[numa], use))
        if pci >= 0 and use.pools:
            left = give_back(self.pci[pci].values(), use.pools)
            pci = self.pci.number(Pools.of(left))
        return numa, pci

    def cells_like(self, numa: int) -> int:
        """Give the number of cells that differ at most in which CPUs are pinned."""
        return self._kinds.first(numa, self.numa[numa]) if numa >= 0 else numa

    def set_pools(self, row: int, pools: Iterable[Mapping[str, Any]]) -> None:
        """Let a host have these PCI pools; the caller notes the host."""
        numa, _ = self.numbers_of(row)
        self.renumber(row, numa, self.pci.number(Pools.of(pools)))

    def numbers_of(self, row: int) -> tuple[int, int]:
        """Give the numbers of a host's NUMA cells and PCI pools, -1 for none."""
        return int(self.table["numa"][row]), int(self.table["pci"][row])

    def renumber(self, row: int, numa: int, pci: int) -> None:
        """Let a host have these NUMA cells and PCI pools; the caller notes the host."""
        for column, number in (("numa", numa), ("pci", pci)):
            values = self.table[column]
            if values[row] != number:
                values[row] = number
                self.renumbered[column].note(row)
        if self.numa.is_full() or self.pci.is_full():
            self._forget_unused()

    def changed(self) -> None:
        """Forget what was derived: a host is not what it was.

        Who keeps numbers of facts, cells or pools for longer compares ``version``.
        """
        self.version += 1
        self._sets.clear()
        self.verdicts.clear()
        if self.numa.is_full() or self.pci.is_full():
            self._forget_unused()
        if self.facts.is_full():
            self.facts.forget_unused(self.table["facts"])
            self._values.clear()

    def _forget_unused(self) -> None:
        """Forget cells and pools that no host has, and all that is kept by numbers."""
        self.numa.forget_unused(self.table["numa"])
        self.pci.forget_unused(self.table["pci"])
        self.numbering += 1
        self.changes.clear()
        self.verdicts.clear()
        self._given_back.clear()
        self._kinds = CellKinds()


def are_up(
    hosts: Hosts, rows: NDArray[np.int64], now: float, service_down_time: float
) -> NDArray[np.bool_]:
    """Mark those of some hosts whose service sends heartbeats, as ``Host.is_up``."""
    seen = hosts.table["last_seen_up"][rows]
    forced = [
        number
        for number in range(len(hosts.facts))
        if hosts.facts_of(number).get("forced_down")
    ]
    heard = np.isnan(seen) | (np.abs(now - seen) <= service_down_time)
    up: NDArray[np.bool_] = heard & ~np.isin(hosts.table["facts"][rows], forced)
    return up


def ratios_of(hosts: Hosts, row: int) -> tuple[float | None, float | None]:
    """Give the allocation ratios of CPUs and of memory, None where not reported."""
    cpu = float(hosts.table["cpu_allocation_ratio"][row])
    ram = float(hosts.table["ram_allocation_ratio"][row])
    return (None if cpu != cpu else cpu), (None if ram != ram else ram)


def set_image_uuids(state: "State", images: Mapping[int, Iterable[str]]) -> None:
    """Replace what lies in the image caches of hosts.

    Parameters
    ----------
    state
        The columns.
    images
        UUIDs of images by row of the host table, which the caller checked.
    """
    hosts = state.hosts
    column = hosts.table["facts"]
    numbers: dict[tuple[int, frozenset[str]], int] = {}
    for row, uuids in images.items():
        key = (int(column[row]), frozenset(uuids))
        if key not in numbers:
            facts = hosts.facts[key[0]].values() | {"image_uuids": key[1]}
            numbers[key] = hosts.facts.number(Facts.of(facts))
        column[row] = numbers[key]
    if images:
        hosts.changed()


def servers_of(state: "State", row: int) -> frozenset[str]:
    """Give the UUIDs of the servers of one host."""
    rows = np.flatnonzero(state.tables.consumer["host"] == row)
    return frozenset(state.consumer_uuids[i] for i in rows.tolist())


def tree_hosts(state: "State") -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give the host of each tree (T,), and the tree of each host (H,); -1 for none."""
    roots = state.index().roots
    providers = state.hosts.table["provider"]
    tree_host = np.full(len(roots), -1, np.int32)
    host_tree = np.full(len(providers), -1, np.int32)
    known = np.flatnonzero(providers >= 0)
    trees = np.searchsorted(roots, providers[known]).astype(np.int32)
    there = roots[np.minimum(trees, len(roots) - 1)] == providers[known]
    host_tree[known[there]] = trees[there]
    tree_host[trees[there]] = known[there]
    return tree_host, host_tree


def changed_hosts(
    state: "State", stamp: int, tree_host: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Give the rows of the hosts whose trees changed after ``stamp`` writes, ascending.

    All of them where the journal does not go back that far, or ``stamp`` is negative.
    """
    roots = state.journal_since(stamp) if stamp >= 0 else None
    if roots is None:
        return np.arange(state.hosts.table.count)
    trees = np.searchsorted(state.index().roots, np.unique(roots))
    rows = np.sort(tree_host[trees]).astype(np.int64)
    return rows[rows >= 0]


def forget_provider(state: "State", provider: int) -> None:
    """Leave the host of a provider that goes away without one."""
    providers = state.hosts.table["provider"]
    rows = np.flatnonzero(providers == provider)
    if len(rows):
        providers[rows] = -1
        state.hosts.changed()


def defaults(state: "State", provider: int) -> Mapping[str, Any]:
    """Give the amounts of a host as its inventories tell them.

    What is reserved counts as used, as in a compute node's own records.
    """
    found: dict[str, Any] = {}
    table = state.tables.inventory
    for row in state.inventory_rows(provider):
        name = state.resource_classes[int(table["resource_class"][row])]
        offer, used = state.inventory_of(row), int(table["used"][row])
        if name in ("VCPU", "PCPU"):
            found["vcpus_total"] = found.get("vcpus_total", 0) + offer.total
            found["vcpus_used"] = found.get("vcpus_used", 0) + used
            if name == "VCPU" or "cpu_allocation_ratio" not in found:
                found["cpu_allocation_ratio"] = offer.allocation_ratio
        elif name == "MEMORY_MB":
            found["total_usable_ram_mb"] = offer.total
            found["free_ram_mb"] = offer.total - offer.reserved - used
            found["ram_allocation_ratio"] = offer.allocation_ratio
        elif name == "DISK_GB":
            found["total_usable_disk_gb"] = offer.total
            found["free_disk_mb"] = (offer.total - offer.reserved - used) * 1024
            found["disk_mb_used"] = (offer.reserved + used) * 1024
            found["disk_allocation_ratio"] = offer.allocation_ratio
    return found


def add_rows(state: "State", names: Iterable[str]) -> int:
    """Add hosts without anything; give the first row. They lie in sequence.

    Raises
    ------
    BadInput
        A name is taken.
    """
    listed = list(names)
    hosts = state.hosts
    hosts.names.append(listed)
    first = hosts.table.append(len(listed))
    rows = slice(first, first + len(listed))
    for name in ("provider", "cell", "numa", "pci"):
        hosts.table[name][rows] = -1
    hosts.table["last_seen_up"][rows] = np.nan
    for name in RATIOS:
        hosts.table[name][rows] = np.nan
    hosts.table["facts"][rows] = hosts.facts.number(Facts.of({}))
    hosts.changed()
    return first


def derive_hosts(state: "State") -> None:
    """Make a host of each root provider that offers CPUs, as its inventories tell.

    A consumer of such a tree counts as one of its servers.
    """
    inventory, provider = state.tables.inventory, state.tables.provider
    classes = [state.resource_classes.find(name) for name in ("VCPU", "PCPU")]
    offers = np.isin(inventory["resource_class"], classes)
    roots = np.unique(provider["root"][inventory["provider"][offers]]).tolist()
    first = add_rows(state, [state.provider_names[root] for root in roots])
    table = state.hosts.table
    for row, root in enumerate(roots, first):
        table["provider"][row] = root
        table["service"][row] = state.hosts.services.number(state.hosts.names[row])
        for key, value in defaults(state, root).items():
            table[key][row] = value

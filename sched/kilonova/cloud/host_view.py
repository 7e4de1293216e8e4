"""Rows of the host table as filters and weighers see them: hosts."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.cloud.hosts import AMOUNTS, RATIOS, Hosts, ratios_of
from kilonova.cloud.identities import provider_identities

if TYPE_CHECKING:
    from kilonova.cloud.state import State

_NUMBERS = (*AMOUNTS, *RATIOS, "last_seen_up")
_OTHERS = (
    *("cell", "numa", "pci", "service"),
    *("disabled", "aggregate_set", "facts"),
)


def host_view(state: "State", row: int) -> Host:
    """Give one host as filters and weighers see it, without its servers."""
    table = state.hosts.table
    provider = int(table["provider"][row])
    uuid = state.provider_identity(provider) if provider >= 0 else None
    numbers = [table.whole(name)[row].item() for name in _NUMBERS]
    others = [table.whole(name)[row].item() for name in _OTHERS]
    return _host(state.hosts, row, (state.hosts.names[row], uuid), numbers, others)


def host_views(state: "State", rows: NDArray[np.integer]) -> Iterator[Host]:
    """Give many hosts so; quicker than one after the other."""
    hosts, table = state.hosts, state.hosts.table
    providers = table["provider"][rows]
    known = iter(provider_identities(state, providers[providers >= 0]))
    uuids = [next(known) if each >= 0 else None for each in providers.tolist()]
    numbers = (table[name][rows].tolist() for name in _NUMBERS)
    others = (table[name][rows].tolist() for name in _OTHERS)
    for row, *found in zip(
        rows.tolist(),
        zip(hosts.names.of(rows), uuids, strict=True),
        zip(*numbers, strict=True),
        zip(*others, strict=True),
        strict=True,
    ):
        yield _host(hosts, row, *found)


def _host(
    hosts: Hosts,
    row: int,
    names: tuple[str, str | None],
    numbers: Sequence[float],
    others: Sequence[int],
) -> Host:
    """Make a host of its name and UUID, and of ``_NUMBERS`` and ``_OTHERS``."""
    cell, numa, pci, service, disabled, aggregate_set, facts = others
    known: dict[str, Any] = {
        # What is not reported is not a number.
        name: value if value == value else None
        for name, value in zip(_NUMBERS, numbers, strict=True)
    }
    known |= hosts.facts_of(facts)
    known |= hosts.own.get(row, {})
    return Host(
        host=hosts.services[service],
        nodename=names[0],
        uuid=names[1],
        cell_uuid=hosts.cells[cell] if cell >= 0 else None,
        disabled=bool(disabled),
        aggregates=hosts.aggregates_of(aggregate_set),
        numa_cells=hosts.numa[numa] if numa >= 0 else None,
        pci_pools=hosts.pci[pci].values() if pci >= 0 else None,
        **known,
    )


def cells_view(hosts: Hosts, row: int) -> Host:
    """Give one host with the attributes in ``OF_CELLS`` and no others."""
    numa, pci = hosts.numbers_of(row)
    cpu, ram = ratios_of(hosts, row)
    return Host(
        host=hosts.services[int(hosts.table["service"][row])],
        cpu_allocation_ratio=cpu,
        ram_allocation_ratio=ram,
        numa_cells=hosts.numa[numa] if numa >= 0 else None,
        pci_pools=hosts.pci[pci].values() if pci >= 0 else None,
    )

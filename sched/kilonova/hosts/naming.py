"""A batch in names: hosts, allocations, mappings, alternates."""

from collections.abc import Sequence

import numpy as np

from kilonova.hosts.batch import Batch
from kilonova.hosts.selection import Chosen, Selection
from kilonova.request.server import ServerSpec


def selection_of(batch: Batch, spec: ServerSpec, servers: Sequence[str]) -> Selection:
    """Say in names what came of servers that all have a host.

    Parameters
    ----------
    batch
        After its run.
    spec
        What the servers asked, with the names of its groups.
    servers
        UUID of each.
    """
    known = {f"_{i:03d}": group.suffix for i, group in enumerate(spec.groups)}
    suffixes = batch.engine.slots(0).suffixes(known)
    orders = batch.orders
    rows = orders.host.tolist()
    providers = orders.provider.tolist()
    hosts = tuple(
        _chosen(batch, host, batch.weight(n), providers[n], suffixes)
        for n, host in enumerate(rows)
    )
    cells = batch.engine.state.hosts.table["cell"][orders.host].tolist()
    spare = {cell: _alternates(batch, cell, suffixes) for cell in set(cells)}
    return Selection(
        servers=tuple(servers),
        hosts=hosts,
        alternates=tuple(spare[cell] for cell in cells),
        passed=tuple(orders.passed.tolist()),
    )


def joined(parts: Sequence[Selection]) -> Selection:
    """Make one selection of those of single servers.

    Alternates are those of the last one, without hosts that a server has.
    """
    taken = {part.hosts[0].uuid for part in parts}
    last = tuple(each for each in parts[-1].alternates[0] if each.uuid not in taken)
    return Selection(
        servers=tuple(part.servers[0] for part in parts),
        hosts=tuple(part.hosts[0] for part in parts),
        alternates=(last,) * len(parts),
        passed=tuple(part.passed[0] for part in parts),
    )


def _alternates(
    batch: Batch, cell: int, suffixes: tuple[str, ...]
) -> tuple[Chosen, ...]:
    """Give further hosts of one cell, with the first candidate of each."""
    from kilonova_kernels.select import first_candidates

    found, engine = batch.alternates(cell), batch.engine
    if not found:
        return ()
    trees = engine.host_tree[list(found)]
    provider = np.empty((len(found), batch.orders.provider.shape[1]), np.int32)
    columns, plans = engine.state.columns(), engine.plans.columns
    first_candidates(columns, plans, 0, engine.search, trees, provider)
    return tuple(
        _chosen(batch, host, weight, rows, suffixes)
        for (host, weight), rows in zip(found.items(), provider.tolist(), strict=True)
        if rows[0] >= 0
    )


def _chosen(
    batch: Batch, host: int, weight: float, rows: list[int], suffixes: tuple[str, ...]
) -> Chosen:
    state, slots = batch.engine.state, batch.engine.slots(0)
    hosts, table = state.hosts, state.hosts.table
    cell = int(table["cell"][host])
    return Chosen(
        host=hosts.services[int(table["service"][host])],
        nodename=hosts.names[host],
        uuid=state.provider_identity(int(table["provider"][host])),
        cell_uuid=hosts.cells[cell] if cell >= 0 else None,
        weight=weight,
        providers=slots.providers(rows),
        _asked=slots.asked,
        _suffixes=suffixes,
    )

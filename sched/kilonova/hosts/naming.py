"""A batch in names: hosts, allocations, mappings, alternates."""

from collections.abc import Sequence

import numpy as np

from kilonova.hosts.batch import Batch
from kilonova.hosts.careful import CarefulBatch
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
    orders = batch.orders
    plans, providers = orders.plan.tolist(), orders.provider.tolist()
    hosts = tuple(
        _chosen(batch, host, batch.weight(n), (plans[n], providers[n]), known)
        for n, host in enumerate(orders.host.tolist())
    )
    cells = batch.engine.state.hosts.table["cell"][orders.host].tolist()
    spare = {cell: _alternates(batch, cell, known) for cell in set(cells)}
    return Selection(
        servers=tuple(servers),
        hosts=hosts,
        alternates=tuple(spare[cell] for cell in cells),
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
    )


def _alternates(batch: Batch, cell: int, known: dict[str, str]) -> tuple[Chosen, ...]:
    """Give further hosts of one cell, with the first candidate of each."""
    found = batch.alternates(cell)
    return tuple(
        _chosen(batch, host, weight, candidate, known)
        for host, weight in found.items()
        if (candidate := _first_candidate(batch, host)) is not None
    )


def _first_candidate(batch: Batch, host: int) -> tuple[int, list[int]] | None:
    """Give the plan of a host's first candidate, and the provider of each slot."""
    from kilonova_kernels.host_passing import first_candidates

    engine = batch.engine
    if isinstance(batch, CarefulBatch) and engine.changing.maps_devices:
        return batch.first_candidate(host)
    columns, plans = engine.state.columns(), engine.plans.columns
    provider = np.empty((1, batch.orders.provider.shape[1]), np.int32)
    for plan in engine.kept.plan[0].tolist():
        if plan >= 0:
            trees = engine.host_tree[host : host + 1]
            first_candidates(columns, plans, plan, engine.search, trees, provider)
            engine.check()
            if provider[0, 0] >= 0:
                return plan, provider[0].tolist()
    return None


def _chosen(
    batch: Batch,
    host: int,
    weight: float,
    candidate: tuple[int, list[int]],
    known: dict[str, str],
) -> Chosen:
    plan, rows = candidate
    state, slots = batch.engine.state, batch.engine.slots(plan)
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
        _suffixes=slots.suffixes(known),
    )

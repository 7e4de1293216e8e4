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
    ranked = batch.alternates(cell)
    candidates = _first_candidates(batch, list(ranked))
    return tuple(
        _chosen(batch, host, weight, candidates[host], known)
        for host, weight in ranked.items()
        if host in candidates
    )


def _first_candidates(
    batch: Batch, hosts: list[int]
) -> dict[int, tuple[int, list[int]]]:
    """Give the plan of each host's first candidate, and the provider of each slot."""
    from kilonova_kernels.host_passing import first_candidates

    engine = batch.engine
    if isinstance(batch, CarefulBatch) and engine.changing.maps_devices:
        candidates = {host: batch.first_candidate(host) for host in hosts}
        return {host: each for host, each in candidates.items() if each is not None}
    found: dict[int, tuple[int, list[int]]] = {}
    columns, plans = engine.state.columns(), engine.plans.columns
    for plan in engine.kept.plan[0].tolist():
        left = [host for host in hosts if host not in found]
        if plan < 0 or not left:
            continue
        trees = engine.host_tree[left]
        provider = np.empty((len(left), batch.orders.provider.shape[1]), np.int32)
        first_candidates(columns, plans, plan, engine.search, trees, provider)
        engine.check()
        for host, rows in zip(left, provider.tolist(), strict=True):
            if rows[0] >= 0:
                found[host] = (plan, rows)
    return found


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

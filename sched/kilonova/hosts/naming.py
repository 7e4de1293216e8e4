"""A batch in names: hosts, allocations, mappings, alternates."""

from collections.abc import Sequence

from kilonova.hosts.batch import Batch
from kilonova.hosts.careful import CarefulBatch
from kilonova.hosts.first import Candidate
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
    if len(parts) == 1:
        return parts[0]
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


def _first_candidates(batch: Batch, hosts: list[int]) -> dict[int, Candidate]:
    """Give the candidate of each host that a claim would take."""
    engine = batch.engine
    if not isinstance(batch, CarefulBatch) or not engine.changing.maps_devices:
        return engine.first.of(hosts)
    candidates = {host: batch.first_candidate(host) for host in hosts}
    return {host: each for host, each in candidates.items() if each is not None}


def _chosen(
    batch: Batch, host: int, weight: float, candidate: Candidate, known: dict[str, str]
) -> Chosen:
    plan, rows = candidate
    slots = batch.engine.slots(plan)
    return Chosen(
        *batch.engine.place(host),
        weight,
        slots.providers(rows),
        slots.asked,
        slots.suffixes(known) if known else slots.own_suffixes,
    )

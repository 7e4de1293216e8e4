"""Allocations of moves: held by the migration, given back, doubled, cut by tree."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

from kilonova.cloud import claims
from kilonova.cloud.servers import leave_host
from kilonova.errors import Conflict, MaxRetriesExceeded, NoValidHost, SearchTooLong
from kilonova.hosts.claiming import (
    claim_chosen,
    join_group,
    park,
    park_under,
    take_parked,
    unpark,
)
from kilonova.hosts.selection import Chosen, Selection
from kilonova.moves.context import Context
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.server import ServerSpec


def hold_source(context: Context, server: Server, migration: Migration) -> None:
    """Hand what a server holds to its migration, if it holds its host.

    Notes
    -----
    As ``replace_allocation_with_migration`` in Nova's ``conductor/tasks/migrate.py``:
    what is held of a sharing provider goes along, and is claimed once more.
    """
    held = context.scheduler.cloud.allocations(server.uuid)
    if server.node is None or context.root(server.node) not in held:
        return
    context.scheduler.cloud.move(server.uuid, migration.uuid)
    context.see("hold_source", server)


def give_back_source(context: Context, server: Server, migration: Migration) -> bool:
    """Hand what a migration holds back to its server, whose own is given back.

    Notes
    -----
    As ``_revert_allocation`` in Nova's ``compute/manager.py``; what is not there is
    not given back.
    """
    cloud = context.scheduler.cloud
    if not cloud.allocations(migration.uuid):
        return False
    cloud.move(migration.uuid, server.uuid)
    row = context.row(server.uuid)
    join_group(context.state, row, server.server_group)
    context.settle(server)
    context.see("give_back_source", server)
    return True


def leave_source_group(context: Context, migration: Migration) -> None:
    """Let what a migration holds count no more as a member of the server's group.

    Nova asks where servers are: from now on that is the destination.
    """
    row = context.row(migration.uuid)
    if row >= 0:
        join_group(context.state, row, None)


def select(
    context: Context, spec: ServerSpec, server: Server, aside: str | None = None
) -> tuple[Chosen, tuple[Chosen, ...]]:
    """Select and claim a host on top of what the server holds, if it holds anything.

    Parameters
    ----------
    context, spec, server
        Who asks, and what.
    aside
        Under which name the count of its present host is kept, if it has one.

    Returns
    -------
    Chosen, tuple of Chosen
        The host, and alternates.

    Raises
    ------
    NoValidHost
        Nothing was changed.

    Notes
    -----
    As ``claim_resources`` in Nova's ``scheduler/client/report.py``: providers that are
    held already, as those of shared storage, are not doubled.
    """
    cloud, state = context.scheduler.cloud, context.state
    with state.lock, found_in_time():
        if not cloud.allocations(server.uuid):
            found = context.select(spec, [server.uuid])
        else:
            found = _doubled(context, spec, server, aside or str(uuid4()))
        own(context, server)
    context.see("select", server)
    return found.hosts[0], found.alternates[0]


@contextmanager
def found_in_time() -> Iterator[None]:
    """Take a search that was given up for one that found no host.

    Nova takes an answer of Placement that does not come so, too.
    """
    try:
        yield
    except SearchTooLong as error:
        raise NoValidHost(str(error)) from error


def own(context: Context, server: Server) -> None:
    """Say whose the consumer of a server is."""
    state, row = context.state, context.row(server.uuid)
    for column, names, value in (
        ("project", state.projects, server.project_id),
        ("user", state.users, server.user_id),
    ):
        if value:
            state.tables.consumer[column][row] = names.number(value)


def claim_alternate(
    context: Context, spec: ServerSpec, server: Server, alternates: list[Chosen]
) -> Chosen:
    """Claim the first alternate that still fits, and take those tried off the list.

    Raises
    ------
    MaxRetriesExceeded
        None is left.
    """
    while alternates:
        chosen = alternates.pop(0)
        try:
            claim_chosen(context.scheduler, spec, server.uuid, chosen)
        except Conflict:
            continue
        own(context, server)
        context.see("claim_alternate", server)
        return chosen
    raise MaxRetriesExceeded(f"No alternate is left for server {server.uuid}.")


def remove_tree(context: Context, server: Server, root: str) -> None:
    """Give back what a server holds in one tree; sharing providers keep theirs.

    Notes
    -----
    As ``remove_provider_tree_from_instance_allocation`` in Nova's
    ``scheduler/client/report.py``.
    """
    cloud, state = context.scheduler.cloud, context.state
    held = cloud.allocations(server.uuid)
    if not held:
        return
    tree = state.tables.provider["root"]
    row = int(tree[state.provider_row(root)])
    kept = {p: a for p, a in held.items() if int(tree[state.provider_row(p)]) != row}
    if kept == held:
        return
    replace_allocations(context, server.uuid, kept)


def replace_allocations(
    context: Context, consumer: str, allocations: Mapping[str, Mapping[str, int]]
) -> None:
    """Put the allocations of a consumer; what hosts count for it stays as it is."""
    state, row = context.state, context.row(consumer)
    if allocations:
        context.scheduler.cloud.claim(consumer, allocations)
        return
    parked = park(state, row)
    context.release(consumer)
    if parked.values[0] >= 0:
        # No server is left that the host could count.
        again = claims.add_consumers(state, [consumer])
        unpark(state, again, parked)
        leave_host(state, again)
        claims.free_consumer(state, again)


def leave_destination(context: Context, server: Server, aside: str) -> None:
    """Let the host that a server was to go to count it no more, but its own again."""
    state, row = context.state, context.row(server.uuid)
    parked = take_parked(state, aside)
    if row >= 0:
        leave_host(state, row)
        if parked is not None:
            unpark(state, row, parked)
            join_group(state, row, server.server_group)


def uncount(context: Context, server: Server) -> None:
    """Let no host count a server that holds what no host has taken note of."""
    row = context.row(server.uuid)
    if row >= 0:
        leave_host(context.state, row)


@contextmanager
def apart_from_itself(context: Context, holder: str, server: Server) -> Iterator[None]:
    """Let a server not stand in its own way while it looks for a host.

    Nova's filter of anti-affinity passes the host that the server is on.
    """
    state, row = context.state, context.row(holder)
    group = state.groups.find(server.server_group) if server.server_group else -1
    if row < 0 or group < 0 or state.groups[group].policy != "anti-affinity":
        yield
        return
    join_group(state, row, None)
    try:
        yield
    finally:
        join_group(state, context.row(holder), server.server_group)


def _doubled(
    context: Context, spec: ServerSpec, server: Server, aside: str
) -> Selection:
    cloud, state = context.scheduler.cloud, context.state
    cloud.move(server.uuid, aside)
    try:
        found = context.select(spec, [server.uuid])
    except BaseException:
        cloud.move(aside, server.uuid)
        raise
    before = park(state, context.row(aside))
    now = park(state, context.row(server.uuid))
    new = cloud.allocations(server.uuid)
    held = cloud.allocations(aside)
    cloud.move(aside, server.uuid)
    cloud.claim(server.uuid, {**new, **held})
    unpark(state, context.row(server.uuid), now)
    park_under(state, aside, before)
    return found

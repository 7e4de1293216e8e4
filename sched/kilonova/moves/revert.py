"""Revert of a resize or cold migration: back to the source, which was held."""

from kilonova.errors import StepFailed
from kilonova.moves.context import Context, failed
from kilonova.moves.holding import give_back_source
from kilonova.moves.ports import bind_ports, has_allocation, mappings_of
from kilonova.moves.specs import ports_of
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.group import RequestGroup
from kilonova.request.port import port_groups


def revert_resize(context: Context, server: Server, migration: Migration) -> None:
    """Bring a server back to where it came from.

    Notes
    -----
    As ``revert_resize`` and ``finish_revert_resize`` in Nova's ``compute/manager.py``.
    """
    groups = groups_held(context, server)
    server.task_state, migration.status = "resize_reverting", "reverting"
    try:
        context.run("destroy_at_dest", server, migration.dest_host)
    except StepFailed as error:
        # The migration is over by its status, but goes on holding the source.
        migration.status = "error"
        context.fail(server, error, "error")
        return
    migration.status = "reverted"
    old_vm_state = server.old_vm_state or "active"
    if server.old_flavor is not None:
        server.flavor = server.old_flavor
    server.host, server.node = migration.source_host, migration.source_node
    held = give_back_source(context, server, migration)
    try:
        if groups is not None and not held:
            raise failed("The migration held nothing for the ports.", "TypeError")
        mappings = mappings_held(context, server, groups)
        context.run("bind_ports", server, server.host)
        bind_ports(context, server, server.host or "", mappings)
        context.run("finish_revert_resize", server, server.host)
    except StepFailed as error:
        migration.status = "error"
        context.fail(server, error, "error")
        return
    finally:
        server.forget_resize()
    stopped = old_vm_state == "stopped"
    server.vm_state = "stopped" if stopped else "active"
    server.power_state = "shutdown" if stopped else "running"
    server.task_state = None
    context.see("revert", server)


def groups_held(context: Context, server: Server) -> tuple[RequestGroup, ...] | None:
    """Read the ports again where they hold something; None where none does."""
    ports = ports_of(context, server)
    if not has_allocation(ports):
        return None
    return tuple(group for port in ports for group in port_groups(port).groups)


def mappings_held(
    context: Context, server: Server, groups: tuple[RequestGroup, ...] | None
) -> dict[str, tuple[str, ...]]:
    """Find out which provider gives each group, from what a server holds now.

    Raises
    ------
    StepFailed
        None fits: the ports were changed meanwhile.
    """
    if groups is None:
        return {}
    state = context.state
    held = context.scheduler.cloud.allocations(server.uuid)
    sets = state.tables.provider["trait_set"]
    traits = {
        provider: frozenset(
            state.traits[trait]
            for trait in state.trait_sets[int(sets[state.provider_row(provider)])]
        )
        for provider in held
    }
    return mappings_of(groups, held, traits)

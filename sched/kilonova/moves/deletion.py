"""Deletion: all that a server holds goes, wherever it holds it."""

from kilonova.errors import StepFailed
from kilonova.moves.accelerators import delete_accelerators
from kilonova.moves.context import Context
from kilonova.moves.ports import unbind_ports
from kilonova.moves.resize import confirm_resize
from kilonova.records.migration import COLD, RESIZE, Migration
from kilonova.records.server import Server


def delete(context: Context, server: Server) -> None:
    """Delete a server; one whose host is down, or that has none, without its host.

    A resize that waits is confirmed first. Where that fails, Nova's API ends with the
    error, and the server stays; one that is being deleted is not deleted again.

    Notes
    -----
    As ``_delete`` in Nova's ``compute/api.py`` and ``terminate_instance`` in its
    ``compute/manager.py``.
    """
    was_deleting = server.task_state == "deleting"
    server.task_state = "deleting"
    if server.vm_state == "resized":
        migration = unconfirmed(context, server, ("finished", "confirming"))
        if migration is not None and not _confirm(context, server, migration):
            return
    if server.host is not None and context.is_up(server.node):
        if was_deleting:
            return
        try:
            context.run("destroy", server, server.host)
        except StepFailed as error:
            if error.nova != "InstancePowerOffFailure":
                unbind_ports(context, server, server.ports)
                server.ports = ()
            context.fail(server, error, "error")
            return
    unbind_ports(context, server, server.ports)
    delete_accelerators(context, server, of_ports=True)
    context.release(server.uuid)
    server.vm_state, server.task_state = "deleted", None
    server.host = server.node = None
    del context.records.servers[server.uuid]
    context.see("delete", server)


def _confirm(context: Context, server: Server, migration: Migration) -> bool:
    """Confirm a resize of a server that is to be deleted; say whether it was done.

    A source that is down does not answer; one in the same cell is not even asked.
    """
    crosses = migration.cross_cell_move
    if crosses or context.is_up(migration.source_node):
        confirm_resize(context, server, migration)
        if migration.status != "error":
            return True
    if not crosses:
        # The API alone sees what happens; across cells the conductor has noted it.
        context.see("fail", server)
    return False


def unconfirmed(
    context: Context, server: Server, statuses: tuple[str, ...] = ("finished",)
) -> Migration | None:
    """Give the resize or cold migration of a server that waits, or None."""
    for migration in context.records.migrations.values():
        if (
            migration.server == server.uuid
            and migration.kind in (COLD, RESIZE)
            and migration.status in statuses
        ):
            return migration
    return None

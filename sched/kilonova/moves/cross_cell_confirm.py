"""Confirm of a move across cells: the source cell lets the server go."""

from kilonova.errors import StepFailed
from kilonova.moves.context import Context, failed, note_fault
from kilonova.moves.cross_cell_ports import delete_bindings
from kilonova.moves.cross_cell_tasks import error_out
from kilonova.records.cell_copy import CellCopy
from kilonova.records.migration import Migration
from kilonova.records.server import Server


def confirm_across(context: Context, server: Server, migration: Migration) -> None:
    """Clean up the source host, and take the server out of the source cell.

    Notes
    -----
    As ``ConfirmResizeTask`` in Nova's ``conductor/tasks/cross_cell_migrate.py``.
    """
    migration.status = "confirming"
    try:
        copy = source_copy(context, server, migration)
        _clean_source(context, copy)
        context.run("delete_source_copy", copy.server, migration.source_host)
        context.records.drop_copy(copy)
    except StepFailed as error:
        migration.status = "error"
        context.fail(server, error, "error")
        return
    migration.status = "confirmed"
    server.forget_resize()
    stopped = server.power_state == "shutdown"
    server.vm_state = "stopped" if stopped else "active"
    server.task_state = None
    context.see("confirm", server)


def source_copy(context: Context, server: Server, migration: Migration) -> CellCopy:
    """Give what the source cell has of a server that moved.

    Raises
    ------
    StepFailed
        It has nothing.
    """
    copy = context.records.copy_in(server.uuid, migration.source_cell)
    if copy is None:
        raise failed(
            f"Cell {migration.source_cell!r} must have a copy of server "
            f"{server.uuid}, got none.",
            "InstanceNotFound",
        )
    return copy


def clean_host(context: Context, server: Server, host: str | None) -> None:
    """Take bindings and attachments off a host; what fails there is only logged."""
    if context.attempt("delete_port_bindings", server, host):
        delete_bindings(context, server, host or "")
    context.attempt("delete_volume_attachments", server, host)


def _clean_source(context: Context, copy: CellCopy) -> None:
    """Clean up the source host; what the migration holds is freed whatever fails there.

    Notes
    -----
    As ``confirm_snapshot_based_resize_at_source`` in Nova's ``compute/manager.py``.
    """
    server, migration = copy.server, copy.migration
    if not context.is_up(migration.source_node):
        # It is not asked, so the migration goes on holding it.
        raise failed(
            f"Source {migration.source_host!r} must be up to let server {server.uuid} "
            "go, and does not answer.",
            "MessagingTimeout",
        )
    try:
        context.run("confirm_resize_at_source", server, migration.source_host)
        clean_host(context, server, migration.source_host)
        migration.status = "confirmed"
    except StepFailed as error:
        error_out(server, error)
        migration.status = "error"
        note_fault(server, error)
        raise
    finally:
        context.release(migration.uuid)

"""Revert of a move across cells: the source cell has the server again."""

from dataclasses import replace

from kilonova.errors import StepFailed
from kilonova.moves.context import Context, note_fault
from kilonova.moves.cross_cell_confirm import clean_host, source_copy
from kilonova.moves.cross_cell_ports import activate_bindings
from kilonova.moves.cross_cell_tasks import error_out
from kilonova.moves.holding import give_back_source
from kilonova.moves.ports import bind_ports
from kilonova.moves.revert import groups_held, mappings_held
from kilonova.records.cell_copy import CellCopy, exchange
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.group import RequestGroup

Groups = tuple[RequestGroup, ...] | None


def revert_across(context: Context, server: Server, migration: Migration) -> None:
    """Bring a server back to the cell that it came from.

    Notes
    -----
    As ``RevertResizeTask`` in Nova's ``conductor/tasks/cross_cell_migrate.py``.
    """
    groups = groups_held(context, server)
    server.task_state, migration.status = "resize_reverting", "reverting"
    failing = server
    try:
        copy = source_copy(context, server, migration)
        # Nova puts the copy that nobody sees in error from here on; the server goes on
        # reverting for ever.
        failing = copy.server
        _switch_back(context, server, migration, copy)
        # The copy is now that of the target cell, and the server that of the source.
        failing = server
        _clean_dest(context, copy)
        context.run("delete_target_copy", copy.server, migration.dest_host)
        context.records.drop_copy(copy)
        _finish_at_source(context, server, migration, groups)
    except StepFailed as error:
        migration.status = "error"
        context.fail(failing, error, "error")
        return
    context.see("revert", server)


def _switch_back(
    context: Context, server: Server, migration: Migration, copy: CellCopy
) -> None:
    """Bring the source cell up to date, and let users see the server there."""
    source = copy.server
    source.old_vm_state, source.task_state = server.old_vm_state, "resize_reverting"
    context.run("update_source_copy", source, migration.source_host)
    copy.migration = replace(migration)
    source.hidden = False
    context.run("switch_cell", source, migration.source_host)
    server.hidden = True
    exchange(server, source)
    exchange(migration, copy.migration)


def _clean_dest(context: Context, copy: CellCopy) -> None:
    """Take the server off its destination, and its ports with it.

    Notes
    -----
    As ``revert_snapshot_based_resize_at_dest`` in Nova's ``compute/manager.py``.
    """
    server, migration = copy.server, copy.migration
    source, dest = migration.source_host or "", migration.dest_host
    try:
        context.run("destroy_at_dest", server, dest)
        context.run("activate_port_bindings", server, source)
    except StepFailed as error:
        error_out(server, error)
        server.task_state, migration.status = None, "error"
        note_fault(server, error)
        raise
    # Before the others go: Neutron would activate none by itself.
    activate_bindings(context, server, source)
    clean_host(context, server, dest)
    migration.status = "reverted"


def _finish_at_source(
    context: Context, server: Server, migration: Migration, groups: Groups
) -> None:
    """Start the server on its source, which it holds again.

    Notes
    -----
    As ``finish_revert_snapshot_based_resize_at_source`` in Nova's
    ``compute/manager.py``; Nova cannot name what ports hold there.
    """
    was_stopped = server.old_vm_state == "stopped"
    try:
        give_back_source(context, server, migration)
        context.run("update_volume_attachments", server, server.host)
        mappings = mappings_held(context, server, groups)
        context.run("bind_ports", server, server.host)
        bind_ports(context, server, server.host or "", mappings)
        try:
            context.run("finish_revert_resize", server, server.host)
            server.power_state = "shutdown" if was_stopped else "running"
        finally:
            context.run("complete_volume_attachments", server, server.host)
    finally:
        server.forget_resize()
    server.vm_state = "stopped" if was_stopped else "active"
    server.task_state, migration.status = None, "reverted"

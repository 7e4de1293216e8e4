"""Moves across cells: who may, and the tasks of the move with their roll-backs."""

from kilonova.errors import Forbidden, Refused, StepFailed
from kilonova.hosts.selection import Chosen
from kilonova.moves.context import Context
from kilonova.moves.cross_cell_tasks import TASKS, Crossing, Task
from kilonova.moves.holding import give_back_source
from kilonova.moves.refusals import refused
from kilonova.moves.specs import ports_of
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.port import port_groups
from kilonova.request.server import ServerSpec

_CROSS_CELL = 47


def may_cross_cells(context: Context, server: Server, operation: str) -> bool:
    """Say whether a resize or cold migration may leave the cell of its server.

    Others move within the cell. Without a policy nobody may: Nova's rule is ``!``.

    Notes
    -----
    As ``_allow_cross_cell_resize`` in Nova's ``compute/api.py``.
    """
    if context.allow is None:
        return False
    try:
        context.allow(operation, server)
    except (Forbidden, Refused):
        return False
    if context.options.compute_version < _CROSS_CELL:
        return False
    if context.options.cross_cell_with_port_resources:
        return True
    return not any(port_groups(port).groups for port in ports_of(context, server))


def check_cell(context: Context, server: Server, node: str, operation: str) -> None:
    """Raise Refused unless a node is in the cell of a server that may not leave it."""
    cell = context.other_cell(server, node)
    if cell is not None:
        raise refused(
            f"Server {server.uuid}, {operation}: host must be in its cell "
            f"{server.cell!r}, got {node!r} in {cell!r}.",
            "ComputeHostNotFound",
        )


def is_across(server: Server, chosen: Chosen) -> bool:
    """Say whether a host is in another cell than a server."""
    return None not in (server.cell, chosen.cell_uuid) and (
        server.cell != chosen.cell_uuid
    )


def move_across(
    context: Context,
    server: Server,
    migration: Migration,
    spec: ServerSpec,
    chosen: Chosen,
    flavor: Flavor,
) -> None:
    """Move a server, for which a host in another cell is claimed, to that cell.

    Notes
    -----
    As ``CrossCellMigrationTask`` in Nova's ``conductor/tasks/cross_cell_migrate.py``.
    """
    move = Crossing(context, server, migration, spec, chosen, flavor)
    migration.cross_cell_move, migration.dest_cell = True, chosen.cell_uuid
    finished: list[Task] = []
    try:
        context.run("check_port_bindings", server, chosen.host)
        for task in TASKS:
            _execute(task, move)
            finished.append(task)
    except StepFailed as error:
        for task in reversed(finished):
            _roll_back_finished(task, move)
        _fail(move, error)
        return
    context.settle(server)
    context.see("resize", server)


def _execute(task: Task, move: Crossing) -> None:
    """Do a task; what fails while it is rolled back takes the place of its error."""
    try:
        task.execute(move)
    except StepFailed:
        task.roll_back(move)
        raise


def _roll_back_finished(task: Task, move: Crossing) -> None:
    try:
        task.roll_back(move)
    except StepFailed as error:
        move.context.logged.append(error)


def _fail(move: Crossing, error: StepFailed) -> None:
    """Let the server hold its source again, as ``MigrationTask`` does in Nova."""
    move.migration.status = "error"
    give_back_source(move.context, move.server, move.migration)
    move.context.settle(move.server)
    move.context.fail(move.server, error)

"""The tasks of a move across cells, each with its own roll-back.

They are ``TargetDBSetupTask``, ``PrepResizeAtDestTask``, ``PrepResizeAtSourceTask`` and
``FinishResizeAtDestTask`` of ``conductor/tasks/cross_cell_migrate.py``, with what they
call in ``compute/manager.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from kilonova.errors import StepFailed
from kilonova.hosts.selection import Chosen
from kilonova.moves.context import Context, failed, note_fault
from kilonova.moves.cross_cell_ports import (
    activate_bindings,
    add_bindings,
    check_new_bindings,
    delete_bindings,
)
from kilonova.moves.holding import leave_source_group
from kilonova.moves.host_claim import claim_at_host
from kilonova.moves.ports import bind_ports, check_bindings
from kilonova.records.cell_copy import CellCopy, exchange
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec


@dataclass(slots=True)
class Crossing:
    """A move across cells that is under way.

    Attributes
    ----------
    context
        What operations work with.
    server, migration
        As the source cell has them, until the last task is through.
    spec, chosen, flavor
        What is asked, the host in the target cell, the flavor there.
    copy
        What the target cell has; None before and after.
    is_bound, is_attached, has_snapshot
        What is to be cleaned up: bindings on the host, volume attachments, a snapshot.
    """

    context: Context
    server: Server
    migration: Migration
    spec: ServerSpec
    chosen: Chosen
    flavor: Flavor
    copy: CellCopy | None = None
    is_bound: bool = False
    is_attached: bool = False
    has_snapshot: bool = False

    @property
    def target(self) -> CellCopy:
        """What the target cell has."""
        assert self.copy is not None
        return self.copy

    def run_at_dest(self, step: str) -> None:
        """Have a step done for the target cell's copy; raises StepFailed."""
        self.context.run(step, self.target.server, self.chosen.host)

    def run_at_source(self, step: str) -> None:
        """Have a step done on the source; raises StepFailed."""
        self.context.run(step, self.server, self.migration.source_host)


class Task(NamedTuple):
    """What is done, and what undoes it when it fails, or a later task does."""

    execute: Callable[[Crossing], None]
    roll_back: Callable[[Crossing], None]


def error_out(server: Server, error: StepFailed) -> None:
    """Put a server in error whose compute service failed, unless that rolls back."""
    server.vm_state = "active" if error.rolls_back else "error"


def _create_copy(move: Crossing) -> None:
    records, cell = move.context.records, move.chosen.cell_uuid
    if records.copy_in(move.server.uuid, cell) is not None:
        raise failed(
            f"Cell {cell!r} must have no copy of server {move.server.uuid} yet.",
            "InstanceExists",
        )
    target = replace(move.server, cell=cell, hidden=True, fault=None)
    move.copy = CellCopy(target, replace(move.migration))
    records.add_copy(move.copy)
    move.run_at_dest("create_target_copy")


def _delete_copy(move: Crossing) -> None:
    if move.copy is not None:
        move.run_at_dest("delete_target_copy")
        move.context.records.drop_copy(move.copy)
        move.copy = None


def _prepare_dest(move: Crossing) -> None:
    """Bind, attach and claim; no alternate is tried where that fails."""
    context, target, host = move.context, move.target.server, move.chosen.host
    target.new_flavor = move.flavor
    try:
        check_new_bindings(context, target, host, move.chosen.mappings)
        move.run_at_dest("create_port_bindings")
    except StepFailed as error:
        raise failed(str(error), "MigrationPreCheckError") from error
    add_bindings(context, target, host, move.chosen.mappings)
    move.is_bound = True
    move.run_at_dest("create_volume_attachments")
    move.is_attached = True
    try:
        move.run_at_dest("prep_resize_at_dest")
        claim_at_host(context, target, move.spec, host, move.chosen.mappings)
    except StepFailed as error:
        raise failed(str(error), "MigrationPreCheckError") from error
    target.old_vm_state = target.vm_state
    for migration in (move.migration, move.target.migration):
        migration.dest_host, migration.dest_node = host, move.chosen.nodename


def _clean_dest(move: Crossing) -> None:
    context, target, host = move.context, move.target.server, move.chosen.host
    if move.is_bound and context.attempt("delete_port_bindings", target, host):
        delete_bindings(context, target, host)
    if move.is_attached:
        context.attempt("delete_volume_attachments", target, host)


def _prepare_source(move: Crossing) -> None:
    """Power the server off, and let go of disks and ports.

    What fails before the guest is taken off leaves ``vm_state`` as it was, whether or
    not the server was powered off.
    """
    server, migration = move.server, move.migration
    if not server.is_volume_backed:
        move.run_at_source("create_snapshot")
        move.has_snapshot = True
    server.old_vm_state, server.task_state = server.vm_state, "resize_migrating"
    server.old_flavor, server.new_flavor = server.flavor, move.flavor
    migration.status = "migrating"
    move.run_at_source("power_off")
    server.power_state = "shutdown"
    if move.has_snapshot:
        move.run_at_source("snapshot")
    try:
        move.run_at_source("disconnect_source")
        move.context.run("activate_port_bindings", server, move.chosen.host)
    except StepFailed:
        server.vm_state = "error"
        raise
    activate_bindings(move.context, server, move.chosen.host)
    migration.status, server.task_state = "post-migrating", "resize_migrated"


def _delete_snapshot(move: Crossing) -> None:
    if move.has_snapshot:
        source = move.migration.source_host
        done = move.context.attempt("delete_snapshot", move.server, source)
        move.has_snapshot = not done


def _finish_at_dest(move: Crossing) -> None:
    target = move.target
    target.server.task_state = "resize_migrated"
    try:
        _start_at_dest(move)
    except StepFailed as error:
        error_out(target.server, error)
        target.server.task_state, target.migration.status = None, "error"
        move.server.vm_state, move.server.task_state = "error", None
        for server in (target.server, move.server):
            note_fault(server, error)
        raise
    target.server.hidden = False
    move.run_at_dest("switch_cell")
    move.server.hidden = True
    exchange(move.server, target.server)
    exchange(move.migration, target.migration)


def _start_at_dest(move: Crossing) -> None:
    """Start the server there, as its copy in the target cell says."""
    context, server, host = move.context, move.target.server, move.chosen.host
    assert server.new_flavor is not None
    server.old_flavor, server.flavor = server.flavor, server.new_flavor
    server.task_state = "resize_finish"
    move.run_at_dest("prepare_disks")
    check_bindings(context, server, move.chosen.mappings)
    move.run_at_dest("bind_ports")
    bind_ports(context, server, host, move.chosen.mappings)
    try:
        move.run_at_dest("finish_resize_at_dest")
    except StepFailed:
        source = move.migration.source_host or ""
        if context.attempt("activate_port_bindings", server, source):
            activate_bindings(context, server, source)
        context.attempt("disconnect_volumes", server, host)
        raise
    _delete_snapshot(move)
    server.host, server.node = host, move.chosen.nodename
    server.vm_state, server.task_state = "resized", None
    stopped = server.old_vm_state == "stopped"
    server.power_state = "shutdown" if stopped else "running"
    move.target.migration.status = "finished"
    leave_source_group(context, move.migration)


def _nothing(move: Crossing) -> None:
    """Leave all as it is."""


TASKS = (
    Task(_create_copy, _delete_copy),
    Task(_prepare_dest, _clean_dest),
    Task(_prepare_source, _delete_snapshot),
    Task(_finish_at_dest, _nothing),
)
"""In Nova's order."""

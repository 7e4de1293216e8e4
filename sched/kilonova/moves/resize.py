"""Resize and cold migration: the migration holds the source until it is confirmed."""

from uuid import uuid4

from kilonova.errors import KilonovaError, NoValidHost, StepFailed
from kilonova.hosts.selection import Chosen
from kilonova.moves.context import Context, note_fault
from kilonova.moves.cross_cell import check_cell, is_across, move_across
from kilonova.moves.cross_cell_confirm import confirm_across
from kilonova.moves.holding import (
    apart_from_itself,
    claim_alternate,
    give_back_source,
    hold_source,
    leave_source_group,
    select,
)
from kilonova.moves.host_claim import claim_at_host
from kilonova.moves.ports import bind_ports, check_bindings
from kilonova.moves.refusals import check_source_up, refused
from kilonova.moves.specs import spec_of
from kilonova.records.migration import COLD, RESIZE, Migration
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.server import Destination, ServerSpec

_SAME_HOST = "COMPUTE_SAME_HOST_COLD_MIGRATE"


def check_resize(
    context: Context,
    server: Server,
    flavor: Flavor | None,
    host: str | None,
    may_cross: bool,
) -> None:
    """Raise Refused where Nova's API would not resize, or cold migrate, a server.

    ``may_cross`` says whether ``host`` may be in another cell.
    """
    operation = "resize" if flavor is not None else "migrate"
    check_source_up(context, server, operation)
    where = f"Server {server.uuid}, {operation}"
    if host is not None:
        if host == server.host:
            raise refused(
                f"{where}: host must be another one, got {host!r}.",
                "CannotMigrateToSameHost",
            )
        node = context.node_of(host)
        if node is None:
            raise refused(f"{where}: no host {host!r}.", "ComputeHostNotFound")
        if not may_cross:
            check_cell(context, server, node, operation)
    if flavor is None:
        return
    if flavor.extra_specs.get("accel:device_profile"):
        raise refused(
            f"{where}: the flavor must have no device profile, got "
            f"{flavor.extra_specs['accel:device_profile']!r}.",
            "ForbiddenWithAccelerators",
        )
    if flavor.root_gb == 0 != server.flavor.root_gb and not server.is_volume_backed:
        raise refused(
            f"{where}: root_gb must not be 0, the root disk is no volume.",
            "CannotResizeDisk",
        )
    if flavor == server.flavor:
        raise refused(
            f"{where}: the flavor must be another one, got {flavor.name!r}.",
            "CannotResizeToSameFlavor",
        )
    if 0 < flavor.root_gb < server.min_disk_gb and not server.is_volume_backed:
        raise refused(
            f"{where}: root_gb must be at least {server.min_disk_gb}, got "
            f"{flavor.root_gb}.",
            "FlavorDiskSmallerThanMinDisk",
        )


def resize(
    context: Context,
    server: Server,
    migration: Migration,
    flavor: Flavor | None,
    host: str | None,
    may_cross: bool,
) -> None:
    """Resize a server, or migrate it cold where ``flavor`` is None.

    It goes to ``host``, or to any. With ``may_cross`` it may go to another cell, where
    its own has no room.

    Notes
    -----
    As ``MigrationTask`` in Nova's ``conductor/tasks/migrate.py`` and ``prep_resize``,
    ``resize_instance`` and ``finish_resize`` in its ``compute/manager.py``.
    """
    spec = _spec(context, server, flavor, host, may_cross)
    server.task_state = "resize_prep"
    migration.status = "pre-migrating"
    hold_source(context, server, migration)
    try:
        with apart_from_itself(context, migration.uuid, server):
            chosen, spare = select(context, spec, server)
    except NoValidHost as error:
        give_back_source(context, server, migration)
        _fail(context, server, migration, error)
        return
    if may_cross and is_across(server, chosen):
        asked = flavor or server.flavor
        move_across(context, server, migration, spec, chosen, asked)
        return
    server.new_flavor = flavor or server.flavor
    server.old_vm_state = server.vm_state
    alternates = list(spare)
    may_retry = context.scheduler.options.scheduler.max_attempts > 1
    may_retry = may_retry and not (spec.destination and spec.destination.host)
    while True:
        wrong = _prepare(context, server, migration, spec, chosen)
        if wrong is None:
            break
        give_back_source(context, server, migration)
        if wrong.aborts or not may_retry:
            _fail(context, server, migration, wrong, vm_state="error")
            return
        context.see("reschedule", server)
        hold_source(context, server, migration)
        try:
            chosen = claim_alternate(context, spec, server, alternates)
        except NoValidHost:
            give_back_source(context, server, migration)
            _fail(context, server, migration, wrong, vm_state="error")
            return
    if _move(context, server, migration):
        _finish(context, server, migration, chosen)


def confirm_resize(context: Context, server: Server, migration: Migration) -> None:
    """Let the source go; what fails there keeps nothing of it.

    Notes
    -----
    As ``confirm_resize`` in Nova's ``compute/manager.py``.
    """
    if migration.cross_cell_move:
        confirm_across(context, server, migration)
        return
    try:
        context.run("confirm_resize", server, migration.source_host)
    except StepFailed as error:
        server.vm_state, migration.status = "error", "error"
        note_fault(server, error)
    else:
        stopped = server.power_state == "shutdown"
        server.vm_state = "stopped" if stopped else "active"
        server.task_state, migration.status = None, "confirmed"
    context.release(migration.uuid)
    server.forget_resize()
    context.see("confirm", server)


def same_host_is_allowed(context: Context, server: Server, resizes: bool) -> bool:
    """Say whether a server may stay on its host.

    Notes
    -----
    As ``_allow_resize_to_same_host`` in Nova's ``compute/api.py``, for services that
    report the trait where they can do it.
    """
    if resizes:
        return context.options.allow_resize_to_same_host
    return context.has_trait(server.node or "", _SAME_HOST)


def new_migration(
    context: Context, server: Server, kind: str, host: str | None
) -> Migration:
    """Note a migration of a server away from its host, to another if it is known."""
    migration = Migration(
        str(uuid4()),
        server.uuid,
        kind,
        "accepted",
        source_host=server.host,
        source_node=server.node,
        source_cell=server.cell,
        dest_host=host,
        dest_cell=server.cell,
        created_at=context.now(),
    )
    context.records.migrations[migration.uuid] = migration
    return migration


def resize_kind(flavor: Flavor | None) -> str:
    """Give the kind of a migration: with another flavor it is a resize."""
    return COLD if flavor is None else RESIZE


def _spec(
    context: Context,
    server: Server,
    flavor: Flavor | None,
    host: str | None,
    may_cross: bool,
) -> ServerSpec:
    stays = same_host_is_allowed(context, server, flavor is not None)
    return spec_of(
        context,
        server,
        flavor,
        ignore_hosts=() if stays else (server.host or "",),
        destination=Destination(
            host=host,
            node=context.node_of(host) if host else None,
            cell=None if host and may_cross else server.cell,
            allow_cross_cell_move=may_cross,
        ),
    )


def _prepare(
    context: Context,
    server: Server,
    migration: Migration,
    spec: ServerSpec,
    chosen: Chosen,
) -> StepFailed | None:
    """Prepare the destination; give what failed there, or None."""
    try:
        context.run("prep_resize", server, chosen.host)
        migration.dest_host, migration.dest_node = chosen.host, chosen.nodename
        migration.dest_cell = chosen.cell_uuid
        claim_at_host(context, server, spec, chosen.host, chosen.mappings)
    except StepFailed as error:
        note_fault(server, error)
        return error
    return None


def _move(context: Context, server: Server, migration: Migration) -> bool:
    """Power the server off, and let it be on the destination; say whether it is."""
    migration.status, server.task_state = "migrating", "resize_migrating"
    try:
        context.run("power_off", server, migration.source_host)
    except StepFailed as error:
        give_back_source(context, server, migration)
        _fail(context, server, migration, error, vm_state="error")
        return False
    migration.status = "post-migrating"
    server.host, server.node = migration.dest_host, migration.dest_node
    server.old_flavor = server.flavor
    server.task_state = "resize_migrated"
    leave_source_group(context, migration)
    context.see("switch_host", server)
    return True


def _finish(
    context: Context, server: Server, migration: Migration, chosen: Chosen
) -> None:
    """Start the server on the destination, with its new flavor.

    Whatever fails now, the server is there: the source is let go.
    """
    assert server.new_flavor is not None
    server.flavor = server.new_flavor
    try:
        check_bindings(context, server, chosen.mappings)
        context.run("bind_ports", server, chosen.host)
        bind_ports(context, server, chosen.host, chosen.mappings)
        server.task_state = "resize_finish"
        try:
            context.run("finish_resize", server, chosen.host)
        except StepFailed:
            if server.old_flavor is not None:
                server.flavor = server.old_flavor
            raise
    except StepFailed as error:
        context.release(migration.uuid)
        _fail(context, server, migration, error, vm_state="error")
        return
    migration.status = "finished"
    server.vm_state, server.task_state = "resized", None
    stopped = server.old_vm_state == "stopped"
    server.power_state = "shutdown" if stopped else "running"
    context.settle(server)
    context.see("resize", server)


def _fail(
    context: Context,
    server: Server,
    migration: Migration,
    error: KilonovaError,
    vm_state: str | None = None,
) -> None:
    context.settle(server)
    migration.status = "error"
    rolls_back = isinstance(error, StepFailed) and error.rolls_back
    context.fail(server, error, None if rolls_back else vm_state)

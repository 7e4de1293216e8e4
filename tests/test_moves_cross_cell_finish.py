"""Confirm, revert and deletion after a move across cells: steps, and each failure.

Where Nova's own records end up wrong after a failure, so do these.
"""

import pytest

from kilonova.admin.audit import audit
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from moves_cells import LARGE_HELD, SMALL_HELD, Cells
from moves_cloud import LARGE, SMALL, make_server

pytestmark = pytest.mark.usefixtures("fixed_clock")

PAIR = ("a1", "b1")


def resized(bench: Cells) -> tuple[Server, Migration]:
    bench.add_ports({"id": "p", "network_id": "net"})
    server = bench.do.boot(make_server(ports=("p",)))
    migration = bench.do.resize(server.uuid, LARGE)
    assert (server.vm_state, bench.cells(server.uuid)) == ("resized", "B+A")
    bench.table.clear()
    bench.steps.clear()
    return server, migration


def binding(bench: Cells) -> tuple[object, list[str]]:
    """Give where the port is bound, and where it has other bindings."""
    port = bench.records.ports["p"]
    others = port.get("bindings", [])
    assert isinstance(others, list)
    return port["binding:host_id"], [each["host"] for each in others]


def test_confirm() -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.do.confirm_resize(server.uuid)
    assert bench.table == [
        ("confirm_resize_at_source", "b1", "a1", "B+A"),
        ("delete_port_bindings", "b1", "a1", "B+A"),
        ("delete_volume_attachments", "b1", "a1", "B+A"),
        ("delete_source_copy", "b1", "", "B+A"),
        ("confirm", "b1", "", "B"),
    ]
    assert (server.vm_state, server.task_state, server.cell) == ("active", None, "B")
    assert (server.old_flavor, server.new_flavor, server.old_vm_state) == (None,) * 3
    assert (migration.status, bench.records.copies) == ("confirmed", {})
    assert bench.held(server.uuid) == {"b1": LARGE_HELD}
    assert binding(bench) == ("b1", [])


def test_revert() -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.do.revert_resize(server.uuid)
    assert bench.table == [
        ("update_source_copy", "b1", "a1", "B+A"),
        ("switch_cell", "b1", "a1", "B+A"),
        ("destroy_at_dest", "b1", "a1", "A+B"),
        ("activate_port_bindings", "b1", "a1", "A+B"),
        ("delete_port_bindings", "b1", "a1", "A+B"),
        ("delete_volume_attachments", "b1", "a1", "A+B"),
        ("delete_target_copy", "b1", "a1", "A+B"),
        ("give_back_source", "a1", "", "A"),
        ("update_volume_attachments", "a1", "", "A"),
        ("bind_ports", "a1", "", "A"),
        ("finish_revert_resize", "a1", "", "A"),
        ("complete_volume_attachments", "a1", "", "A"),
        ("revert", "a1", "", "A"),
    ]
    assert bench.records.servers[server.uuid] is server
    assert (server.vm_state, server.task_state, server.cell) == ("active", None, "A")
    assert (server.host, server.flavor, server.hidden) == ("a1", SMALL, False)
    assert (server.old_flavor, server.new_flavor, server.old_vm_state) == (None,) * 3
    assert (migration.status, bench.records.copies) == ("reverted", {})
    assert bench.held(server.uuid) == {"a1": SMALL_HELD}
    assert binding(bench) == ("a1", [])


def test_there_and_back_again() -> None:
    bench = Cells(PAIR)
    server, _ = resized(bench)
    bench.do.confirm_resize(server.uuid)
    bench.do.migrate(server.uuid)
    assert bench.cells(server.uuid) == "A+B"
    bench.do.revert_resize(server.uuid)
    assert (server.host, server.cell) == ("b1", "B")
    bench.do.migrate(server.uuid, "a1")
    bench.do.confirm_resize(server.uuid)
    assert (bench.cells(server.uuid), bench.hosts_of(server.uuid)) == ("A", {"a1"})


# Step that fails; then copies, the states of the copy, whether the migration still
# holds the source, and where else the port has a binding.
CONFIRMS = [
    ("confirm_resize_at_source", "B+A", "error", "error", ["a1"]),
    ("delete_source_copy", "B+A", "active", "confirmed", []),
]


@pytest.mark.parametrize(("step", "cells", "state", "status", "others"), CONFIRMS)
def test_each_failure_of_a_confirm(
    step: str, cells: str, state: str, status: str, others: list[str]
) -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.driver.fail(step)
    bench.do.confirm_resize(server.uuid)
    assert (server.vm_state, server.task_state) == ("error", None)
    assert server.fault == f"NovaException: {step} failed"
    assert (migration.status, server.host) == ("error", "b1")
    assert bench.held(server.uuid) == {"b1": LARGE_HELD}
    assert bench.held(migration.uuid) == {}
    assert bench.cells(server.uuid) == cells
    [copy] = bench.records.copies[server.uuid]
    assert (copy.server.vm_state, copy.migration.status) == (state, status)
    assert binding(bench) == ("b1", others)


def test_a_source_copy_that_is_gone() -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.records.copies.clear()
    bench.do.confirm_resize(server.uuid)
    assert (server.vm_state, migration.status) == ("error", "error")
    assert (server.fault or "").startswith("InstanceNotFound")
    # Nobody asked the source host, which would have freed it.
    assert bench.held(migration.uuid) == {"a1": SMALL_HELD}


def test_cleaning_up_is_only_tried() -> None:
    bench = Cells(PAIR)
    server, _ = resized(bench)
    bench.driver.fail("delete_port_bindings")
    bench.driver.fail("delete_volume_attachments")
    bench.do.confirm_resize(server.uuid)
    assert (server.vm_state, bench.cells(server.uuid)) == ("active", "B")
    assert len(bench.do.logged) == 2
    assert binding(bench) == ("b1", ["a1"])


# Step that fails; then the cells of the copies, the server that users see (vm_state,
# task_state), the copy (vm_state, status of its migration), who holds what, the port.
STUCK = ("resized", "resize_reverting")
ERROR = ("error", None)
BOTH = ("b1", "a1")
REVERTS = [
    ("update_source_copy", "B+A", STUCK, ("error", "post-migrating"), BOTH, "b1"),
    ("switch_cell", "B+A", STUCK, ("error", "reverting"), BOTH, "b1"),
    ("destroy_at_dest", "A+B", ERROR, ("error", "error"), BOTH, "b1"),
    ("activate_port_bindings", "A+B", ERROR, ("error", "error"), BOTH, "b1"),
    ("delete_target_copy", "A+B", ERROR, ("resized", "reverted"), BOTH, "a1"),
    ("update_volume_attachments", "A", ERROR, None, ("a1", ""), "a1"),
    ("bind_ports", "A", ERROR, None, ("a1", ""), "a1"),
    ("finish_revert_resize", "A", ERROR, None, ("a1", ""), "a1"),
    ("complete_volume_attachments", "A", ERROR, None, ("a1", ""), "a1"),
]


@pytest.mark.parametrize(
    ("step", "cells", "seen", "copied", "held", "bound"),
    REVERTS,
    ids=[case[0] for case in REVERTS],
)
def test_each_failure_of_a_revert(
    step: str,
    cells: str,
    seen: tuple[str, str | None],
    copied: tuple[str, str] | None,
    held: tuple[str, str],
    bound: str,
) -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.driver.fail(step)
    bench.do.revert_resize(server.uuid)
    assert (server.vm_state, server.task_state) == seen
    assert migration.status == "error"
    assert bench.cells(server.uuid) == cells
    copies = bench.records.copies.get(server.uuid, [])
    states = [(each.server.vm_state, each.migration.status) for each in copies]
    assert states == ([copied] if copied else [])
    failing = copies[0].server if cells == "B+A" else server
    assert str(failing.fault).endswith(f": {step} failed")
    mine, others = (
        "".join(bench.hosts_of(uuid)) for uuid in (server.uuid, migration.uuid)
    )
    assert (mine, others) == held
    assert binding(bench)[0] == bound


def test_the_volumes_are_completed_though_the_guest_does_not_start() -> None:
    bench = Cells(PAIR)
    server, _ = resized(bench)
    bench.driver.fail("finish_revert_resize")
    bench.do.revert_resize(server.uuid)
    assert bench.steps[-2:] == ["complete_volume_attachments", "fail"]
    assert (server.old_flavor, server.new_flavor, server.old_vm_state) == (None,) * 3


def test_deletion_confirms_first() -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.do.delete(server.uuid)
    assert (migration.status, bench.records.copies) == ("confirmed", {})
    assert bench.held(server.uuid) == bench.held(migration.uuid) == {}


def test_deletion_ends_where_the_confirmation_fails() -> None:
    bench = Cells(PAIR)
    server, _ = resized(bench)
    bench.driver.fail("confirm_resize_at_source")
    bench.do.delete(server.uuid)
    assert (server.vm_state, server.task_state) == ("error", None)
    assert bench.held(server.uuid) == {"b1": LARGE_HELD}
    bench.do.delete(server.uuid)
    assert server.uuid not in bench.records.servers
    assert not bench.held(server.uuid)
    # The source cell's copy is nobody's any more.
    assert len(bench.records.copies[server.uuid]) == 1


def test_deletion_ends_where_the_source_does_not_answer() -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    bench.set_up("a1", up=False)
    bench.do.delete(server.uuid)
    assert (server.vm_state, server.task_state) == ("error", None)
    assert (server.fault or "").startswith("MessagingTimeout: ")
    assert (migration.status, bench.cells(server.uuid)) == ("error", "B+A")
    assert bench.held(server.uuid) == {"b1": LARGE_HELD}
    assert bench.held(migration.uuid) == {"a1": SMALL_HELD}
    assert bench.table == [("fail", "b1", "a1", "B+A")]
    bench.do.delete(server.uuid)
    assert server.uuid not in bench.records.servers
    assert bench.held(migration.uuid) == {"a1": SMALL_HELD}


def orphans(bench: Cells) -> set[str]:
    found = audit(bench.cloud, bench.records)
    return {orphan.consumer for orphan in found.orphans}


def test_an_audit_finds_servers_in_both_cells() -> None:
    bench = Cells(PAIR)
    server, migration = resized(bench)
    assert orphans(bench) == set()
    bench.driver.fail("destroy_at_dest")
    bench.do.revert_resize(server.uuid)
    assert bench.hosts_of(server.uuid) == {"b1"}
    # The copy of cell B is on b1; the migration is over.
    assert orphans(bench) == {migration.uuid}
    bench.records.copies.clear()
    assert orphans(bench) == {migration.uuid, server.uuid}

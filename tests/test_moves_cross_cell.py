"""Moves across cells: who may, which cell is preferred, each task failing at each step.

Each case lets one step fail, and compares server, copies, migration, ports and
allocations with what Nova leaves.
"""

from typing import Any

import pytest

from kilonova.errors import Refused, UnknownOperation
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.moves.options import MoveOptions
from kilonova.records.server import Server
from moves_cells import LARGE_HELD, SMALL_HELD, Cells
from moves_cloud import LARGE, SMALL, make_server

pytestmark = pytest.mark.usefixtures("fixed_clock")

PAIR = ("a1", "b1")
PLAIN_PORT = {"id": "p", "network_id": "net"}


def booted(bench: Cells, **values: Any) -> Server:
    bench.add_ports(dict(PLAIN_PORT))
    server = bench.do.boot(make_server(ports=("p",), **values))
    assert (server.host, server.cell) == ("a1", "A")
    bench.table.clear()
    bench.steps.clear()
    bench.asked.clear()
    return server


def test_steps_and_who_holds_what() -> None:
    bench = Cells(PAIR)
    server = booted(bench)
    migration = bench.do.resize(server.uuid, LARGE)
    assert bench.table == [
        ("hold_source", "", "a1", "A"),
        ("select", "b1", "a1", "A"),
        ("check_port_bindings", "b1", "a1", "A"),
        ("create_target_copy", "b1", "a1", "A+B"),
        ("create_port_bindings", "b1", "a1", "A+B"),
        ("create_volume_attachments", "b1", "a1", "A+B"),
        ("prep_resize_at_dest", "b1", "a1", "A+B"),
        ("claim", "b1", "a1", "A+B"),
        ("create_snapshot", "b1", "a1", "A+B"),
        ("power_off", "b1", "a1", "A+B"),
        ("snapshot", "b1", "a1", "A+B"),
        ("disconnect_source", "b1", "a1", "A+B"),
        ("activate_port_bindings", "b1", "a1", "A+B"),
        ("prepare_disks", "b1", "a1", "A+B"),
        ("bind_ports", "b1", "a1", "A+B"),
        ("finish_resize_at_dest", "b1", "a1", "A+B"),
        ("delete_snapshot", "b1", "a1", "A+B"),
        ("switch_cell", "b1", "a1", "A+B"),
        ("resize", "b1", "a1", "B+A"),
    ]
    assert bench.held(server.uuid) == {"b1": LARGE_HELD}
    assert bench.held(migration.uuid) == {"a1": SMALL_HELD}
    assert bench.asked == ["server-resize", "server-resize-across-cells"]


def test_both_copies_while_it_waits() -> None:
    bench = Cells(PAIR)
    server = booted(bench)
    migration = bench.do.resize(server.uuid, LARGE)
    assert bench.records.servers[server.uuid] is server
    assert (server.host, server.cell, server.hidden) == ("b1", "B", False)
    assert (server.vm_state, server.task_state) == ("resized", None)
    assert (server.flavor, server.old_flavor) == (LARGE, SMALL)
    assert bench.records.migrations[migration.uuid] is migration
    assert (migration.status, migration.dest_host) == ("finished", "b1")
    assert (migration.source_cell, migration.dest_cell) == ("A", "B")
    [copy] = bench.records.copies[server.uuid]
    assert (copy.server.host, copy.server.cell, copy.server.hidden) == ("a1", "A", True)
    assert (copy.server.flavor, copy.server.vm_state) == (SMALL, "active")
    assert (copy.migration.status, copy.migration.dest_host) == ("post-migrating", "b1")
    port = bench.records.ports["p"]
    assert port["binding:host_id"] == "b1"
    assert port["bindings"] == [{"host": "a1", "profile": {}, "status": "INACTIVE"}]


def test_a_volume_backed_server_needs_no_snapshot() -> None:
    bench = Cells(PAIR)
    server = booted(bench, is_volume_backed=True)
    bench.do.resize(server.uuid, LARGE)
    assert server.cell == "B"
    assert not [step for step in bench.steps if "snapshot" in step]


@pytest.mark.parametrize("state", ["active", "stopped"])
def test_the_guest_runs_where_it_ran(state: str) -> None:
    bench = Cells(PAIR)
    server = booted(bench)
    server.vm_state = state
    bench.do.migrate(server.uuid)
    assert server.power_state == {"active": "running", "stopped": "shutdown"}[state]
    bench.do.confirm_resize(server.uuid)
    assert server.vm_state == state


# Host that is chosen among a2 with a neighbour, and b1 and b2 without one.
@pytest.mark.parametrize(
    ("multiplier", "allowed", "host"),
    [
        pytest.param(1_000_000.0, True, "a2", id="the source cell is preferred"),
        pytest.param(0.0, True, "b1", id="the emptiest host"),
        pytest.param(-1_000_000.0, True, "b1", id="the other cell is preferred"),
        pytest.param(0.0, False, "a2", id="nobody may: restricted to the cell"),
        pytest.param(-1_000_000.0, False, "a2", id="nobody may, whatever the weight"),
    ],
)
def test_which_cell(multiplier: float, allowed: bool, host: str) -> None:
    section = FilterSchedulerSection(cross_cell_move_weight_multiplier=multiplier)
    scheduling = Options(filter_scheduler=section)
    bench = Cells(allowed=allowed, scheduling=scheduling)
    bench.do.boot(make_server("neighbour"), force_hosts=["a2"])
    server = booted(bench)
    migration = bench.do.resize(server.uuid, LARGE)
    assert (server.host, server.vm_state) == (host, "resized")
    assert migration.cross_cell_move == (host == "b1")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("no policy", MoveOptions(), id="no policy"),
        pytest.param("refused", MoveOptions(), id="refused by policy"),
        pytest.param("old", MoveOptions(compute_version=46), id="old services"),
    ],
)
def test_who_may_not_stays_in_the_cell(name: str, options: MoveOptions) -> None:
    bench = Cells(PAIR, allowed=name != "refused", options=options)
    server = booted(bench)
    if name == "no policy":
        bench.do.context.allow = None
    migration = bench.do.resize(server.uuid, LARGE)
    assert (migration.status, migration.cross_cell_move) == ("error", False)
    assert (server.fault or "").startswith("NoValidHost")
    assert (server.vm_state, server.task_state, server.cell) == ("active", None, "A")
    assert bench.held(server.uuid) == {"a1": SMALL_HELD}
    assert (bench.steps, bench.records.copies) == (
        ["hold_source", "give_back_source", "fail"],
        {},
    )
    with pytest.raises(Refused, match="host must be in its cell 'A', got 'b1' in 'B'"):
        bench.do.migrate(server.uuid, "b1")
    assert len(bench.records.migrations) == 1


def test_the_oldest_services_that_can() -> None:
    bench = Cells(PAIR, options=MoveOptions(compute_version=47))
    server = booted(bench)
    assert bench.do.resize(server.uuid, LARGE).cross_cell_move


def test_a_mistaken_policy_is_no_refusal() -> None:
    bench = Cells(PAIR)
    server = booted(bench)

    def mistaken(operation: str, _: Server) -> None:
        if operation != "server-resize":
            raise UnknownOperation(operation)

    bench.do.context.allow = mistaken
    with pytest.raises(UnknownOperation):
        bench.do.resize(server.uuid, LARGE)
    assert (server.task_state, bench.steps) == (None, [])


@pytest.mark.parametrize("host", ["a2", "b1", "b2"])
def test_a_host_may_be_in_any_cell(host: str) -> None:
    bench = Cells()
    server = booted(bench)
    migration = bench.do.migrate(server.uuid, host)
    assert (server.host, server.vm_state) == (host, "resized")
    assert migration.cross_cell_move == (host != "a2")
    assert bench.asked == [
        "server-migrate-to-host",
        "server-migrate-to-host-across-cells",
    ]


def test_a_host_of_another_cell_without_room() -> None:
    bench = Cells(PAIR)
    bench.do.boot(make_server("big", flavor=LARGE), force_hosts=["b1"])
    server = booted(bench, flavor=LARGE)
    bench.cloud.set_inventories("b1", {"VCPU": {"total": 7}, **REST})
    migration = bench.do.migrate(server.uuid, "b1")
    assert (migration.status, server.vm_state) == ("error", "active")
    assert bench.held(server.uuid) == {"a1": LARGE_HELD}


REST = {"MEMORY_MB": {"total": 16384}, "DISK_GB": {"total": 200}}
BACK = ["delete_port_bindings", "delete_volume_attachments", "delete_target_copy"]
SHOT = ["delete_snapshot", *BACK]
# Step that fails; then vm_state, power_state, the host that the port is bound to, name
# of the fault, and the steps that follow until the source has its allocation back.
FAILURES = [
    ("check_port_bindings", "active", "running", "a1", "NovaException", []),
    ("create_target_copy", "active", "running", "a1", "NovaException", BACK[2:]),
    ("create_port_bindings", "active", "running", "a1", "Mig", BACK[2:]),
    (
        "create_volume_attachments",
        "active",
        "running",
        "a1",
        "NovaException",
        [BACK[0], BACK[2]],
    ),
    ("prep_resize_at_dest", "active", "running", "a1", "Mig", BACK),
    ("claim", "active", "running", "a1", "Mig", BACK),
    ("create_snapshot", "active", "running", "a1", "NovaException", BACK),
    ("power_off", "active", "running", "a1", "NovaException", SHOT),
    ("snapshot", "active", "shutdown", "a1", "NovaException", SHOT),
    ("disconnect_source", "error", "shutdown", "a1", "NovaException", SHOT),
    ("activate_port_bindings", "error", "shutdown", "a1", "NovaException", SHOT),
    # Here Nova deletes the binding that is active.
    ("prepare_disks", "error", "shutdown", None, "NovaException", SHOT),
    ("bind_ports", "error", "shutdown", None, "PortBindingFailed", SHOT),
    (
        "finish_resize_at_dest",
        "error",
        "shutdown",
        "a1",
        "NovaException",
        ["activate_port_bindings", "disconnect_volumes", *SHOT],
    ),
    ("switch_cell", "active", "shutdown", None, "NovaException", BACK),
]


@pytest.mark.parametrize(
    ("step", "state", "power", "bound", "fault", "follow"),
    FAILURES,
    ids=[case[0] for case in FAILURES],
)
def test_each_failure(
    step: str, state: str, power: str, bound: str | None, fault: str, follow: list[str]
) -> None:
    bench = Cells(PAIR)
    server = booted(bench)
    bench.driver.fail(step)
    migration = bench.do.resize(server.uuid, LARGE)
    assert (server.vm_state, server.power_state) == (state, power)
    assert (server.task_state, server.host, server.cell) == (None, "a1", "A")
    assert (server.flavor, server.hidden) == (SMALL, False)
    assert (server.fault or "").startswith(fault)
    assert (migration.status, migration.cross_cell_move) == ("error", True)
    assert bench.held(server.uuid) == {"a1": SMALL_HELD}
    assert bench.held(migration.uuid) == {}
    assert (bench.records.copies, bench.do.logged) == ({}, [])
    assert bench.steps[-len(follow) - 2 :] == [*follow, "give_back_source", "fail"]
    port = bench.records.ports["p"]
    assert port["binding:host_id"] == bound
    others = [{"host": "a1", "profile": {}, "status": "INACTIVE"}]
    assert port.get("bindings") == (None if bound else others)


def test_no_alternate_is_tried() -> None:
    bench = Cells(("a1", "b1", "b2"))
    server = booted(bench)
    bench.driver.fail("claim", "b1")
    assert bench.do.resize(server.uuid, LARGE).status == "error"
    assert "reschedule" not in bench.steps
    assert "claim_alternate" not in bench.steps


@pytest.mark.parametrize("step", ["create_target_copy", "finish_resize_at_dest"])
def test_a_copy_that_stays_is_in_the_way(step: str) -> None:
    """The own roll-back's error takes the place of the first one; later ones do not."""
    bench = Cells(PAIR)
    server = booted(bench)
    bench.driver.fail(step)
    bench.driver.fail("delete_target_copy")
    migration = bench.do.resize(server.uuid, LARGE)
    own = step == "create_target_copy"
    failed = "delete_target_copy" if own else step
    assert server.fault == f"NovaException: {failed} failed"
    assert [str(error) for error in bench.do.logged] == (
        [] if own else ["delete_target_copy failed"]
    )
    assert (migration.status, bench.cells(server.uuid)) == ("error", "A+B")
    assert bench.held(server.uuid) == {"a1": SMALL_HELD}
    server.vm_state = "active"
    bench.do.resize(server.uuid, LARGE)
    assert (server.fault or "").startswith("InstanceExists")
    assert (server.host, bench.cells(server.uuid)) == ("a1", "A+B")


def test_all_roll_backs_are_tried() -> None:
    bench = Cells(PAIR)
    server = booted(bench)
    bench.driver.fail("finish_resize_at_dest")
    steps = ["activate_port_bindings", "disconnect_volumes", *SHOT]
    for step in steps:
        host = "a1" if step == "activate_port_bindings" else None
        bench.driver.fail(step, host)
    bench.do.resize(server.uuid, LARGE)
    assert [str(error) for error in bench.do.logged] == [f"{s} failed" for s in steps]
    assert server.fault == "NovaException: finish_resize_at_dest failed"
    assert bench.held(server.uuid) == {"a1": SMALL_HELD}


def test_a_binding_that_stays_is_in_the_way() -> None:
    bench = Cells(PAIR)
    server = booted(bench)
    bench.driver.fail("claim")
    bench.driver.fail("delete_port_bindings")
    bench.do.resize(server.uuid, LARGE)
    bench.do.resize(server.uuid, LARGE)
    assert server.fault == (
        "MigrationPreCheckError: Port p must have no binding on 'b1' yet."
    )
    assert [str(error) for error in bench.do.logged] == ["delete_port_bindings failed"]
    assert (server.host, bench.cells(server.uuid)) == ("a1", "A")

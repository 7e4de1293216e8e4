"""Ports that ask for resources, across cells: kept in the cell, or moved by an option.

Moved, each profile names the providers that give the port what it asks, on whichever
host the port is bound, after each success and each roll-back.
"""

from collections.abc import Callable
from typing import Any

import pytest

from kilonova.moves.options import MoveOptions
from kilonova.moves.ports import port_allocation
from kilonova.records.server import Server
from moves_cells import Cells
from moves_checks import check_rest
from moves_cloud import LARGE, extended_port, make_server, old_port

pytestmark = pytest.mark.usefixtures("fixed_clock")

PAIR = ("a1", "b1")
MOVES = MoveOptions(cross_cell_with_port_resources=True)
Make = Callable[..., dict[str, object]]
FORMS = pytest.mark.parametrize("make", [old_port, extended_port])


def booted(bench: Cells, make: Make) -> tuple[Server, list[dict[str, Any]]]:
    names = bench.add_ports(make("p", 600), make("q", 600))
    server = bench.do.boot(make_server(ports=names))
    ports = [bench.records.ports[name] for name in names]
    check_named(bench, server, "a1")
    bench.steps.clear()
    return server, ports


def check_named(bench: Cells, server: Server, host: str) -> None:
    """Ports are bound to a host, and name all traffic that the server holds there."""
    named: dict[str, dict[str, int]] = {}
    for name in server.ports:
        port = bench.records.ports[name]
        assert port["binding:host_id"] == host
        for provider, amounts in port_allocation(port).items():
            into = named.setdefault(provider, {})
            for resource_class, amount in amounts.items():
                into[resource_class] = into.get(resource_class, 0) + amount
    held = bench.held(server.uuid)
    assert named == {p: amounts for p, amounts in held.items() if ":" in p}
    assert {p.partition(":")[0] for p in named} == {host}


@FORMS
@pytest.mark.parametrize("host", [None, "a2"])
def test_nova_keeps_them_in_the_cell(make: Make, host: str | None) -> None:
    bench = Cells(("a1", "a2", "b1"))
    server, _ = booted(bench, make)
    migration = bench.do.migrate(server.uuid, host)
    assert (server.host, migration.cross_cell_move) == ("a2", False)
    check_named(bench, server, "a2")


@FORMS
def test_without_room_in_the_cell(make: Make) -> None:
    bench = Cells(PAIR)
    server, _ = booted(bench, make)
    migration = bench.do.migrate(server.uuid)
    assert (migration.status, migration.cross_cell_move) == ("error", False)
    assert (server.fault or "").startswith("NoValidHost")
    check_named(bench, server, "a1")


@FORMS
def test_the_option_moves_them(make: Make) -> None:
    bench = Cells(PAIR, options=MOVES)
    server, ports = booted(bench, make)
    before = [port["binding:profile"] for port in ports]
    migration = bench.do.resize(server.uuid, LARGE)
    assert migration.cross_cell_move
    check_named(bench, server, "b1")
    others = [{"host": "a1", "profile": p, "status": "INACTIVE"} for p in before]
    assert [port["bindings"] for port in ports] == [[other] for other in others]
    bench.do.confirm_resize(server.uuid)
    check_named(bench, server, "b1")
    check_rest(bench.cloud, bench.records)
    assert not any("bindings" in port for port in ports)


@FORMS
def test_revert_restores_them(make: Make) -> None:
    bench = Cells(PAIR, options=MOVES)
    server, ports = booted(bench, make)
    before = [port["binding:profile"] for port in ports]
    bench.do.resize(server.uuid, LARGE)
    bench.do.revert_resize(server.uuid)
    check_named(bench, server, "a1")
    check_rest(bench.cloud, bench.records)
    assert [port["binding:profile"] for port in ports] == before
    assert not any("bindings" in port for port in ports)


def test_they_are_read_again() -> None:
    bench = Cells(PAIR, options=MOVES)
    server, ports = booted(bench, old_port)
    ports[0]["resource_request"] = old_port("p", 300)["resource_request"]
    bench.do.resize(server.uuid, LARGE)
    check_named(bench, server, "b1")
    assert set(bench.held(server.uuid)["b1:agent:eth0"].values()) == {900}


def test_no_room_for_their_traffic_there() -> None:
    bench = Cells(("a1", "a2", "b1"), options=MOVES)
    other = bench.add_ports(old_port("other", 401), old_port("another", 401))
    bench.do.boot(make_server("there", ports=other), force_hosts=["b1"])
    server, _ = booted(bench, old_port)
    assert bench.do.migrate(server.uuid, "b1").status == "error"
    check_named(bench, server, "a1")


@FORMS
@pytest.mark.parametrize(
    "step",
    [
        "create_target_copy",
        "create_port_bindings",
        "claim",
        "snapshot",
        "disconnect_source",
        "activate_port_bindings",
        "finish_resize_at_dest",
    ],
)
def test_roll_backs_restore_them(step: str, make: Make) -> None:
    bench = Cells(PAIR, options=MOVES)
    server, ports = booted(bench, make)
    before = [dict(port) for port in ports]
    bench.driver.fail(step)
    bench.do.resize(server.uuid, LARGE)
    assert bench.steps[-1] == "fail"
    assert ports == before
    check_named(bench, server, "a1")


def test_ports_changed_during_the_move_are_not_bound_wrongly() -> None:
    bench = Cells(PAIR, options=MOVES)
    server, ports = booted(bench, old_port)

    def change(step: str, _: Server) -> None:
        if step == "power_off":
            for port in ports:
                port["resource_request"] = extended_port("x")["resource_request"]

    bench.do.context.observer = change
    bench.do.resize(server.uuid, LARGE)
    assert (server.fault or "").startswith("PortUpdateFailed")
    assert (server.vm_state, server.host) == ("error", "a1")
    # The binding that was active went with the others of b1, as in Nova.
    assert {port["binding:host_id"] for port in ports} == {None}


def test_a_revert_that_cannot_name_them() -> None:
    bench = Cells(PAIR, options=MOVES)
    server, ports = booted(bench, old_port)
    migration = bench.do.resize(server.uuid, LARGE)
    for port in ports:
        port["resource_request"] = old_port("x", 999)["resource_request"]
    bench.do.revert_resize(server.uuid)
    assert (server.fault or "").startswith("ValueError")
    assert (server.vm_state, migration.status, server.cell) == ("error", "error", "A")
    assert bench.hosts_of(server.uuid) == {"a1"}

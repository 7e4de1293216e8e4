"""Live migration and evacuation: success, and each step that fails.

Each case compares servers, migrations, ports and allocations with what Nova leaves.
"""

import pytest

from kilonova.errors import StepFailed
from kilonova.moves.options import MoveOptions
from moves_cells import Cells
from moves_cloud import (
    Bench,
    extended_port,
    make_server,
    old_port,
)

pytestmark = pytest.mark.usefixtures("fixed_clock")


def test_allocations_of_a_live_migration() -> None:
    bench = Bench()
    [name] = bench.add_ports(extended_port("p"))
    server = bench.do.boot(make_server(ports=(name,)))
    migration = bench.do.live_migrate(server.uuid)
    assert (server.host, server.vm_state, migration.status) == (
        "b",
        "active",
        "completed",
    )
    assert bench.hosts_of(server.uuid) == {"b"}
    assert not bench.held(migration.uuid)
    port = bench.records.ports[name]
    assert port["binding:host_id"] == "b"
    assert "b:packets" in str(port["binding:profile"])


@pytest.mark.parametrize(
    ("step", "status", "state", "host", "mine", "held"),
    [
        pytest.param("pre_live_migration", "failed", "active", "a", "a", "", id="pre"),
        pytest.param("live_migration", "failed", "active", "a", "a", "", id="move"),
        pytest.param("post_live_migration", "error", "error", "b", "b", "a", id="post"),
    ],
)
def test_each_failure_of_a_live_migration(
    step: str, status: str, state: str, host: str, mine: str, held: str
) -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.driver.fail(step)
    migration = bench.do.live_migrate(server.uuid)
    assert (migration.status, server.vm_state, server.host) == (status, state, host)
    assert server.task_state is None
    assert bench.hosts_of(server.uuid) == set(mine)
    assert bench.hosts_of(migration.uuid) == set(held)


@pytest.mark.parametrize("step", ["check_live_migration", "bind_ports", "claim"])
@pytest.mark.parametrize(
    ("retries", "failures", "host"), [(-1, 1, "c"), (0, 1, "a"), (1, 2, "a")]
)
def test_live_migration_tries_one_host_after_the_other(
    step: str, retries: int, failures: int, host: str
) -> None:
    bench = Bench(options=MoveOptions(migrate_max_retries=retries))
    server = bench.do.boot(make_server())
    bench.driver.fail(step, times=failures)
    migration = bench.do.live_migrate(server.uuid)
    assert server.host == host
    assert bench.hosts_of(server.uuid) == {host}
    assert migration.status == ("completed" if host == "c" else "error")
    assert server.vm_state == "active"


def test_live_migration_does_not_go_to_an_older_hypervisor() -> None:
    bench = Bench(("a", "b"))
    server = bench.do.boot(make_server())
    hosts = bench.cloud.state.hosts
    values = {**hosts.facts[int(hosts.table["facts"][1])].values()}
    values["hypervisor_version"] = 0
    number = hosts.facts.number(type(hosts.facts[0]).of(values))
    hosts.table["facts"][1] = number
    hosts.changed()
    assert bench.do.live_migrate(server.uuid).status == "error"
    assert bench.hosts_of(server.uuid) == {"a"}


def test_a_forced_live_migration_copies_the_root() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    migration = bench.do.live_migrate(server.uuid, "c", force=True)
    assert (server.host, migration.status) == ("c", "completed")
    assert bench.hosts_of(server.uuid) == {"c"}


def test_a_forced_move_needs_all_of_one_provider() -> None:
    bench = Bench()
    names = bench.add_ports(old_port("p"))
    server = bench.do.boot(make_server(ports=names))
    migration = bench.do.live_migrate(server.uuid, "c", force=True)
    assert (server.host, migration.status) == ("a", "error")
    assert bench.hosts_of(server.uuid) == {"a"}


@pytest.mark.parametrize("move", ["live_migrate", "evacuate"])
def test_a_forced_host_must_be_in_the_cell_of_the_server(move: str) -> None:
    bench = Cells()
    server = bench.do.boot(make_server())
    assert server.host == "a1"
    bench.set_up("a1", up=move == "live_migrate")
    before = bench.held(server.uuid)
    migration = getattr(bench.do, move)(server.uuid, "b1", force=True)
    assert (migration.status, server.host, server.cell) == ("error", "a1", "A")
    assert server.vm_state == "active"
    assert "must be in cell 'A', got 'b1' in 'B'" in str(server.fault)
    assert bench.held(server.uuid) == before
    assert bench.cloud.state.hosts.table["num_instances"].tolist() == [1, 0, 0, 0]


def test_evacuation_doubles_until_the_service_returns() -> None:
    bench = Bench()
    names = bench.add_ports(old_port("p"))
    server = bench.do.boot(make_server(ports=names))
    bench.set_up("a", up=False)
    migration = bench.do.evacuate(server.uuid)
    assert (server.host, server.vm_state, migration.status) == ("b", "active", "done")
    assert bench.hosts_of(server.uuid) == {"a", "b"}
    port = bench.records.ports[names[0]]
    assert port["binding:profile"] == {"allocation": "b:agent:eth0"}
    assert bench.cloud.state.hosts.table["num_instances"].tolist() == [1, 1, 0]
    bench.set_up("a", up=True)
    assert bench.do.start_service("a") == [server]
    assert bench.hosts_of(server.uuid) == {"b"}
    assert migration.status == "completed"
    assert bench.cloud.state.hosts.table["num_instances"].tolist() == [0, 1, 0]
    assert bench.do.start_service("a") == []


def test_shared_storage_is_not_doubled() -> None:
    bench = Bench(("a", "b"))
    cloud = bench.cloud
    for host in ("a", "b"):
        cloud.remove_inventory(host, "DISK_GB")
        cloud.set_aggregates(host, ["pool"])
    cloud.add_provider(
        "nfs",
        inventories={"DISK_GB": {"total": 20}},
        traits=["MISC_SHARES_VIA_AGGREGATE"],
        aggregates=["pool"],
    )
    server = bench.do.boot(make_server())
    bench.set_up("a", up=False)
    bench.do.evacuate(server.uuid)
    assert bench.held(server.uuid)["nfs"] == {"DISK_GB": 10}
    bench.do.start_service("a")
    assert set(bench.held(server.uuid)) == {"b", "nfs"}


@pytest.mark.parametrize(
    ("step", "error", "state"),
    [
        pytest.param("claim", "ComputeResourcesUnavailable", "active", id="claim"),
        pytest.param("bind_ports", "PortUpdateFailed", "error", id="ports"),
        pytest.param("rebuild", "NovaException", "error", id="guest"),
    ],
)
def test_each_failure_of_an_evacuation(step: str, error: str, state: str) -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.set_up("a", up=False)
    bench.driver.fail(step, error=StepFailed("no", error))
    migration = bench.do.evacuate(server.uuid)
    assert (server.host, server.vm_state, migration.status) == ("a", state, "failed")
    assert bench.hosts_of(server.uuid) == {"a"}
    assert bench.cloud.state.hosts.table["num_instances"].tolist() == [1, 0, 0]


def test_no_host_for_an_evacuation() -> None:
    bench = Bench(("a",))
    server = bench.do.boot(make_server())
    bench.set_up("a", up=False)
    migration = bench.do.evacuate(server.uuid)
    assert (server.vm_state, server.task_state) == ("error", None)
    assert (migration.status, bench.hosts_of(server.uuid)) == ("error", {"a"})


def test_an_evacuated_server_may_be_stopped() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.set_up("a", up=False)
    bench.do.evacuate(server.uuid, "c", force=True, target_state="stopped")
    assert (server.host, server.vm_state) == ("c", "stopped")
    assert bench.hosts_of(server.uuid) == {"a", "c"}

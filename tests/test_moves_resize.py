"""Boot, resize and cold migration: who holds what after each step, and each failure.

Each case lets one step fail, and compares server, migration and allocations with what
Nova leaves.
"""

import pytest

from kilonova.errors import BadInput, Refused, StepFailed
from kilonova.hosts.options import Options, SchedulerSection
from kilonova.moves.operations import Operations
from kilonova.moves.options import MoveOptions
from kilonova.records.server import Server
from moves_checks import check_step
from moves_cloud import (
    LARGE,
    SMALL,
    Bench,
    extended_port,
    make_server,
    old_port,
    uuid,
)

pytestmark = pytest.mark.usefixtures("fixed_clock")

SMALL_HELD = {"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 10}
LARGE_HELD = {"VCPU": 4, "MEMORY_MB": 4096, "DISK_GB": 20}


class Recorder(Bench):
    """Notes who holds what on which hosts after each step."""

    def __init__(self, **extra: object) -> None:
        self.table: list[tuple[str, str, str]] = []
        super().__init__(**extra)  # type: ignore[arg-type]

    def observe(self, step: str, server: Server) -> None:
        super().observe(step, server)
        check_step(self.cloud, self.records, list(self.records.migrations))
        mine = "".join(sorted(self.hosts_of(server.uuid)))
        others = "".join(
            sorted(h for m in self.records.migrations for h in self.hosts_of(m))
        )
        self.table.append((step, mine, others))


def test_boot_claims_and_then_is_active() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    assert (server.vm_state, server.host, server.launched) == ("active", "a", True)
    assert bench.held(server.uuid) == {"a": SMALL_HELD}
    assert bench.table[0] == ("select", "a", "")


def test_no_host_no_allocation() -> None:
    bench = Recorder(vcpus=1)
    server = bench.do.boot(make_server())
    assert (server.vm_state, server.host) == ("error", None)
    assert (server.fault or "").startswith("NoValidHost: ")
    assert bench.held(server.uuid) == {}


def test_many_or_none() -> None:
    bench = Recorder(vcpus=2)
    servers = bench.do.boot_many(make_server(), 4)
    assert {server.vm_state for server in servers} == {"error"}
    assert not any(bench.held(server.uuid) for server in servers)
    servers = bench.do.boot_many(make_server(), 3)
    assert sorted(str(server.host) for server in servers) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_server_needs_a_name(name: str) -> None:
    bench = Bench()
    with pytest.raises(BadInput, match="uuid must be text of 1 to 255 characters"):
        bench.do.boot(make_server(**{"uuid": name}))
    assert not bench.records.servers


@pytest.mark.parametrize(
    ("attempts", "failures", "host", "state"),
    [
        pytest.param(3, 1, "b", "active", id="first alternate"),
        pytest.param(3, 2, "c", "active", id="second alternate"),
        pytest.param(3, 3, None, "error", id="all tried"),
        pytest.param(2, 2, None, "error", id="max_attempts"),
        pytest.param(1, 1, None, "error", id="no retries"),
    ],
)
@pytest.mark.parametrize("step", ["claim", "bind_ports", "spawn"])
def test_boot_goes_on_with_alternates(
    step: str, attempts: int, failures: int, host: str | None, state: str
) -> None:
    options = Options(scheduler=SchedulerSection(max_attempts=attempts))
    bench = Recorder(scheduling=options)
    bench.driver.fail(step, times=failures)
    [port] = bench.add_ports(old_port("p"))
    server = bench.do.boot(make_server(ports=(port,)))
    assert (server.host, server.vm_state) == (host, state)
    assert bench.hosts_of(server.uuid) == ({host} if host else set())
    profile = bench.records.ports[port]["binding:profile"]
    assert profile == ({"allocation": f"{host}:agent:eth0"} if host else {})
    failed = bench.cloud.state.hosts.table["failed_builds"].tolist()
    assert sum(failed) == failures


@pytest.mark.parametrize("step", ["await_accelerators", "prepare_disks"])
def test_what_fails_before_the_guest_starts_is_not_tried_elsewhere(step: str) -> None:
    bench = Recorder()
    bench.driver.fail(step)
    server = bench.do.boot(make_server())
    assert (server.vm_state, server.host) == ("error", None)
    assert bench.held(server.uuid) == {}


def test_an_alternate_that_has_no_room_is_passed_over() -> None:
    bench = Recorder()
    bench.driver.fail("spawn", "a")

    def take_room(step: str, server: Server) -> None:
        if step == "reschedule":
            bench.cloud.claim(uuid("other"), {"b": {"VCPU": 7}})

    bench.do.context.observer = take_room
    server = bench.do.boot(make_server())
    assert server.host == "c"


def test_allocations_of_a_resize() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    bench.table.clear()
    migration = bench.do.resize(server.uuid, LARGE)
    assert bench.table == [
        ("hold_source", "", "a"),
        ("select", "b", "a"),
        ("prep_resize", "b", "a"),
        ("claim", "b", "a"),
        ("power_off", "b", "a"),
        ("switch_host", "b", "a"),
        ("bind_ports", "b", "a"),
        ("finish_resize", "b", "a"),
        ("resize", "b", "a"),
    ]
    assert bench.held(server.uuid) == {"b": LARGE_HELD}
    assert bench.held(migration.uuid) == {"a": SMALL_HELD}
    assert (server.vm_state, migration.status) == ("resized", "finished")
    bench.do.confirm_resize(server.uuid)
    assert (server.vm_state, migration.status) == ("active", "confirmed")
    assert (bench.hosts_of(server.uuid), bench.held(migration.uuid)) == ({"b"}, {})


def test_allocations_of_a_revert() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    migration = bench.do.resize(server.uuid, LARGE)
    bench.do.revert_resize(server.uuid)
    assert (server.vm_state, server.host, server.flavor) == ("active", "a", SMALL)
    assert bench.held(server.uuid) == {"a": SMALL_HELD}
    assert (migration.status, bench.held(migration.uuid)) == ("reverted", {})


def test_a_stopped_server_stays_stopped() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    for finish in (bench.do.revert_resize, bench.do.confirm_resize):
        server.vm_state, server.power_state = "stopped", "shutdown"
        bench.do.migrate(server.uuid)
        finish(server.uuid)
        assert (server.vm_state, server.power_state) == ("stopped", "shutdown")


# Which step fails; then host, vm_state, status of the migration, hosts that the server
# holds, hosts that the migration holds.
FAILURES = [
    ("prep_resize", 9, "a", "error", "error", "a", ""),
    ("claim", 9, "a", "error", "error", "a", ""),
    ("prep_resize", 1, "c", "resized", "finished", "c", "a"),
    ("claim", 1, "c", "resized", "finished", "c", "a"),
    ("power_off", 1, "a", "error", "error", "a", ""),
    ("bind_ports", 1, "b", "error", "error", "b", ""),
    ("finish_resize", 1, "b", "error", "error", "b", ""),
]


@pytest.mark.parametrize(
    ("step", "times", "host", "state", "status", "mine", "held"), FAILURES
)
def test_each_failure_of_a_resize(
    step: str, times: int, host: str, state: str, status: str, mine: str, held: str
) -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    bench.driver.fail(step, times=times)
    migration = bench.do.resize(server.uuid, LARGE)
    assert (server.host, server.vm_state, server.task_state) == (host, state, None)
    assert migration.status == status
    assert bench.hosts_of(server.uuid) == set(mine)
    assert bench.hosts_of(migration.uuid) == set(held)


def test_a_step_that_rolls_back_leaves_the_server_well() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    error = StepFailed("disk too small", "ResizeError", rolls_back=True)
    bench.driver.fail("power_off", error=error)
    migration = bench.do.resize(server.uuid, LARGE)
    assert (server.vm_state, migration.status) == ("active", "error")
    assert server.fault == "ResizeError: disk too small"
    assert bench.hosts_of(server.uuid) == {"a"}


def test_no_host_for_a_resize() -> None:
    bench = Recorder(names=("a",))
    server = bench.do.boot(make_server())
    migration = bench.do.resize(server.uuid, LARGE)
    assert (server.vm_state, server.task_state) == ("active", None)
    assert (migration.status, bench.held(migration.uuid)) == ("error", {})
    assert bench.held(server.uuid) == {"a": SMALL_HELD}


@pytest.mark.parametrize(
    ("step", "mine", "held", "host"),
    [
        pytest.param("destroy_at_dest", "b", "a", "b", id="both stay held"),
        pytest.param("bind_ports", "a", "", "a", id="ports"),
        pytest.param("finish_revert_resize", "a", "", "a", id="start"),
    ],
)
def test_each_failure_of_a_revert(step: str, mine: str, held: str, host: str) -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    migration = bench.do.migrate(server.uuid)
    bench.driver.fail(step)
    bench.do.revert_resize(server.uuid)
    assert (server.host, server.vm_state, migration.status) == (host, "error", "error")
    assert bench.hosts_of(server.uuid) == set(mine)
    assert bench.hosts_of(migration.uuid) == set(held)


def test_a_confirm_that_fails_frees_the_source_all_the_same() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    migration = bench.do.migrate(server.uuid)
    bench.driver.fail("confirm_resize")
    bench.do.confirm_resize(server.uuid)
    assert (server.vm_state, migration.status) == ("error", "error")
    assert (bench.hosts_of(server.uuid), bench.held(migration.uuid)) == ({"b"}, {})


def test_resize_on_the_same_host_holds_both() -> None:
    bench = Recorder(names=("a",), options=MoveOptions(allow_resize_to_same_host=True))
    server = bench.do.boot(make_server())
    migration = bench.do.resize(server.uuid, LARGE)
    assert bench.held(server.uuid) == {"a": LARGE_HELD}
    assert bench.held(migration.uuid) == {"a": SMALL_HELD}
    assert bench.cloud.usages("a")["VCPU"] == 6
    bench.do.revert_resize(server.uuid)
    assert bench.cloud.usages("a")["VCPU"] == 2


def test_old_and_new_must_fit_together_on_the_same_host() -> None:
    options = MoveOptions(allow_resize_to_same_host=True)
    bench = Recorder(names=("a",), vcpus=5, options=options)
    server = bench.do.boot(make_server())
    assert bench.do.resize(server.uuid, LARGE).status == "error"


@pytest.mark.parametrize("make", [old_port, extended_port])
def test_ports_follow_and_come_back(make: object) -> None:
    assert callable(make)
    bench = Recorder()
    names = bench.add_ports(make("p", 600), make("q", 600))
    server = bench.do.boot(make_server(ports=names))
    ports = [bench.records.ports[name] for name in names]
    before = [port["binding:profile"] for port in ports]
    assert "a:agent:eth0" in str(before[0])
    assert "a:agent:eth1" in str(before[1])
    bench.do.migrate(server.uuid)
    assert [port["binding:host_id"] for port in ports] == ["b", "b"]
    assert "b:agent:eth0" in str(ports[0]["binding:profile"])
    bench.do.revert_resize(server.uuid)
    assert [port["binding:profile"] for port in ports] == before


def test_a_port_that_was_changed_is_read_again() -> None:
    bench = Recorder()
    [name] = bench.add_ports(old_port("p"))
    server = bench.do.boot(make_server(ports=(name,)))
    bench.records.ports[name]["resource_request"] = old_port("p", 300)[
        "resource_request"
    ]
    bench.do.migrate(server.uuid)
    held = bench.held(server.uuid)["b:agent:eth0"]
    assert set(held.values()) == {300}


def test_anti_affinity_does_not_keep_a_server_from_its_own_host() -> None:
    group = {"uuid": "group", "policy": "anti-affinity"}
    options = MoveOptions(allow_resize_to_same_host=True)
    bench = Recorder(names=("a",), options=options, server_groups=[group])
    server = bench.do.boot(make_server(server_group="group"))
    assert bench.do.resize(server.uuid, LARGE).status == "finished"


def test_a_policy_is_asked_before_anything_changes() -> None:
    bench = Recorder()
    server = bench.do.boot(make_server())
    asked = []

    def refuse(operation: str, _: Server) -> None:
        asked.append(operation)
        raise Refused("no", 403, "PolicyNotAuthorized")

    do = Operations(bench.scheduler, bench.records, bench.driver, allow=refuse)
    steps = len(bench.driver.done)
    for call in (
        lambda: do.resize(server.uuid, LARGE),
        lambda: do.migrate(server.uuid, "b"),
        lambda: do.delete(server.uuid),
    ):
        with pytest.raises(Refused):
            call()
    assert asked == ["server-resize", "server-migrate-to-host", "server-delete"]
    assert (server.task_state, len(bench.driver.done)) == (None, steps)
    assert not bench.records.migrations


def test_members_of_a_group_stay_together() -> None:
    bench = Recorder(server_groups=[{"uuid": "g", "policy": "affinity"}])
    first = bench.do.boot(make_server("one", server_group="g"))
    second = bench.do.boot(make_server("two", server_group="g"))
    assert first.host == second.host

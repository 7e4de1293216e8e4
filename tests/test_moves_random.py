"""Whatever is done in whatever order, and whatever fails: the books are right.

Random operations with random faults on small clouds that are nearly full, checked after
each step by ``moves_checks``.
"""

import random
from collections.abc import Callable

import pytest

from kilonova.errors import Refused, StepFailed
from kilonova.hosts import clock
from kilonova.moves.options import MoveOptions
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from moves_checks import check_rest, check_step
from moves_cloud import (
    LARGE,
    NOW,
    SMALL,
    Bench,
    extended_port,
    make_server,
    old_port,
    uuid,
)

HOSTS = ("a", "b", "c", "d")
WITH_FPGA = Flavor(
    1, 1024, root_gb=5, name="fpga", extra_specs={"accel:device_profile": "two"}
)
# What goes wrong without a fault, for want of a host. As Nova, a revert does not find
# the groups of ports in what two hosts hold, one of them dead.
EXPECTED = (
    "ComputeServiceUnavailable",
    "MaxRetriesExceeded",
    "MigrationPreCheckError",
    "NoValidHost",
    "UnableToMigrateToSelf",
    "ValueError",
)
LATE = (["destroy_at_dest"], ["post_live_migration"])
GROUPS = (None, "group affinity", "group anti-affinity", "group soft-anti-affinity")


class FaultyDriver:
    """Fails some steps, counted from the next one: ``times`` of them in a row."""

    def __init__(self, first: int, times: int, error: StepFailed) -> None:
        self.left = range(first, first + times)
        self.error = error
        self.count = 0
        self.failed: list[str] = []

    def run(self, step: str, server: Server, host: str) -> None:
        self.count += 1
        if self.count in self.left:
            self.failed.append(step)
            raise self.error


class Player(Bench):
    """Does one random operation after the other."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        super().__init__(
            HOSTS[: self.random.randint(3, 4)],
            vcpus=self.random.choice([6, 10, 12]),
            options=MoveOptions(
                allow_resize_to_same_host=self.random.random() < 0.5,
                shelved_offload_time=self.random.choice([0, -1]),
                migrate_max_retries=self.random.choice([-1, 0, 1]),
            ),
            server_groups=[
                {"uuid": group, "policy": group.partition(" ")[2]}
                for group in GROUPS
                if group
            ],
        )
        self.records.device_profiles = {
            "two": [{"resources:FPGA": "2"}, {"resources:FPGA": "1"}]
        }
        self.leaked: set[str] = set()
        self.leaky: set[str] = set()
        self.count = 0
        self.done = 0

    def observe(self, step: str, server: Server) -> None:
        if step in ("abort", "fail"):
            self.note_leaks(server)
            if not self.faults.failed:
                told = (server.fault or "").partition(":")[0]
                logged = [type(error).__name__ for error in self.do.logged[-1:]]
                assert told in EXPECTED or logged == ["NoValidHost"]
        check_step(self.cloud, self.records, self.leaked)

    def note_leaks(self, server: Server) -> None:
        """Note what Nova leaves behind.

        The source is left to a revert, or a live migration, that failed late; ports are
        left unbound by an offload that failed late; and what was claimed is left where
        accelerators could not be bound.
        """
        if self.faults.failed[-1:] == ["bind_accelerators"]:
            self.leaky.add(server.uuid)
        if self.faults.failed == ["destroy"] and server.vm_state == "shelved":
            self.leaky.add(server.uuid)
        for migration in self.records.migrations.values():
            failed_late = self.faults.failed[-1:] in LATE
            if failed_late and migration.status == "error":
                self.leaked.add(migration.uuid)

    def play(self) -> None:
        """Do one operation, perhaps with a fault."""
        first = self.random.randint(1, 7) if self.random.random() < 0.5 else 0
        error = StepFailed("fault", aborts=self.random.random() < 0.1)
        self.faults = FaultyDriver(first, self.random.choice([1, 1, 9]), error)
        self.do.context.driver = self.faults
        operation = self.random.choice(self.operations())
        try:
            operation()
        except Refused:
            pass
        else:
            self.done += 1
        check_step(self.cloud, self.records, self.leaked)
        check_rest(self.cloud, self.records, self.leaky)

    def operations(self) -> list[Callable[[], object]]:
        """Give the operations to choose from: those that are often refused once."""
        servers = sorted(self.records.servers)
        if len(servers) < 2 or (len(servers) < 6 and self.random.random() < 0.2):
            return [self.boot, self.boot, self.boot_many]
        name = self.random.choice(servers)
        server = self.records.servers[name]
        host = self.random.choice([None, None, None, *HOSTS])
        force = self.random.random() < 0.3
        if server.vm_state in ("error", "shelved") and self.random.random() < 0.5:
            return [lambda: self.do.delete(name)]
        if server.vm_state == "resized" and self.random.random() < 0.8:
            return [
                lambda: self.do.confirm_resize(name),
                lambda: self.do.revert_resize(name),
            ]
        return [
            self.restart,
            lambda: self.do.resize(name, self.random.choice([SMALL, LARGE])),
            lambda: self.do.resize(name, self.random.choice([SMALL, LARGE])),
            lambda: self.do.migrate(name, host),
            lambda: self.do.live_migrate(name, host, force=force),
            lambda: self.do.live_migrate(name),
            lambda: self.evacuate(server),
            lambda: self.evacuate(server),
            lambda: self.do.shelve(name),
            lambda: self.do.shelve_offload(name),
            lambda: self.do.unshelve(name),
            lambda: self.do.unshelve(name, host=host),
            lambda: self.rebuild(server),
            lambda: self.do.delete(name),
            lambda: self.attach(name),
            lambda: self.detach(server),
            lambda: self.stop(server),
        ]

    def new_server(self) -> Server:
        self.count += 1
        flavor = self.random.choice([SMALL, SMALL, LARGE, WITH_FPGA])
        group = self.random.choice(GROUPS)
        return make_server(f"server {self.count}", flavor=flavor, server_group=group)

    def new_ports(self, most: int) -> tuple[str, ...]:
        found = []
        for n in range(self.random.randint(0, most)):
            make = self.random.choice([old_port, extended_port])
            amount = self.random.choice([100, 100, 499, 500, 501, 1000])
            found.append(make(f"port {self.count} {n}", amount))
        return self.add_ports(*found)

    def boot(self) -> None:
        server = self.new_server()
        server.ports = self.new_ports(3)
        self.do.boot(server)

    def boot_many(self) -> None:
        names = [uuid(f"server {self.count} {n}") for n in range(2)]
        self.do.boot_many(self.new_server(), 2, names)

    def evacuate(self, server: Server) -> None:
        if server.host is None:
            return
        if self.random.random() < 0.7:
            self.restart()
        self.set_up(server.host, up=False)
        host = self.random.choice([None, None, *HOSTS])
        self.do.evacuate(server.uuid, host, force=self.random.random() < 0.3)

    def rebuild(self, server: Server) -> None:
        # After a failed evacuation Nova leaves ports where the server did not get to.
        if server.vm_state != "error":
            self.do.rebuild(server.uuid, Image(uuid=str(self.count)))

    def restart(self) -> None:
        """All services come back."""
        for row in range(len(self.cloud.state.hosts)):
            host = self.cloud.state.hosts.names[row]
            self.set_up(host, up=True)
            self.do.start_service(host)

    def stop(self, server: Server) -> None:
        if server.vm_state == "active" and server.task_state is None:
            server.vm_state, server.power_state = "stopped", "shutdown"

    def attach(self, name: str) -> None:
        self.count += 1
        for port in self.new_ports(1):
            try:
                self.do.attach_port(name, port)
            except Refused:
                # Nova does not give back what was claimed for a port it cannot bind.
                if self.faults.failed == ["bind_ports"]:
                    self.leaky.add(name)
                raise

    def detach(self, server: Server) -> None:
        if server.ports:
            self.do.detach_port(server.uuid, self.random.choice(server.ports))


@pytest.mark.parametrize("seed", range(30))
def test_books_are_right(seed: int) -> None:
    player = Player(seed)
    with clock.using(lambda: NOW):
        for _ in range(100):
            player.play()
    assert player.done > 10

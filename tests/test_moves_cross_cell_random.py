"""Moves in and across cells in random order, with random faults: the books are right.

Two cells that are nearly full, ports that ask for resources and others, policies that
come and go; checked after each step by ``moves_checks`` and ``moves_cells``.
"""

import random
from collections.abc import Callable

import pytest

from kilonova.errors import Refused, StepFailed
from kilonova.hosts import clock
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.moves.options import MoveOptions
from kilonova.records.server import Server
from moves_cells import HOSTS, Cells, check_copies, check_copies_written
from moves_checks import check_rest, check_step
from moves_cloud import LARGE, NOW, SMALL, extended_port, make_server, old_port

# Steps that fail so late, or early, that the migration goes on holding the source.
LEAKING = {
    "revert": (
        "update_source_copy",
        "switch_cell",
        "destroy_at_dest",
        "activate_port_bindings",
        "delete_target_copy",
    ),
    "live": ("post_live_migration",),
}
# What goes wrong without a fault: for want of a host, or as an earlier fault left a
# copy of the server, or a binding of its ports, in the other cell, or its guest off.
EXPECTED = (
    "InstanceExists",
    "InstanceInvalidState",
    "MaxRetriesExceeded",
    "MigrationPreCheckError",
    "NoValidHost",
)


class FaultyDriver:
    """Fails some steps, counted from the next one: ``times`` of them in a row."""

    def __init__(self, first: int, times: int) -> None:
        self.left = range(first, first + times)
        self.count = 0
        self.failed: list[str] = []

    def run(self, step: str, server: Server, host: str) -> None:
        assert host in HOSTS
        self.count += 1
        if self.count in self.left:
            self.failed.append(step)
            raise StepFailed("fault")


class Player(Cells):
    """Does one random operation after the other."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.leaked: set[str] = set()
        self.leaky: set[str] = set()
        self.count = 0
        multiplier = self.random.choice([0.0, -1_000_000.0])
        section = FilterSchedulerSection(cross_cell_move_weight_multiplier=multiplier)
        super().__init__(
            HOSTS,
            scheduling=Options(filter_scheduler=section),
            vcpus=self.random.choice([8, 10, 16]),
            options=MoveOptions(
                cross_cell_with_port_resources=self.random.random() < 0.7
            ),
            server_groups=[{"uuid": "group", "policy": "anti-affinity"}],
        )

    def observe(self, step: str, server: Server) -> None:
        if step == "fail":
            self.note_leaks(server)
        check_step(self.cloud, self.records, self.leaked)
        check_copies(self.records)

    def note_leaks(self, server: Server) -> None:
        """Note what Nova leaves behind: the source to a migration, ports unbound."""
        if not self.faults.failed:
            assert (server.fault or "").partition(":")[0] in EXPECTED
            return
        if self.faults.failed[-1] in LEAKING.get(self.operation, ()):
            self.leaked |= {
                migration.uuid
                for migration in self.records.migrations.values()
                if migration.server == server.uuid and self.held(migration.uuid)
            }
        if self.operation == "move" and "switch_cell" in self.faults.failed:
            self.leaky.add(server.uuid)

    def play(self) -> None:
        """Do one operation, perhaps with a fault."""
        first = self.random.randint(1, 18) if self.random.random() < 0.3 else 0
        self.faults = FaultyDriver(first, self.random.choice([1, 1, 2, 4]))
        self.do.context.driver = self.faults
        self.allowed = self.random.random() < 0.8
        self.operation, operation = self.random.choice(self.operations())
        before = {name: len(each) for name, each in self.records.copies.items()}
        try:
            operation()
        except Refused:
            assert not self.faults.failed
        check_step(self.cloud, self.records, self.leaked)
        check_rest(self.cloud, self.records, self.leaky)
        check_copies(self.records)
        check_copies_written(self.records)
        if "delete_target_copy" not in self.faults.failed:
            self.check_left(before)

    def check_left(self, before: dict[str, int]) -> None:
        """Only a server that waits has one copy more; its ports are on two hosts."""
        for name, copies in self.records.copies.items():
            if len(copies) <= before.get(name, 0):
                continue
            server = self.records.servers[name]
            assert (server.vm_state, server.task_state) == ("resized", None)
            for port in (self.records.ports[each] for each in server.ports):
                others = port["bindings"]
                assert isinstance(others, list)
                assert copies[-1].server.host in [each["host"] for each in others]

    def operations(self) -> list[tuple[str, Callable[[], object]]]:
        """Give the operations to choose from."""
        for server in self.records.servers.values():
            if server.task_state == "deleting":
                # Nova would not try again: an operator resets its state.
                server.vm_state, server.task_state = "error", None
        servers = sorted(self.records.servers)
        if len(servers) < 2 or (len(servers) < 4 and self.random.random() < 0.2):
            return [("boot", self.boot)]
        name = self.random.choice(servers)
        server = self.records.servers[name]
        host = self.random.choice([None, None, None, *HOSTS])
        flavor = LARGE if server.flavor == SMALL else SMALL
        if server.vm_state == "resized" and server.task_state is None:
            return [
                ("confirm", lambda: self.do.confirm_resize(name)),
                ("revert", lambda: self.do.revert_resize(name)),
                ("revert", lambda: self.do.revert_resize(name)),
                ("delete", lambda: self.do.delete(name)),
            ]
        if server.vm_state in ("error", "resized"):
            return [("delete", lambda: self.do.delete(name))]
        return [
            ("move", lambda: self.do.resize(name, flavor)),
            ("move", lambda: self.do.migrate(name, host)),
            ("move", lambda: self.do.migrate(name, host)),
            ("move", lambda: self.do.migrate(name, host)),
            ("delete", lambda: self.do.delete(name)),
            ("live", lambda: self.do.live_migrate(name)),
            ("stop", lambda: self.stop(server)),
        ]

    def boot(self) -> None:
        self.count += 1
        amounts = (100, 499, 500, 501, 1000)
        ports = []
        for n in range(self.random.randint(0, 2)):
            name, amount = f"port {self.count} {n}", self.random.choice(amounts)
            plain: dict[str, object] = {"id": name, "network_id": "net"}
            made = (plain, old_port(name, amount), extended_port(name, amount))
            ports.append(self.random.choice(made))
        self.do.boot(
            make_server(
                f"server {self.count}",
                flavor=self.random.choice([SMALL, LARGE]),
                ports=self.add_ports(*ports),
                server_group=self.random.choice([None, None, "group"]),
            )
        )

    def stop(self, server: Server) -> None:
        server.vm_state, server.power_state = "stopped", "shutdown"


@pytest.mark.parametrize("seed", range(2, 14))
def test_books_are_right(seed: int) -> None:
    player = Player(seed)
    with clock.using(lambda: NOW):
        for _ in range(80):
            player.play()
    moves = [m.cross_cell_move for m in player.records.migrations.values()]
    assert sum(moves) > 2

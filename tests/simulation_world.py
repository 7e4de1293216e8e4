"""A small cloud on which operations are done, each checked wholly before the next."""

from collections.abc import Callable, Sequence

import numpy as np

from kilonova.errors import Forbidden, Refused
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.operations import Operations
from kilonova.records.migration import Migration
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from moves_cells import check_copies, check_copies_written
from moves_checks import check_consumers, check_rest, check_step
from moves_cloud import NOW, make_server
from simulation_books import Books, Held, holdings, host_of
from simulation_site import CROSSERS, MAY, PROJECT, Faults, Site, Turn, forbidden

# Steps whose failure leaves the source with a migration that is over, by operation.
LATE = {
    "revert": (
        "destroy_at_dest",
        "update_source_copy",
        "switch_cell",
        "activate_port_bindings",
        "delete_target_copy",
    ),
    "live migrate": ("post_live_migration",),
    "live migrate to host": ("post_live_migration",),
}


class World:
    """A cloud, its records, and what must be true of both.

    Attributes
    ----------
    books
        What is to be held where servers are not.
    unbound
        Servers whose ports Nova leaves bound elsewhere, or not at all, or that hold
        what another flavor asks than theirs.
    """

    _source: tuple[str, str] | None

    def __init__(self, site: Site) -> None:
        self.site = site
        # A little later at each operation: plans and migrations are told by their time.
        self.now = NOW
        self.cloud = site.cloud()
        self.scheduler = Scheduler(self.cloud, site.scheduling())
        self.operations = Operations(
            self.scheduler,
            Records(),
            Faults(Turn()),
            options=site.options(),
            allow=self._allow,
            observer=self._observe,
            clock=lambda: self.now,
        )
        self.records = self.operations.records
        state = self.cloud.state
        rows = range(state.tables.inventory.count)
        self._capacity = np.array([state.inventory_of(row).capacity for row in rows])
        self.records.device_profiles = {
            "two": ({"resources:FPGA": "2"}, {"resources:FPGA": "1"})
        }
        self.books = Books(self.cloud, self.records, site.cells)
        self.unbound: set[str] = set()
        self.down: set[str] = set()
        self._begin(Turn())

    def act(
        self,
        what: str,
        servers: Sequence[str],
        call: Callable[[], object],
        turn: Turn,
        source: str | None = None,
    ) -> object | None:
        """Do an operation of some servers; None where it was refused.

        What is forbidden or refused changes nothing, and no operation changes what
        other servers hold. Counted is how often ``source`` is freed; left out, it is
        where the first server is.
        """
        before, was = self._documents(), holdings(self.cloud)
        self._begin(turn)
        self._what = what
        self._source = self._source_of(servers, source)
        may = turn.caller == "admin" or what in MAY[turn.caller]
        try:
            result = call()
        except Forbidden:
            assert not may, f"{what} must be allowed to {turn.caller}"
            assert self._documents() == before
            result = None
        except Refused:
            assert may, f"{what} must be forbidden to {turn.caller}"
            if not self.faults.failed and what != "attach":
                assert self._documents() == before
            result = None
        else:
            assert may, f"{what} must be forbidden to {turn.caller}"
        self.check_others(was, servers)
        if self.faults.failed[-1:] == ["bind_accelerators"]:
            self.books.leaky.update(servers)
            self.unbound.update(servers)
        return result

    def check(self) -> None:
        """Check all that must be true between operations."""
        check_step(self.cloud, self.records, self.books.by_migration)
        loose = self.books.leaky | self.unbound
        check_rest(self.cloud, self.records, loose, self.books.left)
        for server in self.records.servers.values():
            if server.node is not None:
                assert server.cell == self.site.cells[server.node]
        self.books.check()
        check_copies_written(self.records)

    def check_others(self, was: Held, servers: Sequence[str]) -> None:
        """Check that consumers that are not of these servers hold what they held."""
        mine = set(servers)
        for uuid, migration in self.records.migrations.items():
            if migration.server in mine:
                mine.add(uuid)
        now = holdings(self.cloud)
        for consumer in (was.keys() | now.keys()) - mine:
            assert was.get(consumer) == now.get(consumer), consumer

    def check_freed(self, times: int) -> None:
        """Check how often the source was freed."""
        assert self.freed == times, f"the source was freed {self.freed} times"

    def requests_of(self, server: Server) -> set[str]:
        """Give the accelerator requests that are bound to a server."""
        known = self.records.accelerator_requests.items()
        return {uuid for uuid, request in known if request.server == server.uuid}

    def room(self, host: str, resource_class: str) -> int:
        """Give how much of a class of its root a host has left."""
        inventory = self.cloud.inventories(host)[resource_class]
        return inventory.capacity - self.cloud.usages(host)[resource_class]

    def takers(self, flavor: Flavor, hosts: Sequence[str]) -> list[str]:
        """Give the hosts that are up and have room for a flavor."""
        asked = {
            "VCPU": flavor.vcpus,
            "MEMORY_MB": flavor.memory_mb,
            "DISK_GB": flavor.root_gb,
        }
        return [
            host
            for host in hosts
            if host not in self.down
            and all(self.room(host, name) >= n for name, n in asked.items())
        ]

    def is_plain(self, server: Server) -> bool:
        """Say whether it is told by hand where a server fits."""
        return not (
            server.ports
            or server.server_group
            or server.flavor.extra_specs
            or self.faults.failed
            or self.books.elsewhere.get(server.uuid)
            or server.uuid in self.books.leaky
            or self.records.copies.get(server.uuid)
        )

    def neighbours(self, server: Server, node: str | None) -> list[str]:
        """Give the other hosts of a server's cell."""
        cells = self.site.cells.items()
        return [host for host, cell in cells if cell == server.cell and host != node]

    def strangers(self, server: Server) -> list[str]:
        """Give the hosts that are not of a server's cell."""
        cells = self.site.cells.items()
        return [host for host, cell in cells if cell != server.cell]

    def up(self) -> set[str]:
        """Give the hosts that send heartbeats."""
        return set(self.site.names) - self.down

    def set_up(self, host: str, up: bool) -> None:
        """Let the service of a host send heartbeats, or be dead."""
        hosts = self.cloud.state.hosts
        hosts.table["last_seen_up"][hosts.row(host)] = NOW if up else 0.0
        hosts.changed()
        (self.down.discard if up else self.down.add)(host)

    def _begin(self, turn: Turn) -> None:
        self.now += 1e-3
        self.turn, self.faults = turn, Faults(turn)
        self.operations.context.driver = self.faults
        self.steps: list[str] = []
        self.freed = 0
        self._source, self._what = None, ""
        self._amount = self._at_first = 0

    def _check_amounts(self) -> None:
        """Check that what is used is what is held, and no more than there is."""
        tables = self.cloud.state.tables
        held = tables.allocation["consumer"] >= 0
        used = tables.inventory["used"]
        counted = np.bincount(
            tables.allocation["inventory"][held],
            tables.allocation["amount"][held],
            len(used),
        )
        np.testing.assert_array_equal(used, counted)
        assert (used <= self._capacity).all()

    def _documents(self) -> tuple[object, object]:
        return self.cloud.to_document(), self.records.to_document()

    def _allow(self, operation: str, server: Server) -> None:
        if operation.endswith("-across-cells") and self.site.crosses:
            operation = operation.removesuffix("-across-cells")
            if self.turn.caller not in CROSSERS:
                raise Forbidden("no", "compute:servers:resize:cross_cell")
        error = forbidden(operation, self.turn.caller, server.project_id)
        if error is not None:
            raise error

    def _source_of(
        self, servers: Sequence[str], source: str | None
    ) -> tuple[str, str] | None:
        server = self.records.servers.get(servers[0]) if servers else None
        if server is None or (node := source or server.node) is None:
            return None
        self._amount = self._at_first = self._held_at(server.uuid, node)
        return server.uuid, node

    def _held_at(self, server: str, host: str) -> int:
        consumers = [server]
        for migration in self.records.migrations.values():
            if migration.server == server:
                consumers.append(migration.uuid)
        held = [self.cloud.allocations(consumer) for consumer in consumers]
        return sum(each.get(host, {}).get("VCPU", 0) for each in held)

    def _observe(self, step: str, server: Server) -> None:
        """Check after each step; count how often less is held where the server was.

        Less than at first: where it may stay, a destination comes and goes on top.
        """
        self.steps.append(step)
        if self._source is not None:
            amount = min(self._held_at(*self._source), self._at_first)
            self.freed += amount < self._amount
            self._amount = amount
        over = {
            migration.uuid
            for migration in self.records.migrations.values()
            if migration.status == "error"
            and self.faults.failed[-1:]
            and self.faults.failed[-1] in LATE.get(self._what, ())
        }
        self._check_amounts()
        check_consumers(self.cloud, self.records, over | self.books.by_migration.keys())
        check_copies(self.records)


def new_server(number: int, flavor: Flavor, group: str | None) -> Server:
    """Make what a server is booted of."""
    wanted = f"group {group}" if group else None
    return make_server(
        f"server {number}", flavor=flavor, server_group=wanted, project_id=PROJECT
    )


def hosts_in(held: dict[str, dict[str, int]]) -> set[str]:
    """Give the hosts that something is held of."""
    return {host_of(provider) for provider in held}


def as_migration(result: object) -> Migration:
    """Say that an operation gave a migration."""
    assert isinstance(result, Migration)
    return result

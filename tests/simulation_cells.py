"""Moves that wait in a simulation, within a cell and across: confirmed, or reverted.

After a move across cells both have a copy of the server, until it no longer waits.
"""

from kilonova.records.migration import Migration
from kilonova.records.server import Server
from simulation_books import without
from simulation_site import CROSSERS, Turn
from simulation_world import World, as_migration


class Crossings(World):
    """All that is done with servers that wait for a confirmation."""

    def may_cross(self, server: Server, turn: Turn) -> bool:
        """Say by hand whether a move may leave the cell of its server."""
        if turn.caller not in CROSSERS or not self.site.crosses:
            return False
        ports = [self.records.ports[name] for name in server.ports]
        asks = any(port.get("resource_request") for port in ports)
        return self.site.crosses == "with ports" or not asks

    def check_waits(self, server: Server, migration: Migration) -> None:
        """Check a server that moved: the cell that it left has it, too."""
        crossed = migration.source_cell != server.cell
        assert migration.cross_cell_move == crossed
        if not crossed:
            return
        [copy] = self._copies(server, migration)
        assert (copy.hidden, copy.node) == (True, migration.source_node)
        for name in server.ports:
            assert migration.source_host in self._other_bindings(name)

    def confirm(self, server: Server, turn: Turn) -> None:
        """Confirm a resize: the source is freed once, whatever fails."""
        done = self.act(
            "confirm",
            [server.uuid],
            lambda: self.operations.confirm_resize(server.uuid),
            turn,
            self._source_node(server),
        )
        if done is None:
            return
        migration = as_migration(done)
        held = self.books.by_migration.get(migration.uuid, {})
        self.check_freed(int(migration.source_node in held))
        self.books.let_go(migration)
        self._check_over(server, migration, migration.source_host)

    def revert(self, server: Server, turn: Turn) -> None:
        """Revert a resize: what was held before is held again, and nothing else."""
        done = self.act(
            "revert",
            [server.uuid],
            lambda: self.operations.revert_resize(server.uuid),
            turn,
        )
        if done is None:
            return
        migration = as_migration(done)
        last = "delete_target_copy" if migration.cross_cell_move else "destroy_at_dest"
        if last in self.steps:
            was = self.books.came_back(migration, server.node)
            assert self.cloud.allocations(server.uuid) == was
            self.check_freed(1)
            if migration.status == "error":
                # Its ports may be bound where it was; a rebuild leaves them there.
                self.unbound.add(server.uuid)
        else:
            self.check_freed(0)
            if self.steps.count("switch_cell"):
                # Users see it where it came from; it is, and holds, elsewhere.
                now = self.cloud.allocations(server.uuid)
                self.books.elsewhere[server.uuid] = without(now, server.node)
                self.unbound.add(server.uuid)
        self._check_over(server, migration, migration.dest_host)

    def _check_over(
        self, server: Server, migration: Migration, host: str | None
    ) -> None:
        """Check that the other cell has nothing of a move where nothing failed.

        What ports hold cannot be told apart where it is held on a dead host as well.
        """
        if self.faults.failed or self.books.elsewhere.get(server.uuid):
            return
        assert migration.status in ("confirmed", "reverted")
        if migration.cross_cell_move:
            assert not self._copies(server, migration)
            for name in server.ports:
                assert host not in self._other_bindings(name)

    def _copies(self, server: Server, migration: Migration) -> list[Server]:
        copies = self.records.copies.get(server.uuid, ())
        return [c.server for c in copies if c.migration.uuid == migration.uuid]

    def _other_bindings(self, port: str) -> list[str]:
        others = self.records.ports[port].get("bindings", [])
        assert isinstance(others, list)
        return [each["host"] for each in others]

    def _source_node(self, server: Server) -> str | None:
        """Give where a server waits to be let go."""
        for migration in self.records.migrations.values():
            if migration.server == server.uuid and migration.status == "finished":
                return migration.source_node
        return None

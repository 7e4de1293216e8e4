"""What consumers must hold beside what a server needs where it is: told move by move.

Kept by hand, from what each operation came to and from what its server held before. So
a source that is not freed, or freed twice, or freed in part, does not go unseen.
"""

from collections.abc import Mapping

from kilonova.admin.audit import NOVA_CLASSES, AuditOptions, audit
from kilonova.candidates.cloud import Cloud
from kilonova.records.migration import Migration
from kilonova.records.records import Records

# Statuses of migrations that are over: an audit does not look at these.
_OVER = ("confirmed", "reverted", "error", "failed", "completed", "cancelled", "done")
Amounts = dict[str, dict[str, int]]
Held = dict[str, Amounts]


def host_of(provider: str) -> str:
    """Give the host in whose tree a provider is: names begin with it."""
    return provider.partition(":")[0]


def without(amounts: Amounts, host: str | None) -> Amounts:
    """Leave out what is held of one host."""
    return {p: a for p, a in amounts.items() if host_of(p) != host}


def holdings(cloud: Cloud) -> Held:
    """Give what each consumer holds."""
    state = cloud.state
    firsts = state.tables.consumer["first"]
    return {
        state.consumer_uuids[row]: cloud.allocations(state.consumer_uuids[row])
        for row in (firsts >= 0).nonzero()[0].tolist()
    }


class Books:
    """What is held that no audit may miss, and nothing else.

    Attributes
    ----------
    cells
        By host: the cell that it is in.
    elsewhere
        By server: what it holds of hosts that it is not on.
    by_migration
        By migration: all that it holds.
    leaky
        Servers of which Nova forgets what they hold; ``docs/moves.md`` lists how.
    left
        Accelerator requests that stay bound after a move that failed.
    """

    def __init__(
        self, cloud: Cloud, records: Records, cells: Mapping[str, str]
    ) -> None:
        self.cloud = cloud
        self.records = records
        self.cells = cells
        self.elsewhere: Held = {}
        self.by_migration: Held = {}
        self.leaky: set[str] = set()
        self.left: set[str] = set()

    def went_off(self, server: str) -> None:
        """Note that a server holds nothing any more but where it is."""
        self.elsewhere.pop(server, None)

    def moved_out(self, migration: Migration, was: Amounts) -> None:
        """Note that a migration has all that its server held."""
        self.went_off(migration.server)
        self.by_migration[migration.uuid] = was

    def let_go(self, migration: Migration) -> None:
        """Note that a migration holds nothing any more."""
        self.by_migration.pop(migration.uuid, None)

    def came_back(self, migration: Migration, host: str | None) -> Amounts:
        """Note that a server has again what its migration held; give that."""
        was = self.by_migration.pop(migration.uuid)
        self.elsewhere[migration.server] = without(was, host)
        return was

    def evacuated(self, migration: Migration, was: Amounts) -> None:
        """Note that a server is on another host, and holds what it held, too."""
        self.elsewhere[migration.server] = without(was, migration.dest_node)

    def cleaned(self, host: str, servers: list[str]) -> None:
        """Note that a host came back, and took away what was evacuated from it."""
        for server in servers:
            self.elsewhere[server] = without(self.elsewhere.get(server, {}), host)

    def check(self) -> None:
        """Check what each consumer holds, and what an audit finds."""
        held = holdings(self.cloud)
        for uuid, server in self.records.servers.items():
            if uuid not in self.leaky:
                other = without(held.get(uuid, {}), server.node)
                assert other == self.elsewhere.get(uuid, {}), (server, other)
        others = {u: a for u, a in held.items() if u not in self.records.servers}
        assert others == self.by_migration
        self._check_audit(held)

    def _check_audit(self, held: Held) -> None:
        expected = {
            (consumer, provider): amounts[provider]
            for consumer, amounts in held.items()
            for provider in amounts
            if not self._is_home(consumer, host_of(provider))
        }
        found = self._orphans(all_classes=True)
        assert found == expected
        if not expected:
            return
        # By itself the audit looks at consumers of certain classes only.
        seen = {k: a for k, a in expected.items() if a.keys() & set(NOVA_CLASSES)}
        assert self._orphans(all_classes=False) == seen

    def _is_home(self, consumer: str, host: str) -> bool:
        """Say whether a server is on a host, or a migration goes from it or to it.

        What the host's cell has of it counts, whether users see it or not.
        """
        known, cell = self.records, self.cells[host]
        if consumer in known.servers:
            copies = known.copies.get(consumer, ())
            servers = [known.servers[consumer], *(copy.server for copy in copies)]
            return any(each.node == host and each.cell == cell for each in servers)
        migration = known.migrations[consumer]
        copies = known.copies.get(migration.server, ())
        others = [
            copy.migration
            for copy in copies
            if copy.migration.uuid == consumer and copy.server.cell == cell
        ]
        return any(
            each.status not in _OVER and host in (each.source_node, each.dest_node)
            for each in (migration, *others)
        )

    def _orphans(self, all_classes: bool) -> dict[tuple[str, str], Mapping[str, int]]:
        options = AuditOptions(all_classes=all_classes)
        result = audit(self.cloud, self.records, options)
        return {(o.consumer, o.provider): o.resources for o in result.orphans}

"""Two cells whose servers may cross: hosts a1, a2 in cell A and b1, b2 in cell B."""

import json
from collections.abc import Collection
from typing import Any

from kilonova.errors import Forbidden
from kilonova.records.records import Records
from kilonova.records.server import Server
from moves_checks import check_step
from moves_cloud import NOW, Bench

HOSTS = ("a1", "a2", "b1", "b2")
ACROSS = "-across-cells"
SMALL_HELD = {"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 10}
LARGE_HELD = {"VCPU": 4, "MEMORY_MB": 4096, "DISK_GB": 20}


def cell_of(host: str) -> str:
    return host[0].upper()


def check_copies(records: Records) -> None:
    """Users see one copy of each server; a cell has at most one."""
    for uuid, copies in records.copies.items():
        cells = [copy.server.cell for copy in copies]
        if uuid in records.servers:
            cells.append(records.servers[uuid].cell)
        assert len(set(cells)) == len(cells)
        for copy in copies:
            assert copy.server.uuid == copy.migration.server == uuid
            assert copy.migration.uuid in records.migrations
            assert copy.migration.cross_cell_move
    assert not any(server.hidden for server in records.servers.values())


def check_copies_written(records: Records) -> None:
    """Check that what cells have beside what users see is the same read again."""
    if not records.copies:
        return
    text = json.dumps(records.to_document(), allow_nan=False)
    assert Records.from_document(json.loads(text)) == records


class Cells(Bench):
    """Notes after each step who holds what where, and what the copies say."""

    def __init__(
        self,
        names: Collection[str] = HOSTS,
        allowed: bool = True,
        **values: Any,
    ) -> None:
        self.table: list[tuple[str, str, str, str]] = []
        self.asked: list[str] = []
        self.allowed = allowed
        hosts = [
            {
                "host": name,
                "nodename": name,
                "provider": name,
                "cell_uuid": cell_of(name),
                "last_seen_up": NOW,
            }
            for name in names
        ]
        super().__init__(tuple(names), **{"hosts": hosts, **values})
        self.do.context.allow = self.allow

    def allow(self, operation: str, server: Server) -> None:
        self.asked.append(operation)
        if operation.endswith(ACROSS) and not self.allowed:
            raise Forbidden("no", "compute:servers:resize:cross_cell")

    def observe(self, step: str, server: Server) -> None:
        super().observe(step, server)
        check_step(self.cloud, self.records, list(self.records.migrations))
        check_copies(self.records)
        check_copies_written(self.records)
        mine = " ".join(sorted(self.hosts_of(server.uuid)))
        held = " ".join(h for m in self.records.migrations for h in self.hosts_of(m))
        self.table.append((step, mine, held, self.cells(server.uuid)))

    def cells(self, server: str) -> str:
        """Give the cell that users see a server in, then those with another copy."""
        others = [copy.server.cell for copy in self.records.copies.get(server, ())]
        seen = self.records.servers.get(server)
        return "+".join([str(seen and seen.cell), *map(str, others)])

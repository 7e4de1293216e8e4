"""Nova's databases of several cells, as far as its commands ask them."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from kilonova.bench.peers.nova_imports import exception

Document = dict[str, Any]


@dataclass
class CellDatabases:
    """What Nova's databases answer about the servers of cells.

    Attributes
    ----------
    servers
        As ``heal_server`` makes them.
    mappings
        Mapping of each cell.
    nodes
        UUID of each compute node by cell, service and node.
    """

    servers: list[Any]
    mappings: list[Any]
    nodes: dict[tuple[str, str, str], str]

    def listed(
        self, cell: Any, filters: Document, limit: int, **more: Any
    ) -> list[Any]:
        """Give servers of one cell, oldest first, from behind a marker."""
        found = [
            each
            for each in sorted(self.servers, key=lambda each: each.created_at)
            if each.cell == cell.uuid
            and filters.get("uuid") in (None, each.uuid)
            and not each.hidden
            and each.vm_state not in ("deleted", "soft-delete")
        ]
        after = (
            [each.uuid for each in found].index(more["marker"]) + 1
            if "marker" in more
            else 0
        )
        return found[after:][: limit if limit >= 0 else None]

    def node(self, cell: Any, host: str, name: str) -> Any:
        """Give the compute node of a service."""
        if (cell.uuid, host, name) not in self.nodes:
            raise exception.ComputeHostNotFound(host=host)
        return SimpleNamespace(uuid=self.nodes[cell.uuid, host, name])

    def mapping(self, _: Any, uuid: str) -> Any:
        """Give the mapping of a server to its cell."""
        for each in self.servers:
            if each.uuid == uuid:
                cell = next(m for m in self.mappings if m.uuid == each.cell)
                return SimpleNamespace(cell_mapping=cell)
        raise exception.InstanceMappingNotFound(uuid=uuid)

    def by_uuid(self, _: Any, uuid: str) -> Any:
        """Give the mapping of a cell."""
        for each in self.mappings:
            if each.uuid == uuid:
                return each
        raise exception.CellMappingNotFound(uuid=uuid)

"""All records of a cloud, by UUID."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kilonova.records.accelerator_request import AcceleratorRequest
from kilonova.records.cell_copy import CellCopy
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.device_profile import DeviceProfiles
from kilonova.request.networks import Networks

Port = dict[str, object]
"""A port as Neutron's API shows it: ``id``, ``resource_request``, ``binding:host_id``,
``binding:profile`` and so on; changed in place as a server moves."""


@dataclass(slots=True)
class Records:
    """What Nova, Neutron and Cyborg know beside what Placement knows.

    Hosts, host aggregates and server groups are the cloud's own.

    Attributes
    ----------
    servers, migrations
        By UUID.
    ports
        Neutron's ports by id.
    networks
        Neutron's networks by id.
    device_profiles
        Cyborg's profiles by name.
    host_mappings
        Cells by name of the compute service, as Nova's API database maps them; empty
        where each service of the cloud is mapped.
    aggregate_hosts
        Names of compute services by UUID of the host aggregate that they are in, beside
        those that the cloud's hosts tell: of services that have no compute node.
    accelerator_requests
        Cyborg's accelerator requests by UUID.
    copies
        What other cells have of servers that move across cells, by UUID of the server;
        at most one of each cell. Of two copies, ``servers`` and ``migrations`` have
        that of the cell that Nova's API asks.
    """

    servers: dict[str, Server] = field(default_factory=dict)
    migrations: dict[str, Migration] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)
    networks: Networks = field(default_factory=dict)
    device_profiles: DeviceProfiles = field(default_factory=dict)
    host_mappings: dict[str, str] = field(default_factory=dict)
    aggregate_hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accelerator_requests: dict[str, AcceleratorRequest] = field(default_factory=dict)
    copies: dict[str, list[CellCopy]] = field(default_factory=dict)

    def copy_in(self, server: str, cell: str | None) -> CellCopy | None:
        """Give what a cell has of a server beside what users see; None: nothing."""
        for copy in self.copies.get(server, ()):
            if copy.server.cell == cell:
                return copy
        return None

    def add_copy(self, copy: CellCopy) -> None:
        """Note what another cell has of a server."""
        self.copies.setdefault(copy.server.uuid, []).append(copy)

    def drop_copy(self, copy: CellCopy) -> None:
        """Take a copy out of its cell; it must be there."""
        kept = [each for each in self.copies[copy.server.uuid] if each is not copy]
        if kept:
            self.copies[copy.server.uuid] = kept
        else:
            del self.copies[copy.server.uuid]

    @staticmethod
    def from_document(given: Any) -> "Records":
        """Make records of a JSON-like document; see ``docs/records.md``.

        Raises
        ------
        BadInput
            Something in it cannot be right; the message says where.
        """
        from kilonova.records import document

        return document.load(given)

    def to_document(self) -> dict[str, Any]:
        """Give the document from which ``from_document`` makes equal records."""
        from kilonova.records import document

        return document.dump(self)

    @staticmethod
    def from_file(path: str | Path) -> "Records":
        """Read a JSON file; raises BadInput, which says file and place."""
        from kilonova.records import document

        return document.read_file(path)

    def save(self, path: str | Path) -> None:
        """Write a JSON file, wholly or not at all; raises BadInput."""
        from kilonova.records import document

        document.write_file(self, path)

"""What servers ask of the scheduler when they are evacuated, equal ones once.

Making a spec costs as much as placing a server. Servers of a flavor with ports alike
get one spec, in which ports and groups have numbers for names.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from kilonova.cloud.state import State
from kilonova.errors import BadInput
from kilonova.hosts.options import Options
from kilonova.records.records import Port, Records
from kilonova.records.server import Server
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from kilonova.request.server_spec import server_spec

# What of a port counts for the scheduler.
_READ = (
    "network_id",
    "binding:vnic_type",
    "device_profile",
    "qos_rules",
    "resource_request",
    "numa_affinity_policy",
)


class Specs:
    """Specs of servers that leave their hosts for others of the same cell.

    Parameters
    ----------
    state
        The cloud, with the server groups.
    records
        Ports, networks and device profiles.
    options
        Those of the scheduler.
    """

    def __init__(self, state: State, records: Records, options: Options) -> None:
        self._state = state
        self._records = records
        self._options = options
        self._known: dict[Hashable, ServerSpec] = {}
        self._values: dict[object, int] = {}
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []
        filters = options.filter_scheduler.enabled_filters
        self._reads_project = (
            options.scheduler.limit_tenants_to_placement_aggregate
            or any(name.endswith("AggregateMultiTenancyIsolation") for name in filters)
        )

    def of(self, server: Server, source: int) -> ServerSpec:
        """Give the spec of a server, the same object for servers that ask alike.

        Parameters
        ----------
        server
            Its record.
        source
            Row of the host that it is on: it stays in that cell.

        Raises
        ------
        BadInput
            Something in the records of the server cannot be right.
        """
        ports = [
            _anonymous(self._records.ports[uuid], n)
            for n, uuid in enumerate(server.ports)
        ]
        key = (
            self._number(server.flavor),
            self._number(server.image),
            server.project_id if self._reads_project else "",
            server.availability_zone,
            server.server_group,
            server.is_volume_backed,
            self._cell(source),
            tuple(server.hints.items()) if server.hints else (),
            repr(ports) if ports else "",
        )
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(server, source, ports)
        return found

    def exact(self, server: Server, source: int) -> ServerSpec:
        """Give the spec with the names of the server's own ports; raises as ``of``."""
        ports = [self._records.ports[uuid] for uuid in server.ports]
        return self._made(server, source, ports)

    def _made(
        self, server: Server, source: int, ports: Sequence[Mapping[str, Any]]
    ) -> ServerSpec:
        zone = (server.availability_zone or "").partition(":")[0]
        cell = self._cell(source)
        try:
            return server_spec(
                server.flavor,
                server.image,
                options=self._options,
                ports=ports,
                networks=self._records.networks,
                device_profiles=self._records.device_profiles,
                hints=server.hints,
                server_group=self._group(server.server_group),
                availability_zone=zone or None,
                destination=Destination(cell=cell) if cell else None,
                is_volume_backed=server.is_volume_backed,
                project_id=server.project_id if self._reads_project else "",
            )
        except BadInput as error:
            raise BadInput(f"Server {server.uuid}: {error}") from error

    def _number(self, value: object) -> int:
        """Give a flavor or image a number; an object is hashed once."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._values.setdefault(value, len(self._values))
            self._numbers[id(value)] = number
            # Else another object could come to have the same identity.
            self._kept.append(value)
        return number

    def _cell(self, source: int) -> str | None:
        number = int(self._state.hosts.table["cell"][source])
        return self._state.hosts.cells[number] if number >= 0 else None

    def _group(self, uuid: str | None) -> ServerGroup | None:
        if uuid is None:
            return None
        return ServerGroup.of(self._state.groups[self._state.groups.find(uuid)])


def _anonymous(port: Port, number: int) -> dict[str, Any]:
    """Give what counts of a port, under names that do not depend on whose it is."""
    found: dict[str, Any] = {
        key: port[key] for key in _READ if port.get(key) is not None
    }
    found["id"] = _name(number)
    profile = port.get("binding:profile")
    if isinstance(profile, Mapping) and profile.get("trusted") is not None:
        found["binding:profile"] = {"trusted": profile["trusted"]}
    request = found.get("resource_request")
    if isinstance(request, Mapping) and request.get("request_groups"):
        found["resource_request"] = _renamed(request, number)
    return found


def _renamed(request: Mapping[str, Any], number: int) -> dict[str, Any]:
    groups = request["request_groups"]
    names = {group["id"]: _name(number, i + 1) for i, group in enumerate(groups)}
    return {
        **request,
        "request_groups": [{**g, "id": names[g["id"]]} for g in groups],
        "same_subtree": [names.get(i, i) for i in request.get("same_subtree", ())],
    }


def _name(port: int, group: int = 0) -> str:
    return f"00000000-0000-4000-8000-{port:06x}{group:06x}"

"""The request of a server that is there, made anew at every move."""

from typing import Unpack

from kilonova.errors import BadInput
from kilonova.moves.context import Context
from kilonova.records.records import Port
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from kilonova.request.server_spec import Wishes, server_spec


def ports_of(context: Context, server: Server) -> list[Port]:
    """Give the ports of a server as Neutron knows them now.

    A port that Neutron lost is left out, as it would be from Neutron's list.
    """
    known = context.records.ports
    return [known[port] for port in server.ports if port in known]


def asks_groups(port: Port) -> bool:
    """Say whether a port asks for several request groups, as not all computes know."""
    asked = port.get("resource_request")
    return isinstance(asked, dict) and bool(asked.get("request_groups"))


def destination_of(context: Context, server: Server, host: str | None) -> Destination:
    """Give where a server is to go within its cell: to a host, or anywhere."""
    node = context.node_of(host) if host else None
    return Destination(host=host, node=node, cell=server.cell)


def spec_of(
    context: Context,
    server: Server,
    flavor: Flavor | None = None,
    **wishes: Unpack[Wishes],
) -> ServerSpec:
    """Make what a server asks now: its ports are read again, its groups rebuilt.

    Parameters
    ----------
    context
        Ports, networks and device profiles are those of its records.
    server
        Its own flavor, image, zone, hints and server group count.
    flavor
        Another flavor to ask for.
    **wishes
        Where it is to go: ``destination``, ``ignore_hosts``, ...

    Raises
    ------
    BadServerSpec, BadRequest
        Nova would refuse what a port or flavor says.
    BadInput
        The cloud does not know its server group.
    """
    records = context.records
    given: Wishes = {
        "networks": records.networks,
        "device_profiles": records.device_profiles,
        "hints": {key: list(values) for key, values in server.hints.items()},
        "server_group": _group(context, server),
        "availability_zone": server.availability_zone,
        "is_volume_backed": server.is_volume_backed,
        "project_id": server.project_id,
        "instance_uuid": server.uuid,
    }
    given.update(wishes)
    return server_spec(
        flavor or server.flavor,
        server.image,
        options=context.scheduler.options,
        ports=ports_of(context, server),
        **given,
    )


def _group(context: Context, server: Server) -> ServerGroup | None:
    if server.server_group is None:
        return None
    groups = context.state.groups
    number = groups.find(server.server_group)
    if number < 0:
        known = [group.uuid for group in groups]
        raise BadInput(
            f"Server {server.uuid}: server_group must be one of {known}, "
            f"got {server.server_group!r}."
        )
    return ServerGroup.of(groups[number])

"""What each ``kilonova server`` command calls, and what it reads for that."""

from collections.abc import Sequence

import numpy as np

from kilonova.cli.console import complain, plain_console, print_json
from kilonova.cli.given import Served
from kilonova.cli.reading import flavor_of, pairs_of, ports_of
from kilonova.cli.server import DONE, REFUSED, Work, run
from kilonova.cli.server_show import Shown, text_of
from kilonova.cli.wanted import Booted
from kilonova.cloud.host_values import Facts
from kilonova.cloud.state import State
from kilonova.errors import BadInput, Forbidden
from kilonova.moves.operations import Operations
from kilonova.plan.failed import hosts_of
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.image_properties import image_properties


def boot(given: Served, server: str, wanted: Booted) -> int:
    """Boot servers; give the exit status, as all of these do.

    Parameters
    ----------
    given, wanted
        The command line.
    server
        UUID; of several, what theirs begin with.
    """
    who = given.authority.who()
    flavor = new_flavor(wanted.flavor, wanted.properties or ())
    image = new_image(wanted.image, wanted.image_properties or ())

    def work(do: Operations) -> None:
        ports = [
            name for text in wanted.ports or () for name in _ports(text, do.records)
        ]
        hints = pairs_of("--hint", wanted.hints or ())
        record = Server(
            server,
            flavor,
            image,
            project_id=wanted.project or (who[1].project if who else None) or "",
            user_id=wanted.user or (who[1].user if who else None) or "",
            availability_zone=wanted.availability_zone,
            server_group=wanted.server_group,
            ports=tuple(ports),
            hints={key: (value,) for key, value in hints.items()},
            is_volume_backed=wanted.volume,
        )
        if wanted.count == 1:
            do.boot(record, host=wanted.host)
            return
        if wanted.host is not None:
            raise BadInput("--host is for one server; leave --count out.")
        uuids = [f"{server}-{n + 1}" for n in range(wanted.count)]
        do.boot_many(record, wanted.count, uuids)

    return run(given, work)


def new_flavor(text: str, properties: Sequence[str]) -> Flavor:
    """Read a flavor and its extra specs; raises BadInput."""
    return flavor_of(text, pairs_of("--property", properties))


def new_image(uuid: str, properties: Sequence[str]) -> Image:
    """Read an image; raises BadInput."""
    found = image_properties(pairs_of("--image-property", properties))
    return Image(found, uuid=uuid)


def other_image(uuid: str, properties: Sequence[str]) -> Image | None:
    """Read another image, None where none is named; raises BadInput."""
    if properties and not uuid:
        raise BadInput("--image-property is of another image; give its --image, too.")
    return new_image(uuid, properties) if uuid else None


def act(given: Served, work: Work) -> int:
    """Do one operation of one server."""
    return run(given, work)


def attach(given: Served, server: str, port: str) -> int:
    """Attach a port of the records, or one that is given as JSON."""

    def work(do: Operations) -> None:
        names = _ports(port, do.records)
        if len(names) != 1:
            raise BadInput(f"PORT must be one port, got {len(names)}.")
        do.attach_port(server, names[0])

    return run(given, work)


def start_service(given: Served, host: str) -> int:
    """Let a compute service come back: it frees what was evacuated from it."""

    def work(do: Operations) -> None:
        given.authority.require("service-update", target={})
        hosts = do.context.state.hosts
        services = dict.fromkeys(
            _set_service(do.context.state, name, up=True)
            for name in hosts_of(do.context.state, [host])
        )
        for service in services:
            do.start_service(hosts.services[service])

    return run(given, work)


def stop_service(given: Served, host: str) -> int:
    """Let a compute service send no heartbeats any more."""

    def work(do: Operations) -> None:
        given.authority.require("service-update", target={})
        for name in hosts_of(do.context.state, [host]):
            _set_service(do.context.state, name, up=False)

    return run(given, work)


def show(given: Served, all_projects: bool) -> int:
    """List servers: those of the caller's project, or all."""
    cloud, records = given.read()
    who = given.authority.who()
    if who is not None:
        policy, caller = who
        name = "server-list" + ("-all-projects" if all_projects else "")
        try:
            policy.authorize(name, caller)
        except Forbidden as error:
            complain(f"refused: {error.status} {error.nova}: {error}")
            return REFUSED
    servers = [
        server
        for server in records.servers.values()
        if not server.hidden
        and (who is None or all_projects or server.project_id == who[1].project)
    ]
    shown = Shown(cloud, records)
    found = [shown.server(server) for server in servers]
    if given.as_json:
        print_json({"servers": found})
        return DONE
    for each in found:
        task = f" ({each['task_state']})" if each["task_state"] else ""
        plain_console().print(
            f"{each['uuid']}: {each['vm_state']}{task} on {each['host'] or '-'}; "
            f"holds {text_of(each['allocations'])}",
            soft_wrap=True,
        )
    return DONE


def _ports(text: str, records: Records) -> list[str]:
    """Give UUIDs of ports; those that are given as JSON are entered in the records."""
    if text in records.ports:
        return [text]
    names = []
    for port in ports_of(text):
        name = port.get("id")
        if not isinstance(name, str) or name in records.ports:
            raise BadInput(f"--port: a new port needs an id of its own, got {name!r}.")
        records.ports[name] = port
        names.append(name)
    return names


def _set_service(state: State, node: str, up: bool) -> int:
    """Let a node's service be up, or silent for long; give the service's number."""
    hosts, row = state.hosts, state.hosts.row(node)
    hosts.table["last_seen_up"][row] = np.nan if up else 0.0
    if up:
        facts = hosts.facts[int(hosts.table["facts"][row])].values()
        facts.pop("forced_down", None)
        hosts.table["facts"][row] = hosts.facts.number(Facts.of(facts))
    hosts.changed()
    return int(hosts.table["service"][row])

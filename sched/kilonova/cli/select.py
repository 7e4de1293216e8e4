"""``kilonova select``: which host a server would go to, and why."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kilonova.cli.console import (
    allocation_lines,
    complain,
    make_table,
    plain_console,
    print_json,
)
from kilonova.cli.reading import flavor_of, options_of, pairs_of, ports_of, read_cloud
from kilonova.cli.wanted import Selected
from kilonova.cloud.server_groups import POLICIES
from kilonova.errors import BadInput, BadRequest, NoValidHost
from kilonova.hosts.reasons import Reasons
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Chosen, Selection
from kilonova.moves.boot_rules import operations_of_boot
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.group import Request
from kilonova.request.image import Image
from kilonova.request.image_properties import image_properties
from kilonova.request.rendering import render_query
from kilonova.request.server import ServerGroup, ServerSpec
from kilonova.request.server_spec import server_spec

_SHOWN = 10


def run(wanted: Selected) -> int:
    """Carry out the command; give the exit status, 1 where no host takes the servers.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    flavor = flavor_of(wanted.flavor, pairs_of("--property", wanted.properties or ()))
    wanted.authority.require(*_operations(wanted, flavor))
    cloud, options = read_cloud(wanted.cloud), options_of(wanted.config_file)
    scheduler = Scheduler(cloud, options, seed=wanted.seed)
    spec = _spec(wanted, flavor, scheduler)
    why = scheduler.explain(spec, _SHOWN) if wanted.explain else None
    found: Selection | None = None
    refused = ""
    try:
        found = scheduler.select(spec, wanted.count)
    except NoValidHost as error:
        refused = str(error)
        why = why or scheduler.explain(spec, _SHOWN)
    if wanted.as_json:
        print_json(_document(found, refused, why, scheduler.notes(spec)))
    else:
        console = plain_console()
        _show(console, found, refused, why)
        if why and not found and not why.steps[0].after:
            request = scheduler.shape(spec).request
            console.print(_further(wanted.cloud, request), soft_wrap=True)
    for note in scheduler.notes(spec):
        complain(note)
    return 0 if found else 1


def _operations(wanted: Selected, flavor: Flavor) -> list[str]:
    """List what a caller must be allowed who would have Nova do the same: boot them."""
    server = Server(
        "",
        flavor,
        availability_zone=wanted.availability_zone,
        ports=tuple(wanted.ports or ()),
    )
    return operations_of_boot(server, False, None)


def _spec(wanted: Selected, flavor: Flavor, scheduler: Scheduler) -> ServerSpec:
    return server_spec(
        flavor,
        _image(wanted),
        options=scheduler.options,
        ports=[port for text in wanted.ports or () for port in ports_of(text)],
        hints=pairs_of("--hint", wanted.hints or ()),
        server_group=_group(wanted.server_group, scheduler),
        availability_zone=wanted.availability_zone,
    )


def _image(wanted: Selected) -> Image:
    pairs = pairs_of("--image-property", wanted.image_properties or ())
    return Image(image_properties(pairs))


def _group(text: str | None, scheduler: Scheduler) -> ServerGroup | None:
    if text is None:
        return None
    groups = scheduler.state.groups
    number = groups.find(text)
    if number >= 0:
        return ServerGroup.of(groups[number])
    if text in POLICIES:
        return ServerGroup(text, uuid=f"new {text} group")
    known = ", ".join([group.uuid for group in groups] + list(POLICIES))
    raise BadInput(f"--server-group: no group {text!r}; known: {known}.")


def _document(
    found: Selection | None,
    refused: str,
    why: Reasons | None,
    notes: tuple[str, ...],
) -> dict[str, Any]:
    document: dict[str, Any] = {"refused": refused or None, "notes": notes}
    if found:
        document["servers"] = [
            {
                "uuid": uuid,
                **_host(found.hosts[n]),
                "alternates": [_host(other) for other in found.alternates[n]],
            }
            for n, uuid in enumerate(found.servers)
        ]
    if why:
        document["explanation"] = asdict(why)
    return document


def _host(chosen: Chosen) -> dict[str, Any]:
    return {
        "host": chosen.host,
        "nodename": chosen.nodename,
        "resource_provider": chosen.uuid,
        "cell": chosen.cell_uuid,
        "weight": chosen.weight,
        "allocations": chosen.allocations,
        "mappings": chosen.mappings,
    }


def _show(
    console: Console, found: Selection | None, refused: str, why: Reasons | None
) -> None:
    if found:
        console.print(_selected(found))
    else:
        console.print(refused, soft_wrap=True)
    if why:
        console.print(_steps(why))
        if why.ranked:
            console.print(_weights(why))


def _further(cloud: str | Path, request: Request) -> str:
    """Say which command tells why there are no allocation candidates."""
    try:
        query = shlex.quote(render_query(request))
    except BadRequest:
        # Nova may ask what no query says.
        query = "QUERY"
    path = shlex.quote(str(cloud))
    return f"What no host has: kilonova explain {path} {query}"


def _selected(found: Selection) -> Table:
    plural = "s" if len(found.servers) > 1 else ""
    columns = ("server", "host", "weight", "allocations", "alternates")
    table = make_table(f"{len(found.servers)} server{plural}", columns)
    for n, uuid in enumerate(found.servers):
        chosen = found.hosts[n]
        table.add_row(
            uuid,
            chosen.nodename,
            f"{chosen.weight:.6g}",
            allocation_lines(chosen.allocations),
            "\n".join(other.nodename for other in found.alternates[n]),
        )
    return table


def _steps(why: Reasons) -> Table:
    counts = ("before", "removed", "after")
    columns = ("step", *counts, "among them")
    table = make_table(f"What removed hosts, of {why.hosts}", columns, numbers=counts)
    for step in why.steps:
        more = " ..." if len(step.hosts) > 3 else ""
        table.add_row(
            step.step,
            str(step.before),
            str(step.before - step.after),
            str(step.after),
            ", ".join(step.hosts[:3]) + more,
        )
    return table


def _weights(why: Reasons) -> Table:
    """Show the weighers that tell the best hosts apart: raw, normalised, weighted."""
    used = [
        i
        for i, share in enumerate(why.ranked[0].shares)
        if any(host.shares[i].weighted for host in why.ranked)
    ]
    title = "Weights of the best hosts: raw, normalised, weighted"
    weighers = [why.ranked[0].shares[i].weigher for i in used]
    table = make_table(title, ("host", "weight", *weighers), numbers=("weight",))
    for host in why.ranked:
        cells = [
            f"{share.raw:g}, {share.normalised:.4g}, {share.weighted:.4g}"
            for share in (host.shares[i] for i in used)
        ]
        table.add_row(host.host, f"{host.weight:.6g}", *cells)
    return table

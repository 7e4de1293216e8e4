"""``kilonova select``: which host a server would go to, and why."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from kilonova.cli.asking import plain_console, read_cloud
from kilonova.cloud.server_groups import POLICIES
from kilonova.errors import BadInput, NoValidHost
from kilonova.hosts.options import Options
from kilonova.hosts.options_file import read_options
from kilonova.hosts.reasons import Reasons
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Chosen, Selection
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.image_properties import image_properties
from kilonova.request.server import ServerGroup, ServerSpec
from kilonova.request.server_spec import server_spec

_FLAVOR = {
    "vcpus": "vcpus",
    "ram": "memory_mb",
    "disk": "root_gb",
    "ephemeral": "ephemeral_gb",
    "swap": "swap_mb",
}
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line.

    Attributes
    ----------
    cloud
        JSON document, or folder that ``Cloud.write`` wrote.
    flavor
        ``vcpus=4,ram=8192,disk=40``, and ``name``, ``ephemeral``, ``swap``.
    properties, image_properties, hints
        ``KEY=VALUE`` each.
    ports
        JSON, or files of it: a port as Neutron shows it, or a list of them.
    server_group
        UUID of a group of the cloud, or ``POLICY`` for a new one.
    """

    cloud: Path
    flavor: str
    count: int
    properties: Sequence[str]
    image_properties: Sequence[str]
    hints: Sequence[str]
    ports: Sequence[str]
    server_group: str | None
    availability_zone: str | None
    config_file: Path | None
    seed: int
    explain: bool
    as_json: bool


def run(wanted: Wanted) -> int:
    """Carry out the command; give the exit status.

    Raises
    ------
    KilonovaError
        Input that cannot be right.
    """
    cloud = read_cloud(wanted.cloud)
    options = read_options(wanted.config_file) if wanted.config_file else Options()
    scheduler = Scheduler(cloud, options, seed=wanted.seed)
    spec = _spec(wanted, scheduler, options)
    why = scheduler.explain(spec, _SHOWN) if wanted.explain else None
    found: Selection | None = None
    refused = ""
    try:
        found = scheduler.select(spec, wanted.count)
    except NoValidHost as error:
        refused = str(error)
        why = why or scheduler.explain(spec, _SHOWN)
    if wanted.as_json:
        print(json.dumps(_document(found, refused, why), indent=1))
    else:
        _show(plain_console(), found, refused, why)
    return 0 if found else 1


def _spec(wanted: Wanted, scheduler: Scheduler, options: Options) -> ServerSpec:
    return server_spec(
        flavor_of(wanted.flavor, pairs_of("--property", wanted.properties)),
        Image(image_properties(pairs_of("--image-property", wanted.image_properties))),
        options=options,
        ports=[port for text in wanted.ports for port in ports_of(text)],
        hints=pairs_of("--hint", wanted.hints),
        server_group=_group(wanted.server_group, scheduler),
        availability_zone=wanted.availability_zone,
    )


def pairs_of(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` texts of an option; raises BadInput."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise BadInput(f"{option} must be KEY=VALUE, got {text!r}.")
        found[key] = value
    return found


def flavor_of(text: str, extra_specs: dict[str, str]) -> Flavor:
    """Read ``vcpus=4,ram=8192,disk=40`` as a flavor; raises BadInput."""
    pairs = pairs_of("--flavor", text.split(","))
    name = pairs.pop("name", "")
    if unknown := sorted(set(pairs) - set(_FLAVOR)):
        known = ", ".join([*_FLAVOR, "name"])
        raise BadInput(f"--flavor has no {unknown[0]!r}; known: {known}.")
    if missing := sorted({"vcpus", "ram"} - set(pairs)):
        raise BadInput(f"--flavor needs {missing[0]}, as in vcpus=4,ram=8192,disk=40.")
    amounts = {}
    for key, value in pairs.items():
        if not (value.isascii() and value.isdigit()):
            raise BadInput(f"--flavor: {key} must be a whole number, got {value!r}.")
        amounts[_FLAVOR[key]] = int(value)
    return Flavor(name=name, extra_specs=extra_specs, **amounts)


def ports_of(text: str) -> list[dict[str, Any]]:
    """Read ports from JSON, or from a file of it; raises BadInput."""
    source = text
    if not text.lstrip().startswith(("{", "[")):
        try:
            source = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                f"--port must be JSON or a file of it, got {text!r}."
            ) from error
    try:
        found = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"--port {text!r:.60} is not JSON: {error}.") from error
    ports = found if isinstance(found, list) else [found]
    if not all(isinstance(port, dict) for port in ports):
        raise BadInput(f"--port must be an object or a list of them, got {text!r:.60}.")
    return cast(list[dict[str, Any]], ports)


def _group(text: str | None, scheduler: Scheduler) -> ServerGroup | None:
    if text is None:
        return None
    groups = scheduler.state.groups
    number = groups.find(text)
    if number >= 0:
        group = groups[number]
        return ServerGroup(
            group.policy,
            max_server_per_host=group.max_server_per_host,
            uuid=group.uuid,
        )
    if text in POLICIES:
        return ServerGroup(text, uuid=f"new {text} group")
    known = ", ".join([group.uuid for group in groups] + list(POLICIES))
    raise BadInput(f"--server-group: no group {text!r}; known: {known}.")


def _document(
    found: Selection | None, refused: str, why: Reasons | None
) -> dict[str, Any]:
    document: dict[str, Any] = {"refused": refused or None}
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
        console.print(refused)
    if why:
        console.print(_steps(why))
        if why.ranked:
            console.print(_weights(why))
        for note in why.notes:
            console.print(f"Ignored: {note}")


def _selected(found: Selection) -> Table:
    plural = "s" if len(found.servers) > 1 else ""
    table = Table(title=f"{len(found.servers)} server{plural}")
    for name in ("server", "host", "weight", "allocations", "alternates"):
        table.add_column(name, overflow="fold")
    for n, uuid in enumerate(found.servers):
        chosen = found.hosts[n]
        allocations = [
            f"{provider}: "
            + ", ".join(f"{name} {amount}" for name, amount in a.items())
            for provider, a in chosen.allocations.items()
        ]
        table.add_row(
            uuid,
            chosen.nodename,
            f"{chosen.weight:.6g}",
            "\n".join(allocations),
            "\n".join(other.nodename for other in found.alternates[n]),
        )
    return table


def _steps(why: Reasons) -> Table:
    table = Table(title=f"What removed hosts, of {why.hosts}")
    table.add_column("step")
    table.add_column("before", justify="right")
    table.add_column("removed", justify="right")
    table.add_column("after", justify="right")
    table.add_column("among them", overflow="fold")
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
    table = Table(title="Weights of the best hosts: raw, normalised, weighted")
    table.add_column("host", overflow="fold")
    table.add_column("weight", justify="right")
    for i in used:
        table.add_column(why.ranked[0].shares[i].weigher, overflow="fold")
    for host in why.ranked:
        cells = [
            f"{share.raw:g}, {share.normalised:.4g}, {share.weighted:.4g}"
            for share in (host.shares[i] for i in used)
        ]
        table.add_row(host.host, f"{host.weight:.6g}", *cells)
    return table

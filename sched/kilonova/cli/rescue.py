"""``kilonova rescue``: whether a server can be rescued, and how its disks lie then."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from kilonova.admin.rescue import check_rescue
from kilonova.admin.rescue_devices import Hypervisor, RescuePlan, plan_rescue
from kilonova.admin.rescue_reading import (
    host_traits,
    read_json,
    rescue_image,
    rescue_server,
)
from kilonova.cli.asking import plain_console, read_cloud
from kilonova.errors import BadInput, Refused


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line.

    Attributes
    ----------
    server, image
        JSON files; without an image, that of the server.
    cloud, host
        Where the traits of the server's host come from, or None.
    """

    server: Path
    image: Path | None
    cloud: Path | None
    host: str | None
    microversion: str
    hypervisor: Hypervisor
    is_admin: bool
    as_json: bool


def run(wanted: Wanted) -> int:
    """Carry out the command; give the exit status, 1 where Nova refuses.

    Raises
    ------
    KilonovaError
        Input that cannot be right.
    """
    server = rescue_server(read_json(wanted.server))
    image = rescue_image(read_json(wanted.image)) if wanted.image else None
    if (wanted.cloud is None) != (wanted.host is None):
        raise BadInput("--cloud and --host go together: whose traits are meant?")
    traits: frozenset[str] = frozenset()
    if wanted.cloud is not None and wanted.host is not None:
        traits = host_traits(read_cloud(wanted.cloud), wanted.host)
    try:
        properties = check_rescue(
            server,
            image,
            microversion=_microversion(wanted.microversion),
            traits=traits,
            is_admin=wanted.is_admin,
        )
        plan = plan_rescue(server, properties, wanted.hypervisor)
    except Refused as refused:
        _refuse(refused, wanted.as_json)
        return 1
    if wanted.as_json:
        print(json.dumps({"refused": None, **asdict(plan)}, indent=1))
    else:
        plain_console().print(_table(plan))
    return 0


def _microversion(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major == "2" and minor.isascii() and minor.isdigit()):
        raise BadInput(f"--microversion must be like 2.87, got {text!r}.")
    return 2, int(minor)


def _refuse(refused: Refused, as_json: bool) -> None:
    if as_json:
        found = {"status": refused.status, "message": str(refused)}
        print(json.dumps({"refused": {**found, "nova": refused.nova}}, indent=1))
    else:
        print(f"{refused.status} {refused}")


def _table(plan: RescuePlan) -> Table:
    table = Table(title="Stable device rescue" if plan.is_stable else "Rescue")
    for name in ("disk", "device", "bus", "type", ""):
        table.add_column(name, overflow="fold")
    for disk in plan.disks:
        boots = "boots" if disk == plan.boot else ""
        table.add_row(disk.name, disk.dev or "", disk.bus, disk.device_type, boots)
    return table

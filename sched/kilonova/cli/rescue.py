"""``kilonova rescue``: whether a server can be rescued, and how its disks lie then."""

from dataclasses import asdict

from rich.table import Table

from kilonova.admin.rescue import check_rescue
from kilonova.admin.rescue_devices import Hypervisor, RescuePlan, plan_rescue
from kilonova.admin.rescue_reading import host_traits, rescue_image, rescue_server
from kilonova.cli.console import make_table, plain_console, print_json, refusal_row
from kilonova.cli.reading import read_cloud
from kilonova.cli.wanted import Rescued
from kilonova.errors import BadInput, Forbidden, Refused
from kilonova.textfiles import plainly, read_json


def run(wanted: Rescued) -> int:
    """Carry out the command; give the exit status, 1 where Nova refuses.

    Raises
    ------
    KilonovaError
        Input that cannot be right.
    """
    server = rescue_server(read_json(wanted.server, plainly()))
    image = rescue_image(read_json(wanted.image, plainly())) if wanted.image else None
    if (wanted.cloud is None) != (wanted.host is None):
        raise BadInput("--cloud and --host go together: whose traits are meant?")
    traits: frozenset[str] = frozenset()
    if wanted.cloud is not None and wanted.host is not None:
        traits = host_traits(read_cloud(wanted.cloud), wanted.host)
    hypervisor = Hypervisor(wanted.virt_type, max_disk_devices=wanted.max_disk_devices)
    try:
        is_admin = _check_may(wanted)
        properties = check_rescue(
            server,
            image,
            microversion=_microversion(wanted.microversion),
            traits=traits,
            is_admin=is_admin,
        )
        plan = plan_rescue(server, properties, hypervisor)
    except (Forbidden, Refused) as refused:
        _refuse(refused, wanted.as_json)
        return 1
    if wanted.as_json:
        print_json({"refused": None, **asdict(plan)})
    else:
        plain_console().print(_table(plan))
    return 0


def _check_may(wanted: Rescued) -> bool:
    """Ask the policy; give whether the caller is an administrator; raises Forbidden."""
    who = wanted.authority.who()
    if who is None:
        return wanted.admin
    if wanted.admin:
        raise BadInput("--as says who is an administrator; leave --admin out.")
    policy, caller = who
    target = caller.target()
    if wanted.project is not None:
        target = {"project_id": wanted.project, "user_id": None}
    policy.authorize("server-rescue", caller, target)
    return policy.refusal("context_is_admin", caller) is None


def _microversion(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major == "2" and minor.isascii() and minor.isdigit()):
        raise BadInput(f"--microversion must be like 2.87, got {text!r}.")
    return 2, int(minor)


def _refuse(refused: Refused | Forbidden, as_json: bool) -> None:
    if as_json:
        print_json({"refused": refusal_row(refused)})
    else:
        print(f"{refused.status} {refused}")


def _table(plan: RescuePlan) -> Table:
    title = "Stable device rescue" if plan.is_stable else "Rescue"
    table = make_table(title, ("disk", "device", "bus", "type", ""))
    for disk in plan.disks:
        boots = "boots" if disk == plan.boot else ""
        table.add_row(disk.name, disk.dev or "", disk.bus, disk.device_type, boots)
    return table

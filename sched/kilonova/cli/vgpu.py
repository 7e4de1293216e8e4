"""``kilonova vgpu``: which provider each device of a host becomes."""

from dataclasses import asdict

from rich.table import Table

from kilonova.admin.mdev import MdevPlan, plan_mdevs
from kilonova.admin.mdev_apply import apply_mdevs
from kilonova.admin.mdev_devices import read_devices
from kilonova.admin.mdev_options import read_mdev_options
from kilonova.cli.console import make_table, plain_console, print_json
from kilonova.cli.reading import read_cloud
from kilonova.cli.wanted import Divided, Reported
from kilonova.cli.writing import write_outputs


def plan(host: Divided, as_json: bool) -> None:
    """Show the plan; raises KilonovaError for input that cannot be right."""
    found = _plan(host)
    if as_json:
        print_json(_document(found))
        return
    _tell(found)
    for name in found.withdrawn:
        plain_console().print(f"Removed: {name}", soft_wrap=True)


def apply(wanted: Reported) -> None:
    """Carry the plan out, show what that changed, and write the cloud.

    Raises
    ------
    KilonovaError
        Input that cannot be right, a caller that may not, or a provider that is in the
        way; nothing was written.
    """
    wanted.authority.require("provider-tree-update", target={})
    cloud, found = read_cloud(wanted.cloud), _plan(wanted.host)
    changes = apply_mdevs(cloud, found, remove_absent=wanted.remove_absent)
    write_outputs(cloud, wanted.out)
    if wanted.as_json:
        print_json(_document(found) | asdict(changes))
        return
    _tell(found)
    for what, names in asdict(changes).items():
        for name in names:
            plain_console().print(f"{what.capitalize()}: {name}", soft_wrap=True)


def _plan(host: Divided) -> MdevPlan:
    options, devices = read_mdev_options(host.config), read_devices(host.devices)
    return plan_mdevs(options, devices, host.node, host.release)


def _tell(found: MdevPlan) -> None:
    plain_console().print(_table(found))
    for warning in found.warnings:
        plain_console().print(f"Warning: {warning}", soft_wrap=True)


def _document(found: MdevPlan) -> dict[str, object]:
    providers = [
        {
            "name": provider.name,
            "parent": found.node,
            "address": provider.address,
            "mdev_type": provider.mdev_type,
            "inventories": {
                name: inventory._asdict()
                for name, inventory in provider.inventories.items()
            },
            "traits": list(provider.traits),
        }
        for provider in found.providers
    ]
    return {**asdict(found), "providers": providers}


def _table(found: MdevPlan) -> Table:
    title = f"Mediated devices of {found.node}"
    columns = ("provider", "type", "class", "total")
    table = make_table(title, columns, numbers=("total",))
    for provider in found.providers:
        table.add_row(
            provider.name,
            provider.mdev_type,
            provider.resource_class,
            str(provider.total),
        )
    return table

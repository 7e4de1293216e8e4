"""``kilonova vgpu``: which provider each device of a host becomes."""

from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from kilonova.admin.mdev import MdevPlan, plan_mdevs
from kilonova.admin.mdev_devices import read_devices
from kilonova.admin.mdev_options import read_mdev_options
from kilonova.cli.console import make_table, plain_console, print_json


def plan(config: Path, devices: Path, node: str, release: str, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    found = plan_mdevs(read_mdev_options(config), read_devices(devices), node, release)
    if as_json:
        print_json(_document(found))
        return
    console = plain_console()
    console.print(_table(found))
    for name in found.withdrawn:
        console.print(f"Removed: {name}")
    for warning in found.warnings:
        console.print(f"Warning: {warning}")


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

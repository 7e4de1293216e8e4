"""``kilonova headroom``: how many more of a request fit."""

from rich.table import Table

from kilonova.candidates.headroom import Headroom
from kilonova.cli.asking import Asked
from kilonova.cli.console import make_table, plain_console, print_json


def run(asked: Asked, most: int | None, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    found = asked.cloud().headroom(asked.request(), most)
    if as_json:
        print_json(found.to_dict())
        return
    console = plain_console()
    console.print(str(found))
    if found.hosts:
        console.print(_table(found))


def _table(found: Headroom) -> Table:
    shown = len(found.hosts)
    title = f"{shown} of {found.host_count} hosts with room, most first"
    table = make_table(title, ("host", "fit", "first to run out"), numbers=("fit",))
    for host in found.hosts:
        count = f"{host.count}"
        if host.upper != host.count:
            count = f"{host.count} to {host.upper}"
        table.add_row(host.host, count, host.resource_class)
    table.caption = ", ".join(
        f"{name} runs out first on {count}"
        for name, count in sorted(found.limited_by.items(), key=lambda item: -item[1])
    )
    return table

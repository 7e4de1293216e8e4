"""``kilonova headroom``: how many more of a request fit."""

import json

from rich.table import Table

from kilonova.candidates.headroom import Headroom
from kilonova.cli.asking import Asked, plain_console, read_cloud


def run(asked: Asked, most: int | None, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    found = read_cloud(asked.cloud).headroom(asked.request(), most)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    console = plain_console()
    console.print(str(found))
    if found.hosts:
        console.print(_table(found))


def _table(found: Headroom) -> Table:
    shown = len(found.hosts)
    table = Table(title=f"{shown} of {found.host_count} hosts with room, most first")
    table.add_column("host", overflow="fold")
    table.add_column("fit", justify="right")
    table.add_column("first to run out", overflow="fold")
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

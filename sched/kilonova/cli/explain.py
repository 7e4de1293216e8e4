"""``kilonova explain``: why no host fits, and what would help."""

import json

from rich.table import Table

from kilonova.candidates.explain import Explanation
from kilonova.cli.asking import Asked, plain_console, read_cloud


def run(asked: Asked, host: str | None, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    found = read_cloud(asked.cloud).explain(asked.request(), host)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    console = plain_console()
    console.print(_removed_table(found))
    if found.failing:
        console.print(_failing_table(found))
    for line in found.advice:
        console.print(line, soft_wrap=True)


def _removed_table(found: Explanation) -> Table:
    if found.host:
        title = f"{found.host} {'fits' if found.fitting_count else 'does not fit'}"
    else:
        title = f"{found.fitting_count} of {found.tree_count} hosts fit"
    table = Table(title=title)
    table.add_column("constraint", overflow="fold")
    table.add_column("removes", justify="right")
    for each in found.removed:
        if each.trees:
            table.add_row(str(each.constraint), str(each.trees))
    return table


def _failing_table(found: Explanation) -> Table:
    table = Table(title=f"All that {found.host} fails")
    table.add_column("constraint", overflow="fold")
    table.add_column("asked", justify="right")
    table.add_column("best", justify="right")
    table.add_column("provider", overflow="fold")
    for each in found.failing:
        cells = (each.asked, each.best, each.provider)
        table.add_row(
            str(each.constraint), *("" if cell is None else str(cell) for cell in cells)
        )
    return table

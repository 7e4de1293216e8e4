"""``kilonova explain``: why no host fits, and what would help."""

from rich.table import Table

from kilonova.candidates.explain import Explanation
from kilonova.cli.asking import Asked
from kilonova.cli.console import make_table, plain_console, print_json


def run(asked: Asked, host: str | None, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    found = asked.cloud().explain(asked.request(), host)
    if as_json:
        print_json(found.to_dict())
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
    table = make_table(title, ("constraint", "removes"), numbers=("removes",))
    for each in found.removed:
        if each.trees:
            table.add_row(str(each.constraint), str(each.trees))
    return table


def _failing_table(found: Explanation) -> Table:
    title = f"All that {found.host} fails"
    columns = ("constraint", "asked", "best", "provider")
    table = make_table(title, columns, numbers=("asked", "best"))
    for each in found.failing:
        cells = (each.asked, each.best, each.provider)
        table.add_row(
            str(each.constraint), *("" if cell is None else str(cell) for cell in cells)
        )
    return table

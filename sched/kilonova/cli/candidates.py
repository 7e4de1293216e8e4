"""``kilonova candidates``: what could serve a request."""

from rich.table import Table

from kilonova.candidates.candidates import Candidate
from kilonova.cli.asking import Asked
from kilonova.cli.console import (
    allocation_lines,
    make_table,
    plain_console,
    print_json,
)


def run(asked: Asked, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    found = asked.cloud().allocation_candidates(asked.request(), limit=asked.limit)
    if as_json:
        print_json(found.to_placement())
        return
    console = plain_console()
    rows = list(found)
    if not rows:
        console.print("No candidates; `kilonova explain` says why.")
        return
    console.print(_table(rows))


def _table(rows: list[Candidate]) -> Table:
    plural = "s" if len(rows) > 1 else ""
    title = f"{len(rows)} allocation candidate{plural}"
    table = make_table(title, ("#", "host", "allocations", "groups"), numbers="#")
    for number, row in enumerate(rows, 1):
        groups = [
            f"{suffix or '(unsuffixed)'}: {', '.join(providers)}"
            for suffix, providers in row.mappings.items()
        ]
        allocations = allocation_lines(row.allocations)
        table.add_row(str(number), row.root, allocations, "\n".join(groups))
    return table

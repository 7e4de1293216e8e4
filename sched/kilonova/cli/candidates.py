"""``kilonova candidates``: what could serve a request."""

import json

from rich.table import Table

from kilonova.candidates.candidates import Candidate
from kilonova.cli.asking import Asked, plain_console, read_cloud


def run(asked: Asked, as_json: bool) -> None:
    """Carry out the command; raises KilonovaError for input that cannot be right."""
    cloud = read_cloud(asked.cloud)
    found = cloud.allocation_candidates(asked.request(), limit=asked.limit)
    if as_json:
        print(json.dumps(found.to_placement(), indent=1))
        return
    console = plain_console()
    rows = list(found)
    if not rows:
        console.print("No candidates; `kilonova explain` says why.")
        return
    console.print(_table(rows))


def _table(rows: list[Candidate]) -> Table:
    plural = "s" if len(rows) > 1 else ""
    table = Table(title=f"{len(rows)} allocation candidate{plural}")
    table.add_column("#", justify="right")
    table.add_column("host", overflow="fold")
    table.add_column("allocations", overflow="fold")
    table.add_column("groups", overflow="fold")
    for number, row in enumerate(rows, 1):
        allocations = [
            f"{provider}: "
            + ", ".join(f"{name} {amount}" for name, amount in amounts.items())
            for provider, amounts in row.allocations.items()
        ]
        groups = [
            f"{suffix or '(unsuffixed)'}: {', '.join(providers)}"
            for suffix, providers in row.mappings.items()
        ]
        table.add_row(str(number), row.root, "\n".join(allocations), "\n".join(groups))
    return table

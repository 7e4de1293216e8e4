"""What commands print: tables, JSON, complaints, and how far they have come."""

import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import ProgressColumn as Column
from rich.table import Table

from kilonova.errors import Forbidden, Refused

# Columns, more than any table has.
_ENDLESS = 1 << 20


def plain_console() -> Console:
    """Give a console that takes names as they stand: ``[/x]`` and ``:cat:`` too.

    Without a terminal nothing is wrapped or cut: tables are as wide as they need.
    """
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _ENDLESS
    return console


def complain(line: str) -> None:
    """Show what went wrong."""
    print(f"kilonova: {line}", file=sys.stderr)


def make_table(
    title: str, columns: Sequence[str], numbers: Collection[str] = ()
) -> Table:
    """Make a table without rows.

    Parameters
    ----------
    title
        Above it.
    columns
        Heads. What is too wide for a column goes on in the next line.
    numbers
        Heads of columns with numbers, which stand at the right.
    """
    table = Table(title=title)
    for head in columns:
        if head in numbers:
            table.add_column(head, justify="right")
        else:
            table.add_column(head, overflow="fold")
    return table


def print_uncut(console: Console, table: Table) -> None:
    """Print a table; what does not fit goes beyond the edge, and nothing is cut."""
    needed = console.measure(table, options=console.options.update(width=_ENDLESS))
    before, console.width = console.width, max(console.width, needed.maximum)
    console.print(table)
    console.width = before


def allocation_lines(allocations: Mapping[str, Mapping[str, int]]) -> str:
    """Give a line for each provider, with what is allocated of it."""
    return "\n".join(
        f"{provider}: " + ", ".join(f"{name} {amount}" for name, amount in held.items())
        for provider, held in allocations.items()
    )


def progress_bar(screen: Console, unit: str, *more: Column) -> Progress:
    """Make a bar that counts units; it is gone in the end, and not shown in a file."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        *more,
        console=screen,
        transient=True,
        # Into a file it would write an empty line.
        disable=not screen.is_terminal,
    )


def print_json(value: object) -> None:
    """Print JSON; a number that JSON cannot write is null."""
    print(json.dumps(_writable(value), indent=1, allow_nan=False))


def _writable(value: object) -> object:
    if isinstance(value, dict):
        return {key: _writable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def refusal_row(refused: Refused | Forbidden) -> dict[str, object]:
    """Give what Nova's API would answer, for JSON."""
    return {
        "status": refused.status,
        "nova": refused.nova,
        "message": str(refused),
        "rule": getattr(refused, "rule", None),
    }

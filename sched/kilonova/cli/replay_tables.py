"""What ``kilonova replay`` prints: tables that fit the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kilonova.replay.published import Agreement
from kilonova.replay.source import Summary

# Columns that a narrow terminal goes without.
_SPARED = ("runs", "refused", "+-", "s", "GiB", "vCPU")


def show(table: Table) -> None:
    """Print a table, without some columns where it is too wide.

    What still does not fit goes beyond the edge: a number is never cut off.
    """
    # A workload may be called ":cat:".
    console = Console(emoji=False, highlight=False)
    if _width(console, table) > console.width:
        table.columns = [c for c in table.columns if c.header not in _SPARED]
    if _width(console, table) > console.width:
        console.width = _width(console, table)
    console.print(table)


def _width(console: Console, table: Table) -> int:
    """Give the least width at which no word is cut off."""
    wide = console.options.update(width=1000)
    return console.measure(table, options=wide).minimum


def _plain_table(title: str, caption: str) -> Table:
    # All columns of all recorded workloads fit into 80 characters so.
    return Table(
        title=title,
        caption=caption,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )


def summary_table(summary: Summary) -> Table:
    """Give the table of a replay."""
    table = _plain_table(title=summary.title, caption=summary.caption)
    for name in summary.texts:
        table.add_column(name, no_wrap=True)
    for name in summary.numbers:
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    for row in summary.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def published_table(found: Sequence[Agreement]) -> Table:
    """Give one row per workload and policy, one cell per published column."""
    table = _plain_table(
        title="Against the published series",
        caption="Values that are equal, of all; for a policy that draws, mean and "
        "spread of the last value: ours, published",
    )
    for name in ("workload", "policy"):
        table.add_column(name, no_wrap=True)
    for name in ("allocated", "fragment", "of idle"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("", no_wrap=True)
    rows: dict[tuple[str, str], list[Agreement]] = {}
    for agreement in found:
        rows.setdefault((agreement.workload, agreement.policy), []).append(agreement)
    for (workload, policy), cells in rows.items():
        agrees = all(cell.agrees for cell in cells)
        table.add_row(
            escape(workload),
            policy,
            *(_cell(cell) for cell in cells),
            "agrees" if agrees else "[bold red]differs[/]",
        )
    return table


def _cell(a: Agreement) -> str:
    if a.is_drawn:
        return f"{a.ours:.2f}±{a.spread[0]:.2f}, {a.theirs:.2f}±{a.spread[1]:.2f}"
    if a.equal == a.values:
        return f"{a.equal}/{a.values}"
    return f"{a.equal}/{a.values}, {a.within} within 0.01, most {a.largest:.2g}"

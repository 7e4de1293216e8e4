"""What ``kilonova replay`` prints: tables that fit the terminal, and JSON."""

import json
import math
from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kilonova.replay.published import Agreement
from kilonova.replay.run import Outcome

# Columns that a narrow terminal goes without.
_SPARED = ("runs", "refused", "+-", "s")


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


def replay_table(outcomes: Sequence[Outcome]) -> Table:
    """Give the means over the seeds, one row per workload and policy."""
    table = _plain_table(
        title="When all requests have arrived: mean over the seeds",
        caption="GPU %: allocated, of all GPUs; +-: its spread over the seeds\n"
        "idle %: of all GPUs, of no use to a typical request; s: of one run",
    )
    table.add_column("workload", no_wrap=True)
    table.add_column("policy", no_wrap=True)
    for name in ("runs", "placed", "refused", "GPU %", "+-", "idle %", "s"):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.run.workload, outcome.policy), []).append(outcome)
    for (workload, policy), found in groups.items():
        allocated = [o.series.gpu_allocated_pct[-1] for o in found]
        fragment = [o.series.gpu_fragment_pct[-1] for o in found]
        placed = np.mean([(o.tree >= 0).sum() for o in found])
        refused = np.mean([(o.tree < 0).sum() for o in found])
        table.add_row(
            escape(workload),
            policy,
            str(len(found)),
            f"{placed:.0f}",
            f"{refused:.0f}",
            f"{np.mean(allocated):.2f}",
            f"{np.std(allocated):.2f}",
            f"{np.mean(fragment):.2f}",
            f"{np.mean([o.seconds for o in found]):.2f}",
        )
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

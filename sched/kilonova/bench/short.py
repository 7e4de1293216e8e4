"""A run in short: what users wait for first, by the hosts of the cloud."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kilonova.bench.texts import Table, duration
from kilonova.bench.workload import FILL

_SHAPE = "nested"


class Line(NamedTuple):
    """A line of it.

    Attributes
    ----------
    text
        What is answered.
    workload
        That has it.
    figure
        Of its row: ``"p50"``, ``"p99"``; those of its part in kernels follow a point.
    peer
        Title and question of a pair that answers the same, or none.
    """

    text: str
    workload: str
    figure: str = "p50"
    peer: tuple[str, str] | None = None


_PORT = "select: one port"
LINES = (
    Line(
        "a host for a server with a port: filtered, weighed, claimed, with alternates",
        _PORT,
        peer=("Nova with Placement", "1 server"),
    ),
    Line("the same, p99", _PORT, "p99"),
    Line("the same, its part in kernels", _PORT, "within.p50"),
    Line(
        "each of 128 servers that ask unlike things, in one call",
        "select many: of many shapes",
    ),
    Line("a first server of a flavor, on a new scheduler", "select: first of a flavor"),
    Line("all hosts that fit a port, looked at anew", "marks: all, one port"),
    Line(
        "the first 1000 allocation candidates of a port, as JSON",
        "candidates: text, one port",
        peer=("Placement, SQLite", "one port, first 1000"),
    ),
    Line("the same for an amount never asked", "candidates: text, other queries"),
    Line("the same after an edit of traits", "candidates: text, after an edit"),
    Line("the same of a cloud never asked before", "candidates: text, nothing kept"),
    Line("how many more servers with a port fit", "headroom: one port"),
    Line("why none fits", "explain: one class too much"),
)


def short(document: dict[str, Any]) -> Table:
    """Give the table, from what ``Results.document`` gives; without rows if nothing is.

    A last column has how many times as long a peer takes, on the largest cloud that it
    was asked of.
    """
    cases = {
        (row["workload"], row["hosts"]): row
        for row in document["cases"]
        if row["shape"] == _SHAPE and row["fill"] == FILL
    }
    sizes = sorted({hosts for _, hosts in cases})
    rows = [
        (line.text, *_cells(line, cases, sizes), _beside(line, document["pairs"]))
        for line in LINES
        if any((line.workload, hosts) in cases for hosts in sizes)
    ]
    head = ("what", *(f"{hosts:,} hosts" for hosts in sizes), "a peer takes")
    return Table("In short", head, rows)


def _cells(
    line: Line, cases: dict[tuple[str, int], dict[str, Any]], sizes: Sequence[int]
) -> Iterator[str]:
    for hosts in sizes:
        row: Any = cases.get((line.workload, hosts))
        for key in line.figure.split("."):
            row = None if row is None else row[key]
        yield "" if row is None else duration(row)


def _beside(line: Line, pairs: Sequence[dict[str, Any]]) -> str:
    alike = [
        row
        for row in pairs
        if (row["peer"], row["question"]) == line.peer and row["shape"] == _SHAPE
    ]
    if not alike:
        return ""
    # The first thing that ours does is all of it; others of its kind follow a comma.
    most = max(row["hosts"] for row in alike)
    row, *others = [row for row in alike if row["hosts"] == most]
    found = f"{duration(row['theirs'])} at {most:,} hosts: {row['ratio']:,.0f} times"
    for other in others:
        doing, _, which = other["doing"].partition(", ")
        if which and doing == row["doing"]:
            found += f"; {which}, {other['ratio']:,.0f} times"
    return found

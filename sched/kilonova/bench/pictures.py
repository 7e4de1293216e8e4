"""The picture of a run: latency against size, with peers and limit as lines.

Needs the extra ``report``.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from kilonova.bench.texts import duration
from kilonova.bench.workload import FILL
from kilonova.replay.report_look import (
    FONT,
    INK,
    QUIET,
    apart,
    configured,
    headed,
    inline,
)
from kilonova.replay.report_png import png, vega_lite_version

_WIDTH, _HEIGHT = 620, 430
_LABEL_HEIGHT = 15.0
_LIMIT = "reading the columns once"
# Workloads of the main picture, what they are called there, and their colours.
_OURS = {
    "select: one port": ("Kilonova: host for a server, claimed", "#0072B2"),
    "candidates: text, one port": ("Kilonova: first 1000 candidates, JSON", "#009E73"),
    "marks: all, one port": ("Kilonova: which hosts fit, all looked at", "#56B4E9"),
    "headroom: one port": ("Kilonova: how many more fit", "#AA3F8F"),
}
_PEERS = {
    ("Nova with Placement", "1 server"): ("Nova with Placement: host", "#D55E00"),
    ("Placement, SQLite", "one port, first 1000"): (
        "Placement: first 1000 candidates, JSON",
        "#E69F00",
    ),
}
_TICKS = (
    (1e-6, "1 µs"),
    (1e-5, "10 µs"),
    (1e-4, "100 µs"),
    (1e-3, "1 ms"),
    (1e-2, "10 ms"),
    (1e-1, "100 ms"),
    (1.0, "1 s"),
    (10.0, "10 s"),
    (100.0, "100 s"),
)


class Line(NamedTuple):
    """One line: its name, colour, dashes, and points of hosts and seconds."""

    name: str
    colour: str
    dash: tuple[int, int]
    points: list[tuple[int, float]]


def picture(document: dict[str, Any]) -> dict[str, object]:
    """Draw what ``Results.document`` gives; returns a specification of Vega-Lite."""
    lines = _lines(document)
    chart = alt.layer(*_drawn(lines), *_labels(lines)).properties(
        width=_WIDTH, height=_HEIGHT
    )
    where = document["machine"]
    title = "How long an answer takes, by the hosts of the cloud"
    subtitle = [
        "Medians; 9 providers a host, 70 % in use, one port with bandwidth. "
        "Both axes are logarithmic.",
        f"{where['processor']}, {where['cpus']} CPUs; memory moves "
        f"{document['bandwidth'] / 1e9:.1f} GB/s.",
    ]
    return configured(headed(alt.concat(chart), title, subtitle))


def drawn(specification: dict[str, object]) -> dict[str, bytes]:
    """Give the files of a picture by their endings."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(specification, vl_version=vega_lite_version())
    return {"svg": svg.encode(), "png": png(specification)}


def _lines(document: dict[str, Any]) -> list[Line]:
    cases = [
        row
        for row in document["cases"]
        if row["shape"] == "nested" and row["fill"] == FILL
    ]
    sizes = {row["hosts"] for row in cases}
    found = []
    for (peer, question), (name, colour) in _PEERS.items():
        # A question has a pair for each thing that ours does.
        theirs = {
            (row["hosts"], row["theirs"])
            for row in document["pairs"]
            if (row["peer"], row["question"], row["shape"])
            == (peer, question, "nested")
            and row["hosts"] in sizes
        }
        found.append(Line(name, colour, (7, 3), sorted(theirs)))
    for workload, (name, colour) in _OURS.items():
        own = [row for row in cases if row["workload"] == workload]
        points = [(row["hosts"], row["p50"]) for row in own]
        found.append(Line(name, colour, (1, 0), sorted(points)))
        if workload.startswith("marks"):
            limits = [(row["hosts"], row["limit"]) for row in own if row["limit"]]
            found.append(Line(f"Limit: {_LIMIT}", QUIET, (2, 3), sorted(limits)))
    return [line for line in found if line.points]


def _axes(lines: Sequence[Line]) -> tuple[alt.X, alt.Y]:
    sizes = sorted({hosts for line in lines for hosts, _ in line.points})
    low, high = _span(lines)
    values = [value for value, _ in _TICKS if low <= value * 1.0001 <= high * 1.001]
    names = " : ".join(
        f"abs(log(datum.value / {value})) < 0.1 ? '{text}'" for value, text in _TICKS
    )
    x = alt.X(
        "hosts:Q",
        scale=alt.Scale(type="log", domain=[sizes[0], sizes[-1]], nice=False),
        axis=alt.Axis(title="Hosts", values=sizes, format=",d"),
    )
    y = alt.Y(
        "seconds:Q",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(
            title="Time of an answer", values=values, labelExpr=f"{names} : ''"
        ),
    )
    return x, y


def _span(lines: Sequence[Line]) -> tuple[float, float]:
    """Give whole powers of ten around all points."""
    seconds = [each for line in lines for _, each in line.points]
    low, high = math.floor(math.log10(min(seconds))), math.log10(max(seconds))
    return 10.0**low, 10.0 ** max(math.ceil(high), low + 1)


def _scales(lines: Sequence[Line]) -> tuple[alt.Color, alt.StrokeDash]:
    names = [line.name for line in lines]
    colours = alt.Scale(domain=names, range=[line.colour for line in lines])
    dashes = alt.Scale(domain=names, range=[list(line.dash) for line in lines])
    return (
        alt.Color("line:N", scale=colours, legend=None),
        alt.StrokeDash("line:N", scale=dashes, legend=None),
    )


def _drawn(lines: Sequence[Line]) -> list[alt.Chart]:
    data = inline(
        {"line": "string", "hosts": "number", "seconds": "number"},
        [(line.name, *point) for line in lines for point in line.points],
    )
    (x, y), (colour, dash) = _axes(lines), _scales(lines)
    chart = alt.Chart(data).encode(x=x, y=y, color=colour)
    return [
        chart.mark_line(strokeWidth=2.2).encode(strokeDash=dash),
        chart.transform_filter(f"datum.line != 'Limit: {_LIMIT}'").mark_circle(
            size=46, opacity=1
        ),
    ]


def _labels(lines: Sequence[Line]) -> list[alt.Chart]:
    """Write beside the end of each line what it is, none over another."""
    most = max(hosts for line in lines for hosts, _ in line.points)
    whole = [line for line in lines if line.points[-1][0] == most]
    short = [line for line in lines if line.points[-1][0] < most]
    return [*_at_the_edge(whole, lines), *([_inside(short, lines)] if short else [])]


def _inside(short: Sequence[Line], lines: Sequence[Line]) -> alt.Chart:
    """Write beside the last point of lines that end before the edge."""
    ends = [line.points[-1] for line in short]
    data = inline(
        {"hosts": "number", "place": "number", "text": "string"},
        [
            (hosts, place, _text(line))
            for line, (hosts, _), place in zip(
                short, ends, _places(ends, lines), strict=True
            )
        ],
    )
    x, y = _axes(lines)
    y.shorthand = "place:Q"
    text = alt.Chart(data).mark_text(
        align="left", dx=9, fontSize=12, color=INK, font=FONT
    )
    found: alt.Chart = text.encode(x=x, y=y, text="text:N")
    return found


def _places(ends: Sequence[tuple[int, float]], lines: Sequence[Line]) -> list[float]:
    """Give each end of a line the height of its label."""
    low, high = _span(lines)
    gap = _LABEL_HEIGHT * math.log10(high / low) / _HEIGHT
    within = (math.log10(low) + gap / 2, math.log10(high) - gap / 2)
    logarithms = [math.log10(seconds) for _, seconds in ends]
    return [10.0**place for place in apart(logarithms, gap, within)]


def _at_the_edge(whole: Sequence[Line], lines: Sequence[Line]) -> list[alt.Chart]:
    ends = [line.points[-1] for line in whole]
    types = dict.fromkeys(("hosts", "seconds", "place"), "number")
    data = inline(
        {"line": "string", **types, "text": "string"},
        [
            (line.name, *end, place, _text(line))
            for line, end, place in zip(whole, ends, _places(ends, lines), strict=True)
        ],
    )
    (x, y), (colour, _) = _axes(lines), _scales(lines)
    _, at = _axes(lines)
    at.shorthand = "place:Q"
    chart = alt.Chart(data)
    right = alt.value(_WIDTH + 12)
    leader = chart.mark_rule(strokeWidth=0.8, opacity=0.7).encode(
        x=x, y=y, x2=right, y2="place:Q", color=colour
    )
    text = chart.mark_text(align="left", dx=4, fontSize=12, color=INK, font=FONT)
    return [leader, text.encode(x=right, y=at, text="text:N")]


def _text(line: Line) -> str:
    return f"{duration(line.points[-1][1])}  {line.name}"

"""Curves against arrived demand: GPU allocation and fragmentation."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from kilonova.replay.report_data import Point
from kilonova.replay.report_look import (
    INK,
    QUIET,
    Look,
    apart,
    faded,
    inline,
    percent,
    picker,
    ticks,
    titled,
)

# How far below the ideal a curve must fall to count as having left it, in per cent.
_OFF_IDEAL = 1.0
_BELOW_ENDS = 15
_LABEL_HEIGHT = 13.5
_SEEDS = "Lines: mean over the seeds. Bands: from the lowest to the highest seed."


class Frame(NamedTuple):
    """What all panels of one picture share.

    Attributes
    ----------
    x, y
        First and last value of each axis, in per cent.
    width, height
        Of one panel, in pixels.
    y_title
        What is drawn, with its unit.
    with_ideal
        Whether to draw the line on which all that arrives is placed.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int
    height: int
    y_title: str
    with_ideal: bool


def allocation(
    points: Sequence[Point], workloads: Sequence[str], look: Look
) -> alt.ConcatChart:
    """Draw GPU allocation against arrived demand, zoomed to where the curves end."""
    last = _last(points)
    lowest = min(point.mean for point in points if point.arrived_pct == last)
    # What lies below is mostly the ideal line; that much of it shows where it ends.
    start = max(0, _floor(lowest - _BELOW_ENDS, 10))
    shown = [point for point in points if point.arrived_pct >= start]
    size = _size(len(workloads))
    y_title = "GPUs allocated, % of all"
    frame = Frame((start, last), (start, 100), *size, y_title, True)
    subtitle = [_SEEDS]
    if start:
        subtitle.append(f"Both axes begin at {start} %.")
    chart = _panels(shown, workloads, frame, look)
    return titled(chart, "GPU allocation against arrived demand", subtitle, look)


def fragmentation(
    points: Sequence[Point], workloads: Sequence[str], look: Look
) -> alt.ConcatChart:
    """Draw the share of GPUs that is idle and useless against arrived demand."""
    start = _floor(min(point.arrived_pct for point in points), 10)
    top = _floor(max(point.high for point in points), 5) + 5
    size = _size(len(workloads))
    y_title = "Fragment, % of all GPUs"
    frame = Frame((start, _last(points)), (0, top), *size, y_title, False)
    subtitle = ["Fragment: idle GPUs that a typical request cannot use.", _SEEDS]
    chart = _panels(points, workloads, frame, look)
    return titled(chart, "GPU fragmentation against arrived demand", subtitle, look)


def parting(points: Sequence[Point]) -> int | None:
    """Find the arrived demand, in per cent, at which a curve first leaves the ideal.

    None when none ever does.
    """
    left = [
        point.arrived_pct
        for point in points
        if point.low < min(point.arrived_pct, 100) - _OFF_IDEAL
    ]
    return min(left, default=None)


def _floor(value: float, step: int) -> int:
    return math.floor(value / step) * step


def _last(points: Sequence[Point]) -> int:
    return max(point.arrived_pct for point in points)


def _size(panel_count: int) -> tuple[int, int]:
    return (340, 250) if panel_count > 1 else (640, 380)


def _panels(
    points: Sequence[Point], workloads: Sequence[str], frame: Frame, look: Look
) -> alt.ConcatChart:
    panels = []
    for number, workload in enumerate(workloads):
        rows = [point for point in points if point.workload == workload]
        layers = _curves(rows, frame, look)
        if look.interactive and number == 0:
            layers[0] = layers[0].add_params(picker())
        if frame.with_ideal:
            layers = _ideal(frame) + layers
        if look.interactive:
            layers.append(_hover(rows, frame, look, f"hover_{number}"))
        panel = alt.layer(*layers, *_labels(rows, frame, look))
        panel = panel.properties(title=workload, width=frame.width, height=frame.height)
        panels.append(panel)
    return alt.concat(*panels, columns=2)


def _axes(x: str, y: str, frame: Frame) -> tuple[alt.X, alt.Y]:
    return (
        alt.X(
            f"{x}:Q",
            scale=alt.Scale(domain=list(frame.x), nice=False, zero=False),
            axis=alt.Axis(
                title="Arrived demand, % of all GPUs",
                values=ticks(frame.x, frame.width // 40),
            ),
        ),
        alt.Y(
            f"{y}:Q",
            scale=alt.Scale(domain=list(frame.y), nice=False, zero=False),
            axis=alt.Axis(
                title=frame.y_title, values=ticks(frame.y, frame.height // 30)
            ),
        ),
    )


def _data(points: Sequence[Point]) -> alt.InlineData:
    names = ("arrived", "mean", "low", "high")
    return inline(
        {"policy": "string", **dict.fromkeys(names, "number")},
        [
            (p.policy, p.arrived_pct, *(round(v, 3) for v in (p.mean, p.low, p.high)))
            for p in points
        ],
    )


def _curves(points: Sequence[Point], frame: Frame, look: Look) -> list[alt.Chart]:
    x, y = _axes("arrived", "mean", frame)
    _, low = _axes("arrived", "low", frame)
    chart = alt.Chart(_data(points)).encode(x=x, color=look.colour())
    band = chart.mark_area(clip=True).encode(
        y=low, y2="high:Q", opacity=faded(look, 0.22, 0.03)
    )
    line = chart.mark_line(strokeWidth=1.8, clip=True).encode(
        y=y, strokeDash=look.dash(), opacity=faded(look, 1, 0.12)
    )
    return [band, line]


def _ideal(frame: Frame) -> list[alt.Chart]:
    """Draw the line on which all that arrives is placed, until the GPUs are full."""
    (first, last), x_full = frame.x, frame.y[1]
    corner = (min(last, x_full), min(last, x_full))
    data = inline(
        {"arrived": "number", "ideal": "number"},
        [(first, first), corner, (last, corner[1])],
    )
    x, y = _axes("arrived", "ideal", frame)
    line = alt.Chart(data).encode(x=x, y=y)
    at_corner = alt.Chart(inline({"arrived": "number", "ideal": "number"}, [corner]))
    text = at_corner.mark_text(
        text="ideal", align="right", dx=-12, dy=9, color=QUIET, fontSize=11
    )
    return [
        line.mark_line(strokeDash=[4, 3], strokeWidth=1.2, color=QUIET, clip=True),
        text.encode(x=x, y=y),
    ]


def _hover(points: Sequence[Point], frame: Frame, look: Look, name: str) -> alt.Chart:
    """Show the point under the pointer, and what it says."""
    # Not the nearest point: Vega-Lite then loses the texts of a tooltip.
    over = alt.selection_point(
        name=name, on="pointerover", clear="pointerout", empty=False
    )
    x, y = _axes("arrived", "mean", frame)
    chart = alt.Chart(_data(points)).mark_circle(size=60, clip=True)
    dots: alt.Chart = chart.encode(
        x=x,
        y=y,
        color=look.colour(),
        opacity=alt.when(over).then(alt.value(1)).otherwise(alt.value(0)),
        tooltip=[
            alt.Tooltip("policy:N", title="policy"),
            alt.Tooltip("arrived:Q", title="arrived, %"),
            percent("mean", "mean"),
            percent("low", "lowest seed"),
            percent("high", "highest seed"),
        ],
    )
    return dots.add_params(over)


def _labels(points: Sequence[Point], frame: Frame, look: Look) -> list[alt.Chart]:
    """Write value and policy beside the end of each curve, none over another."""
    last = {point.policy: point for point in points}
    ends = [last[policy] for policy in look.policies if policy in last]
    gap = _LABEL_HEIGHT * (frame.y[1] - frame.y[0]) / frame.height
    within = (frame.y[0] + gap / 2, frame.y[1] - gap / 2)
    places = apart([end.mean for end in ends], gap, within)
    away = 14 * (frame.x[1] - frame.x[0]) / frame.width
    names = ("x", "y", "label_x", "label_y")
    data = inline(
        {"policy": "string", **dict.fromkeys(names, "number"), "label": "string"},
        [
            (
                end.policy,
                end.arrived_pct,
                round(end.mean, 3),
                round(frame.x[1] + away, 3),
                round(place, 3),
                f"{end.mean:.1f}  {end.policy}",
            )
            for end, place in zip(ends, places, strict=True)
        ],
    )
    opacity = faded(look, 1, 0.12)
    chart = alt.Chart(data)
    x, y = _axes("x", "y", frame)
    leader = chart.mark_rule(strokeWidth=1).encode(
        x=x, y=y, x2="label_x", y2="label_y", color=look.colour(), opacity=opacity
    )
    x, y = _axes("label_x", "label_y", frame)
    text = chart.mark_text(align="left", dx=4, fontSize=11.5, color=INK)
    return [leader, text.encode(x=x, y=y, text="label:N", opacity=opacity)]

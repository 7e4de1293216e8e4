"""Final GPU allocation of each policy and workload, side by side."""

import math
from collections.abc import Sequence

import altair as alt

from kilonova.replay.report_data import PolicyEnd
from kilonova.replay.report_look import (
    INK,
    Look,
    faded,
    inline,
    percent,
    picker,
    ticks,
    titled,
)

_COLUMNS = 4
_WIDTH = 200
_ROW_HEIGHT = 22
# Room for a number right of the largest value, as a share of the values' own room.
_FOR_NUMBER = 0.28


def final(
    ends: Sequence[PolicyEnd], workloads: Sequence[str], look: Look
) -> alt.ConcatChart:
    """Draw a dot per policy at its mean, with a bar from lowest to highest seed.

    Dots and not bars from zero: the axis begins where the values do, and the length of
    a bar that does not begin at zero says nothing.
    """
    frame = _frame(ends)
    panels = []
    for number, workload in enumerate(workloads):
        rows = [end for end in ends if end.workload == workload]
        panel = _panel(rows, frame, look, first=number % _COLUMNS == 0)
        panel = panel.properties(
            title=workload, width=_WIDTH, height=_ROW_HEIGHT * len(look.policies)
        )
        if look.interactive and number == 0:
            panel = panel.add_params(picker())
        panels.append(panel)
    subtitle = [
        "Dots: mean over the seeds. Bars: from the lowest to the highest seed.",
        f"The axis begins at {frame[0]} %.",
    ]
    chart = alt.concat(*panels, columns=_COLUMNS, spacing=22)
    return titled(chart, "GPU allocation at the end", subtitle, look)


def _frame(ends: Sequence[PolicyEnd]) -> tuple[int, int]:
    """Give first and last value of the axis that all panels share."""
    spreads = [end.spreads["gpu_allocated_pct"] for end in ends]
    low = max(0, math.floor(min(spread.low for spread in spreads)) - 1)
    return low, max(low + 1, math.ceil(max(spread.high for spread in spreads)))


def _axis(field: str, frame: tuple[int, int]) -> alt.X:
    low, high = frame
    end = high + _FOR_NUMBER * (high - low)
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(domain=[low, end], nice=False, zero=False),
        axis=alt.Axis(title="GPUs allocated, % of all", values=ticks(frame, most=5)),
    )


def _panel(
    ends: Sequence[PolicyEnd], frame: tuple[int, int], look: Look, first: bool
) -> alt.LayerChart:
    spreads = [end.spreads["gpu_allocated_pct"] for end in ends]
    names = ("mean", "low", "high", "seeds")
    data = inline(
        {"policy": "string", **dict.fromkeys(names, "number")},
        [
            (e.policy, *(round(v, 3) for v in (s.mean, s.low, s.high)), e.seed_count)
            for e, s in zip(ends, spreads, strict=True)
        ],
    )
    rows = alt.Chart(data).encode(
        y=_policy_axis(look, first), opacity=faded(look, 1, 0.12)
    )
    if look.interactive:
        rows = rows.encode(
            tooltip=[
                alt.Tooltip("policy:N", title="policy"),
                percent("mean", "mean"),
                percent("low", "lowest seed"),
                percent("high", "highest seed"),
                alt.Tooltip("seeds:Q", title="seeds"),
            ]
        )
    mean, low, high = (_axis(field, frame) for field in ("mean", "low", "high"))
    bar = rows.mark_rule(strokeWidth=5, strokeCap="butt")
    number = rows.mark_text(align="left", dx=8, fontSize=11, color=INK)
    return alt.LayerChart(
        layer=[
            bar.encode(x=low, x2="high:Q", color=look.colour()),
            rows.mark_circle(size=75).encode(x=mean, color=look.colour()),
            # Right of the bar, at the height of its policy: it covers nothing.
            number.encode(x=high, text=alt.Text("mean:Q", format=".2f")),
        ]
    )


def _policy_axis(look: Look, first: bool) -> alt.Y:
    axis = alt.Axis(
        title=None,
        labels=first,
        labelFontSize=12,
        labelLimit=220,
        ticks=False,
        domain=False,
    )
    return alt.Y("policy:N", scale=alt.Scale(domain=list(look.policies)), axis=axis)

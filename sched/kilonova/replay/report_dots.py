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
    titled,
)

_ROW_HEIGHT = 22


def final(
    ends: Sequence[PolicyEnd], workloads: Sequence[str], look: Look
) -> alt.ConcatChart:
    """Draw a dot per policy at its mean, with a bar from lowest to highest seed.

    Dots and not bars from zero: the axis begins where the values do, and the length of
    a bar that does not begin at zero says nothing.
    """
    spreads = [end.spreads["gpu_allocated_pct"] for end in ends]
    low = max(0, math.floor(min(spread.low for spread in spreads)) - 1)
    high = math.ceil(max(spread.high for spread in spreads))
    # The axis goes on behind the largest value, so that its label finds room.
    end = high + 0.28 * (high - low)
    scale = alt.Scale(domain=[low, end], nice=False, zero=False)
    values = [tick for tick in range(0, high + 1, 5) if tick >= low]
    axis = alt.Axis(title="GPUs allocated, % of all", values=values)
    x = alt.X("mean:Q", scale=scale, axis=axis)
    pick = picker()
    panels = []
    for number, workload in enumerate(workloads):
        rows = [end for end in ends if end.workload == workload]
        panel = _panel(rows, axis, look, first=number % 4 == 0)
        panel = panel.properties(
            title=workload, width=200, height=_ROW_HEIGHT * len(look.policies)
        )
        panels.append(panel.add_params(pick) if look.interactive else panel)
    subtitle = [
        "Dots: mean over the seeds. Bars: from the lowest to the highest seed.",
        "The axis does not begin at zero.",
    ]
    chart = alt.concat(*panels, columns=4, spacing={"row": 28, "column": 22})
    return titled(chart, "GPU allocation at the end", subtitle, look)


def _panel(
    ends: Sequence[PolicyEnd],
    x: alt.X,
    look: Look,
    first: bool,
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
        y=alt.Y(
            "policy:N",
            scale=alt.Scale(domain=list(look.policies)),
            axis=alt.Axis(
                title=None, labels=first, ticks=False, domain=False, labelFontSize=12
            ),
        ),
        opacity=faded(look, 1, 0.12),
        tooltip=[
            alt.Tooltip("policy:N", title="policy"),
            percent("mean", "mean"),
            percent("low", "lowest seed"),
            percent("high", "highest seed"),
            alt.Tooltip("seeds:Q", title="seeds"),
        ]
        if look.interactive
        else alt.Undefined,
    )
    colour = look.colour()
    bar = rows.mark_rule(strokeWidth=5, strokeCap="butt")
    text = rows.mark_text(align="left", dx=8, fontSize=11, color=INK)
    return alt.LayerChart(
        layer=[
            bar.encode(x=low, x2="high:Q", color=colour),
            rows.mark_circle(size=75, opacity=1).encode(x=x, color=colour),
            # Right of the bar, at the height of its policy: on nothing else.
            text.encode(x=high, text=alt.Text("mean:Q", format=".2f")),
        ]
    )

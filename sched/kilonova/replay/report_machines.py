"""The machines at the end of a run, one cell each, for all policies side by side."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import altair as alt

from kilonova.replay.report_data import Machine
from kilonova.replay.report_look import QUIET, Look, inline, titled

_PANEL_WIDTH = 290
_LARGEST_CELL = 14
# Yellow is what is left: it stands out where nearly all is blue, with any kind of
# colour vision and in a grey print.
_IDLE_TO_USED = ("#ffd92f", "#f7b05b", "#b3c3de", "#6f9fd0", "#0c2c55")


class Grid(NamedTuple):
    """Where each machine is drawn, in cells.

    Attributes
    ----------
    places
        (x, y) of each machine by its row in the cluster.
    models
        Label and the middle y of each GPU model, from the top.
    width, height
        Of the whole grid.
    """

    places: Mapping[int, tuple[int, int]]
    models: Sequence[tuple[str, float]]
    width: int
    height: int


def machines(
    by_policy: Mapping[str, Sequence[Machine]], about: str, look: Look
) -> alt.ConcatChart:
    """Draw the machines of each policy after one run.

    Parameters
    ----------
    by_policy
        Machines with GPUs at the end of the run of each policy, all of one cluster.
    about
        Says which runs, for the title.
    look
        Whether it is for the page.
    """
    cluster = {row.machine: row for rows in by_policy.values() for row in rows}
    grid = arranged(list(cluster.values()))
    panels = [
        _panel(number, grid, look).properties(title=_panel_title(policy, rows))
        for number, (policy, rows) in enumerate(by_policy.items())
    ]
    subtitle = [f"{about}. One cell is one machine, at the same place in all panels."]
    chart = alt.concat(
        *panels,
        data=_data(cluster, list(by_policy.values()), grid),
        columns=3,
        spacing=22,
    )
    return titled(chart, "GPUs in use at the end, machine by machine", subtitle, look)


def arranged(cluster: Sequence[Machine]) -> Grid:
    """Lay machines out in bands, a band per GPU model, each in the order of rows.

    The model with most machines comes first; a blank row parts two bands.
    """
    counts = Counter(machine.gpu_model for machine in cluster)
    # A third wider than high.
    width = max(8, math.ceil(math.sqrt(4 / 3 * len(cluster))))
    places: dict[int, tuple[int, int]] = {}
    models = []
    top = 0
    for model in sorted(counts, key=lambda model: (-counts[model], model)):
        band = sorted(row.machine for row in cluster if row.gpu_model == model)
        for i, machine in enumerate(band):
            places[machine] = (i % width, top + i // width)
        height = math.ceil(len(band) / width)
        models.append((f"{model} · {len(band)}", top + (height - 1) / 2))
        top += height + 1
    return Grid(places, models, width, top - 1)


def _data(
    cluster: Mapping[int, Machine], runs: Sequence[Sequence[Machine]], grid: Grid
) -> alt.InlineData:
    """Give one row per machine: its place, what it is, and its state in each run."""
    columns = {
        "x": "number",
        "y": "number",
        "name": "string",
        "gpu_model": "string",
        "gpu_count": "number",
    }
    for number in range(len(runs)):
        columns |= {_used(number): "number", _fragment(number): "number"}
    states = [{row.machine: row for row in run} for run in runs]
    rows = []
    for number, machine in sorted(cluster.items()):
        row: list[object] = [*grid.places[number]]
        row += [machine.name, machine.gpu_model, machine.gpu_count]
        for state in states:
            at_end = state.get(number)
            row += ["", ""] if at_end is None else _numbers(at_end)
        rows.append(row)
    return inline(columns, rows)


def _numbers(machine: Machine) -> list[object]:
    return [round(machine.used(), 4), round(machine.gpu_idle_fragment)]


def _used(number: int) -> str:
    return f"used_{number}"


def _fragment(number: int) -> str:
    return f"fragment_{number}"


def _panel_title(policy: str, rows: Sequence[Machine]) -> alt.TitleParams:
    gpu_count = sum(row.gpu_count for row in rows)
    free = sum(row.gpu_milli_free for row in rows)
    empty = sum(row.gpu_milli_free == 1000 * row.gpu_count for row in rows)
    part = sum(row.gpu_milli_free > 0 for row in rows) - empty
    share = 100 - free / 10 / gpu_count
    return alt.TitleParams(
        policy,
        subtitle=f"{share:.1f} % in use; {part} machines partly idle, {empty} empty",
    )


def _panel(number: int, grid: Grid, look: Look) -> alt.Chart:
    cell = min(_LARGEST_CELL, _PANEL_WIDTH / grid.width)
    used = _used(number)
    first = number % 3 == 0
    chart: alt.Chart = (
        alt.Chart()
        # A square's size is its area; a hairline stays between cells.
        .mark_square(size=(0.88 * cell) ** 2, opacity=1)
        .encode(
            x=alt.X(
                "x:Q",
                axis=None,
                scale=alt.Scale(domain=[-0.5, grid.width - 0.5], nice=False),
            ),
            y=alt.Y(
                "y:Q",
                axis=_model_axis(grid, labels=first),
                scale=alt.Scale(
                    domain=[-0.5, grid.height - 0.5], nice=False, reverse=True
                ),
            ),
            color=alt.Color(
                f"{used}:Q",
                scale=alt.Scale(
                    domain=[i / (len(_IDLE_TO_USED) - 1) for i in range(5)],
                    range=list(_IDLE_TO_USED),
                    interpolate="rgb",
                ),
                legend=_legend(),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="machine"),
                alt.Tooltip("gpu_model:N", title="GPU model"),
                alt.Tooltip("gpu_count:Q", title="GPUs"),
                alt.Tooltip(f"{used}:Q", title="in use", format=".1%"),
                alt.Tooltip(f"{_fragment(number)}:Q", title="fragment, milli-GPU"),
            ]
            if look.interactive
            else alt.Undefined,
        )
        .properties(width=cell * grid.width, height=cell * grid.height)
    )
    return chart


def _model_axis(grid: Grid, labels: bool) -> alt.Axis:
    # Keys as JavaScript writes the numbers: 31, not 31.0.
    texts = {f"{middle:g}": label for label, middle in grid.models}
    return alt.Axis(
        title=None,
        values=[middle for _, middle in grid.models],
        labelExpr=f"({json.dumps(texts)})[datum.value]",
        labels=labels,
        labelOverlap=False,
        labelFontSize=10.5,
        ticks=False,
        domain=False,
        grid=False,
        labelPadding=6,
    )


def _legend() -> alt.Legend:
    return alt.Legend(
        title="GPUs of the machine in use",
        titleFontSize=12,
        titleFontWeight="normal",
        titleColor=QUIET,
        titleOrient="left",
        titlePadding=10,
        titleLimit=300,
        orient="top",
        direction="horizontal",
        labelExpr="format(100 * datum.value, '.0f') + ' %'",
        gradientLength=260,
        gradientThickness=11,
        values=[0, 0.25, 0.5, 0.75, 1],
    )

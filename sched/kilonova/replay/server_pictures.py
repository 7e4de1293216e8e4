"""The pictures of a replay of servers: use over time, what is stranded, the hosts."""

import math
from collections.abc import Sequence

import altair as alt

from kilonova.replay.pictures import Picture
from kilonova.replay.report_look import (
    Look,
    configured,
    faded,
    inline,
    picker,
    titled,
)
from kilonova.replay.server_play import ServerOutcome
from kilonova.replay.server_report import run_name
from kilonova.replay.server_tables import fullest
from kilonova.replay.servers import ServerTrace

# Dark is full, as in the pictures of machines with GPUs.
_FREE_TO_HELD = ("#fcde9c", "#faa476", "#4a8fb5", "#1f5b94", "#0c2c55")
_PANEL = (430, 260)
_GRID_WIDTH = 470


def pictures(
    trace: ServerTrace, outcomes: Sequence[ServerOutcome], interactive: bool
) -> list[Picture]:
    """Draw all pictures, in the order of the report."""
    look = Look([run_name(outcome) for outcome in outcomes], interactive)
    place = "NUMA cells" if trace.cells else "hosts"
    found = [
        _curves(
            "use",
            "Use over time",
            "The share of all vCPUs and of all memory that servers hold.",
            outcomes,
            look,
            (("vCPUs held, % of all", 3), ("Memory held, % of all", 4)),
        ),
        _curves(
            "stranded",
            "Stranded over time",
            f"Memory that is free on {place} without a vCPU for the smallest request, "
            f"and vCPUs on {place} without memory for it; lower is better.",
            outcomes,
            look,
            (("Stranded memory, % of all", 5), ("Stranded vCPUs, % of all", 6)),
        ),
    ]
    if any(outcome.refusals for outcome in outcomes):
        found.append(_refused(outcomes, look))
    found += [_places(outcome, place, look, len(outcomes)) for outcome in outcomes]
    return found


def _curves(
    name: str,
    title: str,
    reading: str,
    outcomes: Sequence[ServerOutcome],
    look: Look,
    panels: Sequence[tuple[str, int]],
) -> Picture:
    """Draw a panel for each column of what is used, a curve per run."""
    timed = outcomes[0].window.timed
    x_title = "Hours since the first arrival" if timed else "Servers that came"
    drawn = []
    for number, (y_title, field) in enumerate(panels):
        rows = [row for outcome in outcomes for row in _points(outcome, field)]
        columns = {"policy": "string", "x": "number", "y": "number"}
        chart = alt.Chart(inline(columns, rows)).mark_line(strokeWidth=1.7)
        chart = chart.encode(
            x=alt.X(
                "x:Q",
                scale=alt.Scale(zero=True),
                axis=alt.Axis(title=x_title, grid=False),
            ),
            y=alt.Y("y:Q", axis=alt.Axis(title=None, tickCount=6)),
            color=look.colour(),
            strokeDash=look.dash(),
            opacity=faded(look, 1, 0.12),
        )
        if look.interactive:
            chart = chart.encode(
                tooltip=[
                    alt.Tooltip("policy:N", title="run"),
                    alt.Tooltip("x:Q", title=x_title, format=".1f"),
                    alt.Tooltip("y:Q", title=y_title, format=".2f"),
                ]
            )
            if number == 0:
                chart = chart.add_params(picker())
        layers = [chart]
        if not look.interactive:
            layers += _labels(rows, look)
        panel = alt.layer(*layers).properties(
            title=y_title, width=_PANEL[0], height=_PANEL[1]
        )
        drawn.append(panel)
    picture = titled(alt.concat(*drawn, columns=2), title, [reading], look)
    return Picture(name, title, "", reading, configured(picture))


def _points(outcome: ServerOutcome, field: int) -> list[tuple[str, float, float]]:
    """Give (run, x, share in per cent) of one column at each moment."""
    places = outcome.fleet.places
    is_memory = field in (4, 5)
    total = sum(p.memory_mb if is_memory else p.vcpus for p in places)
    begin = int(outcome.window.start[0]) if outcome.window.timed else -1
    unit = 3600 if outcome.window.timed else 1
    return [
        (
            run_name(outcome),
            round((use.time_s - begin) / unit, 3),
            round(100 * use[field] / total, 4),
        )
        for use in outcome.uses
    ]


def _labels(rows: Sequence[tuple[str, float, float]], look: Look) -> list[alt.Chart]:
    """Name each curve at its end, where a picture stands alone; none over another."""
    last = {name: (x, y) for name, x, y in rows}
    top = max((y for *_, y in rows), default=0.0) or 1.0
    gap = top * 15 / _PANEL[1]
    placed: list[tuple[str, float, float]] = []
    for name, (x, y) in sorted(last.items(), key=lambda item: item[1][1]):
        height = max(y, placed[-1][2] + gap) if placed else y
        placed.append((name, x, height))
    columns = {"policy": "string", "x": "number", "y": "number"}
    text = alt.Chart(inline(columns, placed)).mark_text(align="left", dx=5, fontSize=11)
    return [text.encode(x="x:Q", y="y:Q", text="policy:N", color=look.colour())]


def _refused(outcomes: Sequence[ServerOutcome], look: Look) -> Picture:
    """Draw how many servers of each flavor and rule were refused, a panel per run."""
    counts: dict[tuple[str, str, str], int] = {}
    for outcome in outcomes:
        for each in outcome.refusals:
            rule = each.rule.partition(" ")[0] or "call too large"
            reason = rule if each.room else "no room"
            key = (run_name(outcome), each.flavor, reason)
            counts[key] = counts.get(key, 0) + each.servers
    columns = {
        "policy": "string",
        "flavor": "string",
        "reason": "string",
        "n": "number",
    }
    rows = [(*key, count) for key, count in counts.items()]
    reading = (
        "Servers refused, by flavor: all of a call at the flavor that found no host. "
        "Where some host had room, the colour says what stood against it."
    )
    runs = list(dict.fromkeys(row[0] for row in rows))
    panels = [
        _bars(columns, [row for row in rows if row[0] == run], run, look)
        for run in runs
    ]
    chart = alt.concat(*panels, columns=2)
    title = "Refusals by flavor"
    return Picture(
        "refused", title, "", reading, configured(titled(chart, title, [reading], look))
    )


def _bars(
    columns: dict[str, str],
    rows: Sequence[tuple[str, str, str, int]],
    title: str,
    look: Look,
) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(inline(columns, rows))
        .mark_bar()
        .encode(
            x=alt.X("n:Q", axis=alt.Axis(title="Servers refused", tickMinStep=1)),
            y=alt.Y(
                "flavor:N",
                sort=alt.EncodingSortField("n", op="sum", order="descending"),
                axis=alt.Axis(title=None, labelLimit=220),
            ),
            color=alt.Color(
                "reason:N",
                scale=alt.Scale(
                    domain=[
                        "no room",
                        "call too large",
                        "affinity",
                        "anti-affinity",
                        "domain",
                    ],
                    range=["#444444", "#999999", "#0072B2", "#D55E00", "#009E73"],
                ),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=[
                alt.Tooltip("flavor:N"),
                alt.Tooltip("reason:N"),
                alt.Tooltip("n:Q", title="servers"),
            ]
            if look.interactive
            else alt.Undefined,
        )
        .properties(title=title, width=300, height=alt.Step(16))
    )
    return chart


def _places(outcome: ServerOutcome, place: str, look: Look, runs: int) -> Picture:
    """Draw all hosts or cells at the moment at which most vCPUs were held."""
    title = f"All {place} when most vCPUs were held"
    reading = (
        f"Each cell is one of the {place}, at the same place in both panels"
        + (
            ", a rack a row and the two cells of a host side by side"
            if outcome.fleet.places[0].rack >= 0
            else ""
        )
        + ". Dark blue: all is held; yellow: none; grey: it offers none. Dark left and "
        "light right is stranded memory, the other way round stranded vCPUs."
    )
    rows, width, height = _grid(outcome)
    columns = {
        "x": "number",
        "y": "number",
        "name": "string",
        "vcpus": "number",
        "memory": "number",
    }
    use = fullest(outcome)
    size = min(13.0, _GRID_WIDTH / width)
    data = inline(columns, rows)
    panels = [
        _panel(data, (width, height, size), field, text, look)
        for field, text in (("vcpus", "vCPUs held"), ("memory", "Memory held"))
    ]
    about = f"{run_name(outcome)}: {use.servers} servers after {use.events} events."
    lines = [about, *(f"{line}." for line in reading.rstrip(".").split(". "))]
    chart = titled(alt.concat(*panels, columns=2), title, lines, look)
    number = f"{outcome.window.name}-{outcome.policy}-{outcome.seed}"
    name = "".join(c if c.isalnum() else "-" for c in f"places-{number}".lower())
    tab = run_name(outcome) if runs > 1 else ""
    return Picture(name, title, tab, reading, configured(chart))


def _grid(
    outcome: ServerOutcome,
) -> tuple[list[tuple[int, int, str, object, object]], int, int]:
    """Lay places out: racks as rows, or all in rows of a grid twice as wide as high."""
    places = outcome.fleet.places
    racks = sorted({place.rack for place in places})
    row_of = {rack: row for row, rack in enumerate(racks)}
    width = math.ceil(math.sqrt(1.3 * len(places)))
    filled: dict[int, int] = {}
    rows: list[tuple[int, int, str, object, object]] = []
    for number, place in enumerate(places):
        if len(racks) > 1:
            y = row_of[place.rack]
            x = filled.get(y, 0)
            filled[y] = x + 1
        else:
            x, y = number % width, number // width
        rows.append(
            (
                x,
                y,
                place.provider,
                _share(int(outcome.vcpus[number]), place.vcpus),
                _share(int(outcome.memory_mb[number]), place.memory_mb),
            )
        )
    return rows, max(row[0] for row in rows) + 1, max(row[1] for row in rows) + 1


def _share(held: int, total: int) -> object:
    return round(held / total, 4) if total else ""


def _panel(
    data: alt.InlineData,
    grid: tuple[int, int, float],
    field: str,
    title: str,
    look: Look,
) -> alt.LayerChart:
    width, height, size = grid
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.5, width - 0.5], nice=False))
    y = alt.Y(
        "y:Q",
        axis=None,
        scale=alt.Scale(domain=[-0.5, height - 0.5], nice=False, reverse=True),
    )
    base = alt.Chart(data).encode(x=x, y=y)
    none = base.transform_filter(f"!isValid(datum.{field})")
    area = (0.88 * size) ** 2
    cells = base.transform_filter(f"isValid(datum.{field})").mark_square(
        size=area, opacity=1
    )
    cells = cells.encode(
        color=alt.Color(
            f"{field}:Q",
            scale=alt.Scale(
                domain=[i / (len(_FREE_TO_HELD) - 1) for i in range(5)],
                range=list(_FREE_TO_HELD),
                interpolate="rgb",
            ),
            legend=alt.Legend(
                orient="top",
                direction="horizontal",
                title=None,
                labelExpr="format(100 * datum.value, '.0f') + ' %'",
                gradientLength=220,
                values=[0, 0.5, 1],
            ),
        )
    )
    if look.interactive:
        cells = cells.encode(
            tooltip=[
                alt.Tooltip("name:N", title="provider"),
                alt.Tooltip("vcpus:Q", title="vCPUs held", format=".1%"),
                alt.Tooltip("memory:Q", title="memory held", format=".1%"),
            ]
        )
    layers = [none.mark_square(size=area, opacity=1, color="#cccccc"), cells]
    panel: alt.LayerChart = alt.LayerChart(layer=layers).properties(
        title=title, width=size * width, height=size * height
    )
    return panel

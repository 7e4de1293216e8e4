"""What all pictures of a report share: colours, fonts, and data in a short form."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

# Okabe and Ito's colours, told apart with any kind of colour vision; their yellow is
# left out, which a white page swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA3F8F", "#56B4E9", "#E69F00", "#444444")
_PICK = "policy_pick"
_DASHES = ([1, 0], [6, 3], [2, 2])

INK = "#1a1a1a"
QUIET = "#666666"
# The first is what vl-convert brings along; a browser takes what it has.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """How policies are shown, alike in all pictures of a report.

    Attributes
    ----------
    policies
        In the order in which they are listed everywhere.
    interactive
        True for the page: tooltips, and a legend that highlights. False for a file
        that stands alone: a title, and no legend, as all is labelled in place.
    """

    policies: Sequence[str]
    interactive: bool

    def colour(self) -> alt.Color:
        """Give the colour of a policy."""
        scale = self._scale([_COLOURS[i % len(_COLOURS)] for i in self._numbers()])
        return alt.Color("policy:N", scale=scale, legend=self._legend())

    def dash(self) -> alt.StrokeDash:
        """Give the dashes of a policy: plain, until the colours are used up."""
        dashes = [_DASHES[i // len(_COLOURS) % len(_DASHES)] for i in self._numbers()]
        legend = self._legend()
        return alt.StrokeDash("policy:N", scale=self._scale(dashes), legend=legend)

    def _legend(self) -> alt.Legend | None:
        """Give the legend in the page: what is alike, Vega merges into one."""
        if not self.interactive:
            return None
        return alt.Legend(
            orient="top",
            direction="horizontal",
            columns=min(len(self.policies), 6),
            symbolType="stroke",
            symbolStrokeWidth=4,
            symbolOpacity=1,
            title=None,
        )

    def _scale(self, values: Sequence[str | list[int]]) -> alt.Scale:
        return alt.Scale(domain=list(self.policies), range=list(values))

    def _numbers(self) -> list[int]:
        # By name and not by rank: a policy keeps its colour in the next report.
        names = sorted(self.policies)
        return [names.index(policy) for policy in self.policies]


def inline(
    columns: Mapping[str, str], rows: Iterable[Sequence[object]]
) -> alt.InlineData:
    """Put rows into a specification as CSV text, a third of the size of JSON.

    Parameters
    ----------
    columns
        Name of each column and its type: ``"number"`` or ``"string"``.
    rows
        The values, in the order of the columns.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    form = alt.CsvDataFormat(type="csv", parse=dict(columns))
    return alt.InlineData(values=text.getvalue(), format=form)


def picker() -> alt.Parameter:
    """Give the selection of policies that a click in the legend of the page makes.

    It acts on all panels of a picture, and is added to one layer only: the first with
    colours, whose legend Vega-Lite takes for all.
    """
    return alt.selection_point(name=_PICK, fields=["policy"], bind="legend")


def faded(look: Look, picked: float, other: float) -> alt.OpacityValue:
    """Fade the policies that are not picked; a file that stands alone fades none."""
    if not look.interactive:
        return alt.OpacityValue(picked)
    return alt.OpacityValue(other, condition={"param": _PICK, "value": picked})


def percent(field: str, title: str) -> alt.Tooltip:
    """Give one line of a tooltip: a number of per cent."""
    return alt.Tooltip(field, type="quantitative", title=f"{title}, %", format=".2f")


def ticks(ends: tuple[float, float], most: int) -> list[int]:
    """Give round values from one end of an axis to the other, at most ``most``."""
    for step in (1, 2, 5, 10, 20):
        first = math.ceil(ends[0] / step) * step
        values = list(range(first, math.floor(ends[1]) + 1, step))
        if len(values) <= most:
            return values
    return list(range(0, math.floor(ends[1]) + 1, 50))


def titled(
    chart: alt.ConcatChart, title: str, subtitle: Sequence[str], look: Look
) -> alt.ConcatChart:
    """Title a picture that stands alone; in the page its section has the title."""
    if look.interactive:
        return chart
    return headed(chart, title, subtitle)


def headed(
    chart: alt.ConcatChart, title: str, subtitle: Sequence[str]
) -> alt.ConcatChart:
    """Put title and subtitle above a picture."""
    return chart.properties(
        title=alt.TitleParams(
            title,
            subtitle=list(subtitle),
            anchor="start",
            frame="bounds",
            fontSize=18,
            subtitleFontSize=12.5,
            subtitlePadding=5,
            offset=16,
        )
    )


def configured(chart: alt.TopLevelMixin) -> dict[str, object]:
    """Give the specification of a chart, with the fonts and lines of all pictures."""
    # Altair would check each part against the schema of Vega-Lite, which takes half of
    # the time of a report; the tests do that.
    specification: dict[str, Any] = chart.to_dict(validate=False)
    for parameter in specification.get("params", ()):
        # Altair lists all layers of a panel that have a selection of their own, and
        # Vega refuses a selection in two layers. The legend's is on the first of them,
        # the pointer's on the last.
        views = parameter["views"]
        parameter["views"] = views[:1] if parameter["name"] == _PICK else views[-1:]
    specification["background"] = "white"
    specification["padding"] = 12
    specification["config"] = {
        "font": FONT,
        "title": {
            "color": INK,
            "subtitleColor": QUIET,
            "fontSize": 13,
            "fontWeight": "bold",
            "anchor": "start",
            "frame": "group",
            "subtitleFontSize": 11,
            "subtitlePadding": 3,
        },
        "axis": {
            "labelColor": INK,
            "titleColor": INK,
            "labelFontSize": 11,
            "titleFontSize": 11.5,
            "titleFontWeight": "normal",
            "labelFlush": False,
            "gridColor": "#e8e8e8",
            "domainColor": "#999999",
            "tickColor": "#999999",
        },
        "legend": {"labelFontSize": 12, "labelColor": INK, "titleColor": INK},
        "view": {"stroke": None},
        "concat": {"spacing": 28},
    }
    return specification


def apart(
    values: Sequence[float], gap: float, within: tuple[float, float]
) -> list[float]:
    """Move values apart until neighbours differ by ``gap``, as little as possible.

    The order of the values is kept. The sum of the squared moves is the smallest
    possible: ``value - rank * gap`` has to be made non-decreasing, which is isotonic
    regression, solved by merging neighbours that are in the wrong order.

    Parameters
    ----------
    values
        Places that are wanted, in any order.
    gap
        Smallest distance, in the unit of the values.
    within
        Smallest and largest place. Too many values for it stick out at the end.

    Returns
    -------
    list
        A place for each value, in the order of ``values``.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    blocks: list[tuple[float, int]] = []
    for rank, index in enumerate(order):
        total, count = values[index] - rank * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            total, count = total + blocks[-1][0], count + blocks[-1][1]
            blocks.pop()
        blocks.append((total, count))
    levels = [total / count for total, count in blocks for _ in range(count)]
    low, high = within[0], within[1] - (len(values) - 1) * gap
    places = [0.0] * len(values)
    for rank, index in enumerate(order):
        places[index] = max(low, min(levels[rank], high)) + rank * gap
    return places

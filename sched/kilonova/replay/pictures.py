"""The pictures of a report, each as an Altair chart with a sentence on how to read it.

This module needs the extra ``report``; `kilonova.replay.report` says so when it is
missing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from kilonova.replay import report_data as data
from kilonova.replay.metrics import ReplayTables
from kilonova.replay.report_dots import final
from kilonova.replay.report_lines import allocation, fragmentation, parting
from kilonova.replay.report_look import Look, configured
from kilonova.replay.report_machines import machines


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes
    ----------
    name
        Name of its file, without the ending.
    title
        What it shows; the pictures of one section of the page have the same.
    tab
        Tells the pictures of one section apart; empty for the only one of a section.
    reading
        One sentence on how to read it.
    specification
        Of Vega-Lite, with all of its data.
    """

    name: str
    title: str
    tab: str
    reading: str
    specification: dict[str, object]


def pictures(tables: ReplayTables, interactive: bool) -> list[Picture]:
    """Draw all pictures of a replay, in the order of the report.

    Parameters
    ----------
    tables
        As ``metrics.checked`` gives them.
    interactive
        True for the page, False for files that stand alone.
    """
    look = Look(data.policies(tables.runs), interactive)
    return [*_summaries(tables, look), *_machines(tables, look)]


def _summaries(tables: ReplayTables, look: Look) -> list[Picture]:
    """Draw the pictures that show all workloads and seeds at once."""
    workloads = data.workloads(tables.runs)
    allocated = data.points(tables.series, "gpu_allocated_pct")
    fragment = data.points(tables.series, "gpu_fragment_pct")
    return [
        _picture(
            "final",
            "GPU allocation at the end",
            "Further right is better: the dot is the mean over the seeds, the bar "
            "behind it reaches from the lowest to the highest seed, and the axis does "
            "not begin at zero.",
            final(data.ends(tables.runs), workloads, look),
        ),
        _picture(
            "allocation",
            "GPU allocation against arrived demand",
            "The longer a curve stays on the dashed line, on which all that arrives is "
            "placed, the better"
            + _from(parting(allocated))
            + "; bands reach from the lowest to the highest seed.",
            allocation(allocated, workloads, look),
        ),
        _picture(
            "fragmentation",
            "GPU fragmentation against arrived demand",
            "Lower is better: the part of all GPUs that is idle but of no use to a "
            "typical request; near the end all that is idle is fragment.",
            fragmentation(fragment, workloads, look),
        ),
    ]


def _from(start: int | None) -> str:
    return f" (until {start} % all curves lie on it)" if start else ""


def _machines(tables: ReplayTables, look: Look) -> list[Picture]:
    """Draw the machines of each workload; none of a cluster without GPUs."""
    found = []
    workloads = data.workloads(tables.runs)
    names = _file_names(workloads)
    for workload, name in zip(workloads, names, strict=True):
        seed = data.first_seed(tables, workload)
        by_policy = data.gpu_machines(tables, workload, seed)
        if not by_policy:
            continue
        found.append(
            _picture(
                f"machines-{name}",
                "GPUs in use at the end, machine by machine",
                "Each cell is a machine, at the same place in all panels: dark blue "
                "when all of its GPUs are in use, yellow when none is; the fewer "
                "cells are light, the less is stranded.",
                machines(by_policy, f"Workload {workload}, seed {seed}", look),
                tab=f"{workload}, seed {seed}",
            )
        )
    return found


def _file_names(workloads: Sequence[str]) -> list[str]:
    """Give a distinct name for a file to each workload, whatever it is called."""
    names: list[str] = []
    for workload in workloads:
        name = re.sub("[^a-z0-9]+", "-", workload.lower())
        while name in names:
            name += "-again"
        names.append(name)
    return names


def _picture(
    name: str, title: str, reading: str, chart: alt.ConcatChart, tab: str = ""
) -> Picture:
    return Picture(name, title, tab, reading, configured(chart))

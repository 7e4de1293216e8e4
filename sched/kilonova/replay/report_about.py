"""What a report says beside its numbers: source, versions, the facts of the replay."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import pyarrow.compute as pc

from kilonova.replay import report_data as data
from kilonova.replay.metrics import ReplayTables

_PACKAGES = ("kilonova", "numpy", "numba", "pyarrow", "altair", "vl-convert-python")
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class About:
    """What only the caller knows of a replay.

    Attributes
    ----------
    title
        Title of the report.
    source
        Where machines and requests come from, in a few words.
    command
        The command that made the report, as it is typed.
    attributions
        Whom the data is owed to, and under which licence; a paragraph each.
    """

    title: str
    source: str
    command: str
    attributions: Sequence[str] = ()


def versions() -> list[tuple[str, str]]:
    """List what the report was made with: packages, Python, the kind of machine."""
    found = [(name, _version(name)) for name in _PACKAGES]
    found.append((platform.python_implementation(), platform.python_version()))
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} CPUs"
    return [*found, ("machine", machine)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        return "not installed"


def facts(tables: ReplayTables) -> list[tuple[str, str]]:
    """List what was replayed, as pairs of a name and its text."""
    runs = tables.runs
    workloads, policies = data.workloads(runs), data.policies(runs)
    seeds = data.distinct(runs["seed"].to_pylist())
    devices = [total / 1000 for total in data.distinct(runs["gpu_total"].to_pylist())]
    return [
        (counted("workload", workloads), ", ".join(workloads)),
        (counted("policy", policies), ", ".join(policies)),
        (counted("seed", seeds), _seed_text(seeds)),
        ("Runs", written(runs.num_rows)),
        ("Machines", _range(data.machine_counts(tables))),
        ("GPUs", _range(devices)),
        ("Requests in a run", _range(pc.unique(runs["requests"]).to_pylist())),
    ]


def finding(tables: ReplayTables) -> str:
    """Say in a sentence which policy allocates most, and by how much."""
    by_policy = data.mean_allocated(tables.runs)
    policies, means = list(by_policy), list(by_policy.values())
    workloads = data.workloads(tables.runs)
    over = f" on average over {len(workloads)} workloads" if len(workloads) > 1 else ""
    start = f"{policies[0]} allocates {means[0]:.2f} % of all GPUs{over}"
    if len(policies) == 1:
        return f"{start}."
    ahead = means[0] - means[1]
    text = f"{start}, {ahead:.2f} points more than {policies[1]}"
    if len(policies) > 2:
        text += f" and {means[0] - means[-1]:.2f} more than {policies[-1]}"
    return f"{text}."


def written(value: float, decimals: int = 0) -> str:
    """Write a number with its thousands apart."""
    return f"{value:,.{decimals}f}".replace(",", _NARROW_SPACE)


def _range(values: Iterable[float]) -> str:
    low, high = min(values := list(values)), max(values)
    return written(low) if low == high else f"{written(low)} to {written(high)}"


def _seed_text(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def counted(what: str, things: Sequence[object]) -> str:
    """Write a number of things and what they are."""
    plural = {"policy": "policies"}.get(what, f"{what}s")
    return f"{len(things)} {what if len(things) == 1 else plural}"

"""What the report shows, computed from the tables of a replay: means over seeds."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from kilonova.replay.metrics import ReplayTables

T = TypeVar("T")


class Spread(NamedTuple):
    """One number over the seeds of a workload and policy.

    Attributes
    ----------
    mean, low, high
        Mean, smallest and largest.
    deviation
        Standard deviation of the sample; None with one seed.
    """

    mean: float
    low: float
    high: float
    deviation: float | None


class PolicyEnd(NamedTuple):
    """How the runs of one workload and policy ended."""

    workload: str
    policy: str
    seed_count: int
    spreads: dict[str, Spread]


class Point(NamedTuple):
    """One point of a curve: the mean and the extremes over the seeds."""

    workload: str
    policy: str
    arrived_pct: int
    mean: float
    low: float
    high: float


class Machine(NamedTuple):
    """A machine with GPUs at the end of a run; see ``metrics.MACHINES``."""

    machine: int
    name: str
    gpu_model: str
    gpu_count: int
    gpu_milli_free: int
    gpu_idle_fragment: float

    def used(self) -> float:
        """Give the share of the GPUs that is in use, 0..1."""
        return 1 - self.gpu_milli_free / (1000 * self.gpu_count)


_ENDS = (
    "gpu_allocated_pct",
    "gpu_fragment_pct",
    "requests",
    "placed",
    "refused",
    "seconds",
    "first_decision_s",
)


def workloads(runs: pa.Table) -> list[str]:
    """List the workloads in the order in which they were replayed."""
    names: list[str] = pc.unique(runs["workload"]).to_pylist()
    return names


def mean_allocated(runs: pa.Table) -> dict[str, float]:
    """Give the mean final GPU allocation of each policy, the largest first.

    It is the mean over the workloads of the mean over the seeds: a workload that was
    run with more seeds does not count for more.
    """
    seeds = runs.group_by(["policy", "workload"]).aggregate(
        [("gpu_allocated_pct", "mean")]
    )
    means = seeds.group_by("policy").aggregate([("gpu_allocated_pct_mean", "mean")])
    pairs = [
        (row["policy"], row["gpu_allocated_pct_mean_mean"]) for row in means.to_pylist()
    ]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def policies(runs: pa.Table) -> list[str]:
    """List the policies, the one that allocates most GPUs on average first."""
    return list(mean_allocated(runs))


def ends(runs: pa.Table) -> list[PolicyEnd]:
    """Summarise the runs over their seeds, by workload and then by policy."""
    sample = pc.VarianceOptions(ddof=1)
    groups = runs.group_by(["workload", "policy"]).aggregate(
        [("seed", "count")]
        + [(name, how) for name in _ENDS for how in ("mean", "min", "max")]
        + [(name, "stddev", sample) for name in _ENDS]
    )
    found = {
        (row["workload"], row["policy"]): PolicyEnd(
            row["workload"],
            row["policy"],
            row["seed_count"],
            {
                name: Spread(
                    row[f"{name}_mean"],
                    row[f"{name}_min"],
                    row[f"{name}_max"],
                    row[f"{name}_stddev"],
                )
                for name in _ENDS
            },
        )
        for row in groups.to_pylist()
    }
    return in_order(found, workloads(runs), policies(runs))


def in_order(
    found: dict[tuple[str, str], T], first: Sequence[str], second: Sequence[str]
) -> list[T]:
    """List the values by both parts of their keys, as far as there are any."""
    return [found[key] for a in first for b in second if (key := (a, b)) in found]


def points(series: pa.Table, column: str) -> list[Point]:
    """Give the curve of one column over the seeds, by arrived demand."""
    columns = ["workload", "policy", "arrived_pct"]
    groups = (
        series.group_by(columns)
        .aggregate([(column, "mean"), (column, "min"), (column, "max")])
        .sort_by([(name, "ascending") for name in columns])
    )
    statistics = tuple(f"{column}_{how}" for how in ("mean", "min", "max"))
    lists = [groups[name].to_pylist() for name in (*columns, *statistics)]
    return [Point(*values) for values in zip(*lists, strict=True)]


def first_seed(tables: ReplayTables, workload: str) -> int:
    """Give the smallest seed of a workload: the run that stands for the others."""
    rows = tables.runs.filter(pc.field("workload") == workload)
    seed: int = pc.min(rows["seed"]).as_py()
    return seed


def gpu_machines(
    tables: ReplayTables, workload: str, seed: int
) -> dict[str, list[Machine]]:
    """Give the machines with GPUs as each policy left them, in one workload and seed.

    Policies come best first; those without this run are left out.
    """
    chosen = tables.machines.filter(
        (pc.field("workload") == workload)
        & (pc.field("seed") == seed)
        & (pc.field("gpu_count") > 0)
    ).sort_by("machine")
    found = {}
    for policy in policies(tables.runs):
        rows = chosen.filter(pc.field("policy") == policy)
        if rows.num_rows:
            lists = [rows[name].to_pylist() for name in Machine._fields]
            found[policy] = [Machine(*values) for values in zip(*lists, strict=True)]
    return found


def machine_counts(tables: ReplayTables) -> list[int]:
    """Give the distinct numbers of machines that the runs had, smallest first."""
    runs = tables.machines.group_by(["workload", "policy", "seed"])
    return distinct(runs.aggregate([("machine", "count")])["machine_count"].to_pylist())


def distinct(values: Iterable[int]) -> list[int]:
    """List the distinct values, smallest first."""
    return sorted(set(values))

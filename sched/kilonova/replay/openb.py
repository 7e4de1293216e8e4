"""The openb replay: GPU machines and tasks, six policies, published results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kilonova.errors import BadInput
from kilonova.hosts import policies
from kilonova.hosts.policies import Weigher
from kilonova.replay.contents import Contents
from kilonova.replay.metrics import ReplayTables, checked
from kilonova.replay.published import Agreement, compare, published_runs
from kilonova.replay.report_about import facts, finding
from kilonova.replay.report_data import ends
from kilonova.replay.report_table import runs_table
from kilonova.replay.run import Outcome, Workload, tables_of, warm_up
from kilonova.replay.source import Choice, Progress, Recording, Summary
from kilonova.replay.trace import Run, Trace, read_trace

# How often a policy that draws plays each order when its mean is compared.
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class GpuGame:
    """One order of arrival under one policy."""

    workloads: dict[str, Workload]
    trace: Trace
    run: Run
    weigher: Weigher
    repeat: int

    @property
    def label(self) -> str:
        """Name policy, workload and seed."""
        return f"{self.weigher.name}, {self.run.workload}, seed {self.run.seed}"

    @property
    def size(self) -> int:
        """Count the requests."""
        return len(self.run.order)

    def play(self, progress: Progress) -> Outcome:
        """Play it; the distinct requests of a workload are made once for all games."""
        name = self.run.workload
        if name not in self.workloads:
            self.workloads[name] = Workload(self.trace, name)
        workload = self.workloads[name]
        return workload.play(self.run, self.weigher, progress, self.repeat)


class GpuRecording(Recording):
    """A recorded GPU cluster, and what to play of it.

    Parameters
    ----------
    trace
        As it was read.
    choice
        Policies, workloads, seeds, and whether to compare with what was published.
    """

    unit = "requests"

    def __init__(self, trace: Trace, choice: Choice) -> None:
        self.trace, self.choice = trace, choice
        self.folder = trace.folder
        self.about = (
            f"{len(trace.machines)} machines with {trace.gpu_milli // 1000} GPUs"
        )
        found = [policies.find(name) for name in dict.fromkeys(choice.policies)]
        self._policies = found or list(policies.registered())
        self._runs = trace.choose(choice.workloads, choice.seeds)
        if choice.published:
            self._known = self._published()

    def _published(self) -> frozenset[tuple[str, str, int]]:
        if self.trace.published is None:
            raise BadInput(f"{self.folder} has no published.parquet to compare with.")
        known = frozenset(published_runs(self.trace.published))
        pairs = [(r, p) for p in self._policies for r in self._runs]
        if not any((r.workload, p.name, r.seed) in known for r, p in pairs):
            raise BadInput("None of these runs was published; nothing to compare.")
        return known

    def games(self) -> Sequence[GpuGame]:
        """List the games, a policy after the other."""
        repeats = _REPEATS if self.choice.published else 1
        workloads: dict[str, Workload] = {}
        return [
            GpuGame(workloads, self.trace, run, weigher, repeat)
            for weigher in self._policies
            for run in self._runs
            for repeat in range(repeats if weigher.drawn else 1)
            if not self.choice.published
            or (run.workload, weigher.name, run.seed) in self._known
        ]

    def kernel(self) -> Callable[..., object]:
        """Give the loop of a replay."""
        from kilonova_kernels.place import place_all

        return place_all

    def warm_up(self) -> None:
        """Play a cluster of one machine."""
        warm_up()

    def rows(self, outcomes: Sequence[Any]) -> list[dict[str, Any]]:
        """Give the table of runs."""
        found: list[dict[str, Any]] = tables_of(self.trace, outcomes).runs.to_pylist()
        return found

    def summary(self, outcomes: Sequence[Any]) -> Summary:
        """Give the means over the seeds, one row per workload and policy."""
        return _summary(outcomes)

    def contents(self, outcomes: Sequence[Any]) -> Contents:
        """Give the report."""
        return contents_of(tables_of(self.trace, outcomes))

    def compare(self, outcomes: Sequence[Outcome]) -> list[Agreement]:
        """Compare with the published series."""
        assert self.trace.published is not None
        return list(compare(self.trace.published, outcomes))


def open_recording(name: str, folder: Path, choice: Choice) -> GpuRecording:
    """Read a recorded GPU cluster; raises as ``read_trace`` and ``Trace.choose``."""
    choice.require_only(name, "published")
    for policy in choice.policies:
        policies.find(policy)
    return GpuRecording(read_trace(folder), choice)


def contents_of(tables: ReplayTables) -> Contents:
    """Give the report of tables, which are checked; raises BadTable."""
    tables = checked(tables)

    def draw(interactive: bool) -> Any:
        from kilonova.replay.pictures import pictures

        return pictures(tables, interactive)

    return Contents(
        tables=tables._asdict(),
        finding=finding(tables),
        facts=facts(tables),
        sections=[
            (
                "All runs",
                "Means over the seeds, ± the standard deviation over the seeds; the "
                "largest allocation of each workload is in bold. Fragment: idle GPUs "
                "that a typical request cannot use. Seconds are of the wall clock.",
                runs_table(ends(tables.runs)),
            )
        ],
        draw=draw,
    )


def _summary(outcomes: Sequence[Outcome]) -> Summary:
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.run.workload, outcome.policy), []).append(outcome)
    rows = []
    for (workload, policy), found in groups.items():
        allocated = [o.series.gpu_allocated_pct[-1] for o in found]
        fragment = [o.series.gpu_fragment_pct[-1] for o in found]
        rows.append(
            [
                workload,
                policy,
                str(len(found)),
                f"{np.mean([(o.tree >= 0).sum() for o in found]):.0f}",
                f"{np.mean([(o.tree < 0).sum() for o in found]):.0f}",
                f"{np.mean(allocated):.2f}",
                f"{np.std(allocated):.2f}",
                f"{np.mean(fragment):.2f}",
                f"{np.mean([o.seconds for o in found]):.2f}",
            ]
        )
    return Summary(
        title="When all requests have arrived: mean over the seeds",
        caption="GPU %: allocated, of all GPUs; +-: its spread over the seeds\n"
        "idle %: of all GPUs, of no use to a typical request; s: of one run",
        texts=("workload", "policy"),
        numbers=("runs", "placed", "refused", "GPU %", "+-", "idle %", "s"),
        rows=rows,
    )

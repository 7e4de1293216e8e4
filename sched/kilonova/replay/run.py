"""Replay one order of arrival under one policy, and keep what a report needs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kilonova.hosts import policies
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.hosts.policies import Weigher
from kilonova.replay import cluster
from kilonova.replay.metrics import MACHINES, RUNS, SERIES, ReplayTables
from kilonova.replay.series import Events, Series, series_of
from kilonova.replay.trace import Asked, Machine, Run, Trace

# Requests between two looks at the clock and the keyboard.
_CHUNK = 2000

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run that was played.

    Attributes
    ----------
    run, policy
        What was played.
    tree
        Number of the machine that took each request, -1 for none, (N,) int32.
    events
        Counts after each request.
    series
        Values per whole per cent of arrived demand.
    placer
        Its columns, as they are at the end.
    seconds, first_decision_s
        From the first to the last decision; from the beginning to the first one.
    """

    run: Run
    policy: str
    tree: NDArray[np.int32]
    events: Events
    series: Series
    placer: Placer
    seconds: float
    first_decision_s: float


class Workload:
    """The distinct requests of a workload, ready to be replayed.

    Parameters
    ----------
    trace
        A recorded cluster.
    name
        One of its workloads.
    """

    def __init__(self, trace: Trace, name: str) -> None:
        self.machines = trace.machines
        self.gpu_milli = trace.gpu_milli
        requests = trace.workloads[name]
        known = frozenset(cluster.model_trait(m.gpu_model) for m in trace.machines)
        distinct = list(dict.fromkeys(requests))
        numbers = {asked: number for number, asked in enumerate(distinct)}
        self.numbers = np.array([numbers[asked] for asked in requests], np.int32)
        self.asked = np.array([a.gpu * a.gpu_milli for a in requests], np.int64)
        self.requests = [cluster.build_request(asked, known) for asked in distinct]
        self.demands = [cluster.demand_of(asked, known) for asked in distinct]
        self.typical = cluster.typical_demands(requests, known)

    def prepare(
        self, run: Run, weigher: Weigher
    ) -> tuple[Placer, NDArray[np.int32], NDArray[np.int32]]:
        """Make an empty cluster ready for a run.

        Returns
        -------
        tuple
            What places, the number of each request in its turn, and the row of its
            consumer, (N,) int32 each.
        """
        cloud = cluster.build_cloud(self.machines)
        placer = Placer(
            cloud,
            self.requests,
            weigher,
            typical=self.typical,
            demands=self.demands,
            classes=cluster.CLASSES,
        )
        placer.set_rank(run.rank)
        names = [f"{run.workload}-{number}" for number in range(len(run.order))]
        return placer, self.numbers[run.order], add_consumers(cloud, names)

    def play(
        self, run: Run, weigher: Weigher, progress: Progress, repeat: int = 0
    ) -> Outcome:
        """Replay one run on an empty cluster.

        Parameters
        ----------
        run
            Order of arrival, and ranks of equal machines.
        weigher
            Policy; one that draws is seeded by the run's seed and ``repeat``.
        progress
            Called with the number of requests done since the last call.
        repeat
            Number of the repetition, for a policy that draws.
        """
        begin = time.perf_counter()
        placer, requests, consumers = self.prepare(run, weigher)
        count = len(run.order)
        draws = np.random.default_rng([run.seed, repeat]).random((count, 2))
        tree = np.full(count, -1, np.int32)
        unusable = np.zeros(count, np.int64)
        first_decision_s = 0.0
        for chunk in _chunks(count):
            placed = placer.place(requests[chunk], consumers[chunk], draws[chunk])
            tree[chunk], unusable[chunk] = placed
            if chunk.start == 0:
                first_decision_s = time.perf_counter() - begin
            progress(chunk.stop - chunk.start)
        seconds = time.perf_counter() - begin - first_decision_s
        asked = self.asked[run.order]
        events = Events(
            arrived=np.cumsum(asked),
            allocated=np.cumsum(np.where(tree >= 0, asked, 0)),
            unusable=unusable / max(sum(self.typical.counts), 1),
        )
        series = series_of(events, self.gpu_milli)
        return Outcome(
            run, weigher.name, tree, events, series, placer, seconds, first_decision_s
        )


def _chunks(count: int) -> list[slice]:
    """Cut a run into slices; the first is a single request, whose time is of note."""
    starts = [0, *range(1, count, _CHUNK), count]
    return [slice(a, b) for a, b in pairwise(starts) if a < b]


def tables_of(trace: Trace, outcomes: Sequence[Outcome]) -> ReplayTables:
    """Give the three tables of a report."""
    return ReplayTables(
        pa.Table.from_pylist([_run_row(trace, o) for o in outcomes], RUNS),
        pa.concat_tables([_series_table(outcome) for outcome in outcomes]),
        pa.concat_tables([_machine_table(trace, outcome) for outcome in outcomes]),
    )


def _key(outcome: Outcome, rows: int) -> dict[str, list[str] | list[int]]:
    return {
        "workload": [outcome.run.workload] * rows,
        "policy": [outcome.policy] * rows,
        "seed": [outcome.run.seed] * rows,
    }


def _run_row(trace: Trace, outcome: Outcome) -> dict[str, object]:
    placed = int((outcome.tree >= 0).sum())
    total = trace.gpu_milli
    return {
        "workload": outcome.run.workload,
        "policy": outcome.policy,
        "seed": outcome.run.seed,
        "requests": len(outcome.tree),
        "placed": placed,
        "refused": len(outcome.tree) - placed,
        "gpu_total": total,
        "gpu_allocated": int(outcome.events.allocated[-1]),
        "gpu_allocated_pct": float(outcome.series.gpu_allocated_pct[-1]),
        "gpu_fragment_pct": float(outcome.series.gpu_fragment_pct[-1]),
        "seconds": outcome.seconds,
        "first_decision_s": outcome.first_decision_s,
    }


def _series_table(outcome: Outcome) -> pa.Table:
    rows = len(outcome.series.arrived_pct)
    columns = {**_key(outcome, rows), **outcome.series._asdict()}
    return pa.table(columns, schema=SERIES)


def _machine_table(trace: Trace, outcome: Outcome) -> pa.Table:
    devices = outcome.placer.devices
    machines: Sequence[Machine] = trace.machines
    free = [
        devices.device_free[t, : machine.gpu].tolist()
        for t, machine in enumerate(machines)
    ]
    columns: dict[str, object] = {
        **_key(outcome, len(machines)),
        "machine": [machine.number for machine in machines],
        "name": [machine.name for machine in machines],
        "gpu_model": [machine.gpu_model for machine in machines],
        "gpu_count": [machine.gpu for machine in machines],
        "gpu_milli_free": [sum(amounts) for amounts in free],
        "cpu_milli_total": [machine.cpu_milli for machine in machines],
        "cpu_milli_free": devices.cpu_free,
        "mem_mib_total": [machine.mem_mib for machine in machines],
        "mem_mib_free": _memory_free(outcome.placer, len(machines)),
        "gpu_idle_fragment": devices.host_fragment,
        "gpu_free": free,
    }
    return pa.table(columns, schema=MACHINES)


def _memory_free(placer: Placer, trees: int) -> NDArray[np.int64]:
    """Give the free memory of each machine, from its root's inventory."""
    state = placer.state
    index, inventory = state.index(), state.tables.inventory
    number = state.resource_classes.find("MEMORY_MB")
    rows = index.class_row[index.class_start[number] : index.class_start[number + 1]]
    capacity = state.tables.offer["capacity"][inventory["offer"][rows]]
    free: NDArray[np.int64] = capacity - inventory["used"][rows]
    assert len(free) == trees
    return free


def warm_up() -> None:
    """Compile or load the kernels that a replay needs, on a cluster of one machine."""
    asked = Asked(1, 1, 1, 500, "")
    trace = Trace(
        folder=Path(),
        machines=(Machine(0, "warm", 1, 1, 1, "X"),),
        workloads={"": (asked,)},
        runs=(),
    )
    one = np.zeros(1, np.int64)
    Workload(trace, "").play(Run("", 0, one, one), policies.BEST_FIT, lambda _: None)

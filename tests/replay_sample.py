"""The tables of a replay that never was, for tests of reports.

The series are published ones of the recorded cluster; the machines are drawn at random
so that about as much of their GPUs is free as the series leaves idle.
"""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kilonova.replay import metrics
from kilonova.replay.metrics import ReplayTables, checked

OPENB = Path(__file__).resolve().parent.parent / "data/openb"
WORKLOADS = ["default", "gpuspec33"]
POLICIES = ["FGD", "BestFit", "Random"]
SEEDS = [42, 43, 44]


def published(workloads: list[str], policies: list[str], seeds: list[int]) -> pa.Table:
    rows = pq.read_table(OPENB / "published.parquet").filter(
        pc.field("workload").isin(workloads)
        & pc.field("policy").isin(policies)
        & pc.field("seed").isin(seeds)
    )
    return pa.Table.from_pylist(rows.to_pylist(), schema=metrics.SERIES)


def machine_rows(
    run: Mapping[str, Any], idle_share: float, machine_count: int
) -> Iterator[dict[str, Any]]:
    """Draw machines of four kinds whose devices are wholly free, half free or busy."""
    draw = random.Random(f"{run['workload']} {run['policy']} {run['seed']}")
    kinds = [("G2", 8), ("T4", 2), ("P100", 2), ("", 0)]
    for machine in range(machine_count):
        model, gpu_count = kinds[machine * machine % 7 % 4]
        free = [
            draw.choice([1000, 500]) if draw.random() < 1.3 * idle_share else 0
            for _ in range(gpu_count)
        ]
        yield {
            **{name: run[name] for name in ("workload", "policy", "seed")},
            "machine": machine,
            "name": f"machine-{machine:03d}",
            "gpu_model": model,
            "gpu_count": gpu_count,
            "gpu_milli_free": sum(free),
            "cpu_milli_total": 96000,
            "cpu_milli_free": 1000 * draw.randrange(96),
            "mem_mib_total": 393216,
            "mem_mib_free": 1024 * draw.randrange(384),
            "gpu_idle_fragment": 0.9 * sum(free),
            "gpu_free": free,
        }


def replayed(
    workloads: list[str] = WORKLOADS,
    policies: list[str] = POLICIES,
    seeds: list[int] = SEEDS,
    machine_count: int = 90,
) -> ReplayTables:
    """Make the tables of a replay whose series are the published ones."""
    series = published(workloads, policies, seeds)
    runs: list[dict[str, Any]] = []
    machines: list[dict[str, Any]] = []
    for row in series.filter(pc.field("arrived_pct") == 130).to_pylist():
        allocated = row["gpu_allocated_pct"]
        machines += machine_rows(row, 1 - allocated / 100, machine_count)
        placed = round(80 * allocated)
        runs.append(
            {
                **{k: v for k, v in row.items() if k in metrics.RUNS.names},
                "requests": 10_400,
                "placed": placed,
                "refused": 10_400 - placed,
                "gpu_total": 6_212_000,
                "gpu_allocated": round(62_120 * allocated),
                "seconds": 0.5 + row["seed"] / 100,
                "first_decision_s": 0.001 * row["seed"],
            }
        )
    return checked(
        ReplayTables(
            pa.Table.from_pylist(runs, schema=metrics.RUNS),
            series,
            pa.Table.from_pylist(machines, schema=metrics.MACHINES),
        )
    )

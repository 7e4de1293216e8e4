"""The published series of the openb runs: its rounding by hand, its values bit for bit.

The first requests of a recorded run are replayed on the recorded cluster by the twin,
where every published value has to come out exactly.
"""

import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from oracle import openb, openb_fragment, openb_series
from oracle.openb import Decision, Rules, Step
from oracle.openb_cluster import Machine, Request

RECORDED = Path(__file__).parent.parent / "data" / "openb"


def step(arrived: int, allocated: int = 0, fragment: float = 0.0) -> Step:
    return Step(Decision(None, ()), arrived, allocated, fragment)


def test_series_groups_by_rounded_per_cent() -> None:
    """Of 100 GPUs; halves go to the even per cent."""
    steps = [step(500, 500), step(501, 501), step(1500, 1500), step(2500, 2500)]
    points = openb_series.series(steps, 100)
    assert {pct: p.gpu_allocated_pct for pct, p in points.items()} == {
        0: 0.5,
        1: 0.5,
        2: 2.0,
    }


def test_series_fills_gaps_from_both_sides() -> None:
    points = openb_series.series([step(1000, 10), step(3000, 30), step(7000, 70)], 100)
    assert {pct: p.gpu_allocated_pct for pct, p in points.items()} == {
        0: 0.01,
        1: 0.01,
        2: 0.02,
        3: 0.03,
        4: 0.03,
        6: 0.07,
        7: 0.07,
    }


def test_series_rounds_before_the_mean() -> None:
    """0.004, 0.004, 0.014, 0.014 have the mean 0.009, but count as 0, 0, 0.01, 0.01."""
    steps = [step(0, 4), step(0, 4), step(0, 14), step(0, 14)]
    assert openb_series.series(steps, 100)[0].gpu_allocated_pct == 0.0


def test_series_rounds_the_mean_as_numpy_does() -> None:
    """The mean 2.675 is a little less as a float; 100 times it is 267.5 after all."""
    steps = [step(0, 2670), step(0, 2680)]
    assert openb_series.series(steps, 100)[0].gpu_allocated_pct == 2.68


def test_series_of_fragments() -> None:
    """One GPU of two is idle; 0.124 and 0.126 count as 0.12 and 0.13 of its 1000."""
    steps = [step(0, 1000, 400.124), step(0, 1000, 400.126)]
    assert openb_series.series(steps, 2)[0] == (50.0, 20.01, 40.01)


def test_series_with_nothing_idle() -> None:
    assert math.isnan(openb_series.series([step(0, 1000)], 1)[0].fragment_of_idle_pct)


def rows(name: str, **equal: str | int) -> list[dict[str, Any]]:
    filters = [(key, "==", value) for key, value in equal.items()] or None
    table = pq.read_table(RECORDED / f"{name}.parquet", filters=filters)
    found: list[dict[str, Any]] = table.to_pylist()
    return found


@pytest.fixture(scope="module")
def recorded() -> tuple[list[Machine], list[Request], list[int], list[int]]:
    """Machines with GPUs, the requests, their order, and the ranks of one run."""
    kept = [row for row in rows("machines") if row["gpu"] > 0]
    machines = [
        Machine(row["cpu_milli"], row["mem_mib"], row["gpu_model"], [1000] * row["gpu"])
        for row in kept
    ]
    requests = [
        Request(
            row["cpu_milli"],
            row["mem_mib"],
            row["gpu"],
            row["gpu_milli"],
            row["gpu_models"] or "",
        )
        for row in rows("requests", workload="default")
    ]
    order = [row["request"] for row in rows("order", workload="default", seed=42)]
    rank = {
        row["machine"]: row["rank"] for row in rows("rank", workload="default", seed=42)
    }
    return machines, requests, order, [rank[row["machine"]] for row in kept]


@pytest.mark.parametrize("policy", openb.WEIGHERS)
def test_first_published_values(
    recorded: tuple[list[Machine], list[Request], list[int], list[int]], policy: str
) -> None:
    machines, requests, order, rank = recorded
    typical = openb_fragment.typical_requests(requests)
    steps = openb.replay(
        machines, [requests[i] for i in order[:240]], Rules(policy, rank, typical)
    )
    got = openb_series.series(steps, sum(len(host.devices) for host in machines))
    # The requests of the last per cent are not all in.
    got.popitem()
    assert len(got) > 2
    published = rows("published", workload="default", policy=policy, seed=42)
    assert got == {
        row["arrived_pct"]: (
            row["gpu_allocated_pct"],
            row["gpu_fragment_pct"],
            row["fragment_of_idle_pct"],
        )
        for row in published[: len(got)]
    }

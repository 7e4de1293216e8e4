"""Placing all requests of one run, checked against the published value first.

Building the cluster and compiling the requests are left out.
"""

from typing import Any

import pytest

from kilonova.hosts import policies
from kilonova.replay.run import Workload
from kilonova.replay.source import find_folder
from kilonova.replay.trace import read_trace

# Seconds that a run of 10 866 requests over 1 213 machines may take.
AT_MOST_S = {"BestFit": 0.3, "FGD": 3.0}


@pytest.mark.parametrize("policy", sorted(AT_MOST_S))
def test_openb_default_42(benchmark: Any, policy: str) -> None:
    trace = read_trace(find_folder("openb"))
    (run,) = trace.choose(["default"], [42])
    workload, weigher = Workload(trace, "default"), policies.find(policy)
    first = workload.play(run, weigher, lambda _: None)
    assert trace.published is not None
    rows = trace.published.to_pylist()
    final = max(
        (
            row
            for row in rows
            if (row["workload"], row["policy"], row["seed"]) == ("default", policy, 42)
        ),
        key=lambda row: row["arrived_pct"],
    )
    assert first.series.gpu_allocated_pct[-1] == final["gpu_allocated_pct"]
    benchmark.extra_info["at_most_s"] = AT_MOST_S[policy]
    benchmark.extra_info["requests"] = len(run.order)
    benchmark.pedantic(
        lambda placer, requests, consumers: placer.place(requests, consumers),
        setup=lambda: (workload.prepare(run, weigher), {}),
        rounds=10,
    )

"""All workloads on all clouds: what is measured of each."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from kilonova.bench.busy_cloud import busy_cloud, fill_cloud
from kilonova.bench.kernels import Meter, Taken, watched
from kilonova.bench.resident import grown
from kilonova.bench.timing import (
    Memory,
    Times,
    allocated,
    around,
    clocked,
    measured,
    slope,
    summary,
    traced,
    uncollected,
)
from kilonova.bench.workload import Fleet, Work, Workload, WrongResult
from kilonova.candidates.cloud import Cloud

# Calls in which kernels are watched at most, and calls of the plain numpy passes.
_WATCHED = 300
_PLAIN = 5
# Seconds of a call from which on what it allocates is traced once, and those from which
# on it is not traced.
_LONG_S, _SLOW_S = 0.02, 0.5
Progress = Callable[[str], None]


class KernelCalls(NamedTuple):
    """What was measured of one kernel within calls of a workload.

    Attributes
    ----------
    p50, p99
        Seconds a call of the kernel.
    calls
        How many calls these are of.
    allocated
        Bytes that one call holds beyond what was there before, at most; None where the
        one call of the workload that is traced does not come to it, and within calls
        that are too slow to be traced.
    """

    p50: float
    p99: float
    calls: int
    allocated: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """What was measured of one workload on one cloud.

    Attributes
    ----------
    workload, hosts, shape, fill
        What, and where.
    times
        Seconds a decision.
    allocated
        Bytes that one call holds beyond what was there before, at most; None where
        nothing tells that.
    is_traced
        Whether these are all of them. Of calls over half a second they are the least
        that it can have been: what the process grows by.
    touched
        Bytes that any way must touch; 0 where there is no such bound.
    plain
        Seconds of the same as plain numpy passes; None where there is none.
    kernels
        Of each kernel that it comes to.
    within
        Seconds a decision in all of them together; the rest is Python's.
    """

    workload: str
    hosts: int
    shape: str
    fill: float
    times: Times
    allocated: int | None
    is_traced: bool
    touched: int
    plain: float | None
    kernels: dict[str, KernelCalls]
    within: Times

    @property
    def per_host_ns(self) -> float:
        """Nanoseconds of the median by host."""
        return self.times.p50 / self.hosts * 1e9

    def distance(self, bandwidth: float) -> float | None:
        """Say how many times as long it takes as touching its bytes would."""
        return self.times.p50 * bandwidth / self.touched if self.touched else None

    def row(self, bandwidth: float) -> dict[str, Any]:
        """Give it for JSON."""
        found = asdict(self) | self.times._asdict()
        del found["times"]
        found["within"] = self.within._asdict()
        found["kernels"] = {name: k._asdict() for name, k in self.kernels.items()}
        limit = self.touched / bandwidth if self.touched else None
        return found | {
            "per_host_ns": self.per_host_ns,
            "limit": limit,
            "distance": self.distance(bandwidth),
        }


@dataclass(frozen=True, slots=True)
class Growth:
    """The powers of the number of hosts with which a workload grows.

    Attributes
    ----------
    workload, shape, fill
        What, and where.
    power
        Of the median, by least squares on logarithms.
    """

    workload: str
    shape: str
    fill: float
    power: float


def cases(
    chosen: Sequence[Workload],
    where: Sequence[Fleet],
    budget_s: float,
    progress: Progress = lambda _: None,
) -> Iterator[Case]:
    """Measure workloads on clouds, those that differ only in fill next to each other.

    Raises
    ------
    WrongResult
        A workload gives another result than it must.
    """
    for (hosts, shape), group in groupby(where, lambda fleet: fleet[:2]):
        alike = [
            (fleet, [each for each in chosen if each.runs_on(fleet)]) for fleet in group
        ]
        alike = [(fleet, wanted) for fleet, wanted in alike if wanted]
        if not alike:
            continue
        progress(f"{hosts:,} hosts, {shape}: laying the cloud")
        cloud = busy_cloud(hosts, shape, alike[0][0].fill)
        for fleet, wanted in alike:
            if fleet.fill != alike[0][0].fill:
                fill_cloud(cloud, fleet.fill)
            try:
                for workload in wanted:
                    progress(f"{fleet.hosts:,} hosts, {fleet.title}: {workload.name}")
                    yield case(workload, cloud, fleet, budget_s)
            finally:
                gc.unfreeze()


def case(workload: Workload, cloud: Cloud, fleet: Fleet, budget_s: float) -> Case:
    """Measure one workload on one cloud; raises WrongResult.

    What there was is frozen, and left so: looking for garbage in it takes long.
    """
    work = ready(workload, cloud, fleet)
    gc.collect()
    gc.freeze()
    try:
        times = measured(work, budget_s)
        spent, within = in_kernels(work, budget_s / 2)
        call_s = times.p50 * work.decisions
        is_traced = call_s < _SLOW_S
        most, held = in_memory(work) if is_traced else (grown(work), {})
        if call_s < _LONG_S:
            # Without what watching takes; long calls are traced once.
            most = allocated(work)
        return Case(
            workload.name,
            *fleet,
            times=times,
            allocated=most,
            is_traced=is_traced,
            touched=work.touched,
            plain=_plain(work),
            kernels={
                name: KernelCalls(*_percentiles(each), len(each), held.get(name))
                for name, each in sorted(spent.items())
            },
            within=within,
        )
    finally:
        if work.close is not None:
            work.close()


def ready(workload: Workload, cloud: Cloud, fleet: Fleet) -> Work:
    """Make a workload ready, and check its result; raises WrongResult."""
    with uncollected():
        work = workload.make(cloud, fleet)
        is_right = work.check()
    if not is_right:
        raise WrongResult(
            f"{workload.name} gives another result than it must on {fleet.hosts} "
            f"hosts ({fleet.title}); it was not timed."
        )
    return work


def in_kernels(work: Work, budget_s: float) -> tuple[Taken, Times]:
    """Watch the kernels that a workload comes to.

    Returns
    -------
    Nanoseconds of each call of each, and seconds of all in a call of the workload.
    """
    begin = time.perf_counter()
    sums: list[int] = []
    spent: Taken = defaultdict(list)
    with watched() as taken, uncollected():
        while len(sums) < _WATCHED:
            found = _called(work, taken)
            sums.append(sum(map(sum, found.values())))
            for name, each in found.items():
                spent[name] += each
            if time.perf_counter() - begin > budget_s:
                break
    return spent, summary(np.array(sums) / work.decisions)


def in_memory(work: Work) -> tuple[int, dict[str, int]]:
    """Give the most bytes that a call holds, and a call of each kernel within it."""
    with around(work), traced():
        memory = Memory()
        with watched(Meter(memory.begin, memory.end)) as taken:
            memory.start()
            work.call()
            most = memory.whole()
    return most, {name: max(each) for name, each in taken.items()}


def _called(work: Work, taken: Taken) -> Taken:
    """Make a call; give what kernels took in it, without what is done around it."""
    with around(work):
        taken.clear()
        work.call()
        found = dict(taken)
        taken.clear()
    return found


def _percentiles(nanoseconds: Sequence[int]) -> tuple[float, float]:
    found = summary(nanoseconds)
    return found.p50, found.p99


def _plain(work: Work) -> float | None:
    if work.plain is None:
        return None
    alone = Work(call=work.plain, check=lambda: True)
    with uncollected():
        return summary([clocked(alone) for _ in range(_PLAIN)]).p50


def growths(found: Sequence[Case]) -> list[Growth]:
    """Fit how each workload grows with the number of hosts."""
    series: dict[tuple[str, str, float], list[Case]] = defaultdict(list)
    for each in found:
        series[each.workload, each.shape, each.fill].append(each)
    powers = (
        (key, slope([c.hosts for c in group], [c.times.p50 for c in group]))
        for key, group in series.items()
    )
    return [Growth(*key, power) for key, power in powers if power is not None]

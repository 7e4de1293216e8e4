"""Clocks: calls one by one, what they allocate, and how times grow with size."""

import gc
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from kilonova.bench.workload import Work

# Calls of one case, at most; percentiles are steady by then.
_MOST = 1_000
# Calls that there are at least, by what one of them takes: of long ones a few, of those
# that take over a second a single one.
_LEAST, _LEAST_SHORT = 3, 100
SHORT_S, _ONCE_S = 1e-3, 1.0


class Times(NamedTuple):
    """Seconds that calls took, and how many calls there were."""

    p50: float
    p99: float
    least: float
    calls: int


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector of garbage from running inside a clock."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def unsearched() -> Iterator[None]:
    """Let nobody look for garbage in what there is already, such as a large cloud."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def measured(work: Work, budget_s: float) -> Times:
    """Time calls until the budget is spent, set-up around them included.

    Whatever the budget, calls of less than ``SHORT_S`` are made a hundred times.
    """
    found: list[int] = []
    with uncollected():
        begin = time.perf_counter()
        while len(found) < _MOST:
            found.append(clocked(work))
            spent = time.perf_counter() - begin
            if len(found) >= _least(found[-1] / 1e9) and spent > budget_s:
                break
    return summary(np.array(found) / work.decisions)


def _least(call_s: float) -> int:
    if call_s > _ONCE_S:
        return 1
    return _LEAST_SHORT if call_s < SHORT_S else _LEAST


def clocked(work: Work) -> int:
    """Time one call, in nanoseconds."""
    if work.before is not None:
        work.before()
    begin = time.perf_counter_ns()
    work.call()
    spent = time.perf_counter_ns() - begin
    if work.after is not None:
        work.after()
    return spent


def summary(nanoseconds: Sequence[float] | np.ndarray) -> Times:
    """Give percentiles of nanoseconds, in seconds."""
    p50, p99 = np.percentile(nanoseconds, [50, 99]) / 1e9
    least = float(np.min(nanoseconds)) / 1e9
    return Times(float(p50), float(p99), least, len(nanoseconds))


@contextmanager
def traced() -> Iterator[None]:
    """Trace what is allocated inside the block, by kernels as well."""
    with uncollected():
        tracemalloc.start()
        try:
            yield
        finally:
            tracemalloc.stop()


@contextmanager
def around(work: Work) -> Iterator[None]:
    """Do what a call needs before and after it around the block."""
    if work.before is not None:
        work.before()
    yield
    if work.after is not None:
        work.after()


class Memory:
    """Bytes held at most beyond what was there before, while memory is traced."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Let all begin now."""
        tracemalloc.reset_peak()
        self._begun = self._most = tracemalloc.get_traced_memory()[0]

    def begin(self) -> int:
        """Begin anew; give what is held now."""
        held, most = tracemalloc.get_traced_memory()
        self._most = max(self._most, most)
        tracemalloc.reset_peak()
        return held

    def end(self, before: int) -> int:
        """Give what was held at most since, beyond that."""
        return tracemalloc.get_traced_memory()[1] - before

    def whole(self) -> int:
        """Give what was held at most since the start, beyond what was then."""
        self.begin()
        return self._most - self._begun


def allocated(work: Work) -> int:
    """Give the most bytes that one call holds beyond what was there before it."""
    with around(work), traced():
        memory = Memory()
        work.call()
        return memory.whole()


def slope(sizes: Sequence[int], seconds: Sequence[float]) -> float | None:
    """Give the power of the size with which times grow, by least squares on logarithms.

    None where there are not two sizes.
    """
    if len(set(sizes)) < 2:
        return None
    # The clock knows no shorter time.
    times = [math.log(max(each, 1e-9)) for each in seconds]
    return float(np.polyfit(np.log(sizes), times, 1)[0])


def repeated(call: Callable[[], object], times: int) -> Callable[[], object]:
    """Give a call that does the same so many times over: a slowdown, for tests."""

    def slow() -> object:
        for _ in range(times - 1):
            call()
        return call()

    return slow

"""Each workload gives the result that it must, on small clouds of every kind.

Method: a workload checks itself against plain numpy passes, or against what the library
says another way; here all do so, and clocks and powers are tried on what is known.
"""

import resource
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from kilonova import Cloud
from kilonova.bench import run, timing
from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.kernels import callable_kernels, watched
from kilonova.bench.resident import forget_peak, grown
from kilonova.bench.workload import FILLS, SHAPES, Fleet, Work, Workload, WrongResult
from kilonova.bench.workloads.register import find, workloads
from kilonova.errors import BadInput

pytestmark = pytest.mark.jit

HOSTS = 120


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fill", FILLS)
def test_results_are_right(shape: str, fill: float) -> None:
    fleet = Fleet(HOSTS, shape, fill)
    cloud = busy_cloud(*fleet)
    before = cloud.to_document()
    chosen = [each for each in workloads() if each.runs_on(fleet)]
    assert chosen
    for workload in chosen:
        work = run.ready(workload, cloud, fleet)
        timing.clocked(work)
        if work.close is not None:
            work.close()
    after = cloud.to_document()
    for one, other in zip(before["providers"], after["providers"], strict=True):
        # Only generations, and aggregates that were known, may be others.
        assert one["inventories"] == other["inventories"]
    assert not after["consumers"]


def test_names_are_unique_and_found() -> None:
    names = [each.name for each in workloads()]
    assert len(set(names)) == len(names)
    assert all(find(name).name == name for name in names)
    with pytest.raises(BadInput, match="No workload 'x'"):
        find("x")


def test_a_wrong_result_is_not_timed() -> None:
    def make(cloud: Cloud, fleet: Fleet) -> Work:
        return Work(call=lambda: None, check=lambda: False)

    workload = Workload("wrong: result", "", make)
    with pytest.raises(WrongResult, match="wrong: result gives another"):
        run.case(workload, Cloud(), Fleet(1, "flat", 0.0), 0.0)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_slope(power: float) -> None:
    sizes = [1_000, 10_000, 100_000]
    found = timing.slope(sizes, [1e-6 * size**power for size in sizes])
    assert found == pytest.approx(power)
    assert timing.slope([1_000], [1.0]) is None


def test_only_the_call_is_timed() -> None:
    done: list[str] = []

    def around(what: str) -> None:
        done.append(what)
        time.sleep(0.01)

    work = Work(
        call=partial(done.append, "call"),
        check=lambda: True,
        before=partial(around, "before"),
        after=partial(around, "after"),
        decisions=2,
    )
    found = timing.measured(work, 0.0)
    assert done == ["before", "call", "after"] * found.calls
    assert found.p50 < 0.005


def test_allocated_bytes() -> None:
    work = Work(call=partial(bytearray, 1_000_000), check=lambda: True)
    assert 1_000_000 <= timing.allocated(work) < 1_100_000


@pytest.mark.skipif(not forget_peak(), reason="Linux tells what was held at most")
@pytest.mark.parametrize("pages", [5_000, 20_000])
def test_bytes_by_which_a_slow_call_grows(pages: int) -> None:
    size = pages * resource.getpagesize()
    work = Work(call=partial(np.ones, size, np.uint8), check=lambda: True)
    found = grown(work)
    assert found is not None
    assert size - 4_000_000 < found < size + 4_000_000


def test_bytes_are_given_of_calls_that_are_too_slow_to_be_traced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "_SLOW_S", 0.0)
    monkeypatch.setattr(run, "in_memory", None)
    monkeypatch.setattr(run, "_LONG_S", 0.0)
    cloud = busy_cloud(50, "flat", 0.7)
    found = run.case(
        find("marks: all, plain"), cloud, Fleet(50, "flat", 0.7), budget_s=0.0
    )
    assert (found.allocated is not None) == forget_peak()
    assert not found.is_traced
    assert found.kernels["scan.scan_fitting"].allocated is None


def test_kernels_are_watched_and_put_back() -> None:
    import kilonova_kernels.scan as scan

    cloud, before = busy_cloud(50, "flat", 0.7), scan.scan_fitting
    work = find("marks: all, plain").make(cloud, Fleet(50, "flat", 0.7))
    assert work.check()
    with watched() as spent:
        work.call()
        work.call()
    assert list(spent) == ["scan.scan_fitting"]
    assert len(spent["scan.scan_fitting"]) == 2
    assert min(spent["scan.scan_fitting"]) > 0
    assert scan.scan_fitting is before
    assert "scan.scan_fitting" in callable_kernels()


@pytest.mark.jit
def test_kernels_that_are_called_by_address_are_watched() -> None:
    cloud = busy_cloud(50, "flat", 0.7)
    work = find("select: plain").make(cloud, Fleet(50, "flat", 0.7))
    assert work.check()
    assert work.before is not None
    work.before()
    with watched() as spent:
        work.call()
    assert min(spent["select.select_all"]) > 0


def test_a_kernel_is_measured_call_by_call() -> None:
    cloud = busy_cloud(50, "flat", 0.7)
    work = find("marks: all, plain").make(cloud, Fleet(50, "flat", 0.7))
    assert work.check()
    spent, within = run.in_kernels(work, 10.0)
    found = spent["scan.scan_fitting"]
    assert len(found) == within.calls == 300
    assert within.p50 == pytest.approx(np.median(found) / 1e9)
    most, held = run.in_memory(work)
    assert 0 <= held["scan.scan_fitting"] <= most < 10_000


def test_what_is_done_around_a_call_is_not_counted() -> None:
    cloud = busy_cloud(50, "flat", 0.7)
    work = find("marks: all, plain").make(cloud, Fleet(50, "flat", 0.7))
    assert work.check()
    around = replace(work, call=lambda: None, before=work.call, after=work.call)
    spent, within = run.in_kernels(around, 0.01)
    assert spent == {}
    assert within.p50 == 0


def test_bytes_are_the_most_that_was_held() -> None:
    with timing.traced():
        bytearray(9_000_000)
        memory = timing.Memory()
        bytearray(5_000_000)
        before = memory.begin()
        bytearray(1_000_000)
        assert 1_000_000 <= memory.end(before) < 1_100_000
        assert 5_000_000 <= memory.whole() < 5_100_000

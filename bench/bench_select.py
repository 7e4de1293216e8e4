"""How long one server takes to place, claim included: in the kernel, in the library.

Servers of one kind come and go on a cloud that is partly in use
(``kilonova.bench.traffic``); each asks for another flavor than the one before, so that
what is kept for a shape has the writes of all others to catch up with. Choices are
first compared with the oracle's, at a size where that is quick.
``BENCH_HOSTS="1000000"`` measures other sizes.
"""

import os
import time
from functools import cache, lru_cache
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from generators.document import uuid_of
from kilonova import Cloud
from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.traffic import FLAVORS, KINDS, Kind, Traffic, varied
from kilonova.bench.workload import FILLS, Fleet
from kilonova.cloud import claims
from kilonova.hosts.batch import Batch, Question
from kilonova.hosts.engine import Engine
from kilonova.hosts.scheduler import Scheduler
from kilonova_kernels.host_columns import OrderColumns
from naive_select import naive

pytestmark = pytest.mark.jit

SIZES = (1_000, 10_000, 100_000)
# What the median decision in the kernel may take, by hosts.
AT_MOST_S = {10_000: 40e-6, 100_000: 80e-6, 1_000_000: 200e-6}
SHAPES = 128
SUSTAINED_AT_MOST_S = 1 / 50_000
_ROUNDS = 1000
# The first servers of a flavor find out which nodes hold no good host.
_WARM = 12 * FLAVORS
_SMALL = 60


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Measure all clouds where benchmarks are on; else try one of each shape."""
    on = metafunc.config.getoption("benchmark_enable")
    given = tuple(map(int, os.environ.get("BENCH_HOSTS", "").split()))
    sizes = given or (SIZES if on else SIZES[:1])
    if "fleet" in metafunc.fixturenames:
        cases = [
            (Fleet(hosts, shape, fill), kind)
            for hosts in sizes
            for shape in ("flat", "nested")
            for fill in (FILLS if on else FILLS[1:2])
            for kind in KINDS.values()
            if shape == "nested" or kind.name != "one port"
        ]
        titles = [f"{fleet.hosts}, {fleet.title}, {k.name}" for fleet, k in cases]
        metafunc.parametrize(("fleet", "kind"), cases, ids=titles)
    if "hosts" in metafunc.fixturenames:
        metafunc.parametrize("hosts", [size for size in sizes if size <= 10_000])


@lru_cache(maxsize=1)
def cloud_of(fleet: Fleet) -> Cloud:
    return busy_cloud(*fleet)


def test_select(benchmark: Any, fleet: Fleet, kind: Kind) -> None:
    check(fleet._replace(hosts=_SMALL, fill=min(fleet.fill, FILLS[1])), kind)
    traffic = Traffic(cloud_of(fleet), kind)
    for _ in range(_WARM if benchmark.enabled else FLAVORS):
        traffic.select()
    kernel = decisions(traffic, _ROUNDS if benchmark.enabled else 1)
    last: list[str] = []

    def setup() -> tuple[tuple[object, ...], dict[str, object]]:
        for server in last:
            traffic.come(server)
        asked = traffic.next()
        last[:] = asked[2]
        return asked, {}

    found = benchmark.pedantic(traffic.scheduler.select, setup=setup, rounds=_ROUNDS)
    assert list(found.servers) == last
    traffic.come(*last)
    traffic.leave()
    assert not traffic.cloud.state.hosts.table["num_instances"].any()
    info = benchmark.extra_info
    info["series"] = f"{fleet.title}, {kind.name}"
    info["hosts"] = fleet.hosts
    info["kernel_p50_s"], info["kernel_p99_s"] = _percentiles(kernel)
    if fleet.hosts in AT_MOST_S:
        info["kernel_p50_at_most_s"] = AT_MOST_S[fleet.hosts]
    if benchmark.stats is not None:
        info["p50_s"], info["p99_s"] = _percentiles(benchmark.stats.stats.data)


def _percentiles(seconds: list[float] | NDArray[np.float64]) -> tuple[float, float]:
    p50, p99 = np.percentile(seconds, [50, 99])
    return float(p50), float(p99)


@cache
def check(fleet: Fleet, kind: Kind) -> None:
    """Compare choices with those of all filters and weighers over plain objects."""
    cloud = busy_cloud(*fleet)
    traffic = Traffic(cloud, kind)
    for _ in range(2 * FLAVORS):
        spec, count, servers = traffic.next()
        best = naive(cloud, traffic.scheduler, spec)
        found = traffic.scheduler.select(spec, count, servers)
        chosen = (found.hosts[0].nodename, found.hosts[0].weight)
        assert chosen == (best.hosts[0], best.weights[0])
        assert [one.nodename for one in found.alternates[0]] == best.hosts[1:3]
        traffic.come(*servers)


def decisions(traffic: Traffic, rounds: int) -> NDArray[np.float64]:
    """Time decisions in the kernel, less what a call from Python costs by itself."""
    pairs = np.array([_decision(traffic) for _ in range(rounds)])
    found: NDArray[np.float64] = pairs[:, 1] - np.median(pairs[:, 0])
    return np.maximum(found, 0)


def _decision(traffic: Traffic) -> tuple[float, float]:
    """Time a call of the kernel without a server to place, and one with one.

    Both come after another call, so that neither has to fetch the arguments.
    """
    from kilonova_kernels._jit import call
    from kilonova_kernels.select import select_all

    scheduler, state = traffic.scheduler, traffic.cloud.state
    spec, _, (server,) = traffic.next()
    engine = scheduler.engine((scheduler.shape(spec),))
    row = np.array([claims.add_consumers(state, [server])], np.int32)
    question = Question(scheduler._listing(spec), *scheduler._group(spec))
    spare = scheduler.options.scheduler.max_attempts - 1
    orders = Batch(engine, question, row, np.zeros((1, 2)), spare).orders
    nobody = orders._replace(shape=orders.shape[:0])
    columns = state.columns(spare_allocations=len(engine.search.claim_inventory))
    fleet = engine.columns(orders.best.shape[1], 1 + len(orders.listed_host))
    arguments = (columns, engine.plans.columns, engine.search, fleet)
    # Type and address of a group are found out at the first look.
    known = cast(Any, orders)
    assert known.kind == cast(Any, nobody).kind
    assert known.address
    call(select_all, *arguments, nobody)
    start = time.perf_counter()
    call(select_all, *arguments, nobody)
    between = time.perf_counter()
    placed = call(select_all, *arguments, orders)
    end = time.perf_counter()
    assert placed == 1
    state.tables.allocation.count = int(state.counters[1])
    traffic.come(server)
    return between - start, end - between


def test_sustained(benchmark: Any, hosts: int) -> None:
    """Place servers of many shapes in one call of the kernel, each by itself."""
    cloud = busy_cloud(hosts, "nested", FILLS[1])
    scheduler = Scheduler(cloud)
    shapes = tuple(scheduler.shape(varied(number)) for number in range(SHAPES))
    assert len(set(shapes)) == SHAPES
    engine = Engine(cloud.state, shapes, scheduler.options)
    check(Fleet(_SMALL, "nested", FILLS[1]), KINDS["one port"])
    _place(engine, _orders(engine))
    last: list[str] = []

    def setup() -> tuple[tuple[object, ...], dict[str, object]]:
        for server in last:
            cloud.release(server)
        orders = _orders(engine)
        last[:] = [cloud.state.consumer_uuids[row] for row in orders.consumer.tolist()]
        return (engine, orders), {}

    assert benchmark.pedantic(_place, setup=setup, rounds=_ROUNDS // 5) == SHAPES
    benchmark.extra_info["servers"] = SHAPES
    benchmark.extra_info["at_most_s"] = SUSTAINED_AT_MOST_S * SHAPES
    if benchmark.stats is not None:
        rate = SHAPES / benchmark.stats.stats.median
        benchmark.extra_info["servers a second"] = f"{rate:,.0f}"


def _orders(engine: Engine) -> OrderColumns:
    """Make an order of a server for each shape; each is a call of its own."""
    state = engine.state
    number = state.tables.consumer.count
    first = claims.add_consumers(
        state, [uuid_of(f"server {number + i}") for i in range(SHAPES)]
    )
    rows = np.arange(first, first + SHAPES, dtype=np.int32)
    made = Batch(engine, Question(), rows, np.zeros((SHAPES, 2)), 2).orders
    made.shape[:] = made.call[:] = np.arange(SHAPES)
    return made


def _place(engine: Engine, orders: OrderColumns) -> int:
    from kilonova_kernels._jit import call
    from kilonova_kernels.select import select_all

    state, search = engine.state, engine.search
    columns = state.columns(spare_allocations=SHAPES * len(search.claim_inventory))
    fleet = engine.columns(orders.best.shape[1], SHAPES)
    placed = call(select_all, columns, engine.plans.columns, search, fleet, orders)
    state.tables.allocation.count = int(state.counters[1])
    return int(placed)

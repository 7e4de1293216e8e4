"""A replay decides as the published policies do.

One recorded run is played in full: every published value of the five policies that do
not draw has to come out. Then small random clusters with requests at their limits are
played by the kernels and by the oracle's plain objects: the same machine and devices
for every request, read back from what consumers hold in the cloud, and the same
fragments to the last bit. Random has the oracle draw the same numbers.
"""

from collections.abc import Sequence
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from generators.openb import Played, played, twin_machines, twin_requests
from kilonova.candidates.cloud import Cloud
from kilonova.hosts import policies
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.replay import cluster
from kilonova.replay.published import COLUMNS, compare
from kilonova.replay.run import Outcome, Workload
from kilonova.replay.source import find_folder
from kilonova.replay.trace import Asked, Machine, Trace, read_trace
from oracle import openb, openb_fragment
from oracle.openb import Decision, Rules
from oracle.openb_cluster import claim

DETERMINISTIC = [w.name for w in policies.registered() if not w.drawn]
JUST_BELOW_ONE = float(np.nextafter(1.0, 0.0))


@pytest.fixture(scope="module")
def trace() -> Trace:
    return read_trace(find_folder("openb"))


@pytest.fixture(scope="module")
def default(trace: Trace) -> Workload:
    return Workload(trace, "default")


def play(trace: Trace, workload: Workload, policy: str, repeat: int = 0) -> Outcome:
    (run,) = trace.choose(["default"], [42])
    return workload.play(run, policies.find(policy), lambda _: None, repeat)


@pytest.mark.jit
@pytest.mark.parametrize("policy", DETERMINISTIC)
def test_published_values(trace: Trace, default: Workload, policy: str) -> None:
    outcome = play(trace, default, policy)
    assert trace.published is not None
    rows = [
        row
        for row in trace.published.to_pylist()
        if (row["workload"], row["policy"], row["seed"]) == ("default", policy, 42)
    ]
    assert [row["arrived_pct"] for row in rows] == list(range(131))
    assert outcome.series.arrived_pct.tolist() == list(range(131))
    for column in COLUMNS:
        got = getattr(outcome.series, column).tolist()
        assert got == [row[column] for row in rows], column


@pytest.mark.jit
def test_random_is_near_the_published_mean(trace: Trace, default: Workload) -> None:
    """Both are means over draws: ours of one order, theirs of five orders."""
    assert trace.published is not None
    ours = [
        float(play(trace, default, "Random", i).series.gpu_allocated_pct[-1])
        for i in range(6)
    ]
    theirs = [
        row["gpu_allocated_pct"]
        for row in trace.published.to_pylist()
        if (row["workload"], row["policy"]) == ("default", "Random")
        and row["arrived_pct"] == 130
    ]
    assert len(theirs) == 5
    assert len(set(ours)) > 1
    error = np.hypot(np.std(ours, ddof=1), np.std(theirs, ddof=1)) / np.sqrt(5)
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * error
    # Without the bound on the spread anything would pass that varies enough.
    assert 0.05 < np.std(ours, ddof=1) < 1.0


@pytest.mark.jit
def test_random_is_the_same_again(trace: Trace, default: Workload) -> None:
    first, second = (play(trace, default, "Random", repeat=3) for _ in range(2))
    assert first.tree.tolist() == second.tree.tolist()


class Game:
    """A small cluster under one policy, by the kernels and by the oracle."""

    def __init__(self, drawn: Played, policy: str) -> None:
        self.played, self.policy = drawn, policy
        machines = drawn.machines
        known = frozenset(cluster.model_trait(m.gpu_model) for m in machines)
        self.cloud: Cloud = cluster.build_cloud(machines)
        self.placer = Placer(
            self.cloud,
            [cluster.build_request(asked, known) for asked in drawn.requests],
            policies.find(policy),
            typical=cluster.typical_demands(drawn.requests, known),
            demands=[cluster.demand_of(asked, known) for asked in drawn.requests],
            classes=cluster.CLASSES,
        )
        self.placer.set_rank(np.array(drawn.rank, np.int64))
        self.names = [f"c{i}" for i in range(len(drawn.requests))]
        self.consumers = add_consumers(self.cloud, self.names)
        self.typical = openb_fragment.typical_requests(twin_requests(drawn.requests))
        self.twins = twin_machines(machines)
        self.unusable: list[float] = []

    def place(self, cuts: Sequence[int], draws: NDArray[np.float64]) -> None:
        """Play all requests in batches that end at ``cuts``; equal requests are one."""
        requests = self.played.requests
        numbers = np.array([requests.index(asked) for asked in requests], np.int32)
        ends = [*sorted({c for c in cuts if c < len(requests)}), len(requests)]
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            part = slice(start, end)
            placed = self.placer.place(numbers[part], self.consumers[part], draws[part])
            self.unusable += placed.unusable.tolist()

    def got(self, i: int) -> Decision:
        """Read machine and devices of a request from what its consumer holds."""
        held = self.cloud.allocations(self.names[i])
        asked = self.played.requests[i]
        if not held:
            return Decision(None, ())
        names = [machine.name for machine in self.played.machines]
        root, devices = next(iter(held)).partition(":")[0], []
        for provider, amounts in held.items():
            name, _, device = provider.partition(":gpu")
            assert name == root
            if device:
                assert amounts == {"CUSTOM_GPU_MILLI": asked.gpu_milli}
                devices.append(int(device))
        plain = {"VCPU": asked.cpu_milli, "MEMORY_MB": asked.mem_mib}
        assert held[root] == {name: n for name, n in plain.items() if n}
        return Decision(names.index(root), tuple(devices))

    def wanted(self, i: int, draws: NDArray[np.float64]) -> Decision:
        """Have the oracle decide, with the same draws, and claim what it chose."""
        request = twin_requests(self.played.requests)[i]
        left = iter(draws[i].tolist())
        rules = Rules(
            self.policy,
            self.played.rank,
            self.typical,
            lambda count: int(next(left) * count),
        )
        machines = self.played.machines
        # The oracle measures against the largest machine of the recorded cluster.
        with mock.patch.multiple(
            openb,
            CPU_MILLI_MAX=max(m.cpu_milli for m in machines),
            GPU_MILLI_MAX=max(1000 * m.gpu for m in machines) or 1,
        ):
            decision = openb.decide(self.twins, request, rules)
        if decision.machine is not None:
            claim(self.twins[decision.machine], request, decision.devices)
        return decision

    def fragments(self) -> list[float]:
        return [openb_fragment.fragment(host, self.typical) for host in self.twins]


draws_of_a_request = st.tuples(
    *[st.sampled_from([0.0, 0.3, 0.5, 0.75, JUST_BELOW_ONE]) | st.floats(0, 0.99)] * 2
)


@given(
    played(),
    st.sampled_from([w.name for w in policies.registered()]),
    st.lists(st.integers(1, 24), max_size=3),
    st.data(),
)
def test_same_decisions_as_the_oracle(
    drawn: Played, policy: str, cuts: list[int], data: st.DataObject
) -> None:
    count = len(drawn.requests)
    drawing = st.lists(draws_of_a_request, min_size=count, max_size=count)
    draws = np.zeros((count, 2))
    if policy == "Random":
        draws[:] = data.draw(drawing)
    game = Game(drawn, policy)
    game.place(cuts, draws)
    counted = sum(game.placer.typical.counts)
    for i in range(count):
        assert game.got(i) == game.wanted(i, draws), f"request {i}"
        fragment = openb_fragment.add_in_order(game.fragments())
        assert game.unusable[i] / counted == pytest.approx(fragment, abs=1e-9)
    devices = game.placer.devices
    assert devices.host_fragment.tolist() == game.fragments()
    assert devices.cpu_free.tolist() == [host.cpu_milli for host in game.twins]
    for t, host in enumerate(game.twins):
        assert devices.device_free[t, : len(host.devices)].tolist() == host.devices


def test_random_draws_every_feasible_machine_and_device() -> None:
    """Of four machines two can take it, each on two of its devices."""
    machines = tuple(
        Machine(i, f"m{i}", cpu, 1024, gpu, model)
        for i, (cpu, gpu, model) in enumerate(
            [(999, 2, "T4"), (1000, 2, "T4"), (8000, 2, "G2"), (1000, 2, "T4")]
        )
    )
    drawn = Played(machines, (Asked(1000, 0, 1, 1, "T4"),), (3, 2, 1, 0))
    evenly = [i / 8 for i in range(8)]
    found: dict[Decision, int] = {}
    for host in evenly:
        for device in evenly:
            game = Game(drawn, "Random")
            game.place([], np.array([[host, device]]))
            found[game.got(0)] = found.get(game.got(0), 0) + 1
    assert found == {Decision(m, (d,)): 16 for m in (1, 3) for d in (0, 1)}


@pytest.mark.jit
def test_compare_finds_the_golden_run(trace: Trace, default: Workload) -> None:
    """What ``--check-published`` prints is not blind: one value off is seen."""
    assert trace.published is not None
    outcome = play(trace, default, "GpuPacking")
    assert all(found.agrees for found in compare(trace.published, [outcome]))
    outcome.series.gpu_fragment_pct[77] += 0.01
    agreement = {found.column: found for found in compare(trace.published, [outcome])}
    wrong = agreement["gpu_fragment_pct"]
    assert not wrong.agrees
    assert (wrong.values, wrong.equal, wrong.within) == (131, 130, 131)
    assert wrong.largest == pytest.approx(0.01)
    assert wrong.final_equal == 1
    assert agreement["gpu_allocated_pct"].agrees

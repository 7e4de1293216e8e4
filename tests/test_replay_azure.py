"""The azure replay: its list, the order of events, and a host for each server.

The player is compared host by host with plain Python on the first requests of the
recorded list and on random lists, with few hosts, so that calls are refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilonova.errors import BadInput, BadTable
from kilonova.hosts.options import Options
from kilonova.replay.azure import MEMORY_MB, VCPUS, build_fleet, read_azure
from kilonova.replay.server_play import Player, ServerOutcome, used_of
from kilonova.replay.server_replay import POLICIES
from kilonova.replay.servers import STAYS, ServerTrace, Window, ordered
from kilonova.replay.source import find_folder
from oracle.servers import FlatHost, Server, placed
from replay_small import Columns
from server_samples import AZURE, first, write_azure, write_table


@pytest.fixture(scope="module")
def recorded() -> ServerTrace:
    return read_azure(find_folder("azure"))


def play(
    trace: ServerTrace, window: Window, hosts: int, policy: str = "spread"
) -> ServerOutcome:
    few = replace(trace, build=lambda: build_fleet(hosts))
    return Player(few, window, policy, POLICIES[policy]).play(lambda _: None)


def servers_of(window: Window) -> list[Server]:
    """List the servers as the twin wants them; those that stay too long, forever."""
    last = int(window.start[-1])
    found = []
    for number, kind in enumerate(window.kind.tolist()):
        end = int(window.end[number])
        found.append(
            Server(
                number,
                window.kinds[kind].cell_vcpus,
                window.kinds[kind].cell_memory_mb,
                int(window.call[number]),
                int(window.start[number]),
                None if end == STAYS or end > last else end,
            )
        )
    return found


def twin(window: Window, hosts: int, policy: str) -> list[int]:
    flat = [FlatHost(VCPUS, MEMORY_MB) for _ in range(hosts)]
    sign = 1.0 if policy == "spread" else -1.0
    found = placed(flat, servers_of(window), sign)
    return [found.get(number, -1) for number in range(len(window.start))]


def test_recorded_list(recorded: ServerTrace) -> None:
    """What the source says of its windows."""
    window = recorded.windows["test"]
    assert len(window.start) == 410_276
    assert len(recorded.windows["dev"].start) == 259_159
    assert (
        len({kind.flavor for w in recorded.windows.values() for kind in w.kinds}) == 16
    )
    assert int((window.end == STAYS).sum()) == 23_311
    assert np.unique(window.call, return_counts=True)[1].max() == 1_404


def test_order_of_events(tmp_path: Path) -> None:
    """At one time departures come first; what leaves after the last arrival is out."""
    trace = read_azure(write_azure(tmp_path))
    events = ordered(trace.windows["test"], trace.step)
    assert events.server.tolist() == [0, 1, 2, 0, 3]
    assert events.comes.tolist() == [True, True, True, False, True]
    assert events.stops.tolist() == [3, 5]


def test_a_call_is_placed_whole_or_not_at_all(tmp_path: Path) -> None:
    trace = read_azure(write_azure(tmp_path), 1)
    window = trace.windows["test"]
    together = replace(window, call=np.array([0, 0, 0, 2]))
    assert play(trace, window, 1).host.tolist() == [0, 0, -1, 0]
    outcome = play(trace, together, 1)
    assert outcome.host.tolist() == [-1, -1, -1, 0]
    (refusal,) = outcome.refusals
    assert (refusal.first, refusal.calls, refusal.servers) == (2, 1, 3)
    assert (refusal.placed_before, refusal.hosts, refusal.room) == (2, 1, 1)


@pytest.mark.parametrize("policy", ["spread", "pack"])
@pytest.mark.parametrize(("count", "hosts"), [(700, 12), (1500, 30)])
def test_same_hosts_as_plain_python(
    recorded: ServerTrace, policy: str, count: int, hosts: int
) -> None:
    window = first(recorded.windows["test"], count)
    found = play(recorded, window, hosts, policy)
    assert found.host.tolist() == twin(window, hosts, policy)
    assert 0 < found.placed < count


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Draw a list whose amounts lie around halves and wholes of a host."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([1, 31, 32, 33, 64]),
                st.sampled_from([1024, MEMORY_MB // 2, MEMORY_MB]),
                st.integers(0, 3),
                st.booleans(),
                st.sampled_from([None, 1, 2, 3, 4]),
            ),
            min_size=1,
            max_size=25,
        )
    )
    return window_of(rows)


def window_of(rows: Sequence[tuple[int, int, int, bool, int | None]]) -> Window:
    """Make a list of rows: CPUs, memory, ticks since the last, new call, half ticks."""
    from kilonova.replay.azure import _kind

    tick = np.cumsum([row[2] for row in rows])
    fresh = [row[3] or row[2] > 0 for row in rows]
    ends = [
        STAYS if row[4] is None else 300 * int(tick[i]) + 150 * row[4]
        for i, row in enumerate(rows)
    ]
    return Window(
        name="w",
        kinds=tuple(_kind(row[0], row[1]) for row in rows),
        kind=np.arange(len(rows), dtype=np.int32),
        call=np.cumsum(fresh),
        start=300 * tick,
        end=np.array(ends),
        timed=True,
    )


@given(windows(), st.integers(1, 4), st.sampled_from(["spread", "pack"]))
@settings(deadline=None, max_examples=60)
def test_random_lists(window: Window, hosts: int, policy: str) -> None:
    trace = ServerTrace(Path(), "", lambda: build_fleet(hosts), {}, False)
    outcome = Player(trace, window, policy, POLICIES[policy]).play(lambda _: None)
    assert outcome.host.tolist() == twin(window, hosts, policy)


def test_what_is_held_is_what_servers_hold(recorded: ServerTrace) -> None:
    window = first(recorded.windows["test"], 1500)
    outcome = play(recorded, window, 30)
    events = outcome.events
    kinds = [window.kinds[kind] for kind in window.kind.tolist()]
    left = set(events.server[~events.comes].tolist())
    alive = [n for n in range(len(kinds)) if outcome.host[n] >= 0 and n not in left]
    last = outcome.uses[-1]
    assert last.servers == len(alive)
    assert last.vcpus == sum(kinds[n].cell_vcpus for n in alive)
    assert last.memory_mb == sum(kinds[n].cell_memory_mb for n in alive)
    assert int(used_of(outcome.fleet.cloud.state, "VCPU").sum()) == last.vcpus
    assert outcome.uses[outcome.fullest].vcpus == max(u.vcpus for u in outcome.uses)
    assert int(outcome.vcpus.sum()) == outcome.uses[outcome.fullest].vcpus


def changed(columns: Columns, name: str, values: list[object]) -> Columns:
    return {**columns, name: values}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param(
            {k: v for k, v in AZURE.items() if k != "group"},
            "column 'group' (whole number) is missing",
            id="missing column",
        ),
        pytest.param(
            changed(AZURE, "cpu_milli", [1500, 1000, 1000, 1000, 1000]),
            "row 0: cpu_milli must be a multiple of 1000, got 1500",
            id="part of a CPU",
        ),
        pytest.param(
            changed(AZURE, "end_s", [300, 450, None, 299, None]),
            "row 3: end_s must be at least time_s 300, got 299",
            id="leaves before it comes",
        ),
        pytest.param(
            changed(AZURE, "time_s", [0, 10, 9, 300, 5]),
            "row 2: time_s must not fall in its workload, got 9 after 10",
            id="out of order",
        ),
    ],
)
def test_bad_tables(tmp_path: Path, columns: Columns, message: str) -> None:
    write_table(tmp_path, "requests", columns)
    with pytest.raises(BadTable) as raised:
        read_azure(tmp_path)
    assert message in str(raised.value)


@pytest.mark.parametrize("hosts", [0, -1, 1_000_001])
def test_bad_number_of_hosts(tmp_path: Path, hosts: int) -> None:
    with pytest.raises(BadInput, match=r"--hosts must be in 1\.\.1000000, got"):
        read_azure(write_azure(tmp_path), hosts)


def test_policies_are_options() -> None:
    assert POLICIES["spread"] == Options()
    section = POLICIES["pack"].filter_scheduler
    assert (section.ram_weight_multiplier, section.cpu_weight_multiplier) == (-1, -1)

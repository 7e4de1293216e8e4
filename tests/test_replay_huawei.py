"""The huawei replay: cells give what servers take, and every rule holds at the end.

On the recorded lists the rules are read off the cloud after the run, by plain Python
over allocations: no cell is over its capacity, halves lie on two cells of one host,
groups are together or apart, and zones are kept.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kilonova.errors import BadTable
from kilonova.hosts.options import Options
from kilonova.replay.huawei import DOMAINS, read_huawei
from kilonova.replay.server_play import Player, ServerOutcome
from kilonova.replay.servers import ServerTrace
from kilonova.replay.source import find_folder
from server_samples import MACHINES, REQUESTS, first, write_huawei, write_table


def play(trace: ServerTrace, window: str, count: int) -> ServerOutcome:
    cut = first(trace.windows[window], count)
    return Player(trace, cut, "spread", Options()).play(lambda _: None)


@pytest.fixture(scope="module")
def recorded() -> ServerTrace:
    return read_huawei(find_folder("huawei"))


@pytest.fixture(scope="module")
def outcome(recorded: ServerTrace) -> ServerOutcome:
    return play(recorded, "C1", 4_998)


def allocations(outcome: ServerOutcome) -> dict[int, dict[str, dict[str, int]]]:
    """Give what each server holds, by provider."""
    consumers = outcome.fleet.cloud.to_document()["consumers"]
    return {
        int(each["uuid"].rpartition("-")[2]): each["allocations"] for each in consumers
    }


def test_recorded_lists(recorded: ServerTrace) -> None:
    assert {
        name: len(w.start) for name, w in recorded.windows.items()
    } == dict.fromkeys(("C1", "C2", "C3", "C4", "C5"), 4_998)
    places = recorded.build().places
    assert len(places) == 3_420
    assert len({place.host for place in places}) == 1_710
    assert sum(place.vcpus for place in places) == 141_856


def test_counts_of_the_first_list(outcome: ServerOutcome) -> None:
    """Golden: what this scheduler makes of it, with Nova's defaults."""
    assert (outcome.placed, outcome.uses[-1].vcpus) == (4_586, 52_434)
    refused = Counter[str]()
    for each in outcome.refusals:
        refused[each.rule] += each.servers
    assert refused == {
        "affinity": 370,
        "domain 0": 3,
        "anti-affinity": 1,
        "": 10,
        "domain 2": 28,
    }


def test_cells_hold_what_servers_took(outcome: ServerOutcome) -> None:
    held: dict[str, Counter[str]] = defaultdict(Counter)
    found = allocations(outcome)
    assert len(found) == outcome.placed
    for number, allocated in found.items():
        kind = outcome.window.kinds[outcome.window.kind[number]]
        cells = [name for name in allocated if ":numa" in name]
        hosts = {name.partition(":")[0] for name in allocated}
        taken = {"VCPU": kind.cell_vcpus, "MEMORY_MB": kind.cell_memory_mb}
        assert len(hosts) == 1
        assert len(cells) == kind.spec.flavor.vcpus // kind.cell_vcpus
        assert [allocated[cell] for cell in cells] == [taken] * len(cells)
        assert allocated[hosts.pop()] == {"CUSTOM_SERVER": 1}
        for cell in cells:
            held[cell].update(taken)
    for i, place in enumerate(outcome.fleet.places):
        assert held[place.provider]["VCPU"] == outcome.vcpus[i] <= place.vcpus
        assert held[place.provider]["MEMORY_MB"] == outcome.memory_mb[i]
        assert outcome.memory_mb[i] <= place.memory_mb


def test_rules_hold(outcome: ServerOutcome) -> None:
    racks = {place.host: place.rack for place in outcome.fleet.places}
    names = outcome.fleet.cloud.state.hosts.names
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    domains = 0
    for number, host in enumerate(outcome.host.tolist()):
        spec = outcome.window.kinds[outcome.window.kind[number]].spec
        if host < 0:
            continue
        if spec.server_group is not None:
            groups[spec.server_group.policy, spec.server_group.uuid].append(host)
        if spec.availability_zone:
            assert spec.availability_zone == f"domain-{racks[names[host]] % DOMAINS}"
            domains += 1
    assert domains > 1_000
    assert {policy for policy, _ in groups} == {"affinity", "anti-affinity"}
    for (policy, _), hosts in groups.items():
        assert len(set(hosts)) == (1 if policy == "affinity" else len(hosts))


def test_small_list(tmp_path: Path) -> None:
    """Host b has one cell: it takes no server of two; domain 2 has no rack."""
    trace = read_huawei(write_huawei(tmp_path))
    outcome = play(trace, "C1", 6)
    # The first server takes all CPUs of a; a group together takes those of b.
    assert outcome.host.tolist() == [0, 1, 1, -1, -1, -1]
    assert [(each.rule, each.servers, each.room) for each in outcome.refusals] == [
        ("anti-affinity", 2, 0),
        ("domain 2", 1, 0),
    ]


def test_steps_do_not_decide(recorded: ServerTrace) -> None:
    """Servers are active at once: how many come in one call of `play` is all one."""
    window = first(recorded.windows["C2"], 900)
    found = [
        Player(replace(recorded, step=step), window, "spread", Options())
        .play(lambda _: None)
        .host.tolist()
        for step in (7, 250, 900)
    ]
    assert found[0] == found[1] == found[2]


def without(columns: Any, name: str) -> Any:
    return {key: values for key, values in columns.items() if key != name}


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        pytest.param(
            "requests",
            without(REQUESTS, "numa"),
            "column 'numa' (whole number) is missing",
            id="missing column",
        ),
        pytest.param(
            "requests",
            {**REQUESTS, "domain": [None] * 5 + [3]},
            "row 5: domain must be in 0..2, got 3",
            id="domain",
        ),
        pytest.param(
            "requests",
            {**REQUESTS, "group_policy": ["near"] + [None] * 5},
            "row 0: group_policy must be in",
            id="policy",
        ),
        pytest.param(
            "requests",
            {**REQUESTS, "group": [None] * 6},
            "row 1: affinity needs a group, got None",
            id="no group",
        ),
        pytest.param(
            "requests",
            {**REQUESTS, "cpu_milli": [3000] * 6},
            "row 0: 3 cannot be halved over two cells",
            id="odd",
        ),
        pytest.param(
            "machines",
            {**MACHINES, "machine": [0, 0, 1, 2]},
            "machine 1 must have 2 cells",
            id="one cell",
        ),
        pytest.param(
            "machines",
            {**MACHINES, "numa": [0, 0, 0, 1]},
            "row 1: machine 0 has cell 0 already",
            id="cell twice",
        ),
    ],
)
def test_bad_tables(tmp_path: Path, table: str, columns: Any, message: str) -> None:
    write_huawei(tmp_path)
    write_table(tmp_path, table, columns)
    with pytest.raises(BadTable) as raised:
        read_huawei(tmp_path)
    assert message in str(raised.value)

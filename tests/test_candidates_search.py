"""The search for candidates costs what it finds, and looking ahead changes no answer.

Work is counted in options tried, which the kernels count themselves: no clock is asked.
First clouds with a huge number of candidates, then ones with none that a plain search
would need ages to give up; then random clouds with the look-ahead from the start, never
and as usual.
"""

from typing import Any

import numpy as np
import pytest

import kilonova.candidates.compile
from asking import in_uuids, named_document, with_uuids
from contest import draw_cases
from kilonova import Cloud
from kilonova.candidates.candidates import Candidates
from kilonova.errors import BadRequest
from kilonova_kernels.columns import Cursor


def steps(candidates: Candidates) -> int:
    """Return how many options were tried, look-ahead included."""
    search = candidates.found.search
    return int(search.cursor[Cursor.STEPS]) if search else 0


def host(devices: int, room: int, cells: int = 0) -> Cloud:
    """Make a host with devices, under NUMA cells if there are any.

    cn             VCPU
    +-- n0         HW_NUMA_ROOT
    |   +-- d0     VGPU
    |   +-- ...
    +-- ...
    """
    return Cloud.from_document(
        {
            "providers": [
                provider("cn", None, {"VCPU": 8}),
                *(provider(f"n{n}", "cn", {}, ["HW_NUMA_ROOT"]) for n in range(cells)),
                *(
                    provider(
                        f"d{d}", f"n{d % cells}" if cells else "cn", {"VGPU": room}
                    )
                    for d in range(devices)
                ),
            ]
        }
    )


def provider(
    name: str,
    parent: str | None,
    offers: dict[str, int],
    traits: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "parent": parent,
        "inventories": {key: {"total": total} for key, total in offers.items()},
        "traits": traits or [],
    }


def groups(count: int, policy: str, amount: int = 1) -> str:
    each = "".join(f"&resources_{n}=VGPU:{amount}" for n in range(count))
    return f"resources=VCPU:1{each}&group_policy={policy}"


@pytest.mark.parametrize("policy", ["none", "isolate"])
@pytest.mark.parametrize(("devices", "count"), [(8, 6), (64, 8)])
def test_first_candidates_cost_in_proportion(
    devices: int, count: int, policy: str
) -> None:
    cloud = host(devices, 100)
    cost = {}
    for limit in (1, 1000, 2000, 4000):
        found = cloud.allocation_candidates(groups(count, policy), limit)
        assert found.count() == limit
        cost[limit] = steps(found)
    assert cost[1] <= devices * count
    # One option makes a candidate, but for those that are taken already.
    assert cost[1000] <= cost[1] + 1000 * (count + 1)
    assert cost[4000] - cost[2000] <= 2.5 * (cost[2000] - cost[1000])


def test_all_of_a_large_answer_are_counted_and_none_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = host(8, 100).allocation_candidates(groups(6, "none"))
    monkeypatch.setattr("kilonova.candidates.candidates.Candidate", None)
    assert found.count() == len(found) == 8**6 == 262_144
    assert steps(found) < 1.3 * 262_144


def test_what_is_not_asked_for_is_not_searched() -> None:
    found = host(8, 100).allocation_candidates(groups(6, "none"))
    assert steps(found) == 0
    assert found
    assert 0 < steps(found) <= 100
    next(iter(found))
    assert found.found.found <= 64
    assert steps(found) <= 200


IMPOSSIBLE = [
    pytest.param(host(8, 100), groups(9, "isolate"), id="9 apart on 8"),
    pytest.param(host(8, 1), groups(9, "none"), id="room for 8 only"),
    pytest.param(host(20, 1), groups(21, "none"), id="room for 20 only"),
    pytest.param(host(12, 3), groups(13, "none", 2), id="2 of 3 units each"),
    pytest.param(
        host(12, 10), f"{groups(12, 'none', 6)}&resources_z=VGPU:5", id="two sizes"
    ),
    pytest.param(
        host(40, 1, cells=8),
        f"{groups(6, 'isolate')}&same_subtree={','.join(f'_{n}' for n in range(6))}"
        ",_N&required_N=HW_NUMA_ROOT",
        id="6 in a cell of 5",
    ),
    pytest.param(
        host(12, 1),
        f"{groups(8, 'none')}&same_subtree={','.join(f'_{n}' for n in range(8))}",
        id="leaves in one subtree",
    ),
    pytest.param(
        host(9, 1),
        f"{groups(8, 'none')}&resources_z=VGPU:1&resources_y=VGPU:1",
        id="the last of ten",
    ),
]


@pytest.mark.parametrize(("cloud", "query"), IMPOSSIBLE)
def test_dead_ends_are_seen(cloud: Cloud, query: str) -> None:
    found = cloud.allocation_candidates(query)
    # Marking has left the only tree out: it is searched all the same.
    found.found.trees = np.zeros(1, np.int32)
    assert found.count() == 0
    assert steps(found) < 50_000


def test_clauses_that_no_choice_hits_together() -> None:
    """Ask for three traits of two classes, each device having one of them.

    Six groups of fewer options come before the second class in the search.
    """
    traits = ["CUSTOM_A", "CUSTOM_B", "CUSTOM_C"]
    devices = [
        provider(f"d{n}{name}", "cn", {name: 8, "CUSTOM_X": 1}, [traits[n % 3]])
        for n in range(9)
        for name in ("VGPU", "FPGA")
    ]
    others = [provider(f"o{n}", "cn", {"PGPU": 100}) for n in range(8)]
    document = {"providers": [provider("cn", None, {"VCPU": 8}), *devices, *others]}
    query = f"resources=VGPU:1,FPGA:1&required={','.join(traits)}&group_policy=none"
    query += "".join(f"&resources_{n}=PGPU:1" for n in range(6))
    cloud = Cloud.from_document(document)
    found = cloud.allocation_candidates(query)
    found.found.trees = np.zeros(1, np.int32)
    assert found.count() == 0
    assert steps(found) < 50_000
    some = query.replace(",CUSTOM_C", "")
    assert len(cloud.allocation_candidates(some, 5000)) == 5000


@pytest.mark.parametrize("part", range(4))
def test_looking_ahead_changes_no_answer(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    for case in draw_cases(17, 100 * part, 100):
        cloud = Cloud.from_document(named_document(in_uuids(case.document)))
        answers = []
        for patience in (2, 0, 1 << 40):
            monkeypatch.setattr(kilonova.candidates.compile, "PATIENCE", patience)
            # Plans are kept with their patience.
            cloud.state.facts_changed()
            answers.append(answer(cloud, case.query, case.microversion))
        assert answers[0] == answers[1] == answers[2]
        count += len(answers[0])
    assert count > 100


def answer(cloud: Cloud, query: str, version: str) -> list[Any]:
    try:
        return list(cloud.allocation_candidates(with_uuids(query), None, version))
    except BadRequest as error:
        return [str(error)]


@pytest.mark.parametrize("policy", ["none", "isolate"])
@pytest.mark.parametrize("cells", [0, 2, 3])
@pytest.mark.parametrize(
    "rooms", [[2, 3], [1, 1, 2, 2, 3], [2, 2, 2, 2], [3, 1, 3, 1, 2, 2]]
)
def test_looking_ahead_in_tight_hosts(
    policy: str, cells: int, rooms: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare where dead ends are many: amounts that nearly fill the devices."""
    document = host(0, 0, cells).to_document()
    document["providers"] += [
        provider(f"d{d}", f"n{d % cells}" if cells else "cn", {"VGPU": room})
        for d, room in enumerate(rooms)
    ]
    cloud = Cloud.from_document(document)
    found = 0
    for amounts in ([1, 1], [1, 2, 2], [2, 2, 1], [2, 1, 1, 1], [3, 2, 1], [2] * 4):
        query = f"resources=VCPU:1&group_policy={policy}"
        query += "".join(f"&resources_{n}=VGPU:{a}" for n, a in enumerate(amounts))
        tied = "&same_subtree=_0,_1,_N&required_N=HW_NUMA_ROOT" if cells else ""
        answers = []
        for patience in (0, 1 << 40):
            monkeypatch.setattr(kilonova.candidates.compile, "PATIENCE", patience)
            cloud.state.facts_changed()
            answers.append(list(cloud.allocation_candidates(query + tied)))
        assert answers[0] == answers[1]
        found += len(answers[0])
    # Two devices in two cells are no two devices in one cell.
    assert found > 0 or (len(rooms) == 2 and cells and policy == "isolate")


@pytest.mark.parametrize("holder", range(3))
def test_equal_devices_differ_if_a_trait_is_asked_for(
    holder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kilonova.candidates.compile, "PATIENCE", 0)
    devices = [
        provider(f"d{d}", "cn", {"VGPU": 1}, ["CUSTOM_A"] if d == holder else [])
        for d in range(3)
    ]
    cloud = Cloud.from_document(
        {"providers": [provider("cn", None, {"VCPU": 8}), *devices]}
    )
    query = "resources=VCPU:1,VGPU:1&required=CUSTOM_A"
    held = [set(one.allocations) for one in cloud.allocation_candidates(query)]
    assert held == [{"cn", f"d{holder}"}]

"""Kilonova against Placement itself and against the oracle, on random questions.

Random trees, sharing pools, aggregates and usages; queries drawn near the limits, in
all microversions. Answers are compared as sets; only Placement's own defects, undone
one by one, excuse a difference. SEED=n draws the same cases again; without it they are
new in every run, but for those where CI is set. `make differential` draws many more.
"""

import os
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from contest import Case, Contest, Tally, draw_cases, keep, kept
from generators.document import Document
from kilonova import Cloud
from peers.placement import PlacementPeer

SEED = int(os.environ.get("SEED") or (1 if os.environ.get("CI") else 0)) or (
    random.randrange(1, 1 << 31)
)
CASES = 300
PARTS = 6


@pytest.fixture(scope="module")
def contest() -> Iterator[Contest]:
    with PlacementPeer() as peer:
        yield Contest(peer)


@pytest.mark.parametrize("part", range(PARTS))
def test_same_as_placement_and_oracle(contest: Contest, part: int) -> None:
    print(f"SEED={SEED}")
    tally, size = Tally(), CASES // PARTS
    for case in draw_cases(SEED, part * size, size):
        faults = contest.play(case, tally)
        if faults:
            path = keep(contest.shrink(case))
            pytest.fail("\n".join([f"SEED={SEED}, kept in {path}", *faults]))
    # Queries that nothing can serve would prove little.
    assert tally.answered >= size / 4


def test_kept_cases(contest: Contest) -> None:
    faults = {case.query: contest.play(case) for case in kept()}
    assert not {query: found for query, found in faults.items() if found}


def test_a_case_depends_on_seed_and_number_alone() -> None:
    cases = list(draw_cases(3, 0, 10))
    assert list(draw_cases(3, 6, 1)) == cases[6:7]
    assert len({case.microversion for case in draw_cases(3, 0, 100)}) > 15
    assert any("NOPE" in case.query for case in draw_cases(3, 0, 100))


def devices() -> Document:
    """Make a host with two devices.

    cn      VCPU
    +-- g0  VGPU
    +-- g1  VGPU
    """
    return {
        "providers": [
            {
                "name": name,
                "parent": None if name == "cn" else "cn",
                "inventories": {resource_class: {"total": 4}},
                "traits": ["HW_CPU_X86_AVX2"],
                "aggregates": [],
            }
            for name, resource_class in (("cn", "VCPU"), ("g0", "VGPU"), ("g1", "VGPU"))
        ],
        "consumers": [],
    }


QUERY = "resources=VCPU:1&resources_A=VGPU:1"


def body_of(cloud: Cloud, query: str) -> dict[str, Any]:
    return cloud.allocation_candidates(query).to_placement()


@pytest.mark.parametrize("spoilt", ["candidate", "amount", "summary", "mapping"])
def test_planted_differences_are_found(
    contest: Contest, monkeypatch: pytest.MonkeyPatch, spoilt: str, tmp_path: Path
) -> None:
    case = Case(devices(), QUERY, "1.39")
    assert contest.play(case) == []
    right = body_of(contest.cloud, QUERY)
    wrong = deepcopy(right)
    request = wrong["allocation_requests"][0]
    provider = request["mappings"][""][0]
    if spoilt == "candidate":
        del wrong["allocation_requests"][0]
    elif spoilt == "amount":
        request["allocations"][provider]["resources"]["VCPU"] = 2
    elif spoilt == "summary":
        wrong["provider_summaries"][provider]["traits"].append("CUSTOM_GOLD")
    else:
        request["mappings"]["_A"] = [provider]
    monkeypatch.setattr(
        "kilonova.candidates.candidates.Candidates.to_placement", lambda _self: wrong
    )
    assert contest.play(case)
    assert kept(tmp_path) == []
    keep(case, tmp_path)
    assert kept(tmp_path) == [case]


def test_shrunk_cases_still_differ(
    contest: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kilonova.candidates.candidates.Candidates.to_placement",
        lambda _self: {"allocation_requests": [], "provider_summaries": {}},
    )
    small = contest.shrink(Case(devices(), f"{QUERY}&limit=5", "1.39"))
    assert contest.play(small)
    offers = [p["inventories"] for p in small.document["providers"]]
    assert sum(map(len, offers)) == 1
    assert small.query.count("&") == 0

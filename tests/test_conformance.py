"""Kilonova answers as Placement did, in every recorded case.

Each case is asked twice: as the query string of a cloud whose providers have UUIDs, and
as a request of one in which names stand for them. Candidates are compared as sets with
their mappings, and the summaries of all providers; where a defect changed Placement's
answer, with the corrected one. Under a limit any cut of the whole answer is right.
"""

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

import corpus
from asking import answer_of, named_document, uuid, uuid_document, with_uuids
from kilonova import Cloud
from kilonova.errors import BadRequest
from oracle import limits
from oracle.summaries import Answer, summaries

CASES = {
    key: [case for case in corpus.cases() if case["state"] == key]
    for key in sorted({case["state"] for case in corpus.cases()})
}


@cache
def known_names() -> tuple[set[str], set[str]]:
    """Return all traits and classes: while the cases were recorded all were known."""
    providers = [p for d in corpus.documents().values() for p in d["providers"]]
    traits = {trait for p in providers for trait in p["traits"]}
    return traits, {name for p in providers for name in p["inventories"]}


def ask(case: corpus.Case, cloud: Cloud, as_query: bool) -> Answer:
    version = "1.39" if case["nested_aware"] else "1.28"
    request = with_uuids(case["query"]) if as_query else corpus.request_of(case)
    names = {uuid(p["name"]): p["name"] for p in documents(case)["providers"]}
    got = answer_of(cloud.allocation_candidates(request, microversion=version), names)
    if case["nested_aware"]:
        return got
    # Parent and root are not told, but recorded.
    state = corpus.state_of(case["state"])
    completed = {
        name: replace(
            summary,
            parent=state.providers[name].parent,
            root=state.providers[name].root,
        )
        for name, summary in got.summaries.items()
    }
    return Answer(got.candidates, completed)


def documents(case: corpus.Case) -> Any:
    return corpus.documents()[case["state"]]


def difference(case: corpus.Case, cloud: Cloud, as_query: bool) -> str:
    """Say what differs from the record; empty if nothing does."""
    try:
        got = ask(case, cloud, as_query)
    except BadRequest as error:
        same = case["status"] == error.status and error.code is not None
        return "" if same else f"refused: {error}"
    if case["status"] != 200:
        return f"answered, expected {case['error']}"
    right = corpus.answer_of(case)
    limit = case["params"]["limit"]
    if limit is not None:
        rows = case.get("unlimited")
        whole = right if rows is None else whole_answer(case, rows)
        return " ".join(limits.faults(whole, got, limit))
    if keys(got) != keys(right):
        return "candidates"
    return "" if got.summaries == right.summaries else "summaries"


def whole_answer(case: corpus.Case, rows: list[corpus.Row]) -> Answer:
    """Return the answer without its limit: recorded candidates, the oracle's summaries.

    Only the summaries of the cut were recorded.
    """
    found = corpus.candidates_of(rows)
    state = corpus.state_of(case["state"])
    return Answer(found, summaries(state, found, case["nested_aware"]))


def keys(answer: Answer) -> Counter[tuple[object, ...]]:
    return Counter(candidate.key for candidate in answer.candidates)


@pytest.mark.parametrize("state", CASES)
@pytest.mark.parametrize("as_query", [True, False], ids=["query", "request"])
def test_same_as_placement(state: str, as_query: bool) -> None:
    document = named_document(corpus.documents()[state], *known_names())
    cloud = Cloud.from_document(uuid_document(document) if as_query else document)
    different = {
        case["query"]: difference(case, cloud, as_query) for case in CASES[state]
    }
    assert not {query: what for query, what in different.items() if what}


def test_all_cases_are_tried() -> None:
    assert sum(map(len, CASES.values())) == 3725


ERRORS = [
    json.loads(line)
    for line in (corpus.FOLDER / "placement_errors.jsonl").read_text().splitlines()
]


@pytest.fixture(scope="module")
def small() -> Cloud:
    """Make the cloud that the queries of the recorded errors are about.

    cn     VCPU, aggregate agg, CUSTOM_A
    +-- g  VGPU, CUSTOM_B
    """
    document = {
        "providers": [
            {
                "name": "cn",
                "inventories": {"VCPU": {"total": 8}},
                "traits": ["CUSTOM_A"],
                "aggregates": ["agg"],
            },
            {
                "name": "g",
                "parent": "cn",
                "inventories": {"VGPU": {"total": 4}},
                "traits": ["CUSTOM_B"],
                "aggregates": [],
            },
        ]
    }
    return Cloud.from_document(uuid_document(document))


@pytest.mark.parametrize(
    "case", ERRORS, ids=lambda c: f"{c['microversion']} {c['query']}"
)
def test_recorded_errors(small: Cloud, case: dict[str, Any]) -> None:
    query = case["query"]
    for name in ("agg", "cn", "unknown-uuid"):
        for edge in ("=", "=!", "in:", ","):
            query = query.replace(f"{edge}{name}", f"{edge}{uuid(name)}")
    asked = query, None, case["microversion"]
    if case["status"] == 200:
        assert small.allocation_candidates(*asked).count() == case["candidates"]
        return
    # Placement fails on an amount that its database cannot hold.
    status = 400 if case["status"] == 500 else case["status"]
    with pytest.raises(BadRequest) as refused:
        small.allocation_candidates(*asked)
    assert (refused.value.status, refused.value.code) == (status, case.get("code"))

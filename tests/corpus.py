"""The recorded answers of Placement in data/conformance, loaded for the tests."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from kilonova.request.group import Request, RequestGroup
from oracle import state
from oracle.candidates import Candidate
from oracle.state import State
from oracle.summaries import Answer, Summary

FOLDER = Path(__file__).parent.parent / "data" / "conformance"


class Row(TypedDict):
    """One recorded candidate. Where Placement was corrected there is no anchor."""

    alloc: list[tuple[str, str, int]]
    anchor: NotRequired[str]
    mappings: dict[str, list[str]]


class RecordedSummary(TypedDict):
    """One recorded provider summary; resources are pairs of capacity and used."""

    parent: str | None
    root: str
    resources: dict[str, list[int]]
    traits: list[str]


class Case(TypedDict):
    """One query with the answer of Placement; names stand for UUIDs.

    ``candidates`` and ``summaries`` are None where ``status`` is not 200.
    ``corrected`` and ``corrected_summaries`` are the right answer where a defect of
    Placement changed it. ``unlimited`` is what a limited answer was cut from.
    """

    id: str
    source: str
    state: str
    query: str
    nested_aware: bool
    groups: dict[str, dict[str, Any]]
    params: dict[str, Any]
    config: dict[str, object]
    flags: list[str]
    status: int
    error: str | None
    candidates: list[Row] | None
    summaries: dict[str, RecordedSummary] | None
    corrected: NotRequired[list[Row]]
    corrected_summaries: NotRequired[dict[str, RecordedSummary]]
    unlimited: NotRequired[list[Row]]


@cache
def cases() -> tuple[Case, ...]:
    """Load all recorded cases."""
    names = "placement_gabbits.jsonl.gz", "placement_random.jsonl.gz"
    return tuple(cast(Case, row) for name in names for row in _rows(name))


@cache
def documents() -> dict[str, Mapping[str, Any]]:
    """Load the recorded states in document form, by key."""
    return {row["state"]: row for row in _rows("placement_states.jsonl.gz")}


@cache
def state_of(key: str) -> State:
    """Build a recorded state as the plain objects of the oracle.

    The documents list no names that no provider has. While the cases were recorded,
    all names that some document shows were known.
    """
    providers = [p for d in documents().values() for p in d["providers"]]
    return state.from_document(
        documents()[key],
        traits={trait for p in providers for trait in p["traits"]},
        resource_classes={name for p in providers for name in p["inventories"]},
    )


def request_of(case: Case) -> Request:
    """Build the request of a case from its parsed query."""
    params = case["params"]
    return Request(
        groups=tuple(_group(suffix, row) for suffix, row in case["groups"].items()),
        group_policy=params["group_policy"],
        same_subtree=tuple(frozenset(names) for names in params["same_subtree"]),
        root_required=frozenset(params["root_required"]),
        root_forbidden=frozenset(params["root_forbidden"]),
        limit=params["limit"],
    )


def answer_of(case: Case) -> Answer:
    """Return the right answer: the recorded one, or what it was corrected to.

    Only for a case with status 200. Anchors are empty where a case has none.
    """
    rows = case.get("corrected", case["candidates"])
    summaries = case.get("corrected_summaries", case["summaries"])
    assert rows is not None
    assert summaries is not None
    return Answer(
        candidates_of(rows),
        {
            name: Summary(
                parent=row["parent"],
                root=row["root"],
                resources={
                    resource_class: (capacity, used)
                    for resource_class, (capacity, used) in row["resources"].items()
                },
                traits=tuple(sorted(row["traits"])),
            )
            for name, row in summaries.items()
        },
    )


def candidates_of(rows: Iterable[Row]) -> list[Candidate]:
    """Build the oracle's candidates from recorded ones."""
    return [
        Candidate(
            anchor=row.get("anchor", ""),
            allocations={
                (provider, name): amount for provider, name, amount in row["alloc"]
            },
            mappings={
                suffix: tuple(sorted(providers))
                for suffix, providers in row["mappings"].items()
            },
        )
        for row in rows
    ]


def _group(suffix: str, row: Mapping[str, Any]) -> RequestGroup:
    return RequestGroup(
        suffix=suffix,
        resources=row["resources"],
        required=tuple(frozenset(clause) for clause in row["required_traits"]),
        forbidden=frozenset(row["forbidden_traits"]),
        member_of=tuple(frozenset(clause) for clause in row["member_of"]),
        forbidden_aggregates=frozenset(row["forbidden_aggs"]),
        in_tree=row["in_tree"],
    )


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)

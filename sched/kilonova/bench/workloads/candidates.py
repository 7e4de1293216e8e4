"""Allocation candidates: from the query string to counts, objects, tables and text."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np

from kilonova.bench.questions import (
    PORT_AMOUNT,
    PORTS,
    QUERIES,
    SHAPES_OF,
    edited,
    mark_bytes,
    numpy_marks,
    unasked,
)
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.candidates import Candidates
from kilonova.candidates.cloud import Cloud

_LIMIT = 1_000
# Hosts up to which candidates that are counted are made, too.
_MOST_LISTED = 10_000
_Form = Callable[[Candidates], object]


def _first(name: str, limit: int, form: _Form, cloud: Cloud, fleet: Fleet) -> Work:
    """Ask for the first candidates in some form; these clouds have one a host."""
    query, plain = QUERIES[name], numpy_marks(cloud.state, PORTS[name])

    def call() -> object:
        return form(cloud.allocation_candidates(query, limit))

    def check() -> bool:
        fitting = np.flatnonzero(plain())[:limit]
        found = list(cloud.allocation_candidates(query, limit))
        names = [f"host{row:05}" for row in fitting.tolist()]
        rows = [cloud.state.find_provider(name) for name in names]
        return [cloud.state.provider_identity(row) for row in rows] == [
            candidate.root for candidate in found
        ] and _counts(call(), len(found))

    result = call()
    # The first candidate alone has no bound that grows with the cloud.
    touched = mark_bytes(min(limit, fleet.hosts), PORTS[name]) if limit > 1 else 0
    if isinstance(result, bytes):
        touched = len(result)
    return Work(
        call=call,
        check=check,
        touched=touched,
        plain=lambda: np.flatnonzero(plain())[:limit],
    )


def _after_an_edit(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    """Ask after an edit of traits, with texts of trees kept, but no lists and marks."""
    work = _first(name, _LIMIT, Candidates.to_json, cloud, fleet)
    return replace(work, before=partial(edited, cloud))


def _nothing_kept(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    """Ask a cloud that was never asked anything."""
    work = _first(name, _LIMIT, Candidates.to_json, cloud, fleet)
    twin = cloud

    def begin() -> None:
        nonlocal twin
        twin = unasked(cloud)

    def call() -> bytes:
        return twin.allocation_candidates(QUERIES[name], _LIMIT).to_json()

    def check() -> bool:
        begin()
        known = cloud.allocation_candidates(QUERIES[name], _LIMIT).to_placement()
        return work.check() and bool(json.loads(call()) == known)

    return replace(work, call=call, check=check, before=begin)


def _other_queries(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    """Ask for another amount at each call, which all hosts that fit have as well."""
    work = _first(name, _LIMIT, Candidates.to_json, cloud, fleet)
    amounts = count(PORT_AMOUNT - 1, -1)

    def call() -> bytes:
        query = QUERIES[name].replace(f":{PORT_AMOUNT}", f":{next(amounts)}")
        return cloud.allocation_candidates(query, _LIMIT).to_json()

    def check() -> bool:
        known = json.loads(cloud.allocation_candidates(QUERIES[name], _LIMIT).to_json())
        other = json.loads(call())
        return work.check() and set(other["provider_summaries"]) == set(
            known["provider_summaries"]
        )

    return replace(work, call=call, check=check)


def _count(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    """Count all candidates: as many as hosts that fit, or as objects that are made."""
    query, plain = QUERIES[name], numpy_marks(cloud.state, PORTS[name])

    def call() -> int:
        return cloud.allocation_candidates(query).count()

    def check() -> bool:
        found = int(plain().sum())
        right = call() == found
        if right and fleet.hosts <= _MOST_LISTED:
            right = len(list(cloud.allocation_candidates(query))) == found
        return right

    touched = mark_bytes(fleet.hosts, PORTS[name])
    return Work(call=call, check=check, touched=touched, plain=plain)


def _counts(result: object, count: int) -> bool:
    """Say whether a result has so many candidates, in whatever form."""
    if isinstance(result, bytes):
        result = json.loads(result)
    if isinstance(result, dict):
        return len(result["allocation_requests"]) == count
    if isinstance(result, int):
        return result == count
    if isinstance(result, list):
        return len(result) == count
    return len(set(result.column("candidate").to_pylist())) == count  # type: ignore[attr-defined]


_FORMS: dict[str, tuple[str, _Form]] = {
    "objects": ("build objects of", list),
    "table": ("make an Arrow table of", Candidates.to_arrow),
    "body": ("make the plain objects of Placement's body of", Candidates.to_placement),
    "text": ("write Placement's body as JSON, of", Candidates.to_json),
}

WORKLOADS = (
    *(
        Workload(
            f"candidates: first, {name}",
            "find the first candidate, from the query string",
            partial(_first, name, 1, list),
            shapes=SHAPES_OF[name],
            quick=name == "one port",
        )
        for name in QUERIES
    ),
    *(
        Workload(
            f"candidates: {form}, {name}",
            f"{doing} the first 1000, from the query string",
            partial(_first, name, _LIMIT, call),
            shapes=SHAPES_OF[name],
            fills=(0.0, 0.7),
            quick=form == "text" and name != "two ports",
        )
        for form, (doing, call) in _FORMS.items()
        for name in ("plain", "one port")
    ),
    Workload(
        "candidates: text, other queries",
        "write the first 1000 of a query with a port that was never asked, each",
        partial(_other_queries, "one port"),
        shapes=("nested",),
        fills=(0.7,),
        quick=True,
    ),
    Workload(
        "candidates: text, after an edit",
        "write the first 1000 after an edit of traits, which leaves texts alone",
        partial(_after_an_edit, "one port"),
        shapes=("nested",),
        fills=(0.7,),
        quick=True,
    ),
    Workload(
        "candidates: text, nothing kept",
        "write the first 1000 of a cloud that was never asked anything",
        partial(_nothing_kept, "one port"),
        shapes=("nested",),
        fills=(0.7,),
        # It is copied before each call.
        largest=100_000,
    ),
    Workload(
        "candidates: count, one port",
        "count all candidates, from the query string",
        partial(_count, "one port"),
        shapes=("nested",),
        quick=True,
    ),
)

"""Placement and Kilonova give the same body for the same query, turn by turn.

Placement's time is from the query to the bytes of the body, through its application,
without a network; Kilonova's from the query string to the bytes of the body as well:
asked before; after an edit of traits, when texts of trees are kept; and of a cloud that
was never asked anything. And by itself that of marking all trees that fit, with the
plan compiled.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from kilonova.bench.peers.pairs import (
    Pair,
    Turn,
    compared,
    median_of,
    seconds,
    undisturbed,
)
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.bench.questions import QUERIES, SHAPES_OF, edited, unasked
from kilonova.bench.workload import WrongResult
from kilonova.candidates.cloud import Cloud
from kilonova.candidates.marking import marking_of
from kilonova.request.query import parse_query

LIMITS = (1_000, None)
# Ours after each of theirs.
_CALLS = {
    "body written": 10,
    "body written, after an edit": 3,
    "body written, nothing kept": 1,
    "trees marked": 10,
}


def pairs(
    where: tuple[str, int, str],
    placement: PlacementApplication,
    cloud: Cloud,
    budget_s: float,
) -> Iterator[Pair]:
    """Compare on one cloud, which both have.

    Parameters
    ----------
    where
        Title of the peer, hosts and shape.
    placement
        The peer.
    cloud
        Ours.
    budget_s
        Seconds of the peer's for each question.

    Raises
    ------
    WrongResult
        The answers differ.
    """
    title, hosts, shape = where
    for name in QUERIES:
        if shape in SHAPES_OF[name]:
            yield from _asked((title, name, hosts, shape), placement, cloud, budget_s)


def _asked(
    where: tuple[str, str, int, str],
    placement: PlacementApplication,
    cloud: Cloud,
    budget_s: float,
) -> Iterator[Pair]:
    title, name, hosts, shape = where
    bodies: list[bytes] = []
    # To ask for all takes Placement long: what is compared with is its first turn.
    known = undisturbed(
        lambda: seconds(lambda: bodies.append(_theirs(placement, QUERIES[name])))
    )
    whole = json.loads(bodies[0])
    for limit in LIMITS:
        query = QUERIES[name] + (f"&limit={limit}" if limit else "")
        if not is_same(json.loads(_ours(cloud, query)), whole, limit):
            raise WrongResult(f"Placement's answer to {query!r} is another one.")
        question = f"{name}, {'all' if limit is None else f'first {limit}'}"
        marking = marking_of(cloud.state, parse_query(QUERIES[name]), True)
        written, scan = partial(_ours, cloud, query), partial(marking.scan, cloud.state)
        ours: dict[str, Callable[[], float]] = {
            "body written": partial(seconds, written),
            "body written, after an edit": partial(_after_an_edit, cloud, written),
            "body written, nothing kept": partial(_nothing_kept, cloud, query),
            "trees marked": partial(seconds, scan),
        }
        theirs = chain(
            [known] if limit is None else [],
            _again(partial(_theirs, placement, query)),
        )
        turn = partial(_turn, theirs, ours)
        yield from compared((title, question, hosts, shape), turn, budget_s)


def _turn(theirs: Iterator[float], ours: dict[str, Callable[[], float]]) -> Turn:
    return Turn(
        next(theirs),
        {doing: median_of(timed, _CALLS[doing]) for doing, timed in ours.items()},
    )


def _again(call: Callable[[], object]) -> Iterator[float]:
    """Time a call whenever somebody asks for its seconds."""
    while True:
        yield seconds(call)


def _after_an_edit(cloud: Cloud, call: Callable[[], object]) -> float:
    """Time a call for which no lists and marks are kept."""
    edited(cloud)
    return seconds(call)


def _nothing_kept(cloud: Cloud, query: str) -> float:
    """Time a question to a cloud that was never asked anything."""
    return seconds(partial(_ours, unasked(cloud), query))


def _theirs(placement: PlacementApplication, query: str) -> bytes:
    status, body = placement.call("GET", "/allocation_candidates", query=query)
    if status != 200:
        raise WrongResult(f"Placement must answer 200, got {status}.")
    return body


def _ours(cloud: Cloud, query: str) -> bytes:
    return cloud.allocation_candidates(query).to_json()


def is_same(ours: dict[str, Any], whole: dict[str, Any], limit: int | None) -> bool:
    """Say whether an answer is the peer's whole one, or as much of it as was asked."""
    mine, every = _requests(ours), _requests(whole)
    summaries, known = ours["provider_summaries"], whole["provider_summaries"]
    if limit is None:
        return mine == every and summaries == known
    count = len(ours["allocation_requests"])
    return (
        mine <= every
        and count == len(mine) == min(limit, len(every))
        and all(known.get(uuid) == summary for uuid, summary in summaries.items())
    )


def _requests(body: dict[str, Any]) -> set[str]:
    return {json.dumps(each, sort_keys=True) for each in body["allocation_requests"]}

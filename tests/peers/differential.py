"""Compare an engine's answer with Placement's, and excuse Placement's known defects.

Two answers are alike when they have the same set of candidates and the same summaries;
the order is the database's. A difference is excused when Placement itself gives the
engine's answer once a defect is undone (`peers.corrections`). What can be told from an
answer alone, a candidate over capacity for instance, is named by `faults` to make a
report readable, and excuses nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from generators.document import MAX_INT, Document, limits_of, usages_of
from kilonova.bench.peers.wsgi import LATEST, Answer
from peers.corrections import DEFECTS
from peers.placement import PlacementPeer

Body = Mapping[str, Any]


class Candidate(NamedTuple):
    """One candidate in a form that can be compared."""

    allocations: frozenset[tuple[str, str, int]]
    mappings: frozenset[tuple[str, frozenset[str]]]

    def __str__(self) -> str:
        held = ", ".join(f"{p} {c}:{n}" for p, c, n in sorted(self.allocations))
        places = sorted((key, sorted(names)) for key, names in self.mappings)
        where = ", ".join(f"{key or repr('')}={'/'.join(n)}" for key, n in places)
        return f"{held} [{where}]"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two answers differ.

    Attributes
    ----------
    kind
        ``status``, ``detail``, ``missing candidate`` (only Placement has it),
        ``extra candidate`` (only the engine has it), ``summary`` or ``limit``.
    text
        What differs, for people.
    candidate
        The candidate that one side has, or None.
    """

    kind: str
    text: str
    candidate: Candidate | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison came to.

    Attributes
    ----------
    differences
        Differences from the answer that Placement gave.
    defects
        Defects of Placement that account for all of them together; empty when there
        are no differences, or when no defects account for them.
    """

    differences: tuple[Difference, ...]
    defects: tuple[str, ...] = ()

    @property
    def agreed(self) -> bool:
        """True when there is no difference left unexplained."""
        return not self.differences or bool(self.defects)

    def __str__(self) -> str:
        excuse = f"excused by {self.defects}" if self.defects else "unexplained"
        return "\n".join([excuse, *map(str, self.differences)])


def candidates_of(body: Body) -> frozenset[Candidate]:
    """Return the candidates of a body, before 1.12 or after."""
    return frozenset(map(_candidate, body["allocation_requests"]))


def compare(ours: Body, theirs: Body) -> list[Difference]:
    """List what differs between two bodies, as sets."""
    mine, peers = candidates_of(ours), candidates_of(theirs)
    found = [
        Difference("missing candidate", str(candidate), candidate)
        for candidate in sorted(peers - mine, key=str)
    ] + [
        Difference("extra candidate", str(candidate), candidate)
        for candidate in sorted(mine - peers, key=str)
    ]
    return found + _compare_summaries(
        ours["provider_summaries"], theirs["provider_summaries"]
    )


def compare_answers(ours: Answer, theirs: Answer) -> list[Difference]:
    """List what differs between two answers, errors included."""
    if ours.status != theirs.status:
        said = f"{ours.status} {ours.detail!r}, Placement {theirs.status}"
        return [Difference("status", f"{said} {theirs.detail!r}")]
    if ours.status != 200:
        pair = (ours.detail, ours.code), (theirs.detail, theirs.code)
        same = _words(pair[0]) == _words(pair[1])
        return [] if same else [Difference("detail", f"{pair[0]} != {pair[1]}")]
    return compare(ours.body, theirs.body)


def compare_limited(ours: Body, whole: Body, limit: int) -> list[Difference]:
    """List what is wrong with an answer to a query with a limit.

    Parameters
    ----------
    ours
        The engine's answer.
    whole
        The answer without the limit. Which candidates are kept is free.
    limit
        The limit.
    """
    mine, every = candidates_of(ours), candidates_of(whole)
    wanted, got = min(limit, len(every)), len(ours["allocation_requests"])
    found = [
        Difference("extra candidate", str(candidate), candidate)
        for candidate in sorted(mine - every, key=str)
    ]
    if got != wanted:
        found.append(Difference("limit", f"{got} candidates, must be {wanted}"))
    summaries = whole["provider_summaries"]
    if "root_provider_uuid" not in next(iter(summaries.values()), {}):
        # Before 1.29 which summaries go with a cut cannot be told from the answer.
        return found
    used = {provider for one in mine for provider, _, _ in one.allocations}
    roots = {summaries[name]["root_provider_uuid"] for name in used & summaries.keys()}
    kept = {n: s for n, s in summaries.items() if s["root_provider_uuid"] in roots}
    return found + _compare_summaries(ours["provider_summaries"], kept)


def judge(
    peer: PlacementPeer, query: str, ours: Answer, microversion: str = LATEST
) -> Verdict:
    """Compare an engine's answer with the peer's, and look for an excuse.

    Parameters
    ----------
    peer
        Placement, loaded with the same document.
    query
        Query string with names.
    ours
        The engine's answer, with names.
    microversion
        That of the engine's answer.

    Notes
    -----
    With a ``limit`` the engine's answer is held against Placement's answer without it.
    Fewer defects are tried before more, so that the verdict names no innocent one.
    ``integer-range`` is the one defect that is told from the answers: an amount over
    2147483647 that the engine refuses and Placement does not understand.
    """
    parameters = [part for part in query.split("&") if not part.startswith("limit=")]
    limits = [value for key, value in parse_qsl(query) if key == "limit"]
    limit = int(limits[0]) if len(limits) == 1 and limits[0].isdecimal() else 0
    first: list[Difference] = []
    # A defect can be why another one shows, so combinations are tried as well.
    sizes = range(len(DEFECTS) + 1)
    for defects in chain.from_iterable(combinations(DEFECTS, n) for n in sizes):
        asked = "&".join(parameters) if limit else query
        theirs = peer.candidates(asked, microversion, without=defects)
        if limit and ours.status == theirs.status == 200:
            found = compare_limited(ours.body, theirs.body, limit)
        else:
            found = compare_answers(ours, theirs)
        if not defects:
            first = found
        if not found:
            return Verdict(tuple(first), defects)
        if not defects and _out_of_range(query, ours, theirs):
            return Verdict(tuple(first), ("integer-range",))
    return Verdict(tuple(first))


def faults(candidate: Candidate, query: str, document: Document) -> list[str]:
    """Name what is wrong with a candidate by itself.

    Returns
    -------
    list of str
        Any of ``amounts-differ`` (not what the query asks for in total),
        ``over-capacity`` and ``over-max_unit``.
    """
    asked = _amounts(query)
    given: Counter[str] = Counter()
    used = usages_of(document)
    offers = {p["name"]: p["inventories"] for p in document["providers"]}
    found = set()
    for provider, resource_class, amount in candidate.allocations:
        given[resource_class] += amount
        limits = limits_of(offers[provider][resource_class])
        if used.get((provider, resource_class), 0) + amount > limits.capacity:
            found.add("over-capacity")
        if amount > limits.max_unit:
            found.add("over-max_unit")
    if given != asked:
        found.add("amounts-differ")
    return sorted(found)


def describe(
    differences: Iterable[Difference], query: str, document: Document
) -> list[str]:
    """Return readable lines, with the faults of each candidate behind it."""
    lines = []
    for difference in differences:
        candidate = difference.candidate
        wrong = faults(candidate, query, document) if candidate else []
        lines.append(f"{difference}  {' '.join(wrong)}".rstrip())
    return lines


def _candidate(request: Mapping[str, Any]) -> Candidate:
    held = request["allocations"]
    if isinstance(held, list):
        # Until 1.11 a list of objects.
        held = {part["resource_provider"]["uuid"]: part for part in held}
    allocations = frozenset(
        (provider, resource_class, amount)
        for provider, part in held.items()
        for resource_class, amount in part["resources"].items()
    )
    mappings = request.get("mappings", {})
    places = frozenset((suffix, frozenset(names)) for suffix, names in mappings.items())
    return Candidate(allocations, places)


def _compare_summaries(ours: Body, theirs: Body) -> list[Difference]:
    found = []
    for name in sorted(ours.keys() | theirs.keys()):
        pair = ours.get(name), theirs.get(name)
        mine, peers = map(_summary, pair)
        if mine != peers:
            found.append(Difference("summary", f"{name}: {mine} != {peers}"))
    return found


def _summary(summary: Body | None) -> Mapping[str, object] | None:
    """Return a summary with its traits in a fixed order."""
    if summary is None or "traits" not in summary:
        return summary
    return {**summary, "traits": sorted(summary["traits"])}


def _amounts(query: str) -> Counter[str]:
    """Return how much of each class a query asks for, over all groups."""
    asked: Counter[str] = Counter()
    for key, value in parse_qsl(query):
        if key.startswith("resources"):
            for part in value.split(","):
                name, _, amount = part.partition(":")
                asked[name] += int(amount)
    return asked


def _out_of_range(query: str, ours: Answer, theirs: Answer) -> bool:
    """Tell whether a refused amount is one that Placement's database cannot hold."""
    if ours.status != 400 or theirs.status not in (200, 500):
        return False
    refused = str(MAX_INT) in ours.detail and max(_amounts(query).values()) > MAX_INT
    empty = theirs.status == 500 or not theirs.body["allocation_requests"]
    return refused and empty


def _words(error: tuple[str, str | None]) -> tuple[list[str], str | None]:
    """Return an error without its layout, which differs with the HTTP library."""
    return error[0].split(), error[1]

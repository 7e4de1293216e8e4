"""One cloud and one query, put to Kilonova, to Placement and to the oracle.

The clouds and queries are drawn from a seed, in all microversions that have allocation
candidates; one query in twenty names a trait or class that does not exist.
"""

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from asking import candidate_of, in_uuids, named_document, uuid, with_uuids
from generators.clouds import random_cloud
from generators.document import Document
from generators.queries import random_query
from kilonova import Cloud
from kilonova.bench.peers.wsgi import LATEST, Answer
from kilonova.errors import BadRequest
from kilonova.request.query import parse_query
from oracle import limits, rendering, state
from oracle.groups import UnknownNameError
from oracle.summaries import Answer as OracleAnswer
from oracle.summaries import Summary, answer
from peers.differential import describe, judge
from peers.placement import PlacementPeer
from peers.shrink import shrink

FOUND = Path(__file__).parent.parent / "data" / "conformance" / "found"
QUERIES_PER_CLOUD = 4
# All where something begins, and those just before.
MINORS = [10, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28]
MINORS += [29, 30, 31, 32, 33, 34, 35, 36, 37, 38]
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CUSTOM = "CUSTOM_NOPE"
_MAPPINGS = 34


class Case(NamedTuple):
    """A question; names stand for UUIDs."""

    document: Document
    query: str
    microversion: str


@dataclass(slots=True)
class Tally:
    """What a run of cases came to."""

    cases: int = 0
    answered: int = 0
    refused: int = 0
    candidates: int = 0
    excused: Counter[str] = field(default_factory=Counter)
    differences: int = 0

    def add(self, other: "Tally") -> None:
        self.cases += other.cases
        self.answered += other.answered
        self.refused += other.refused
        self.candidates += other.candidates
        self.excused.update(other.excused)
        self.differences += other.differences


def draw_cases(seed: int, first: int, count: int) -> Iterator[Case]:
    """Draw the cases from number ``first`` on; each depends on seed and number alone.

    Several in a row share one document.
    """
    document, drawn = None, -1
    for number in range(first, first + count):
        if document is None or number // QUERIES_PER_CLOUD != drawn:
            drawn = number // QUERIES_PER_CLOUD
            document = random_cloud(1_000_003 * seed + drawn)
        rng = random.Random(f"case {seed} {number}")
        version = f"1.{rng.choice(MINORS)}" if rng.random() < 0.5 else LATEST
        query = random_query(document, 1_000_003 * seed + number, version)
        if rng.random() < 0.05:
            query = _with_unknown_name(rng, query)
        yield Case(document, query, version)


def _with_unknown_name(rng: random.Random, query: str) -> str:
    """Put a name that does not exist in place of a class or a custom trait."""
    names = [m.span(1) for m in re.finditer(r"[=,!:]([A-Z][A-Z0-9_]+)", query)]
    start, stop = rng.choice(names)
    return query[:start] + _CUSTOM + query[stop:]


class Contest:
    """Asks all three about one document after the other.

    Parameters
    ----------
    peer
        An open Placement.

    Attributes
    ----------
    cloud
        Ours, with the document that was asked about last.
    """

    def __init__(self, peer: PlacementPeer) -> None:
        self.peer = peer
        self.cloud = Cloud()
        self._loaded: Document | None = None

    def play(self, case: Case, tally: Tally | None = None) -> list[str]:
        """Say in what the answers differ, and count the case."""
        self._load(case.document)
        tally = tally or Tally()
        tally.cases += 1
        ours, found = self._ask(case)
        whole, shown = case, ours
        if _minor(case) < _MAPPINGS and "limit=" in case.query:
            # Equal rows with different mappings count for a limit, and cannot be told
            # apart here: Placement is asked for all. The oracle looks at the limit.
            parts = [p for p in case.query.split("&") if not p.startswith("limit=")]
            whole = case._replace(query="&".join(parts))
            shown, _ = self._ask(whole)
        faults = self._faults_by_peer(whole, shown, tally)
        faults += self._faults_by_oracle(case, ours, found)
        tally.differences += bool(faults)
        return faults

    def shrink(self, case: Case) -> Case:
        """Make a case with a difference as small as it gets."""

        def differs(document: Document, query: str) -> bool:
            try:
                return bool(self.play(Case(document, query, case.microversion)))
            except (BadRequest, KeyError, ValueError):
                # What was taken away was needed: not a case at all.
                return False

        small = shrink(differs, case.document, case.query)
        return Case(*small, case.microversion)

    def _load(self, document: Document) -> None:
        if document is self._loaded:
            return
        plain = named_document(in_uuids(document))
        self.cloud = Cloud.from_document(plain)
        self._oracle = state.from_document(
            plain, plain["traits"], plain["resource_classes"]
        )
        self._names = {uuid(p["name"]): p["name"] for p in document["providers"]}
        self.peer.load_bulk(document)
        self._loaded = document

    def _ask(self, case: Case) -> tuple[Answer, OracleAnswer | None]:
        """Return our answer as a body, and with the mappings that it may not show."""
        query, version = with_uuids(case.query), case.microversion
        try:
            candidates = self.cloud.allocation_candidates(query, None, version)
            body = candidates.to_placement()
        except BadRequest as error:
            body = {"errors": [{"detail": str(error), "code": error.code}]}
            return Answer(error.status, body), None
        objects = [candidate_of(found, {}) for found in candidates]
        return Answer(200, body), OracleAnswer(objects, {})

    def _faults_by_peer(self, case: Case, ours: Answer, tally: Tally) -> list[str]:
        text = json.dumps(ours.body)
        text = _UUID.sub(lambda match: self._names.get(match[0], match[0]), text)
        named = Answer(ours.status, json.loads(text))
        if ours.status == 200:
            count = len(ours.body["allocation_requests"])
            tally.candidates += count
            tally.answered += count > 0
        else:
            tally.refused += 1
            # The words of an error are our own. One defect makes Placement fail at a
            # group before the one that it would refuse.
            for defects in ((), ("child-sharing",)):
                theirs = self.peer.candidates(case.query, case.microversion, defects)
                if (theirs.status, theirs.code) == (ours.status, ours.code):
                    tally.excused.update(defects)
                    return []
        verdict = judge(self.peer, case.query, named, case.microversion)
        tally.excused.update(verdict.defects)
        if verdict.agreed:
            return []
        return describe(verdict.differences, case.query, case.document)

    def _faults_by_oracle(
        self, case: Case, ours: Answer, found: OracleAnswer | None
    ) -> list[str]:
        version = 1, _minor(case)
        nested = rendering.is_nested_aware(version)
        try:
            request = parse_query(with_uuids(case.query), case.microversion)
            right = answer(self._oracle, request, nested)
        except (BadRequest, UnknownNameError) as error:
            same = ours.status == error.status
            return [] if same else [f"oracle: {ours.status}, expected {error}"]
        if ours.status != 200 or found is None:
            return [f"oracle: {ours.status}, expected 200"]
        body = rendering.body(right, request, version)
        if request.limit is not None:
            return self._faults_of_cut(ours, found, right, request.limit)
        if _rows(ours.body) != _rows(body):
            return ["oracle: candidates"]
        if Counter(c.key for c in found.candidates) != Counter(
            c.key for c in right.candidates
        ):
            return ["oracle: mappings"]
        same = ours.body["provider_summaries"] == body["provider_summaries"]
        return [] if same else ["oracle: summaries"]

    def _faults_of_cut(
        self, ours: Answer, found: OracleAnswer, right: OracleAnswer, limit: int
    ) -> list[str]:
        """Hold a limited answer against the whole one; of summaries only which."""
        summaries: dict[str, Summary] = {
            name: right.summaries[name]
            for name in ours.body["provider_summaries"]
            if name in right.summaries
        }
        faults = limits.faults(right, OracleAnswer(found.candidates, summaries), limit)
        if len(summaries) != len(ours.body["provider_summaries"]):
            faults.append("A summary of a provider that the whole answer has not.")
        if len(ours.body["allocation_requests"]) != len(found.candidates):
            faults.append("The body has another number of candidates than there are.")
        return [f"oracle: {fault}" for fault in faults]


def keep(case: Case, folder: Path = FOUND) -> Path:
    """Write a case into a folder, under a name that follows from what it is."""
    text = json.dumps(case._asdict(), indent=1, sort_keys=True) + "\n"
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    path.write_text(text, encoding="utf-8")
    return path


def kept(folder: Path = FOUND) -> list[Case]:
    """Read all cases that were kept."""
    return [
        Case(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.json"))
    ]


def _minor(case: Case) -> int:
    return int(case.microversion.partition(".")[2])


def _rows(body: Mapping[str, Any]) -> Counter[str]:
    """Return the candidates of a body without the order in which they came."""
    return Counter(
        json.dumps(_ordered(request), sort_keys=True)
        for request in body["allocation_requests"]
    )


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=lambda item: json.dumps(item))
    return value

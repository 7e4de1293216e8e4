"""A random cloud and a random request for it, as engine and oracle both take them."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from generators.clouds import AGGREGATES, random_cloud
from generators.document import Document, uuid_of
from generators.queries import random_query
from kilonova.request.group import Request, RequestGroup
from kilonova.request.query import parse_query
from oracle.state import State, from_document


class Case(NamedTuple):
    """A cloud, as a document and as the oracle's state, and what is asked of it."""

    document: dict[str, Any]
    state: State
    request: Request


def random_case(seed: int, number: int = 0, shape: str | None = None) -> Case:
    """Draw a cloud by ``seed``, and by both numbers a request for it, in names."""
    document = random_cloud(seed, shape)
    query = random_query(document, 1000 * seed + number)
    names = [*AGGREGATES, *(provider["name"] for provider in document["providers"])]
    return Case(
        readable(document), state_of(document), _named(_with_uuids(query, names), names)
    )


def readable(document: Document) -> dict[str, Any]:
    """Give a document in the form that ``Cloud.from_document`` reads."""
    return {
        "providers": document["providers"],
        "consumers": [
            {"uuid": uuid_of(f"consumer {place}"), "allocations": held}
            for place, held in enumerate(document["consumers"])
        ],
        "traits": document.get("custom_traits", []),
        "resource_classes": document.get("resource_classes", []),
    }


def state_of(document: Document) -> State:
    """Build the oracle's state of a document."""
    return from_document(
        document,
        document.get("custom_traits", []),
        document.get("resource_classes", []),
    )


def _with_uuids(query: str, names: Iterable[str]) -> str:
    """Put UUIDs where Placement wants them."""
    known = {name: uuid_of(name) for name in names}

    def translated(found: re.Match[str]) -> str:
        value = found["value"]
        if found["key"].startswith("in_tree"):
            return f"{found['key']}={known[value]}"
        parts = re.split(r"(!?in:|!|,)", value)
        return f"{found['key']}={''.join(known.get(part, part) for part in parts)}"

    pattern = r"(?P<key>(?:in_tree|member_of)[^=&]*)=(?P<value>[^&]*)"
    return re.sub(pattern, translated, query)


def _named(query: str, names: Iterable[str]) -> Request:
    """Read a query, and put names back where the UUIDs are."""
    known = {uuid_of(name): name for name in names}

    def group(given: RequestGroup) -> RequestGroup:
        return replace(
            given,
            member_of=tuple(frozenset(known[a] for a in c) for c in given.member_of),
            forbidden_aggregates=frozenset(
                known[a] for a in given.forbidden_aggregates
            ),
            in_tree=None if given.in_tree is None else known[given.in_tree],
        )

    request = parse_query(query)
    return replace(request, groups=tuple(group(given) for given in request.groups))

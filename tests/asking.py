"""Kilonova's answers in the form of the oracle, so that both can be compared."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from generators.document import uuid_of
from kilonova.candidates.candidates import Candidate as Found
from kilonova.candidates.candidates import Candidates
from oracle.candidates import Candidate
from oracle.summaries import Answer, Summary

_NAMED = re.compile(r"(member_of|in_tree)(.*)")
_SIGN = re.compile("!?(in:)?")


@cache
def uuid(name: str) -> str:
    return uuid_of(name)


def with_uuids(query: str) -> str:
    """Write UUIDs for the names of aggregates and providers, and percent-encode."""
    parts = []
    for part in query.split("&"):
        key, equals, value = part.partition("=")
        if _NAMED.fullmatch(key):
            sign = _SIGN.match(value)
            assert sign
            names = value[sign.end() :].split(",")
            value = sign[0] + ",".join(map(uuid, names))
        parts.append(f"{key}{equals}{quote(value)}")
    return "&".join(parts)


def named_document(
    document: Mapping[str, Any],
    traits: Iterable[str] = (),
    resource_classes: Iterable[str] = (),
) -> dict[str, Any]:
    """Give a document in Kilonova's form, with the names that are known beside."""
    return {
        "providers": document["providers"],
        "consumers": document["consumers"],
        "traits": sorted({*traits, *document.get("custom_traits", ())}),
        "resource_classes": sorted(
            {*resource_classes, *document.get("resource_classes", ())}
        ),
    }


def in_uuids(document: Mapping[str, Any]) -> dict[str, Any]:
    """Write UUIDs for all names of a document."""
    return {
        **document,
        "providers": [
            {
                **provider,
                "name": uuid(provider["name"]),
                "parent": provider["parent"] and uuid(provider["parent"]),
                "aggregates": list(map(uuid, provider["aggregates"])),
            }
            for provider in document["providers"]
        ],
        "consumers": [
            {uuid(provider): held for provider, held in consumer.items()}
            for consumer in document["consumers"]
        ],
    }


def uuid_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a document in Kilonova's form a UUID for every provider and aggregate."""
    providers = [
        {
            **provider,
            "uuid": uuid(provider["name"]),
            "aggregates": list(map(uuid, provider["aggregates"])),
        }
        for provider in document["providers"]
    ]
    return {**document, "providers": providers}


def answer_of(candidates: Candidates, names: Mapping[str, str]) -> Answer:
    """Turn an answer into the oracle's; ``names`` has the name for each UUID."""
    summaries = candidates.to_placement()["provider_summaries"]
    return Answer(
        [candidate_of(found, names) for found in candidates],
        {
            names.get(uuid, uuid): summary_of(summary, names)
            for uuid, summary in summaries.items()
        },
    )


def candidate_of(found: Found, names: Mapping[str, str]) -> Candidate:
    return Candidate(
        anchor=names.get(found.root, found.root),
        allocations={
            (names.get(provider, provider), resource_class): amount
            for provider, held in found.allocations.items()
            for resource_class, amount in held.items()
        },
        mappings={
            suffix: tuple(sorted(names.get(p, p) for p in providers))
            for suffix, providers in found.mappings.items()
        },
    )


def summary_of(summary: Mapping[str, Any], names: Mapping[str, str]) -> Summary:
    """Turn a summary into the oracle's; what its microversion lacks is empty."""
    parent = summary.get("parent_provider_uuid")
    root = summary.get("root_provider_uuid", "")
    return Summary(
        parent=parent and names.get(parent, parent),
        root=names.get(root, root),
        resources={
            name: (row["capacity"], row["used"])
            for name, row in summary["resources"].items()
        },
        traits=tuple(sorted(summary.get("traits", ()))),
    )

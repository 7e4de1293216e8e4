"""Candidates as Placement's REST body, by microversion."""

from collections.abc import Sequence
from typing import Any

from kilonova.candidates.enumeration import Enumeration
from kilonova.candidates.layout import Layout, layouts
from kilonova.candidates.summaries import provider_summaries
from kilonova.cloud.identities import identity_rows
from kilonova.request.microversion import Microversion

_DICTIONARY = Microversion(1, 12)
MAPPINGS = Microversion(1, 34)


def body(found: Enumeration, version: Microversion) -> dict[str, Any]:
    """Render all candidates as the body of GET /allocation_candidates."""
    found.find()
    return {
        "allocation_requests": _allocation_requests(found, version),
        "provider_summaries": provider_summaries(found, version),
    }


def _allocation_requests(
    found: Enumeration, version: Microversion
) -> list[dict[str, Any]]:
    if found.plans is None:
        return []
    plans, provider = found.plans, found.provider
    known, numbers = layouts(plans.requests[0], plans.slots[0], provider)
    forms = [known[number] for number in numbers.tolist()]
    rows = identity_rows(found.state, provider)
    if version < _DICTIONARY:
        return [_listed(*pair) for pair in zip(forms, rows, strict=True)]
    requests = []
    for form, names in zip(forms, rows, strict=True):
        rendered: dict[str, Any] = {
            "allocations": {
                names[s]: {"resources": {**amounts}} for s, amounts in form.allocations
            }
        }
        if version >= MAPPINGS:
            rendered["mappings"] = {
                suffix: [names[s] for s in places] for suffix, places in form.mappings
            }
        requests.append(rendered)
    return requests


def _listed(form: Layout, names: Sequence[str]) -> dict[str, Any]:
    """Render one candidate as before 1.12."""
    return {
        "allocations": [
            {"resource_provider": {"uuid": names[s]}, "resources": {**amounts}}
            for s, amounts in form.allocations
        ]
    }

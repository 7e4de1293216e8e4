"""The body of GET /allocation_candidates, by microversion.

Lists are sorted where Placement promises no order: compare without regard to it.
"""

from typing import Any

from kilonova.request.group import Request
from oracle.candidates import Candidate
from oracle.summaries import Answer, Summary

Microversion = tuple[int, int]


def is_nested_aware(microversion: Microversion) -> bool:
    """Tell whether candidates may take several providers of one tree."""
    return microversion >= (1, 29)


def body(
    answer: Answer, request: Request, microversion: Microversion
) -> dict[str, Any]:
    """Render an answer that was made for the microversion, 1.10 or later.

    Candidates that differ only in their mappings look alike before 1.34 and are
    repeated, as they are in Placement.
    """
    asked = {name for group in request.groups for name in group.resources}
    return {
        "allocation_requests": [
            _allocation_request(candidate, microversion)
            for candidate in answer.candidates
        ],
        "provider_summaries": {
            name: _provider_summary(summary, asked, microversion)
            for name, summary in answer.summaries.items()
        },
    }


def _allocation_request(
    candidate: Candidate, microversion: Microversion
) -> dict[str, Any]:
    resources: dict[str, dict[str, int]] = {}
    for (provider, resource_class), amount in sorted(candidate.allocations.items()):
        resources.setdefault(provider, {})[resource_class] = amount
    if microversion < (1, 12):
        return {
            "allocations": [
                {"resource_provider": {"uuid": provider}, "resources": amounts}
                for provider, amounts in resources.items()
            ]
        }
    rendered: dict[str, Any] = {
        "allocations": {
            provider: {"resources": amounts} for provider, amounts in resources.items()
        }
    }
    if microversion >= (1, 34):
        rendered["mappings"] = {
            suffix: list(providers) for suffix, providers in candidate.mappings.items()
        }
    return rendered


def _provider_summary(
    summary: Summary, asked: set[str], microversion: Microversion
) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "resources": {
            name: {"capacity": capacity, "used": used}
            for name, (capacity, used) in summary.resources.items()
            if microversion >= (1, 27) or name in asked
        }
    }
    if microversion >= (1, 17):
        rendered["traits"] = list(summary.traits)
    if microversion >= (1, 29):
        rendered["parent_provider_uuid"] = summary.parent
        rendered["root_provider_uuid"] = summary.root
    return rendered

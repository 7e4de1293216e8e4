"""The whole answer: candidates, and what is told about their providers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kilonova.request.group import Request
from oracle.candidates import Candidate, candidates
from oracle.state import Provider, State


@dataclass(frozen=True)
class Summary:
    """A provider summary; ``resources`` has capacity and used of every class."""

    parent: str | None
    root: str
    resources: Mapping[str, tuple[int, int]]
    traits: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Candidates with the summaries that come with them."""

    candidates: Sequence[Candidate]
    summaries: Mapping[str, Summary]


def answer(state: State, request: Request, nested_aware: bool = True) -> Answer:
    """Find all candidates, whatever the limit of the request, and sum up."""
    found = candidates(state, request, nested_aware)
    return Answer(found, summaries(state, found, nested_aware))


def summaries(
    state: State, found: Iterable[Candidate], nested_aware: bool = True
) -> dict[str, Summary]:
    """Sum up every provider of every tree that some candidate takes resources from.

    Before 1.29 only the providers that resources are taken from. A provider that
    serves just a group without resources opens no tree.
    """
    used = {provider for c in found for provider, _ in c.allocations}
    trees = {state.providers[name].root for name in used}
    return {
        name: _summary(provider)
        for name, provider in state.providers.items()
        if (provider.root in trees if nested_aware else name in used)
    }


def _summary(provider: Provider) -> Summary:
    return Summary(
        parent=provider.parent,
        root=provider.root,
        resources={
            name: (offer.capacity, provider.used.get(name, 0))
            for name, offer in provider.inventories.items()
        },
        traits=tuple(sorted(provider.traits)),
    )

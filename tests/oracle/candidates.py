"""Every allocation candidate of a request, by multiplying all groups out.

Written from Placement's rules with its defects undone: amounts are added up on fresh
objects, and a group that sharing providers serve alone keeps every one of its anchors.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kilonova.request.group import Request
from oracle.capacity import fits_together
from oracle.groups import Solution, check_traits, solve
from oracle.state import State


@dataclass(frozen=True)
class Candidate:
    """One set of allocations that would satisfy the request.

    Attributes
    ----------
    anchor
        Root of the tree that it is for. The first one of the state where it is for
        several: what is allocated does not depend on it.
    allocations
        Amount by provider and resource class.
    mappings
        Providers of each group, sorted, by suffix.
    """

    anchor: str
    allocations: Mapping[tuple[str, str], int]
    mappings: Mapping[str, tuple[str, ...]]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two candidates the same one: all but the anchor."""
        return (
            tuple(sorted(self.allocations.items())),
            tuple(sorted(self.mappings.items())),
        )


def candidates(
    state: State, request: Request, nested_aware: bool = True
) -> list[Candidate]:
    """List all candidates, whatever the limit of the request.

    Parameters
    ----------
    state, request
        Where to look, and for what.
    nested_aware
        False for microversions before 1.29: no candidate then has two providers of
        one tree.

    Raises
    ------
    oracle.groups.UnknownNameError
        If a trait or resource class does not exist and the search came to it.
    """
    found: dict[tuple[object, ...], Candidate] = {}
    for candidate in anchored_candidates(state, request, nested_aware):
        found.setdefault(candidate.key, candidate)
    return list(found.values())


def anchored_candidates(
    state: State, request: Request, nested_aware: bool = True
) -> list[Candidate]:
    """List the candidates of each anchor; one that has several comes several times."""
    check_traits(state, request.root_required)
    check_traits(state, request.root_forbidden)
    anchors = [root for root in state.roots() if _is_wanted(state, root, request)]
    if not anchors and (request.root_required or request.root_forbidden):
        return []
    solutions = []
    for group in request.groups:
        found = solve(state, group, anchors)
        if not found:
            # The later groups are not looked at, nor are the names in them.
            return []
        solutions.append(found)
    return [
        candidate
        for anchor in anchors
        for choice in _choices(solutions, anchor)
        if (candidate := _merge(choice, anchor))
        and _is_allowed(state, request, choice)
        and fits_together(state, candidate.allocations)
        and (nested_aware or _has_one_provider_per_tree(state, candidate))
    ]


def _is_wanted(state: State, root: str, request: Request) -> bool:
    traits = state.providers[root].traits
    return request.root_required <= traits and not request.root_forbidden & traits


def _choices(
    solutions: Sequence[Sequence[Solution]], anchor: str
) -> Iterator[tuple[Solution, ...]]:
    """Take one solution of each group, all for the same anchor."""
    return itertools.product(
        *([s for s in found if s.anchor == anchor] for found in solutions)
    )


def _merge(choice: Sequence[Solution], anchor: str) -> Candidate:
    allocations = Counter[tuple[str, str]]()
    for solution in choice:
        for provider, resource_class, amount in solution.chosen:
            allocations[provider, resource_class] += amount
    return Candidate(
        anchor=anchor,
        allocations=allocations,
        mappings={solution.suffix: solution.providers for solution in choice},
    )


def _is_allowed(state: State, request: Request, choice: Sequence[Solution]) -> bool:
    """Apply what binds several groups: ``group_policy`` and ``same_subtree``."""
    if request.group_policy == "isolate" and not _is_isolated(choice):
        return False
    return all(
        _has_common_ancestor(
            state, {p for s in choice if s.suffix in suffixes for p in s.providers}
        )
        for suffixes in request.same_subtree
    )


def _is_isolated(choice: Sequence[Solution]) -> bool:
    """Tell whether no two suffixed groups, with resources or without, share one."""
    providers = [s.providers for s in choice if s.suffix]
    return len(set(providers)) == len(providers)


def _has_common_ancestor(state: State, providers: set[str]) -> bool:
    """Tell whether one of the providers is above all others, or is all of them."""
    return any(
        all(top in state.ancestors(provider) for provider in providers)
        for top in providers
    )


def _has_one_provider_per_tree(state: State, candidate: Candidate) -> bool:
    used = {provider for provider, _ in candidate.allocations}
    return len(used) == len({state.providers[p].root for p in used})

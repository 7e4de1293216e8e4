"""Solve one request group: find the providers that could serve it in each tree."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from kilonova.request.group import RequestGroup
from oracle.capacity import fits
from oracle.state import Provider, State


class UnknownNameError(Exception):
    """A request that was reached names a trait or resource class that is nowhere."""

    status = 400


@dataclass(frozen=True)
class Solution:
    """One way to serve one group, for the tree whose root is the anchor.

    ``chosen`` has the provider of each class; it is empty for a group without
    resources, whose provider is in ``providers`` only.
    """

    anchor: str
    suffix: str
    providers: tuple[str, ...]
    chosen: tuple[tuple[str, str, int], ...]


def solve(state: State, group: RequestGroup, anchors: Iterable[str]) -> list[Solution]:
    """List every way to serve the group for one of the anchors.

    Raises
    ------
    UnknownNameError
        If the group names what does not exist. Classes are looked at first, traits
        only if some provider is in the wanted aggregates: Placement's order.
    """
    check_resource_classes(state, group.resources)
    if not any(in_aggregates(p, group) for p in state.providers.values()):
        return []
    check_traits(state, [trait for clause in group.required for trait in clause])
    check_traits(state, group.forbidden)
    if group.in_tree is not None and group.in_tree not in state.providers:
        return []
    solve_for = _of_one_provider if group.suffix else _of_one_tree
    return [found for anchor in anchors for found in solve_for(state, group, anchor)]


def check_resource_classes(state: State, names: Iterable[str]) -> None:
    for name in names:
        if name not in state.known_resource_classes:
            raise UnknownNameError(f"No such resource class {name}.")


def check_traits(state: State, names: Iterable[str]) -> None:
    for name in names:
        if name not in state.known_traits:
            raise UnknownNameError(f"No such trait(s): {name}.")


def in_aggregates(provider: Provider, group: RequestGroup) -> bool:
    """Tell whether the provider alone satisfies every clause of ``member_of``."""
    return all(clause & provider.aggregates for clause in group.member_of)


def _of_one_provider(state: State, group: RequestGroup, anchor: str) -> list[Solution]:
    """Solve a suffixed group: one provider has all the classes, traits, aggregates."""
    return [
        Solution(
            anchor=anchor,
            suffix=group.suffix,
            providers=(provider.name,),
            chosen=tuple(
                (provider.name, resource_class, amount)
                for resource_class, amount in group.resources.items()
            ),
        )
        for provider in state.providers.values()
        if anchor in state.anchors(provider.name) and _serves(state, provider, group)
    ]


def _serves(state: State, provider: Provider, group: RequestGroup) -> bool:
    if not group.resources and not (group.required or group.member_of):
        # A group without resources starts from what it asks for: forbidding alone
        # finds no provider at all.
        return False
    return (
        all(fits(provider, name, amount) for name, amount in group.resources.items())
        and all(clause & provider.traits for clause in group.required)
        and not group.forbidden & provider.traits
        and in_aggregates(provider, group)
        and not group.forbidden_aggregates & provider.aggregates
        # Placement tests the tree while it looks for the resources.
        and (not group.resources or _in_tree(state, provider, group))
    )


def _in_tree(state: State, provider: Provider, group: RequestGroup) -> bool:
    if group.in_tree is None:
        return True
    return provider.root == state.providers[group.in_tree].root


def _of_one_tree(state: State, group: RequestGroup, anchor: str) -> list[Solution]:
    """Solve the unsuffixed group: each class from any provider that may serve the tree.

    The providers used must have the required traits together, whatever else is in
    the tree; none of them may have a forbidden one.
    """
    offers = [
        [
            (provider, resource_class, amount)
            for provider in state.providers.values()
            if fits(provider, resource_class, amount)
            and _may_serve(state, provider, group, anchor)
        ]
        for resource_class, amount in group.resources.items()
    ]
    solutions = []
    for choice in itertools.product(*offers):
        traits = frozenset[str]().union(*(provider.traits for provider, _, _ in choice))
        if group.forbidden & traits:
            continue
        if not all(clause & traits for clause in group.required):
            continue
        solutions.append(
            Solution(
                anchor=anchor,
                suffix=group.suffix,
                providers=tuple(sorted({provider.name for provider, _, _ in choice})),
                chosen=tuple((p.name, name, amount) for p, name, amount in choice),
            )
        )
    return solutions


def _may_serve(
    state: State, provider: Provider, group: RequestGroup, anchor: str
) -> bool:
    """Tell whether tree and aggregates let a provider serve the unsuffixed group.

    Each of the provider and the anchor must satisfy ``member_of`` on its own if it
    is to count: one clause from each of them is not enough.
    """
    root = state.providers[anchor]
    is_foreign = provider.root != anchor
    if is_foreign and (group.in_tree is not None or not in_aggregates(provider, group)):
        return False
    return (
        anchor in state.anchors(provider.name)
        and _in_tree(state, provider, group)
        and (in_aggregates(provider, group) or in_aggregates(root, group))
        and not group.forbidden_aggregates & (provider.aggregates | root.aggregates)
    )

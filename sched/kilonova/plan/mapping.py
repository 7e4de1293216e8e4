"""Which provider serves which group of ports: read back from what is allocated."""

from collections.abc import Mapping, Sequence

from kilonova.cloud.state import State
from kilonova.request.group import RequestGroup

Allocations = Mapping[str, Mapping[str, int]]


def mappings_of(
    state: State, groups: Sequence[RequestGroup], allocations: Allocations
) -> dict[str, tuple[str, ...]] | None:
    """Map groups to providers that have their traits and what they ask.

    Parameters
    ----------
    state
        The cloud, for the traits of the providers.
    groups
        Suffixed groups of a server.
    allocations
        What the server has at its host: amounts by class, by provider.

    Returns
    -------
    dict or None
        The provider of each group by suffix; None where the allocations do not serve
        the groups.

    Notes
    -----
    As Nova maps ports again after a resize is reverted: by trying providers for groups,
    whose amounts must fit together.
    """
    left = {provider: dict(amounts) for provider, amounts in allocations.items()}
    traits = {provider: _traits(state, provider) for provider in allocations}
    chosen: dict[str, tuple[str, ...]] = {}
    asked = [group for group in groups if group.resources]

    def serve(n: int) -> bool:
        if n == len(asked):
            return True
        group = asked[n]
        for provider, amounts in left.items():
            if not _is_right(group, traits[provider]) or any(
                amounts.get(name, 0) < amount
                for name, amount in group.resources.items()
            ):
                continue
            for name, amount in group.resources.items():
                amounts[name] -= amount
            chosen[group.suffix] = (provider,)
            if serve(n + 1):
                return True
            for name, amount in group.resources.items():
                amounts[name] += amount
        return False

    return chosen if serve(0) else None


def _traits(state: State, provider: str) -> frozenset[str]:
    row = state.provider_row(provider)
    numbers = state.trait_sets[int(state.tables.provider["trait_set"][row])]
    return frozenset(state.traits[number] for number in numbers)


def _is_right(group: RequestGroup, traits: frozenset[str]) -> bool:
    return group.forbidden.isdisjoint(traits) and all(
        not clause.isdisjoint(traits) for clause in group.required
    )

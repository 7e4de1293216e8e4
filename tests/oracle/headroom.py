"""How often a request can be claimed, by trying every order of claims."""

from collections import Counter
from dataclasses import replace

from kilonova.request.group import Request
from oracle.candidates import anchored_candidates
from oracle.state import State

Claim = tuple[tuple[tuple[str, str], int], ...]


class TooManyError(Exception):
    """There are more ways to try than the caller wants to wait for."""


def most_claims(
    state: State, request: Request, anchor: str | None = None, patience: int = 20_000
) -> int:
    """Return the most claims one after the other, each a candidate when it is made.

    Parameters
    ----------
    state, request
        Where to claim, and what.
    anchor
        Root of the only tree to claim for, None for all.
    patience
        States to look at before giving up.

    Raises
    ------
    TooManyError
        If they are not enough.

    Notes
    -----
    No claim makes room, so what is a candidate later is one now: claims are tried in
    the order of the present candidates, and what was claimed decides what is left.
    """
    claims = claims_of(state, request, anchor)
    room = {place: _room(state, *place) for claim in claims for place, _ in claim}
    known: dict[tuple[object, ...], int] = {}

    def most(first: int, left: Counter[tuple[str, str]]) -> int:
        key = (first, *sorted(left.items()))
        if key not in known:
            if len(known) >= patience:
                raise TooManyError
            known[key] = 0
            known[key] = max(
                (
                    1 + most(number, left - Counter(dict(claim)))
                    for number, claim in enumerate(claims[first:], first)
                    if all(left[place] >= amount for place, amount in claim)
                ),
                default=0,
            )
        return known[key]

    return most(0, Counter(room))


def claims_of(state: State, request: Request, anchor: str | None = None) -> list[Claim]:
    """Return what the candidates take, of one tree or of all, each once."""
    return sorted(
        {
            tuple(sorted(candidate.allocations.items()))
            for candidate in anchored_candidates(state, request)
            if anchor in (None, candidate.anchor)
        }
    )


def after(state: State, claim: Claim) -> State:
    """Return the state with one claim made."""
    providers = dict(state.providers)
    for (name, resource_class), amount in claim:
        used = Counter(providers[name].used)
        used[resource_class] += amount
        providers[name] = replace(providers[name], used=used)
    return replace(state, providers=providers)


def _room(state: State, name: str, resource_class: str) -> int:
    provider = state.providers[name]
    used = provider.used.get(resource_class, 0)
    return provider.inventories[resource_class].capacity - used

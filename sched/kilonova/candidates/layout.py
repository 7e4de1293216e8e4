"""How the providers of the slots become allocations and mappings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.request.group import Request


class Layout(NamedTuple):
    """The form of all candidates in which the same slots share a provider.

    Attributes
    ----------
    allocations
        A slot that has the provider, and all that the provider gives.
    mappings
        Suffix, and slots with the providers of the group, each once.
    """

    allocations: tuple[tuple[int, Mapping[str, int]], ...]
    mappings: tuple[tuple[str, tuple[int, ...]], ...]


def slot_amounts(request: Request) -> list[Mapping[str, int]]:
    """Give what each slot of a request asks for, in the order of compilation."""
    amounts: list[Mapping[str, int]] = []
    for group in request.groups:
        if group.suffix:
            amounts.append(group.resources)
        else:
            # One slot for each class, as the classes may have different providers.
            amounts += [{name: n} for name, n in sorted(group.resources.items())]
    return amounts


def layouts(
    request: Request, slots: Sequence[int], provider: NDArray[np.int32]
) -> tuple[list[Layout], NDArray[np.intp]]:
    """Give the layouts that some candidates have, and the number of each one's.

    Parameters
    ----------
    request
        The request.
    slots
        Index of the group of each slot.
    provider
        Provider of each slot of each candidate, (C, S) int32.

    Returns
    -------
    tuple
        The layouts, and which of them each candidate has, (C,).
    """
    amounts = slot_amounts(request)
    alike = _first_alike(provider)
    if len(alike) and (alike == alike[0]).all():
        # The rule, and sorting rows takes longer than all the rest.
        rows, numbers = alike[:1], np.zeros(len(alike), np.intp)
    else:
        rows, numbers = _distinct(alike)
    return [_layout(request, slots, amounts, row) for row in rows.tolist()], numbers


def _distinct(
    rows: NDArray[np.int16],
) -> tuple[NDArray[np.int16], NDArray[np.intp]]:
    """Give the distinct rows, and the number of each row among them."""
    whole = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
    _, places, numbers = np.unique(whole, return_index=True, return_inverse=True)
    return rows[places], numbers


def _first_alike(provider: NDArray[np.int32]) -> NDArray[np.int16]:
    """Give for each slot the first one with the same provider, (C, S)."""
    first = np.empty(provider.shape, np.int16)
    for s in range(provider.shape[1]):
        first[:, s] = np.argmax(provider[:, : s + 1] == provider[:, s : s + 1], axis=1)
    return first


def _layout(
    request: Request,
    slots: Sequence[int],
    amounts: Sequence[Mapping[str, int]],
    first: Sequence[int],
) -> Layout:
    allocations: dict[int, dict[str, int]] = {}
    mappings: dict[str, dict[int, None]] = {}
    for s, group in enumerate(slots):
        mappings.setdefault(request.groups[group].suffix, {})[first[s]] = None
        for name, amount in amounts[s].items():
            held = allocations.setdefault(first[s], {})
            held[name] = held.get(name, 0) + amount
    return Layout(
        tuple(allocations.items()),
        tuple((suffix, tuple(places)) for suffix, places in mappings.items()),
    )

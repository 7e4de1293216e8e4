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
) -> list[Layout]:
    """Give the layout of each candidate; candidates of one form share it.

    Parameters
    ----------
    request
        The request.
    slots
        Index of the group of each slot.
    provider
        Provider of each slot of each candidate, (C, S) int32.
    """
    amounts = slot_amounts(request)
    known: dict[bytes, Layout] = {}
    found = []
    for row in _first_alike(provider):
        key = row.tobytes()
        layout = known.get(key)
        if layout is None:
            layout = known[key] = _layout(request, slots, amounts, row.tolist())
        found.append(layout)
    return found


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

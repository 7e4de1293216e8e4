"""What a server would take of the providers of a host: the first that fit."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from kilonova.cloud.host import Room
from kilonova.request.server import ServerSpec
from kilonova.request.translate import drafted


class Wish(NamedTuple):
    """What must come from one provider.

    Attributes
    ----------
    resources
        Amount by class.
    traits
        Traits that the provider needs.
    """

    resources: tuple[tuple[str, int], ...]
    traits: frozenset[str]


@lru_cache(maxsize=4096)
def wishes(spec: ServerSpec) -> tuple[Wish, ...]:
    """Give what a server asks of single providers, in the order of its groups.

    Classes of the unsuffixed group may come from a provider each.
    """
    found: list[Wish] = []
    for group in drafted(spec).finished():
        traits = frozenset(
            trait for clause in group.required if len(clause) == 1 for trait in clause
        )
        resources = tuple(sorted(group.resources.items()))
        if group.suffix:
            found.append(Wish(resources, traits))
        else:
            # Its traits may lie on any of its providers.
            found += [Wish((each,), frozenset()) for each in resources]
    return tuple(found)


def left(rooms: Sequence[Room], spec: ServerSpec) -> tuple[dict[str, int], ...]:
    """Give what is free in each room once a server took what it asks.

    Each wish is taken from the first provider that has it, as the first allocation
    candidate does where wishes are not in each other's way; what nobody has is not
    taken.
    """
    free = tuple(dict(room.free) for room in rooms)
    for wish in wishes(spec):
        for room, amounts in zip(rooms, free, strict=True):
            if wish.traits <= room.traits and _has(amounts, wish):
                for name, amount in wish.resources:
                    amounts[name] -= amount
                break
    return free


def _has(free: Mapping[str, int], wish: Wish) -> bool:
    return all(free.get(name, 0) >= amount for name, amount in wish.resources)

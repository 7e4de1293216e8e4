"""What is there of a class that a host has too little of."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kilonova.candidates.explain_constraints import Constraint
from kilonova.cloud.state import State


@dataclass(frozen=True, slots=True)
class Failing:
    """A constraint that a host fails.

    Attributes
    ----------
    constraint
        What is failed.
    asked
        Units asked of a resource class, else None.
    best
        The nearest that some provider has: its room, or its ``min_unit``, ``max_unit``
        or ``step_size`` where that is what fails. None if none offers the class.
    provider
        Name of that provider.
    """

    constraint: Constraint
    asked: int | None = None
    best: int | None = None
    provider: str | None = None

    def __str__(self) -> str:
        text = f"not met: {self.constraint}"
        if self.best is None:
            return text
        what = "room" if self.constraint.kind == "capacity" else self.constraint.kind
        return f"{text} (asked {self.asked}, {what} {self.best} on {self.provider})"


def failing_of(state: State, tree: int, constraint: Constraint) -> Failing:
    """Add the amounts to a constraint that a tree fails."""
    if constraint.amount is None:
        return Failing(constraint)
    asked = constraint.amount
    resource_class = state.resource_classes.find(constraint.names[0])
    found = [
        (*_nearness(state, inventory, constraint.kind, asked), provider)
        for provider in pool(state, tree)
        if (inventory := state.inventory_row(provider, resource_class)) >= 0
        and _passes_before(state, inventory, constraint.kind, asked)
    ]
    if not found:
        return Failing(constraint, asked)
    _, best, provider = min(found, key=lambda each: each[0])
    name = state.provider_names[provider] or state.provider_uuids[provider]
    return Failing(constraint, asked, best, name)


def pool(state: State, tree: int) -> Iterator[int]:
    """Give the providers that may serve a tree: its own, then those that share."""
    root = int(state.index().roots[tree])
    yield from range(root, int(state.tables.provider["subtree_end"][root]))
    sharing = state.sharing()
    if len(sharing.provider):
        start, stop = sharing.tree_start[tree : tree + 2]
        yield from np.asarray(sharing.tree_provider[start:stop]).tolist()


def _nearness(state: State, inventory: int, kind: str, asked: int) -> tuple[int, int]:
    """Give how far an inventory is from giving the amount, and the limit or room."""
    offer = state.inventory_of(inventory)
    if kind == "capacity":
        room = offer.capacity - int(state.tables.inventory["used"][inventory])
        return asked - room, room
    limit = int(getattr(offer, kind))
    return (asked % limit if kind == "step_size" else abs(asked - limit)), limit


def _passes_before(state: State, inventory: int, kind: str, asked: int) -> bool:
    """Say whether an inventory meets what is tried before this kind."""
    offer = state.inventory_of(inventory)
    passed = {
        "min_unit": True,
        "max_unit": asked >= offer.min_unit,
        "step_size": offer.min_unit <= asked <= offer.max_unit,
        "capacity": offer.min_unit <= asked <= offer.max_unit
        and asked % offer.step_size == 0,
    }
    return passed.get(kind, False)

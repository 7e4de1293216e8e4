"""Slots of a plan that may want the same provider, and trees in which they do."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.candidates.entries import Entries, slot_classes
from kilonova.cloud.state import State


class Rivals(NamedTuple):
    """Where counting the providers of each slot does not decide.

    Attributes
    ----------
    decides
        Whether counting decides in all other trees.
    slots
        Slots that are in the way of others somewhere, those with fewest entries first.
    trees
        Whether slots may be in each other's way, by tree, (T,) bool.
    """

    decides: bool
    slots: tuple[int, ...]
    trees: NDArray[np.bool_]


def find_rivals(
    state: State, plans: Plans, plan: int, slots: Sequence[Entries]
) -> Rivals:
    """Find the rivals among the slots of one plan.

    Two slots are rivals where one provider may serve both, and they take of the same
    class or must be apart. Where there are none, each slot can choose for itself.
    """
    columns = plans.columns
    trees = np.zeros(len(state.index().roots), np.bool_)
    rows = range(*columns.plan_slot[plan : plan + 2].tolist())
    decides = (
        columns.plan_bits[plan] == 0
        and not columns.plan_flat[plan]
        and columns.plan_subtree[plan] == columns.plan_subtree[plan + 1]
        and all(slot_classes(plans, row) for row in rows)
    )
    if not decides or columns.plan_counts[plan]:
        return Rivals(bool(decides), (), trees)
    found: set[int] = set()
    for members in contests(plans, plan):
        entries = [slots[n] for n in members]
        marked = mark_contested(entries, state.tables.provider.count, trees)
        found |= {n for n, is_rival in zip(members, marked, strict=True) if is_rival}
    return Rivals(True, tuple(sorted(found, key=lambda n: len(slots[n].tree))), trees)


def mark_contested(
    entries: Sequence[Entries], providers: int, trees: NDArray[np.bool_]
) -> list[bool]:
    """Mark the trees with a provider that may serve several of some slots.

    Parameters
    ----------
    entries
        Those of each slot.
    providers
        How many there are in the cloud.
    trees
        Output, (T,) bool. No mark is cleared.

    Returns
    -------
    list
        Whether each slot may want a provider that another one may want.
    """
    counts = np.zeros(providers, np.int16)
    for slot in entries:
        counts[slot.provider] += 1
    found = []
    for slot in entries:
        shared = counts[slot.provider] > 1
        trees[slot.tree[shared]] = True
        found.append(bool(shared.any()))
    return found


def contests(plans: Plans, plan: int) -> Iterator[list[int]]:
    """Give the slots that take of each class, and those that must be apart."""
    columns = plans.columns
    first, stop = columns.plan_slot[plan : plan + 2].tolist()
    by_class: dict[int, list[int]] = {}
    for n, row in enumerate(range(first, stop)):
        for resource_class in slot_classes(plans, row):
            by_class.setdefault(resource_class, []).append(n)
    yield from by_class.values()
    if columns.plan_isolate[plan]:
        suffixed = columns.group_suffixed[columns.slot_group[first:stop]]
        yield np.flatnonzero(suffixed).tolist()

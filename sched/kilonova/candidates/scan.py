"""Entries to scan for a plan: which providers may serve each slot, amounts aside."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.candidates.entries import (
    Entries,
    all_entries,
    class_inventories,
    class_range,
    slot_classes,
)
from kilonova.candidates.rivals import find_rivals
from kilonova.cloud.kept import Kept
from kilonova.cloud.memo import Memo
from kilonova.cloud.state import State

if TYPE_CHECKING:
    from kilonova_kernels.columns import ScanColumns

# What ``ScanColumns.slot_class`` says of slots without a whole table.
LEFT_OUT = -2
_LISTED = -1
# A list has some bytes for each host.
_MOST_KEPT = 32

_Key = tuple[int | bytes, ...]

_KEPT: "Kept[Memo[_Key, ScanColumns]]" = Kept(
    lambda state: (state.structure, state.facts, state.odd_limits),
    lambda _: Memo(_MOST_KEPT),
)


def scan_columns(state: State, plans: Plans, plan: int) -> "ScanColumns | None":
    """List the entries of one plan, or give None where providers share.

    They stay true while rows, traits, aggregates and odd limits do: ``structure``,
    ``facts`` and ``odd_limits`` of the state. Plans that differ only in amounts share
    them, working memory included.
    """
    if len(state.sharing().provider):
        return None
    kept, key = _KEPT.of(state), _but_amounts(plans, plan)
    found = kept.get(key)
    return kept.keep(key, _listed(state, plans, plan)) if found is None else found


def _but_amounts(plans: Plans, plan: int) -> _Key:
    """Give all of a plan but its amounts."""
    named = plans.columns._asdict()
    del named["resource_amount"]
    return (plan, *(column.tobytes() for column in named.values()))


def _listed(state: State, plans: Plans, plan: int) -> "ScanColumns":
    from kilonova_kernels.columns import ScanColumns

    trees = len(state.index().roots)
    slots = all_entries(state, plans, plan)
    rivals = find_rivals(state, plans, plan, slots)
    kinds, single, starts, positions_at = [], [], [0], [0]
    parts: list[Entries] = []
    for n, slot in enumerate(slots):
        one_each = len(slot.tree) == trees and bool(
            (slot.tree == np.arange(trees)).all()
        )
        kind = _kind(state, plans, plan, n, one_each and n not in rivals.slots)
        if kind == LEFT_OUT and n in rivals.slots:
            kind = _LISTED
        kinds.append(kind)
        # The marks of rivals are wanted entry by entry.
        single.append(one_each and n not in rivals.slots)
        parts += [slot] if kind == _LISTED else []
        starts.append(sum(len(part.tree) for part in parts))
        positions_at.append(sum(part.position.size for part in parts))
    none = np.zeros(0, np.int32)
    return ScanColumns(
        slot_class=np.array(kinds, np.int32),
        slot_entry=np.array(starts, np.int32),
        slot_position=np.array(positions_at[:-1], np.int32),
        slot_single=np.array(single, np.bool_),
        tree=np.concatenate([none, *(part.tree for part in parts)]),
        position=np.concatenate([none, *(part.position.T.ravel() for part in parts)]),
        plain=np.array([_are_plain(state, plans.columns.resource_class)], np.bool_),
        decides=np.array([rivals.decides], np.bool_),
        rivals=rivals.trees,
        rival_slot=np.array(rivals.slots, np.int32),
        marks=np.zeros(starts[-1], np.bool_),
        counts=np.zeros(trees, np.int32),
        at=np.zeros(len(rivals.slots), np.int32),
        chosen=np.zeros(len(rivals.slots), np.int32),
    )


def no_entries(plans: Plans, plan: int) -> "ScanColumns":
    """Give lists without an entry, for kernels that are not to look at them."""
    from kilonova_kernels.columns import ScanColumns

    slots = int(np.diff(plans.columns.plan_slot)[plan])
    none, no_marks = np.zeros(0, np.int32), np.zeros(0, np.bool_)
    return ScanColumns(
        slot_class=np.full(slots, LEFT_OUT, np.int32),
        slot_entry=np.zeros(slots + 1, np.int32),
        slot_position=np.zeros(slots, np.int32),
        slot_single=np.zeros(slots, np.bool_),
        tree=none,
        position=none,
        plain=np.zeros(1, np.bool_),
        decides=np.zeros(1, np.bool_),
        rivals=no_marks,
        rival_slot=none,
        marks=no_marks,
        counts=none,
        at=none,
        chosen=none,
    )


def _kind(state: State, plans: Plans, plan: int, slot: int, one_each: bool) -> int:
    """Give how one slot of a plan is scanned: see ``ScanColumns.slot_class``."""
    row = int(plans.columns.plan_slot[plan]) + slot
    classes = slot_classes(plans, row)
    if not classes or not plans.columns.slot_counted[row]:
        return LEFT_OUT
    # A table has one entry for each tree: never enough for two that must be apart.
    several = (
        plans.columns.plan_twins[plan] > 1
        and (plans.columns.group_suffixed[plans.columns.slot_group[row]])
    )
    whole = (
        one_each and not several and len(classes) == 1 and _is_whole(state, classes[0])
    )
    return classes[0] if whole and _are_plain(state, classes) else _LISTED


def _is_whole(state: State, resource_class: int) -> bool:
    return len(class_range(state, resource_class)) == len(state.index().roots)


def _are_plain(state: State, classes: list[int] | NDArray[np.int32]) -> bool:
    """Say whether all offers of some classes have ``min_unit`` and ``step_size`` 1."""
    offer = state.tables.offer
    odd = (offer["min_unit"] != 1) | (offer["step_size"] != 1)
    if not odd.any():
        return True
    used = state.tables.inventory["offer"]
    return not any(
        odd[used[class_inventories(state, number)]].any()
        for number in set(map(int, classes))
    )

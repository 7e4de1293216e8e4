"""Entries to scan for a plan: which providers may serve each slot, amounts aside."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.cloud.state import State

if TYPE_CHECKING:
    from kilonova_kernels.columns import ScanColumns

_LEFT_OUT = -2
_LISTED = -1


def scan_columns(state: State, plans: Plans, plan: int) -> "ScanColumns | None":
    """List the entries of one plan, or give None where providers share.

    They stay true while rows, traits, aggregates and odd limits do: ``structure``,
    ``facts`` and ``odd_limits`` of the state.
    """
    from kilonova_kernels.columns import ScanColumns

    if len(state.sharing().provider):
        return None
    columns = plans.columns
    slots = range(int(columns.plan_slot[plan]), int(columns.plan_slot[plan + 1]))
    trees = len(state.index().roots)
    kinds, single, starts, positions_at = [], [], [0], []
    tree_parts: list[NDArray[np.int32]] = []
    position_parts: list[NDArray[np.int32]] = []
    classes: list[int] = []
    entries = numbers = 0
    for s in slots:
        wanted = columns.resource_class[
            columns.slot_resource[s] : columns.slot_resource[s + 1]
        ].tolist()
        classes += wanted
        positions_at.append(numbers)
        if not columns.slot_counted[s] or not wanted:
            kinds.append(_LEFT_OUT)
            single.append(False)
            starts.append(entries)
            continue
        tree, position = _entries(state, plans, s, wanted)
        one_each = len(tree) == trees and bool((tree == np.arange(trees)).all())
        whole = one_each and len(wanted) == 1 and _is_whole(state, wanted[0])
        if whole and _are_plain(state, wanted):
            kinds.append(wanted[0])
            single.append(True)
            starts.append(entries)
            continue
        kinds.append(_LISTED)
        single.append(one_each)
        tree_parts.append(tree)
        position_parts.append(position.T.ravel())
        entries += len(tree)
        numbers += position.size
        starts.append(entries)
    none = np.zeros(0, np.int32)
    return ScanColumns(
        slot_class=np.array(kinds, np.int32),
        slot_entry=np.array(starts, np.int32),
        slot_position=np.array(positions_at, np.int32),
        slot_single=np.array(single, np.bool_),
        tree=np.concatenate([none, *tree_parts]),
        position=np.concatenate([none, *position_parts]),
        plain=np.array([_are_plain(state, classes)], np.bool_),
        marks=np.zeros(max(np.diff(starts), default=0), np.bool_),
        counts=np.zeros(trees, np.int32),
    )


def _table(state: State, resource_class: int) -> tuple[int, NDArray[np.int32]]:
    """Give where a class table begins, and the provider of each of its entries."""
    index = state.index()
    if not 0 <= resource_class < len(index.class_start) - 1:
        return 0, np.zeros(0, np.int32)
    start, stop = index.class_start[resource_class : resource_class + 2]
    providers = state.tables.inventory["provider"][index.class_row[start:stop]]
    return int(start), providers


def _is_whole(state: State, resource_class: int) -> bool:
    return len(_table(state, resource_class)[1]) == len(state.index().roots)


def _are_plain(state: State, classes: list[int]) -> bool:
    """Say whether all offers of some classes have ``min_unit`` and ``step_size`` 1."""
    inventory, offer = state.tables.inventory, state.tables.offer
    numbers = inventory["offer"][np.isin(inventory["resource_class"], classes)]
    used = np.unique(numbers)
    return bool(
        (offer["min_unit"][used] == 1).all() and (offer["step_size"][used] == 1).all()
    )


def _entries(
    state: State, plans: Plans, slot: int, classes: list[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give tree (E,) and positions (E, K) of the providers that may serve a slot."""
    tables = [_table(state, resource_class) for resource_class in classes]
    providers = min((table[1] for table in tables), key=len)
    providers = providers[_admitted(state, plans, slot, providers)]
    columns = []
    for start, owners in tables:
        at = np.searchsorted(owners, providers)
        found = at < len(owners)
        found[found] = owners[at[found]] == providers[found]
        columns.append(np.where(found, start + at, -1))
    position = np.stack(columns, axis=1).astype(np.int32)
    there = (position >= 0).all(axis=1)
    roots = state.tables.provider["root"][providers[there]]
    tree = np.searchsorted(state.index().roots, roots).astype(np.int32)
    return tree, position[there]


def _admitted(
    state: State, plans: Plans, slot: int, providers: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the providers that traits, aggregates and tree let serve a slot.

    The same rule as ``admits`` in ``kilonova_kernels.options``, for own trees only.
    """
    columns, table = plans.columns, state.tables.provider
    group = int(columns.slot_group[slot])
    root = table["root"][providers]
    own = table["aggregate_set"][providers]
    anchor = table["aggregate_set"][root]
    marks: NDArray[np.bool_] = columns.group_trait_ok[
        group, table["trait_set"][providers]
    ]
    member = columns.group_member[group]
    banned = columns.group_banned[group]
    if columns.group_suffixed[group]:
        marks = marks & member[own] & ~banned[own]
    else:
        marks = marks & (member[own] | member[anchor]) & ~banned[own] & ~banned[anchor]
    tree = int(columns.group_tree[group])
    return marks if tree < 0 else marks & (root == tree)

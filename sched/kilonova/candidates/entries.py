"""Which providers may serve each slot of a plan, amounts aside."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.cloud.state import State


class Entries(NamedTuple):
    """The providers that may serve one slot.

    Attributes
    ----------
    provider, tree
        Each of them and its tree, ascending, (E,) int32.
    position
        Its places in ``largest``, class by class of the slot, (E, K) int32.
    """

    provider: NDArray[np.int32]
    tree: NDArray[np.int32]
    position: NDArray[np.int32]


def all_entries(state: State, plans: Plans, plan: int) -> list[Entries]:
    """List the entries of each slot of one plan; groups that are alike share them."""
    columns = plans.columns
    known: dict[int, Entries] = {}
    found = []
    for slot in range(*columns.plan_slot[plan : plan + 2].tolist()):
        group = int(columns.slot_group[slot])
        kin = int(columns.group_kin[group])
        if not columns.group_suffixed[group] or kin not in known:
            known[kin] = _entries(state, plans, slot)
        found.append(known[kin])
    return found


def slot_classes(plans: Plans, slot: int) -> list[int]:
    """Give the classes of one slot, by row."""
    columns = plans.columns
    start, stop = columns.slot_resource[slot : slot + 2]
    classes: list[int] = columns.resource_class[start:stop].tolist()
    return classes


def class_range(state: State, resource_class: int) -> range:
    """Give the entries of one class in the class tables; none of an unknown class."""
    start = state.index().class_start
    if not 0 <= resource_class < len(start) - 1:
        return range(0)
    return range(*start[resource_class : resource_class + 2].tolist())


def class_inventories(state: State, resource_class: int) -> NDArray[np.int32]:
    """Give the inventories of one class, by provider."""
    entries = class_range(state, resource_class)
    return state.index().class_row[entries.start : entries.stop]


def _entries(state: State, plans: Plans, slot: int) -> Entries:
    none = np.zeros(0, np.int32)
    classes = slot_classes(plans, slot)
    if not classes:
        return Entries(none, none, none.reshape(0, 0))
    owner = state.tables.inventory["provider"]
    owners = [owner[class_inventories(state, each)] for each in classes]
    fewest = min(owners, key=len)
    admitted = np.flatnonzero(_admitted(state, plans, slot, fewest))
    providers = fewest[admitted]
    columns = []
    for resource_class, own in zip(classes, owners, strict=True):
        start = class_range(state, resource_class).start
        # Mostly the same providers have all of the classes.
        if np.array_equal(own, fewest):
            columns.append(start + admitted)
            continue
        at = np.searchsorted(own, providers)
        found = at < len(own)
        found[found] = own[at[found]] == providers[found]
        columns.append(np.where(found, start + at, -1))
    position = np.stack(columns, axis=1).astype(np.int32)
    there = (position >= 0).all(axis=1)
    if not there.all():
        providers, position = providers[there], position[there]
    return Entries(providers, _trees(state, providers), position)


def _trees(state: State, providers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give the tree of each provider."""
    roots, root = state.index().roots, state.tables.provider["root"]
    own = root[providers]
    if np.array_equal(own, roots):
        return np.arange(len(roots), dtype=np.int32)
    number = np.empty(len(root), np.int32)
    number[roots] = np.arange(len(roots))
    found: NDArray[np.int32] = number[own]
    return found


def _admitted(
    state: State, plans: Plans, slot: int, providers: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the providers that traits, aggregates and tree let serve a slot.

    The same rule as ``admits`` in ``kilonova_kernels.options``, for own trees only.
    What all sets meet is not looked up.
    """
    columns, table = plans.columns, state.tables.provider
    group = int(columns.slot_group[slot])
    marks = np.ones(len(providers), np.bool_)
    trait_ok = columns.group_trait_ok[group]
    if not trait_ok.all():
        marks &= trait_ok[table["trait_set"][providers]]
    member, banned = columns.group_member[group], columns.group_banned[group]
    if banned.any() or not member.all():
        own = table["aggregate_set"][providers]
        marks &= ~banned[own]
        if columns.group_suffixed[group]:
            marks &= member[own]
        else:
            anchor = table["aggregate_set"][table["root"][providers]]
            marks &= (member[own] | member[anchor]) & ~banned[anchor]
    tree = int(columns.group_tree[group])
    return marks if tree < 0 else marks & (table["root"][providers] == tree)

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


def class_table(state: State, resource_class: int) -> tuple[int, NDArray[np.int32]]:
    """Give where a class table begins, and the provider of each of its entries."""
    index = state.index()
    if not 0 <= resource_class < len(index.class_start) - 1:
        return 0, np.zeros(0, np.int32)
    start, stop = index.class_start[resource_class : resource_class + 2]
    providers = state.tables.inventory["provider"][index.class_row[start:stop]]
    return int(start), providers


def _entries(state: State, plans: Plans, slot: int) -> Entries:
    none = np.zeros(0, np.int32)
    tables = [class_table(state, name) for name in slot_classes(plans, slot)]
    if not tables:
        return Entries(none, none, none.reshape(0, 0))
    fewest = min((table[1] for table in tables), key=len)
    admitted = np.flatnonzero(_admitted(state, plans, slot, fewest))
    providers = fewest[admitted]
    columns = []
    for start, owners in tables:
        # Mostly the same providers have all of the classes.
        if np.array_equal(owners, fewest):
            columns.append(start + admitted)
            continue
        at = np.searchsorted(owners, providers)
        found = at < len(owners)
        found[found] = owners[at[found]] == providers[found]
        columns.append(np.where(found, start + at, -1))
    position = np.stack(columns, axis=1).astype(np.int32)
    there = (position >= 0).all(axis=1)
    providers = providers[there]
    return Entries(providers, _trees_of(state, providers), position[there])


def _trees_of(state: State, providers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give the trees of some providers, which ascend."""
    roots = state.index().roots
    own = state.tables.provider["root"][providers]
    if np.array_equal(own, roots):
        return np.arange(len(roots), dtype=np.int32)
    return np.searchsorted(roots, own).astype(np.int32)


def _admitted(
    state: State, plans: Plans, slot: int, providers: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the providers that traits, aggregates and tree let serve a slot.

    The same rule as ``admits`` in ``kilonova_kernels.options``, for own trees only.
    """
    columns, table = plans.columns, state.tables.provider
    group = int(columns.slot_group[slot])
    marks = np.ones(len(providers), np.bool_)
    # To look up what nobody asks for takes as long as the rest.
    allowed = columns.group_trait_ok[group]
    if not allowed.all():
        marks &= allowed[table["trait_set"][providers]]
    member, banned = columns.group_member[group], columns.group_banned[group]
    if banned.any() or not member.all():
        own = table["aggregate_set"][providers]
        good = member[own]
        if not columns.group_suffixed[group]:
            anchor = table["aggregate_set"][table["root"][providers]]
            good |= member[anchor]
            good &= ~banned[anchor]
        marks &= good & ~banned[own]
    tree = int(columns.group_tree[group])
    if tree >= 0:
        marks &= table["root"][providers] == tree
    return marks

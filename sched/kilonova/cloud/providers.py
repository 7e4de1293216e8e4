"""Edits of provider trees: add, rename, remove, give another parent."""

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.hosts import forget_provider
from kilonova.cloud.state import State
from kilonova.cloud.tables import Table
from kilonova.cloud.vocabulary import checked_name
from kilonova.errors import BadInput, Conflict, InUse

LONGEST_NAME = 200


def add_provider(state: State, name: str, parent: str | None, uuid: str | None) -> int:
    """Add a provider as the last child of ``parent``, or as a root; give its row.

    Raises
    ------
    BadInput
        The name or UUID cannot be kept.
    Conflict
        The name or UUID is taken.
    UnknownProvider
        There is no such parent.
    """
    parent_row = -1 if parent is None else state.provider_row(parent)
    check_name(state, name)
    if uuid is not None and uuid != name:
        checked_name("A provider's UUID", uuid, LONGEST_NAME)
        _check_free(state, "UUID", uuid, -1)
    table = state.tables.provider
    row = table.count if parent is None else int(table["subtree_end"][parent_row])
    state.provider_names.insert(row, [name])
    state.provider_uuids.insert(row, [uuid or ""])
    if row < table.count:
        ends = table["subtree_end"]
        ends[ends > row] += 1
    state.tables.insert("provider", row)
    table["parent"][row] = parent_row
    table["root"][row] = row if parent is None else table["root"][parent_row]
    table["subtree_end"][row] = row + 1
    for ancestor in ancestors(table, row):
        # An ancestor whose subtree ended just here was not moved with the others.
        table["subtree_end"][ancestor] = max(table["subtree_end"][ancestor], row + 1)
    state.rows_moved(row)
    return row


def ancestors(table: Table, row: int) -> list[int]:
    """Give the rows above a provider, nearest first."""
    found = []
    above = int(table["parent"][row])
    while above >= 0:
        found.append(above)
        above = int(table["parent"][above])
    return found


def check_name(state: State, name: str, row: int = -1) -> None:
    """Refuse a name that the provider in ``row``, or a new one, cannot have.

    Raises
    ------
    BadInput
        It is not text of 1 to 200 characters.
    Conflict
        Another provider has this name, or this UUID: names and UUIDs are told apart by
        nothing but whose they are.
    """
    checked_name("A provider's name", name, LONGEST_NAME)
    _check_free(state, "name", name, row)


def _check_free(state: State, what: str, identity: str, row: int) -> None:
    taken = {state.provider_names.find(identity), state.provider_uuids.find(identity)}
    if taken - {-1, row}:
        raise Conflict(f"The {what} {identity!r} is taken; names and UUIDs are unique.")


def rename_provider(state: State, row: int, name: str) -> None:
    """Give a provider another name.

    Raises
    ------
    BadInput
        The name cannot be kept.
    Conflict
        The name is taken.
    """
    from kilonova_kernels.claims import record_change

    check_name(state, name, row)
    state.provider_names.set(row, name)
    # A request may name the provider; texts that are kept follow the journal.
    state.facts_changed()
    record_change(state.columns(), row)


def remove_provider(state: State, row: int) -> None:
    """Remove a provider and its inventories.

    Raises
    ------
    InUse
        It has children or allocations.
    """
    table = state.tables.provider
    name = state.provider_names[row]
    if (children := int(table["subtree_end"][row]) - row - 1) > 0:
        raise InUse(
            f"Provider {name!r} has {children} providers below it; remove them first."
        )
    rows = state.inventory_rows(row)
    if state.tables.inventory["used"][rows.start : rows.stop].any():
        raise InUse(f"Provider {name!r} has allocations; release them first.")
    forget_provider(state, row)
    for above in ancestors(table, row):
        table["subtree_end"][above] -= 1
    state.tables.remove("inventory", rows.start, len(rows))
    state.tables.remove("provider", row)
    ends = table["subtree_end"][row:]
    ends -= 1
    state.provider_names.remove(row, 1)
    state.provider_uuids.remove(row, 1)
    state.rows_moved(row)


def set_parent(
    state: State, row: int, parent: str | None, may_reparent: bool = True
) -> None:
    """Hang a provider and all below it under another parent, or make it a root.

    ``may_reparent`` False is the rule before microversion 1.37: a parent that is set
    stays.

    Raises
    ------
    UnknownProvider
        There is no such parent.
    BadInput
        The parent is the provider itself or below it, or the provider has another
        parent and may not change it. Placement answers 400 to both.
    """
    table = state.tables.provider
    name = state.provider_names[row]
    target = -1 if parent is None else state.provider_row(parent)
    before = int(table["parent"][row])
    if target == before:
        return
    if before >= 0 and not may_reparent:
        raise BadInput(
            f"Provider {name!r} keeps its parent "
            f"{state.provider_names[before]!r}: changing it needs microversion 1.37."
        )
    end = int(table["subtree_end"][row])
    if row <= target < end:
        raise BadInput(
            f"Provider {name!r} cannot have {parent!r} as parent: that would be a loop."
        )
    table["parent"][row] = target
    # As the last child of the new parent, as for a new provider.
    place = table.count if target < 0 else int(table["subtree_end"][target])
    moved = np.arange(row, end)
    rest = np.concatenate([np.arange(row), np.arange(end, table.count)])
    at = place if place <= row else place - len(moved)
    reorder(state, np.insert(rest, at, moved))


def reorder(state: State, order: NDArray[np.int64]) -> None:
    """Lay the providers in another preorder: new row i is what was row ``order[i]``."""
    from kilonova_kernels.trees import close_trees

    tables = state.tables
    tables.reorder("provider", order)
    state.provider_names.reorder(order)
    state.provider_uuids.reorder(order)
    inventory = tables.inventory
    by_provider = np.lexsort((inventory["resource_class"], inventory["provider"]))
    tables.reorder("inventory", by_provider)
    table = tables.provider
    close_trees(table["parent"], table["root"], table["subtree_end"])
    state.rows_moved()

"""Edits of what providers have: inventories, traits, aggregates."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kilonova.cloud.offers import Inventory
from kilonova.cloud.sharing import SHARES
from kilonova.cloud.state import State
from kilonova.cloud.vocabulary import checked_names
from kilonova.errors import BadInput, GenerationConflict, InUse, NotFound

Inventories = Mapping[str, Inventory | Mapping[str, Any]]


def check_generation(state: State, row: int, generation: int | None) -> None:
    """Refuse an edit that was made for another generation of a provider.

    Raises
    ------
    GenerationConflict
        ``generation`` is given and is not the present one.
    """
    now = int(state.tables.provider["generation"][row])
    if generation is not None and generation != now:
        raise GenerationConflict(
            f"Provider {state.provider_names[row]!r} is at generation {now}, "
            f"not {generation}; read it again."
        )


def set_inventories(
    state: State, row: int, inventories: Inventories, generation: int | None
) -> None:
    """Replace all inventories of a provider. Capacity may fall below what is used.

    Raises
    ------
    BadInput
        A limit cannot be right.
    GenerationConflict
        As ``check_generation``.
    UnknownResourceClass
        A class is neither standard nor known.
    InUse
        A class that has allocations would vanish.

    Notes
    -----
    Of several reasons to refuse, the one that Placement names: they are in its order.
    """
    where = f"{state.provider_names[row]!r}, "
    shaped = {
        rc: Inventory.shaped(f"{where}{rc}", fields)
        for rc, fields in checked_inventories(inventories).items()
    }
    check_generation(state, row, generation)
    for rc, inventory in shaped.items():
        inventory.checked(f"{where}{rc}")
    wanted = {state.resource_classes.known(rc): shaped[rc] for rc in shaped}
    used = state.tables.inventory["used"]
    classes = state.tables.inventory["resource_class"]
    gone = [i for i in state.inventory_rows(row) if int(classes[i]) not in wanted]
    for i in gone:
        if used[i]:
            _refuse_in_use(state, i)
    for i in reversed(gone):
        state.tables.remove("inventory", i)
        state.rows_moved(row)
    for resource_class in sorted(wanted):
        put_inventory(state, row, resource_class, wanted[resource_class])
    touch(state, row)


def checked_inventories(inventories: object) -> Inventories:
    """Give inventories by class back; raises BadInput if they are anything else."""
    if not isinstance(inventories, Mapping):
        raise BadInput(
            f"Inventories must be an object, by class, got {inventories!r:.80}."
        )
    return inventories


def set_inventory(
    state: State,
    row: int,
    name: str,
    fields: Inventory | Mapping[str, Any],
    generation: int | None,
) -> None:
    """Add or change the inventory of one class. Raises as ``set_inventories``."""
    where = f"{state.provider_names[row]!r}, {name}"
    inventory = Inventory.shaped(where, fields)
    check_generation(state, row, generation)
    inventory.checked(where)
    put_inventory(state, row, state.resource_classes.known(name), inventory)
    touch(state, row)


def remove_inventory(state: State, row: int, name: str) -> None:
    """Remove the inventory of one class.

    Raises
    ------
    NotFound
        The provider has no inventory of the class.
    InUse
        The class has allocations.
    """
    inventory = state.inventory_row(row, state.resource_classes.find(name))
    if inventory < 0:
        raise NotFound(
            f"Provider {state.provider_names[row]!r} has no inventory of {name!r}."
        )
    if state.tables.inventory["used"][inventory]:
        _refuse_in_use(state, inventory)
    state.tables.remove("inventory", inventory)
    state.rows_moved(row)
    touch(state, row)


def put_inventory(
    state: State, row: int, resource_class: int, inventory: Inventory
) -> None:
    """Write one inventory, in place where the provider has the class already."""
    table = state.tables.inventory
    at = state.inventory_row(row, resource_class)
    offers = state.tables.offer.count
    offer = state.offers.number(inventory)
    if inventory.min_unit > 1 or inventory.step_size > 1:
        state.odd_limits += 1
    if at < 0:
        rows = state.inventory_rows(row)
        before = table["resource_class"][rows.start : rows.stop] < resource_class
        at = rows.start + int(before.sum())
        state.tables.insert("inventory", at)
        table["provider"][at] = row
        table["resource_class"][at] = resource_class
        table["offer"][at] = offer
        state.rows_moved(row)
        return
    if state.tables.offer.count != offers:
        state.arrays_replaced()
    table["offer"][at] = offer
    state.limits += 1
    state.refresh(at)


def set_traits(
    state: State, row: int, traits: Iterable[str], generation: int | None
) -> None:
    """Replace the traits of a provider.

    Raises
    ------
    BadInput
        Something is not the name of a trait, or not a list of them.
    GenerationConflict
        As ``check_generation``.
    UnknownTrait
        A trait is neither standard nor known.
    """
    names = checked_names("A trait", traits)
    check_generation(state, row, generation)
    table = state.tables.provider
    number = state.trait_sets.number(state.traits.known(name) for name in names)
    # As in Placement, to set the traits that are there already is no change. Of
    # aggregates and inventories it is one.
    if number == table["trait_set"][row]:
        return
    table["trait_set"][row] = number
    state.facts_changed(shares=state.traits.find(SHARES) in state.trait_sets[number])
    touch(state, row)


def set_aggregates(
    state: State, row: int, aggregates: Iterable[str], generation: int | None
) -> None:
    """Replace the aggregates of a provider; unknown ones come to be by this.

    Raises
    ------
    BadInput
        An aggregate's UUID cannot be kept.
    GenerationConflict
        As ``check_generation``.
    """
    names = checked_aggregates(aggregates)
    check_generation(state, row, generation)
    put_aggregates(state, row, names)
    state.facts_changed()
    touch(state, row)


def checked_aggregates(aggregates: Iterable[str]) -> list[str]:
    """Give UUIDs of aggregates that can be kept; raises BadInput."""
    return checked_names("An aggregate's UUID", aggregates)


def put_aggregates(state: State, row: int, names: list[str]) -> None:
    """Write the aggregates of a provider, already checked."""
    numbers = (state.aggregates.number(name) for name in names)
    state.tables.provider["aggregate_set"][row] = state.aggregate_sets.number(numbers)


def touch(state: State, row: int) -> None:
    """Note that a provider was edited: its generation, and its tree in the journal."""
    from kilonova_kernels.claims import record_change

    state.tables.provider["generation"][row] += 1
    record_change(state.columns(), row)


def remove_resource_class(state: State, name: str) -> None:
    """Remove a custom resource class.

    Raises
    ------
    BadInput, UnknownResourceClass
        It is a standard one, or unknown.
    InUse
        A provider has an inventory of it.
    """
    state.resource_classes.check_removable(name)
    number = state.resource_classes.find(name)
    if (state.tables.inventory["resource_class"] == number).any():
        raise InUse(f"Resource class {name!r} has inventories; remove them first.")
    state.resource_classes.remove(name)
    state.facts_changed()


def remove_trait(state: State, name: str) -> None:
    """Remove a custom trait.

    Raises
    ------
    BadInput, UnknownTrait
        It is a standard one, or unknown.
    InUse
        A provider has it.
    """
    state.traits.check_removable(name)
    number = state.traits.find(name)
    sets = np.flatnonzero(state.trait_sets.hits(frozenset({number})))
    if np.isin(state.tables.provider["trait_set"], sets).any():
        raise InUse(f"Trait {name!r} is on providers; take it off them first.")
    state.traits.remove(name)
    state.facts_changed()


def _refuse_in_use(state: State, inventory: int) -> None:
    table = state.tables.inventory
    resource_class = state.resource_classes[int(table["resource_class"][inventory])]
    provider = state.provider_names[int(table["provider"][inventory])]
    raise InUse(
        f"{resource_class} of provider {provider!r} has allocations of "
        f"{int(table['used'][inventory])}; release them first."
    )

"""Tell whether amounts fit the providers that would serve them."""

from collections.abc import Mapping

from oracle.state import Provider, State


def fits(provider: Provider, resource_class: str, amount: int) -> bool:
    """Tell whether one group may take this amount here."""
    offer = provider.inventories.get(resource_class)
    if offer is None:
        return False
    used = provider.used.get(resource_class, 0)
    return (
        offer.min_unit <= amount <= offer.max_unit
        and amount % offer.step_size == 0
        and used + amount <= offer.capacity
    )


def fits_together(state: State, amounts: Mapping[tuple[str, str], int]) -> bool:
    """Tell whether what all groups take of each provider and class fits at once.

    Only capacity and ``max_unit`` bound a sum. Every part was a multiple of the step
    and not below ``min_unit``, so that the sum is so as well.
    """
    for (name, resource_class), amount in amounts.items():
        provider = state.providers[name]
        offer = provider.inventories[resource_class]
        used = provider.used.get(resource_class, 0)
        if used + amount > offer.capacity or amount > offer.max_unit:
            return False
    return True

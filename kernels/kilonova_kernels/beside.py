"""Whether one option of a slot goes with the options that were chosen before it."""

from kilonova_kernels._jit import part
from kilonova_kernels.columns import CloudColumns, PlanColumns, SearchColumns


@part
def chosen_provider(search: SearchColumns, depth: int) -> int:
    """Give the provider that is taken at one depth of the search."""
    return int(search.option_provider[search.order[depth], search.choice[depth]])


@part
def goes_with(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    slot: int,
    option: int,
) -> bool:
    """Say whether an option of a slot goes with all choices above ``depth``.

    Clauses and subtrees, which bind more than two slots, are not looked at.
    """
    first = plans.plan_slot[plan]
    provider = search.option_provider[slot, option]
    apart = (
        plans.plan_isolate[plan]
        and (plans.group_suffixed[plans.slot_group[first + slot]])
    )
    flat = plans.plan_flat[plan]
    if apart or flat:
        for d in range(depth):
            taken = chosen_provider(search, d)
            if taken == provider:
                other = plans.slot_group[first + search.order[d]]
                if apart and plans.group_suffixed[other]:
                    return False
            elif flat and cloud.provider_root[taken] == cloud.provider_root[provider]:
                return False
    return _has_room(cloud, plans, plan, search, depth, slot, option)


@part
def taken_amount(
    plans: PlanColumns, plan: int, search: SearchColumns, depth: int, inventory: int
) -> int:
    """Give what the choices above ``depth`` take of one inventory."""
    first = plans.plan_slot[plan]
    base = plans.slot_resource[first]
    total = 0
    for d in range(depth):
        s = search.order[d]
        for k in range(
            plans.slot_resource[first + s], plans.slot_resource[first + s + 1]
        ):
            if search.option_inventory[k - base, search.choice[d]] == inventory:
                total += plans.resource_amount[k]
    return total


@part
def _has_room(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    slot: int,
    option: int,
) -> bool:
    """Say whether the sums of amounts at shared inventories still fit.

    Notes
    -----
    Several groups on one inventory: their sum must fit its room and its ``max_unit``;
    ``min_unit`` and ``step_size`` hold for each group alone, and so for the sum.
    """
    first = plans.plan_slot[plan]
    base = plans.slot_resource[first]
    for k in range(
        plans.slot_resource[first + slot], plans.slot_resource[first + slot + 1]
    ):
        inventory = search.option_inventory[k - base, option]
        total = plans.resource_amount[k] + taken_amount(
            plans, plan, search, depth, inventory
        )
        if total > cloud.largest[cloud.inventory_position[inventory]]:
            return False
    return True

"""Depth-first search for the candidates of one tree, one after the other.

The remaining capacity is carried along: a branch dies at the first slot that does not
fit beside those already filled, so the first k candidates cost in proportion to k.
"""

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.columns import CloudColumns, PlanColumns, SearchColumns


@inlined
def start_search(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> None:
    """Get ready to search a tree whose options are listed.

    Slots with few options are filled first: their dead ends show early.
    """
    first = plans.plan_slot[plan]
    count = plans.plan_slot[plan + 1] - first
    for s in range(count):
        i = s
        while i > 0 and (
            search.option_count[search.order[i - 1]] > search.option_count[s]
        ):
            search.order[i] = search.order[i - 1]
            i -= 1
        search.order[i] = s
    search.reach[count] = 0
    for depth in range(count - 1, -1, -1):
        s = search.order[depth]
        group = plans.slot_group[first + s]
        bits = search.reach[depth + 1]
        if not plans.group_suffixed[group]:
            for i in range(search.option_count[s]):
                provider = search.option_provider[s, i]
                bits |= plans.group_bits[group, cloud.provider_trait_set[provider]]
        search.reach[depth] = bits
    search.cursor[0] = -1


@part
def next_candidate(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> bool:
    """Go on to the next candidate of the tree; False when there is none left.

    Returns
    -------
    bool
        When True, the slot ``order[d]`` is served by its option ``choice[d]``, for
        each depth d.
    """
    count = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    depth = search.cursor[0]
    if depth < 0:
        depth = 0
        search.choice[0] = -1
    else:
        depth = count - 1
    while depth >= 0:
        s = search.order[depth]
        search.choice[depth] += 1
        while search.choice[depth] < search.option_count[s] and not _fits_beside(
            cloud, plans, plan, search, depth
        ):
            search.choice[depth] += 1
        if search.choice[depth] == search.option_count[s]:
            depth -= 1
        elif depth == count - 1:
            if _completes(cloud, plans, plan, search):
                search.cursor[0] = depth
                return True
        else:
            depth += 1
            search.choice[depth] = -1
    search.cursor[0] = count
    return False


@inlined
def chosen_provider(search: SearchColumns, depth: int) -> int:
    """Give the provider that is taken at one depth of the search."""
    return int(search.option_provider[search.order[depth], search.choice[depth]])


@inlined
def _fits_beside(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether the option at ``depth`` goes with those above it."""
    first = plans.plan_slot[plan]
    s = search.order[depth]
    group = plans.slot_group[first + s]
    provider = chosen_provider(search, depth)
    suffixed = plans.group_suffixed[group]
    bits = search.reach[depth + 1]
    if not suffixed:
        bits |= plans.group_bits[group, cloud.provider_trait_set[provider]]
    for d in range(depth):
        other = plans.slot_group[first + search.order[d]]
        taken = chosen_provider(search, d)
        if not plans.group_suffixed[other]:
            bits |= plans.group_bits[other, cloud.provider_trait_set[taken]]
        elif suffixed and plans.plan_isolate[plan] and taken == provider:
            return False
    if bits & plans.plan_bits[plan] != plans.plan_bits[plan]:
        return False
    return _room_beside(cloud, plans, plan, search, depth)


@inlined
def _room_beside(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether the sums of amounts at shared inventories still fit.

    Notes
    -----
    Several groups on one inventory: their sum must fit its room and its ``max_unit``;
    ``min_unit`` and ``step_size`` hold for each group alone, and so for the sum.
    """
    first = plans.plan_slot[plan]
    base = plans.slot_resource[first]
    s = search.order[depth]
    for k in range(plans.slot_resource[first + s], plans.slot_resource[first + s + 1]):
        inventory = search.option_inventory[k - base, search.choice[depth]]
        total = plans.resource_amount[k]
        for d in range(depth):
            t = search.order[d]
            for m in range(
                plans.slot_resource[first + t], plans.slot_resource[first + t + 1]
            ):
                if search.option_inventory[m - base, search.choice[d]] == inventory:
                    total += plans.resource_amount[m]
        if total > cloud.largest[cloud.inventory_position[inventory]]:
            return False
    return True


@inlined
def _completes(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> bool:
    """Say whether a full choice meets the conditions on all providers together."""
    for b in range(plans.plan_subtree[plan], plans.plan_subtree[plan + 1]):
        if not _in_one_subtree(cloud, plans, plan, plans.subtree_groups[b], search):
            return False
    if not plans.plan_flat[plan]:
        return True
    count = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    for depth in range(count):
        provider = chosen_provider(search, depth)
        for d in range(depth):
            other = chosen_provider(search, d)
            if (
                other != provider
                and cloud.provider_root[other] == cloud.provider_root[provider]
            ):
                return False
    return True


@inlined
def _in_one_subtree(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    groups: int,
    search: SearchColumns,
) -> bool:
    """Say whether one provider of the named groups is above, or is, all others."""
    first = plans.plan_slot[plan]
    count = plans.plan_slot[plan + 1] - first
    # In preorder an ancestor comes before all of its subtree.
    top = -1
    for depth in range(count):
        group = plans.slot_group[first + search.order[depth]] - plans.plan_group[plan]
        provider = chosen_provider(search, depth)
        if groups >> group & 1 and (top < 0 or provider < top):
            top = provider
    for depth in range(count):
        group = plans.slot_group[first + search.order[depth]] - plans.plan_group[plan]
        if groups >> group & 1:
            provider = chosen_provider(search, depth)
            if provider >= cloud.provider_subtree_end[top]:
                return False
    return True

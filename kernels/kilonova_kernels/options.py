"""Which providers could take each slot of a plan, in one tree."""

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.columns import CloudColumns, Cursor, PlanColumns, SearchColumns

_TREE = Cursor.TREE


@inlined
def find_inventory(cloud: CloudColumns, provider: int, resource_class: int) -> int:
    """Give the inventory of one class at one provider, or -1."""
    for i in range(
        cloud.inventory_start[provider], cloud.inventory_start[provider + 1]
    ):
        if cloud.inventory_resource_class[i] == resource_class:
            return i
    return -1


@inlined
def takes(cloud: CloudColumns, inventory: int, amount: int) -> bool:
    """Say whether one inventory can give ``amount`` to one group.

    Notes
    -----
    Same answer as ``_capacity_check_clause`` in Placement's
    ``objects/research_context.py``. Placement compares with the real number
    ``(total - reserved) * allocation_ratio``; ``capacity`` is its whole part, which
    decides alike because ``used + amount`` is whole.
    """
    if amount > cloud.largest[cloud.inventory_position[inventory]]:
        return False
    offer = cloud.inventory_offer[inventory]
    if amount < cloud.offer_min_unit[offer]:
        return False
    # Most steps are 1, and a division costs more than all of the rest.
    step = cloud.offer_step_size[offer]
    return bool(step == 1 or amount % step == 0)


@inlined
def admits(
    cloud: CloudColumns, plans: PlanColumns, group: int, provider: int, root: int
) -> bool:
    """Say whether traits, aggregates and tree let ``provider`` serve ``group``.

    ``root`` is the anchor; a provider of another tree is there because it shares.

    Notes
    -----
    A suffixed group asks the provider alone. For the unsuffixed group the anchor's
    aggregates count as those of every provider of its own tree, and an anchor in a
    forbidden aggregate spoils all; ``in_tree`` holds for the anchor as well. Source:
    ``get_trees_matching_all`` and ``get_providers_with_resource`` in Placement's
    ``objects/research_context.py``.
    """
    if not plans.group_trait_ok[group, cloud.provider_trait_set[provider]]:
        return False
    own = cloud.provider_root[provider]
    suffixed = plans.group_suffixed[group]
    tree = plans.group_tree[group]
    if tree >= 0 and (own != tree or (root != tree and not suffixed)):
        return False
    aggregates = cloud.provider_aggregate_set[provider]
    if plans.group_banned[group, aggregates]:
        return False
    if suffixed:
        return bool(plans.group_member[group, aggregates])
    anchor_aggregates = cloud.provider_aggregate_set[root]
    if plans.group_banned[group, anchor_aggregates]:
        return False
    if plans.group_member[group, aggregates]:
        return True
    return bool(own == root and plans.group_member[group, anchor_aggregates])


@inlined
def own_size(cloud: CloudColumns, tree: int) -> int:
    """Count the providers of a tree itself: the first ones of those that may serve."""
    root = cloud.roots[tree]
    return int(cloud.provider_subtree_end[root] - root)


@inlined
def pool_size(cloud: CloudColumns, tree: int) -> int:
    """Count the providers that may serve a tree: its own, and those that share."""
    root = cloud.roots[tree]
    own = cloud.provider_subtree_end[root] - root
    if cloud.sharing.shape[0] == 0:
        return int(own)
    return int(own + cloud.share_start[tree + 1] - cloud.share_start[tree])


@inlined
def pool_provider(cloud: CloudColumns, tree: int, i: int) -> int:
    """Give the i-th provider that may serve a tree, its own ones first."""
    root = cloud.roots[tree]
    own = cloud.provider_subtree_end[root] - root
    if i < own:
        return int(root + i)
    return int(cloud.share_provider[cloud.share_start[tree] + i - own])


@part
def list_options(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    tree: int,
    search: SearchColumns,
) -> bool:
    """Fill ``search`` with the options of each slot of a plan in one tree.

    Parameters
    ----------
    cloud, plans
        Columns; nothing is written.
    plan, tree
        Row of the plan; number of the tree, an index of ``cloud.roots``.
    search
        ``option_count``, ``option_provider``, ``option_inventory`` are written, by
        slot and resource of this plan counted from 0; and the tree in ``cursor``.

    Returns
    -------
    bool
        False as soon as the root is not allowed or some slot has no option.
    """
    root = cloud.roots[tree]
    if not plans.plan_root_ok[plan, cloud.provider_trait_set[root]]:
        return False
    search.cursor[_TREE] = tree
    first = plans.plan_slot[plan]
    size = pool_size(cloud, tree)
    for s in range(plans.plan_slot[plan + 1] - first):
        group = plans.slot_group[first + s]
        start = plans.slot_resource[first + s]
        stop = plans.slot_resource[first + s + 1]
        base = start - plans.slot_resource[first]
        count = 0
        for i in range(size):
            provider = pool_provider(cloud, tree, i)
            fits = True
            for k in range(start, stop):
                inventory = find_inventory(cloud, provider, plans.resource_class[k])
                if inventory < 0 or not takes(
                    cloud, inventory, plans.resource_amount[k]
                ):
                    fits = False
                    break
                search.option_inventory[base + k - start, count] = inventory
            if fits and admits(cloud, plans, group, provider, root):
                search.option_provider[s, count] = provider
                count += 1
        search.option_count[s] = count
        if count == 0:
            return False
    return True

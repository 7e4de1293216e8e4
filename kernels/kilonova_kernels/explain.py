"""Which constraints of a request a tree fails."""

from typing import NamedTuple

from kilonova_kernels._jit import kernel, part
from kilonova_kernels._pointed import pointed
from kilonova_kernels.columns import Bool, CloudColumns, Int32, PlanColumns
from kilonova_kernels.fits import slot_inventory
from kilonova_kernels.options import (
    admits,
    find_inventory,
    pool_provider,
    pool_size,
)

# Kinds of constraint. The five of a class follow each other: one look decides them all.
ROOT = 0
OFFERED = 1
MIN_UNIT = 2
MAX_UNIT = 3
STEP_SIZE = 4
CAPACITY = 5
TRAITS = 6
MEMBER = 7
BANNED = 8
IN_TREE = 9
WHOLE = 10
SPREAD = 11


@pointed
class ConstraintColumns(NamedTuple):
    """What one request asks for, constraint by constraint.

    C constraints; X trait sets, Y aggregate sets.

    Attributes
    ----------
    kind
        One of the kinds of this module, (C,).
    group
        Group that it is about, (C,), -1 for the whole request.
    resource
        Resource of the plan that it is about, (C,), -1 for none.
    trait_ok, aggregate_ok
        Whether it holds for a trait set or an aggregate set, (C, X) and (C, Y).
    """

    kind: Int32
    group: Int32
    resource: Int32
    trait_ok: Bool
    aggregate_ok: Bool


@kernel
def mark_failing(
    cloud: CloudColumns,
    plans: PlanColumns,
    constraints: ConstraintColumns,
    trees: Int32,
    fails: Bool,
) -> None:
    """Mark the constraints that each tree fails, each looked at by itself.

    Parameters
    ----------
    cloud, plans
        Columns; the only plan is the request that the constraints are of.
    constraints
        In an order where those of a class follow each other.
    trees
        Numbers of the trees to look at, (N,) int32.
    fails
        Output, (N, C) bool.

    Notes
    -----
    Of the five constraints of a class at most one is marked: that after which no
    provider is left. Traits, aggregates and ``in_tree`` are asked of the providers that
    offer some class of the group, whatever is left there.
    """
    for n in range(trees.shape[0]):
        tree = trees[n]
        stage = 0
        for c in range(constraints.kind.shape[0]):
            kind = constraints.kind[c]
            if OFFERED <= kind <= CAPACITY:
                if kind == OFFERED:
                    k = constraints.resource[c]
                    stage = class_stage(
                        cloud, tree, plans.resource_class[k], plans.resource_amount[k]
                    )
                fails[n, c] = stage == kind
            elif kind == ROOT:
                traits = cloud.provider_trait_set[cloud.roots[tree]]
                fails[n, c] = not constraints.trait_ok[c, traits]
            elif kind == WHOLE:
                fails[n, c] = not _group_served(
                    cloud, plans, constraints.group[c], tree
                )
            elif kind == SPREAD:
                fails[n, c] = not _enough_providers(cloud, plans, tree)
            else:
                fails[n, c] = not _some_provider(cloud, plans, constraints, c, tree)


@part
def class_stage(
    cloud: CloudColumns, tree: int, resource_class: int, amount: int
) -> int:
    """Give the constraint of a class after which no provider is left, or 0.

    Each takes away providers from what those before it left: who offers the class at
    all, then ``min_unit``, ``max_unit``, ``step_size`` and what is left of capacity.
    """
    best = OFFERED
    for i in range(pool_size(cloud, tree)):
        inventory = find_inventory(cloud, pool_provider(cloud, tree, i), resource_class)
        if inventory < 0:
            continue
        offer = cloud.inventory_offer[inventory]
        room = cloud.offer_capacity[offer] - cloud.inventory_used[inventory]
        if amount < cloud.offer_min_unit[offer]:
            best = max(best, MIN_UNIT)
        elif amount > cloud.offer_max_unit[offer]:
            best = max(best, MAX_UNIT)
        elif amount % cloud.offer_step_size[offer] != 0:
            best = max(best, STEP_SIZE)
        elif amount > room:
            best = max(best, CAPACITY)
        else:
            return 0
    return best


@part
def _some_provider(
    cloud: CloudColumns,
    plans: PlanColumns,
    constraints: ConstraintColumns,
    c: int,
    tree: int,
) -> bool:
    """Say whether a provider that offers some class of the group meets a constraint."""
    root = cloud.roots[tree]
    for i in range(pool_size(cloud, tree)):
        provider = pool_provider(cloud, tree, i)
        if _offers_some(cloud, plans, constraints.group[c], provider) and _meets(
            cloud, plans, constraints, c, provider, root
        ):
            return True
    return False


@part
def _meets(
    cloud: CloudColumns,
    plans: PlanColumns,
    constraints: ConstraintColumns,
    c: int,
    provider: int,
    root: int,
) -> bool:
    """Say whether one provider meets one constraint. See ``options.admits``."""
    kind = constraints.kind[c]
    group = constraints.group[c]
    own = cloud.provider_root[provider]
    if kind == TRAITS:
        return bool(constraints.trait_ok[c, cloud.provider_trait_set[provider]])
    if kind == IN_TREE:
        tree = plans.group_tree[group]
        return bool(own == tree and (plans.group_suffixed[group] or root == tree))
    here = constraints.aggregate_ok[c, cloud.provider_aggregate_set[provider]]
    if plans.group_suffixed[group]:
        return bool(here)
    above = constraints.aggregate_ok[c, cloud.provider_aggregate_set[root]]
    if kind == BANNED:
        return bool(here and above)
    return bool(here or (above and own == root))


@part
def _offers_some(
    cloud: CloudColumns, plans: PlanColumns, group: int, provider: int
) -> bool:
    """Say whether a provider offers a class of the group, or the group has none."""
    nothing = True
    for s in range(plans.slot_group.shape[0]):
        if plans.slot_group[s] != group:
            continue
        for k in range(plans.slot_resource[s], plans.slot_resource[s + 1]):
            nothing = False
            if find_inventory(cloud, provider, plans.resource_class[k]) >= 0:
                return True
    return nothing


@part
def _group_served(
    cloud: CloudColumns, plans: PlanColumns, group: int, tree: int
) -> bool:
    """Say whether each slot of a group has a provider that meets all of the group."""
    root = cloud.roots[tree]
    for s in range(plans.slot_group.shape[0]):
        if plans.slot_group[s] != group:
            continue
        served = False
        for i in range(pool_size(cloud, tree)):
            provider = pool_provider(cloud, tree, i)
            if slot_inventory(cloud, plans, s, provider) and admits(
                cloud, plans, group, provider, root
            ):
                served = True
                break
        if not served:
            return False
    return True


@part
def _enough_providers(cloud: CloudColumns, plans: PlanColumns, tree: int) -> bool:
    """Say whether as many providers offer what suffixed groups want as there are."""
    groups = 0
    for s in range(plans.slot_group.shape[0]):
        groups += plans.group_suffixed[plans.slot_group[s]]
    count = 0
    for i in range(pool_size(cloud, tree)):
        provider = pool_provider(cloud, tree, i)
        for s in range(plans.slot_group.shape[0]):
            if plans.group_suffixed[plans.slot_group[s]] and _offers_all(
                cloud, plans, s, provider
            ):
                count += 1
                break
    return count >= groups


@part
def _offers_all(
    cloud: CloudColumns, plans: PlanColumns, slot: int, provider: int
) -> bool:
    """Say whether a provider has inventories of all classes of a slot."""
    for k in range(plans.slot_resource[slot], plans.slot_resource[slot + 1]):
        if find_inventory(cloud, provider, plans.resource_class[k]) < 0:
            return False
    return True

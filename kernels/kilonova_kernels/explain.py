"""Which constraints of a request a tree fails."""

from typing import NamedTuple

from kilonova_kernels._jit import kernel, part
from kilonova_kernels._pointed import pointed
from kilonova_kernels.columns import Bool, CloudColumns, Int32, Int64, PlanColumns
from kilonova_kernels.entries import find_runs
from kilonova_kernels.fits import slot_inventory
from kilonova_kernels.options import (
    admits,
    find_inventory,
    own_size,
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
    runs: Int64,
    fails: Bool,
) -> None:
    """Mark the constraints that each tree fails, each looked at by itself.

    Parameters
    ----------
    cloud, plans
        Columns; the only plan is the request that the constraints are of.
    constraints
        In an order where the five of a class follow each other, and what sums up a
        group comes after its classes.
    trees
        Numbers of the trees to look at, ascending, (N,) int32.
    runs
        Working memory, (K, 2) int64 and zero: see ``find_runs``.
    fails
        Output, (C, N) bool, false at first.

    Notes
    -----
    Of the five constraints of a class at most one is marked: that after which no
    provider is left. Traits, aggregates and ``in_tree`` are asked of the providers that
    offer some class of the group, whatever is left there.
    """
    for n in range(trees.shape[0]):
        tree = trees[n]
        find_runs(cloud, plans, tree, runs)
        for c in range(constraints.kind.shape[0]):
            kind = constraints.kind[c]
            if kind == OFFERED:
                k = constraints.resource[c]
                stage = _class_stage(cloud, plans, tree, k, runs)
                if stage != 0:
                    fails[c + stage - OFFERED, n] = True
            elif kind == ROOT:
                traits = cloud.provider_trait_set[cloud.roots[tree]]
                fails[c, n] = not constraints.trait_ok[c, traits]
            elif kind == WHOLE:
                # Nobody can serve a group with a class that nobody has room for.
                fails[c, n] = _fails_class(constraints, c, fails, n) or (
                    not _group_served(cloud, plans, constraints.group[c], tree, runs)
                )
            elif kind == SPREAD:
                fails[c, n] = not _enough_providers(cloud, plans, tree)
            elif kind > CAPACITY:
                fails[c, n] = not _some_provider(
                    cloud, plans, constraints, c, tree, runs
                )


@part
def _class_stage(
    cloud: CloudColumns, plans: PlanColumns, tree: int, resource: int, runs: Int64
) -> int:
    """Give the constraint of a class after which no provider is left, or 0.

    Each takes away providers from what those before it left: who offers the class at
    all, then ``min_unit``, ``max_unit``, ``step_size`` and what is left of capacity.
    """
    resource_class = plans.resource_class[resource]
    amount = plans.resource_amount[resource]
    best = OFFERED
    for entry in range(runs[resource, 0], runs[resource, 1]):
        stage = _entry_stage(cloud, entry, amount)
        if stage == 0:
            return 0
        best = max(best, stage)
    for i in range(own_size(cloud, tree), pool_size(cloud, tree)):
        inventory = find_inventory(cloud, pool_provider(cloud, tree, i), resource_class)
        if inventory >= 0:
            stage = _entry_stage(cloud, cloud.inventory_position[inventory], amount)
            if stage == 0:
                return 0
            best = max(best, stage)
    return best


@part
def _entry_stage(cloud: CloudColumns, entry: int, amount: int) -> int:
    """Give the constraint of its class that an entry fails first, or 0."""
    offer = cloud.inventory_offer[cloud.class_row[entry]]
    if amount < cloud.offer_min_unit[offer]:
        return MIN_UNIT
    if amount > cloud.offer_max_unit[offer]:
        return MAX_UNIT
    step = cloud.offer_step_size[offer]
    if step != 1 and amount % step != 0:
        return STEP_SIZE
    # The least of what is left and of ``max_unit``, which was met.
    return 0 if amount <= cloud.largest[entry] else CAPACITY


@part
def _fails_class(constraints: ConstraintColumns, c: int, fails: Bool, n: int) -> bool:
    """Say whether a tree failed a class of the group that a constraint sums up."""
    for d in range(c):
        kind = constraints.kind[d]
        if (
            fails[d, n]
            and constraints.group[d] == constraints.group[c]
            and OFFERED <= kind <= CAPACITY
        ):
            return True
    return False


@part
def _some_provider(
    cloud: CloudColumns,
    plans: PlanColumns,
    constraints: ConstraintColumns,
    c: int,
    tree: int,
    runs: Int64,
) -> bool:
    """Say whether a provider that offers some class of the group meets a constraint."""
    root = cloud.roots[tree]
    group = constraints.group[c]
    nothing = True
    for s in range(plans.slot_group.shape[0]):
        if plans.slot_group[s] != group:
            continue
        for k in range(plans.slot_resource[s], plans.slot_resource[s + 1]):
            nothing = False
            for entry in range(runs[k, 0], runs[k, 1]):
                provider = cloud.inventory_provider[cloud.class_row[entry]]
                if _meets(cloud, plans, constraints, c, provider, root):
                    return True
    # Of its own providers all are looked at for a group that asks for no class.
    first = 0 if nothing else own_size(cloud, tree)
    for i in range(first, pool_size(cloud, tree)):
        provider = pool_provider(cloud, tree, i)
        if (nothing or _offers_some(cloud, plans, group, provider)) and _meets(
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
    """Say whether a provider offers a class of the group."""
    for s in range(plans.slot_group.shape[0]):
        if plans.slot_group[s] != group:
            continue
        for k in range(plans.slot_resource[s], plans.slot_resource[s + 1]):
            if find_inventory(cloud, provider, plans.resource_class[k]) >= 0:
                return True
    return False


@part
def _group_served(
    cloud: CloudColumns, plans: PlanColumns, group: int, tree: int, runs: Int64
) -> bool:
    """Say whether each slot of a group has a provider that meets all of the group."""
    for s in range(plans.slot_group.shape[0]):
        if plans.slot_group[s] == group and not _slot_served(
            cloud, plans, s, tree, runs
        ):
            return False
    return True


@part
def _slot_served(
    cloud: CloudColumns, plans: PlanColumns, slot: int, tree: int, runs: Int64
) -> bool:
    """Say whether some provider meets all that is asked of a slot."""
    group, root = plans.slot_group[slot], cloud.roots[tree]
    first, k = 0, plans.slot_resource[slot]
    if k < plans.slot_resource[slot + 1]:
        first = own_size(cloud, tree)
        for entry in range(runs[k, 0], runs[k, 1]):
            provider = cloud.inventory_provider[cloud.class_row[entry]]
            if slot_inventory(cloud, plans, slot, provider) and admits(
                cloud, plans, group, provider, root
            ):
                return True
    for i in range(first, pool_size(cloud, tree)):
        provider = pool_provider(cloud, tree, i)
        if slot_inventory(cloud, plans, slot, provider) and admits(
            cloud, plans, group, provider, root
        ):
            return True
    return False


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

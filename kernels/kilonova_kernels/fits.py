"""Which trees have a candidate for a plan."""

from kilonova_kernels._jit import common, inlined, kernel, part
from kilonova_kernels.columns import Bool, CloudColumns, PlanColumns, SearchColumns
from kilonova_kernels.options import (
    admits,
    list_options,
    pool_provider,
    pool_size,
)
from kilonova_kernels.search import next_candidate, start_search

_NO = 0
_FITS = 1
_SEARCH = 2


@part
def tree_fits(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    tree: int,
    search: SearchColumns,
) -> bool:
    """Say whether one tree has a candidate for a plan."""
    verdict = _count(cloud, plans, plan, tree)
    if verdict != _SEARCH:
        return bool(verdict == _FITS)
    return _has_candidate(cloud, plans, plan, tree, search)


@common
def _has_candidate(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    tree: int,
    search: SearchColumns,
) -> bool:
    """Say whether one tree has a candidate, by searching for it."""
    if not list_options(cloud, plans, plan, tree, search):
        return False
    start_search(cloud, plans, plan, search)
    return bool(next_candidate(cloud, plans, plan, search))


@kernel
def mark_fitting(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    fits: Bool,
) -> int:
    """Mark the trees that have a candidate; give how many there are.

    ``fits`` is (T,) bool and is written in full.
    """
    found = 0
    for tree in range(cloud.roots.shape[0]):
        fits[tree] = tree_fits(cloud, plans, plan, tree, search)
        found += fits[tree]
    return found


@part
def _count(cloud: CloudColumns, plans: PlanColumns, plan: int, tree: int) -> int:
    """Count what each slot alone could take: ``_NO``, ``_FITS`` or ``_SEARCH``.

    Enough providers for each slot, and every clause hit by some of them, is necessary
    for a candidate. It is sufficient where no two slots can get in each other's way
    (``plan_counts``, a fact of the plan) and the clauses leave no choice: each slot of
    the unsuffixed group has one provider only.
    """
    root = cloud.roots[tree]
    if not plans.plan_root_ok[plan, cloud.provider_trait_set[root]]:
        return _NO
    bits = 0
    wanted_bits = plans.plan_bits[plan]
    choices = False
    size = pool_size(cloud, tree)
    for s in range(plans.plan_slot[plan], plans.plan_slot[plan + 1]):
        if not plans.slot_counted[s]:
            continue
        group = plans.slot_group[s]
        suffixed = plans.group_suffixed[group]
        wanted = plans.plan_twins[plan] if suffixed else 1
        # For the clauses, all providers matter and not only enough of them.
        enough = wanted if suffixed or wanted_bits == 0 else size + 1
        count = 0
        for i in range(size):
            provider = pool_provider(cloud, tree, i)
            if slot_inventory(cloud, plans, s, provider) and admits(
                cloud, plans, group, provider, root
            ):
                bits |= plans.group_bits[group, cloud.provider_trait_set[provider]]
                count += 1
                if count == enough:
                    break
        if count < wanted:
            return _NO
        choices = choices or (enough > wanted and count > 1)
    if bits & wanted_bits != wanted_bits:
        return _NO
    return _FITS if plans.plan_counts[plan] and not choices else _SEARCH


@inlined
def slot_inventory(
    cloud: CloudColumns, plans: PlanColumns, slot: int, provider: int
) -> bool:
    """Say whether one provider can give all amounts of one slot."""
    start = cloud.inventory_start
    position = cloud.inventory_position
    classes = cloud.inventory_resource_class
    largest = cloud.largest
    offers = cloud.inventory_offer
    mins = cloud.offer_min_unit
    steps = cloud.offer_step_size
    wanted = plans.resource_class
    amounts = plans.resource_amount
    for k in range(plans.slot_resource[slot], plans.slot_resource[slot + 1]):
        ok = False
        for i in range(start[provider], start[provider + 1]):
            if classes[i] == wanted[k]:
                a = amounts[k]
                ok = (
                    a <= largest[position[i]]
                    and a >= mins[offers[i]]
                    and (steps[offers[i]] == 1 or a % steps[offers[i]] == 0)
                )
                break
        if not ok:
            return False
    return True

"""Which trees fit a relaxed request, and the least that must be asked less of."""

from typing import NamedTuple

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.columns import (
    Bool,
    CloudColumns,
    Int32,
    Int64,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.entries import find_run
from kilonova_kernels.fits import tree_fits
from kilonova_kernels.options import (
    find_inventory,
    own_size,
    pool_provider,
    pool_size,
)


class Reduction(NamedTuple):
    """An amount that may be lowered.

    Attributes
    ----------
    resource
        Row of the plan's resource.
    most
        Largest amount to try, at least 0: one less than is asked.
    sums
        What other groups may take of the same inventory: all sums of their amounts of
        the class, (N,) int64, 0 included.
    run
        Working memory, (2,) int64, zero at first: see ``find_run``.
    """

    resource: int
    most: int
    sums: Int64
    run: Int64


class Amounts(NamedTuple):
    """Amounts of the first plan.

    Attributes
    ----------
    resource
        Row of the resource of each, (M,) int32.
    run
        Working memory, (M, 2) int64, zero at first: see ``find_run``.
    """

    resource: Int32
    run: Int64


@kernel
def mark_fitting_among(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    trees: Int32,
    changed: Amounts,
    fits: Bool,
) -> int:
    """Mark which of the given trees, (N,), fit the first plan; count them.

    ``changed`` names those amounts that nothing is known of yet: for each of the others
    some provider has room, or a search will say that none has.
    """
    found = 0
    for n in range(trees.shape[0]):
        # Most of those that do not fit fail here, where it takes no walk to see it.
        fits[n] = _has_rooms(cloud, plans, trees[n], changed) and tree_fits(
            cloud, plans, 0, trees[n], search
        )
        found += fits[n]
    return found


@part
def _has_rooms(
    cloud: CloudColumns, plans: PlanColumns, tree: int, changed: Amounts
) -> bool:
    """Say whether each of some amounts fits the room of some provider."""
    for n in range(changed.resource.shape[0]):
        k = changed.resource[n]
        amount, run = plans.resource_amount[k], changed.run[n]
        find_run(cloud, plans.resource_class[k], tree, run)
        found = False
        for entry in range(run[0], run[1]):
            found = found or cloud.largest[entry] >= amount
        for i in range(own_size(cloud, tree), pool_size(cloud, tree)):
            provider = pool_provider(cloud, tree, i)
            inventory = find_inventory(cloud, provider, plans.resource_class[k])
            found = found or (
                inventory >= 0
                and cloud.largest[cloud.inventory_position[inventory]] >= amount
            )
        if not found:
            return False
    return True


@kernel
def largest_amount(
    cloud: CloudColumns,
    plans: PlanColumns,
    reduction: Reduction,
    search: SearchColumns,
    trees: Int32,
) -> int:
    """Find the largest amount of one class with which some tree fits; 0 if none does.

    Parameters
    ----------
    cloud, plans
        Columns; the amount of the first plan that ``reduction`` names is written over.
    reduction
        What may be lowered, and from where.
    search, trees
        Working memory; trees to look at, (M,) int32.

    Notes
    -----
    Fewer units are not always easier: ``min_unit`` and ``step_size`` leave gaps. But
    for any way to serve the request, the largest amount is what others leave of an
    inventory, rounded down to its step. Only such amounts are tried.
    """
    best = 0
    for n in range(trees.shape[0]):
        best = _best_in_tree(cloud, plans, reduction, search, trees[n], best)
    return best


@kernel
def least_reductions(
    cloud: CloudColumns,
    plans: PlanColumns,
    one: Reduction,
    other: Reduction,
    search: SearchColumns,
    trees: Int32,
    out: Int64,
) -> bool:
    """Find the two smallest reductions with which some tree fits.

    Parameters
    ----------
    cloud, plans, search, trees
        As for ``largest_amount``.
    one, other
        What may be lowered. The sums leave the other one out; their second half is
        written over.
    out
        (3,) int64: cost, and the two amounts. The cost must be the largest number at
        first.

    Returns
    -------
    bool
        Whether any two smaller amounts will do.

    Notes
    -----
    Smallest is the least sum of both reductions, each as a share of what is asked. It
    is compared by products, which have room: amounts are below 2^31.
    """
    found = False
    for n in range(trees.shape[0]):
        if _reduce_both(cloud, plans, one, other, search, trees[n], out):
            found = True
        if _reduce_both(cloud, plans, other, one, search, trees[n], out):
            found = True
            out[1], out[2] = out[2], out[1]
    return found


@part
def _reduce_both(
    cloud: CloudColumns,
    plans: PlanColumns,
    first: Reduction,
    second: Reduction,
    search: SearchColumns,
    tree: int,
    out: Int64,
) -> bool:
    """Lower ``first`` step by step, and ``second`` as little as will then do."""
    classes = plans.resource_class
    same = classes[first.resource] == classes[second.resource]
    _add_sums(first.sums, 0)
    found = False
    amount = _next_critical(cloud, plans, first, tree, first.most, 0, True)
    while amount > 0:
        lost = (first.most + 1 - amount) * (second.most + 1)
        if lost >= out[0]:
            break
        plans.resource_amount[first.resource] = amount
        _add_sums(second.sums, amount if same else 0)
        left = _best_in_tree(cloud, plans, second, search, tree, 0)
        if left > 0:
            cost = lost + (second.most + 1 - left) * (first.most + 1)
            if cost < out[0]:
                out[0], out[1], out[2] = cost, amount, left
                found = True
        amount = _next_critical(cloud, plans, first, tree, amount - 1, 0, True)
    return found


@part
def _add_sums(sums: Int64, amount: int) -> None:
    """Make the second half of ``sums`` the first one with ``amount`` on top."""
    half = sums.shape[0] // 2
    for i in range(half):
        sums[half + i] = sums[i] + amount


@part
def _best_in_tree(
    cloud: CloudColumns,
    plans: PlanColumns,
    reduction: Reduction,
    search: SearchColumns,
    tree: int,
    best: int,
) -> int:
    """Give the largest amount above ``best`` with which one tree fits, or ``best``."""
    amount = _next_critical(cloud, plans, reduction, tree, reduction.most, best, False)
    while amount > best:
        plans.resource_amount[reduction.resource] = amount
        if tree_fits(cloud, plans, 0, tree, search):
            return amount
        amount = _next_critical(cloud, plans, reduction, tree, amount - 1, best, False)
    return best


@part
def _next_critical(
    cloud: CloudColumns,
    plans: PlanColumns,
    reduction: Reduction,
    tree: int,
    bound: int,
    best: int,
    least: bool,
) -> int:
    """Give the largest amount above ``best`` that is worth a try, or ``best``.

    None is above ``bound``. With ``least``, also the smallest amount that an inventory
    gives is: another group may want all that is left there.
    """
    resource_class = plans.resource_class[reduction.resource]
    find_run(cloud, resource_class, tree, reduction.run)
    for entry in range(reduction.run[0], reduction.run[1]):
        best = _critical(cloud, reduction, entry, bound, best, least)
    for i in range(own_size(cloud, tree), pool_size(cloud, tree)):
        inventory = find_inventory(cloud, pool_provider(cloud, tree, i), resource_class)
        if inventory >= 0:
            entry = cloud.inventory_position[inventory]
            best = _critical(cloud, reduction, entry, bound, best, least)
    return best


@part
def _critical(
    cloud: CloudColumns,
    reduction: Reduction,
    entry: int,
    bound: int,
    best: int,
    least: bool,
) -> int:
    """Do what ``_next_critical`` does for one entry of its class table."""
    room = int(cloud.largest[entry])
    if room <= best:
        return best
    offer = cloud.inventory_offer[cloud.class_row[entry]]
    step = int(cloud.offer_step_size[offer])
    low = int(cloud.offer_min_unit[offer])
    low += (step - low % step) % step
    if least and best < low <= min(bound, room):
        best = low
    for s in range(reduction.sums.shape[0]):
        amount = min(int(room - reduction.sums[s]), reduction.most)
        amount -= amount % step
        if best < amount <= bound and amount >= low:
            best = amount
    return best

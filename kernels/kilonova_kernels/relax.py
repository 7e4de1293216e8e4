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
from kilonova_kernels.fits import tree_fits
from kilonova_kernels.options import find_inventory, pool_provider, pool_size


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
    """

    resource: int
    most: int
    sums: Int64


@kernel
def mark_fitting_among(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    trees: Int32,
    fits: Bool,
) -> int:
    """Mark which of the given trees, (N,), fit the first plan; count them."""
    found = 0
    for n in range(trees.shape[0]):
        fits[n] = tree_fits(cloud, plans, 0, trees[n], search)
        found += fits[n]
    return found


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
    amount = _next_critical(cloud, plans, first, tree, first.most, True)
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
        amount = _next_critical(cloud, plans, first, tree, amount - 1, True)
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
    amount = _next_critical(cloud, plans, reduction, tree, reduction.most, False)
    while amount > best:
        plans.resource_amount[reduction.resource] = amount
        if tree_fits(cloud, plans, 0, tree, search):
            return amount
        amount = _next_critical(cloud, plans, reduction, tree, amount - 1, False)
    return best


@part
def _next_critical(
    cloud: CloudColumns,
    plans: PlanColumns,
    reduction: Reduction,
    tree: int,
    bound: int,
    least: bool,
) -> int:
    """Give the largest amount up to ``bound`` that is worth a try; 0 if there is none.

    With ``least``, also the smallest amount that an inventory gives is: another group
    may want all that is left there.
    """
    best = 0
    resource_class = plans.resource_class[reduction.resource]
    for i in range(pool_size(cloud, tree)):
        inventory = find_inventory(cloud, pool_provider(cloud, tree, i), resource_class)
        if inventory < 0:
            continue
        offer = cloud.inventory_offer[inventory]
        step = int(cloud.offer_step_size[offer])
        low = int(cloud.offer_min_unit[offer])
        low += (step - low % step) % step
        room = int(cloud.largest[cloud.inventory_position[inventory]])
        if least and best < low <= min(bound, room):
            best = low
        for s in range(reduction.sums.shape[0]):
            amount = min(int(room - reduction.sums[s]), reduction.most)
            amount -= amount % step
            if best < amount <= bound and amount >= low:
                best = amount
    return best

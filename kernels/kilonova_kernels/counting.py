"""How many candidates trees have, multiplied where each slot chooses for itself."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.columns import (
    Bool,
    CloudColumns,
    Int64,
    PlanColumns,
    ScanColumns,
)
from kilonova_kernels.scan import mark_roots, narrow_by_slot

_SEARCH = -1


@kernel
def count_choices(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    scan: ScanColumns,
    most: int,
    fits: Bool,
    numbers: Int64,
) -> None:
    """Count the candidates of each tree along the class tables.

    Parameters
    ----------
    cloud, plans, plan, scan
        As for ``scan_fitting``; ``scan.decides`` must be true.
    most
        Largest number to tell, 1 to 2^62; it stands for more as well.
    fits
        Working memory, (T,) bool.
    numbers
        Output, (T,) int64: candidates, or -1 where rivals are left to be searched.

    Notes
    -----
    A candidate is an option for each slot. Where no two slots are rivals, and nothing
    binds several (``Rivals``), each slot takes any entry that has room for it alone:
    the number is the product of those of the slots. Alike groups that must be apart,
    and have no other rivals, are counted once (``plan_twins``): the second has an entry
    less to choose from, and so on.
    """
    mark_roots(cloud, plans.plan_root_ok[plan], fits)
    numbers[:] = 1
    first = plans.plan_slot[plan]
    for s in range(plans.plan_slot[plan + 1] - first):
        # Else one entry is all that each tree has.
        if narrow_by_slot(cloud, plans, plan, scan, s, fits):
            alike = 1
            if plans.group_suffixed[plans.slot_group[first + s]]:
                alike = plans.plan_twins[plan]
            for t in range(fits.shape[0]):
                if fits[t] and scan.counts[t] > 1:
                    number, count = int(numbers[t]), int(scan.counts[t])
                    numbers[t] = _product(number, count, alike, most)
    for t in range(fits.shape[0]):
        if not fits[t]:
            numbers[t] = 0
        elif scan.rivals[t]:
            numbers[t] = _SEARCH


@part
def _product(number: int, count: int, alike: int, most: int) -> int:
    """Multiply by the ways to give each of ``alike`` slots another of some entries."""
    for n in range(alike):
        if number > most // (count - n):
            return most
        number *= count - n
    return number


@kernel
def add_up(numbers: Int64, most: int) -> int:
    """Add up those of some numbers that are not negative; ``most`` for any larger sum.

    ``numbers`` is (N,) int64, none above ``most``, which is at most 2^62.
    """
    total = 0
    for n in range(numbers.shape[0]):
        number = max(int(numbers[n]), 0)
        if number > most - total:
            return most
        total += number
    return total

"""Trees in which slots may want the same provider, settled without a search.

Each rival takes the first provider that has room for it beside those before it. Where
all find one, there is a candidate; where one does not, there may be one all the same.
"""

from kilonova_kernels._jit import part
from kilonova_kernels.columns import Bool, CloudColumns, PlanColumns, ScanColumns

_NO_ENTRY = -1


@part
def mark_settled(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    scan: ScanColumns,
    fits: Bool,
) -> None:
    """Write 1 in ``scan.counts`` for each tree that is left to be searched, else 0.

    Parameters
    ----------
    cloud, plans, plan
        What is asked of what.
    scan
        Entries, with ``marks`` written for all slots that are rivals.
    fits
        Trees in which each slot alone has a provider, (T,) bool; only read.
    """
    scan.counts[:] = 0
    for n in range(scan.rival_slot.shape[0]):
        scan.at[n] = scan.slot_entry[scan.rival_slot[n]]
    for t in range(fits.shape[0]):
        if fits[t] and scan.rivals[t]:
            scan.counts[t] = not _find_all(cloud, plans, plan, scan, t)


@part
def _find_all(
    cloud: CloudColumns, plans: PlanColumns, plan: int, scan: ScanColumns, tree: int
) -> bool:
    """Choose an entry of one tree for each rival; False if one finds none."""
    for n in range(scan.rival_slot.shape[0]):
        stop = scan.slot_entry[scan.rival_slot[n] + 1]
        e = scan.at[n]
        while e < stop and scan.tree[e] < tree:
            e += 1
        scan.at[n] = e
        scan.chosen[n] = _NO_ENTRY
        while e < stop and scan.tree[e] == tree:
            if scan.marks[e] and _goes_beside(cloud, plans, plan, scan, n, e):
                scan.chosen[n] = e
                break
            e += 1
        if scan.chosen[n] == _NO_ENTRY:
            return False
    return True


@part
def _goes_beside(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    scan: ScanColumns,
    rival: int,
    entry: int,
) -> bool:
    """Say whether an entry goes with those that the rivals before it have chosen.

    The same rule as ``goes_with`` in `beside.py`.
    """
    first = plans.plan_slot[plan]
    slot = scan.rival_slot[rival]
    start = plans.slot_resource[first + slot]
    if (
        plans.plan_isolate[plan]
        and plans.group_suffixed[plans.slot_group[first + slot]]
    ):
        provider = _provider(cloud, scan, slot, entry)
        for n in range(rival):
            other = scan.rival_slot[n]
            if (
                plans.group_suffixed[plans.slot_group[first + other]]
                and _provider(cloud, scan, other, scan.chosen[n]) == provider
            ):
                return False
    for k in range(start, plans.slot_resource[first + slot + 1]):
        position = _position(scan, slot, k - start, entry)
        total = plans.resource_amount[k]
        for n in range(rival):
            other = scan.rival_slot[n]
            base = plans.slot_resource[first + other]
            for j in range(base, plans.slot_resource[first + other + 1]):
                if _position(scan, other, j - base, scan.chosen[n]) == position:
                    total += plans.resource_amount[j]
        if total > cloud.largest[position]:
            return False
    return True


@part
def _position(scan: ScanColumns, slot: int, resource: int, entry: int) -> int:
    """Give the place in ``largest`` of one resource of a slot at an entry."""
    start = scan.slot_entry[slot]
    count = scan.slot_entry[slot + 1] - start
    return int(
        scan.position[scan.slot_position[slot] + resource * count + entry - start]
    )


@part
def _provider(cloud: CloudColumns, scan: ScanColumns, slot: int, entry: int) -> int:
    """Give the provider of an entry."""
    position = _position(scan, slot, 0, entry)
    return int(cloud.inventory_provider[cloud.class_row[position]])

"""Claims of trees whose families are in nobody's way, by the lists of a scan.

What the families of such a tree allow is counted for each of them, along class tables
and lists of the providers that traits and aggregates let serve it. Only amounts are
looked at, and where each tree has one entry, in loops without a branch.
"""

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.columns import (
    CloudColumns,
    Int32,
    Int64,
    PlanColumns,
    ScanColumns,
)
from kilonova_kernels.headroom_claims import (
    MOST,
    FamilyColumns,
    HeadroomColumns,
    family_claims,
    room_of,
)


@part
def bound_by_entries(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    scan: ScanColumns,
    start: int,
    out: HeadroomColumns,
) -> None:
    """Bound the claims of a block of trees from ``start`` on.

    Writes what walking a tree would, but for ``lower``: where the families are in
    nobody's way, it is ``upper``. Blocks come in ascending order, the first of them
    with 0 in ``families.at``.
    """
    stop = min(start + families.ways.shape[0], cloud.roots.shape[0])
    out.upper[start:stop] = MOST
    out.resource[start:stop] = plans.slot_resource[families.lead[0]]
    for f in range(families.lead.shape[0]):
        s = families.lead[f]
        one_each = scan.slot_class[s] >= 0 or scan.slot_single[s]
        if one_each and families.size[f] == 1:
            _bound_by_one(cloud, plans, families, scan, f, start, out)
        else:
            for tree in range(start, stop):
                _bound_by_some(cloud, plans, families, scan, f, tree, out)
    any_root = True
    for x in range(plans.plan_root_ok.shape[1]):
        any_root &= plans.plan_root_ok[0, x]
    for tree in range(start, stop):
        if out.upper[tree] == 0 and not _has_options(out, tree):
            clear_tree(out, tree)
        elif not any_root:
            traits = cloud.provider_trait_set[cloud.roots[tree]]
            if not plans.plan_root_ok[0, traits]:
                clear_tree(out, tree)


@part
def clear_tree(out: HeadroomColumns, tree: int) -> None:
    """Write that a tree has no room."""
    out.lower[tree] = out.upper[tree] = 0
    out.resource[tree] = -1
    for f in range(out.family.shape[0]):
        out.family[f, tree] = out.own[f, tree] = 0


@inlined
def _has_options(out: HeadroomColumns, tree: int) -> bool:
    """Say whether each family has a provider that takes a member."""
    found = True
    for f in range(out.own.shape[0]):
        found &= out.own[f, tree] > 0
    return found


@part
def _bound_by_one(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    scan: ScanColumns,
    family: int,
    start: int,
    out: HeadroomColumns,
) -> None:
    """Bound a block of trees by a family of one slot that has an entry in each."""
    s = families.lead[family]
    first = plans.slot_resource[s]
    stop = min(start + families.ways.shape[0], cloud.roots.shape[0])
    ways = families.ways[: stop - start]
    counts = out.family[family, start:stop]
    counts[:] = MOST
    for k in range(first, plans.slot_resource[s + 1]):
        at = _place(cloud, scan, s, k - first) + start
        amount, limit = plans.resource_amount[k], families.max_unit[k]
        if scan.slot_class[s] >= 0:
            largest = cloud.largest[at : at + ways.shape[0]]
            limited = _divide_table(largest, amount, limit, ways)
        else:
            positions = scan.position[at : at + ways.shape[0]]
            limited = _divide_entries(cloud.largest, positions, amount, limit, ways)
        if limited:
            for i in range(ways.shape[0]):
                position = _position(cloud, scan, s, k - first, start + i)
                if ways[i] > 0 and cloud.largest[position] >= limit:
                    ways[i] = _room(cloud, families, k, position) // amount
        _narrow(ways, k, out.upper[start:stop], out.resource[start:stop], counts)
    own = out.own[family, start:stop]
    for i in range(counts.shape[0]):
        own[i] = counts[i]


@part
def _divide_table(largest: Int32, amount: int, limit: int, ways: Int64) -> bool:
    """Write how often an amount goes into those of a table; say if any is limited.

    Notes
    -----
    Below any ``max_unit`` it is the room that sets the largest amount: to look there
    costs a fraction of looking up limits and usage. The whole part of the quotient of
    two whole numbers below 2**53 is exact, and such quotients are vectors.
    """
    limited, divisor = False, float(amount)
    for i in range(ways.shape[0]):
        ways[i] = int(largest[i] / divisor)
        limited |= largest[i] >= limit
    return limited


@part
def _divide_entries(
    largest: Int32, positions: Int32, amount: int, limit: int, ways: Int64
) -> bool:
    """Do as ``_divide_table`` for entries that do not lie in a row."""
    limited, divisor = False, float(amount)
    for i in range(ways.shape[0]):
        room = largest[positions[i]]
        ways[i] = int(room / divisor)
        limited |= room >= limit
    return limited


@part
def _narrow(
    ways: Int64, resource: int, upper: Int64, resources: Int32, counts: Int64
) -> None:
    """Narrow bounds of trees, and counts of one family, by one of its resources."""
    for i in range(ways.shape[0]):
        found = min(ways[i], MOST)
        resources[i] = resource if found < upper[i] else resources[i]
        upper[i] = min(upper[i], found)
        counts[i] = min(counts[i], found)


@part
def _bound_by_some(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    scan: ScanColumns,
    family: int,
    tree: int,
    out: HeadroomColumns,
) -> None:
    """Bound one tree by a family of several slots, or with any number of entries."""
    options = _list_entries(cloud, plans, families, scan, family, tree)
    total = 0
    for i in range(options):
        total += families.fit[i]
    count = family_claims(families, family, options, total)
    out.own[family, tree] = total
    out.family[family, tree] = count
    if count < out.upper[tree] or family == 0:
        out.upper[tree] = count
        s = families.lead[family]
        out.resource[tree] = _scarcest(cloud, plans, families, scan, s, options)


@part
def _list_entries(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    scan: ScanColumns,
    family: int,
    tree: int,
) -> int:
    """List the entries of one tree that take a member; give how many there are.

    Fills ``entry``, ``fit`` and ``bulk``.
    """
    s = families.lead[family]
    first, stop = plans.slot_resource[s], plans.slot_resource[s + 1]
    apart = plans.plan_isolate[0] and plans.group_suffixed[plans.slot_group[s]]
    e, end = _entries_of(families, scan, family, tree)
    count = 0
    while e < end:
        fit, bulk = MOST, 1 if apart else MOST
        for k in range(first, stop):
            position = _position(cloud, scan, s, k - first, e)
            amount = plans.resource_amount[k]
            if cloud.largest[position] < amount:
                fit = 0
                break
            fit = min(fit, _room(cloud, families, k, position) // amount)
            # Of families of one slot nobody asks it.
            if families.size[family] > 1:
                offer = cloud.inventory_offer[cloud.class_row[position]]
                bulk = min(bulk, cloud.offer_max_unit[offer] // amount)
        # Who takes a member has room for one at least.
        if fit > 0:
            families.entry[count] = e
            families.fit[count] = fit
            families.bulk[count] = bulk
            count += 1
        e += 1
    return count


@part
def _entries_of(
    families: FamilyColumns, scan: ScanColumns, family: int, tree: int
) -> tuple[int, int]:
    """Give the first entry of a family in a tree, and where the next tree's begin."""
    s = families.lead[family]
    if scan.slot_class[s] >= 0:
        return tree, tree + 1
    start = scan.slot_entry[s]
    most = scan.slot_entry[s + 1] - start
    first = families.at[family]
    end = first
    while end < most and scan.tree[start + end] == tree:
        end += 1
    families.at[family] = end
    return first, end


@part
def _scarcest(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    scan: ScanColumns,
    slot: int,
    options: int,
) -> int:
    """Give the resource of a slot of which the listed entries have least."""
    first, stop = plans.slot_resource[slot], plans.slot_resource[slot + 1]
    best, least = first, 0
    if stop - first == 1:
        return int(best)
    for k in range(first, stop):
        count = 0
        for i in range(options):
            position = _position(cloud, scan, slot, k - first, families.entry[i])
            room = _room(cloud, families, k, position)
            count += min(room // plans.resource_amount[k], MOST)
        if k == first or count < least:
            best, least = k, count
    return int(best)


@inlined
def _place(cloud: CloudColumns, scan: ScanColumns, slot: int, resource: int) -> int:
    """Give where the positions of one resource of a slot begin.

    They lie in a list, or are the very entries of a class that serves the slot.
    """
    if scan.slot_class[slot] >= 0:
        return int(cloud.class_start[scan.slot_class[slot]])
    count = scan.slot_entry[slot + 1] - scan.slot_entry[slot]
    return int(scan.slot_position[slot] + resource * count)


@inlined
def _position(
    cloud: CloudColumns, scan: ScanColumns, slot: int, resource: int, entry: int
) -> int:
    """Give the place in ``largest`` of one resource of a slot at its n-th entry."""
    place = _place(cloud, scan, slot, resource) + entry
    return int(place if scan.slot_class[slot] >= 0 else scan.position[place])


@inlined
def _room(
    cloud: CloudColumns, families: FamilyColumns, resource: int, position: int
) -> int:
    """Give the units that are left of an inventory that has some."""
    if cloud.largest[position] < families.max_unit[resource]:
        return int(cloud.largest[position])
    return room_of(cloud, cloud.class_row[position])

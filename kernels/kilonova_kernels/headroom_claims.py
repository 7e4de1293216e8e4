"""Claims of one tree whose groups may get in each other's way."""

from typing import NamedTuple

from kilonova_kernels._jit import part
from kilonova_kernels._pointed import pointed
from kilonova_kernels.claims import refresh_largest, use
from kilonova_kernels.columns import (
    Bool,
    CloudColumns,
    Int32,
    Int64,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.options import (
    find_inventory,
    list_options,
    pool_provider,
    pool_size,
)
from kilonova_kernels.place import merge_rows
from kilonova_kernels.search import next_candidate, start_search

# No count is larger: there is room for sums of counts.
MOST = 1 << 40


@pointed
class FamilyColumns(NamedTuple):
    """Slots that ask the same, of one plan: what takes its turn at the same providers.

    S slots, F families, M providers of the largest pool.

    Attributes
    ----------
    slot_family
        Family of each slot, (S,).
    lead, size
        First slot of each family, and how many there are, (F,).
    used
        Units in use before any claim of ours, (I,).
    shared
        Whether a provider serves several trees, (P,).
    walked
        Whether a tree is to be walked, (T,); for others the lists of a scan do.
    max_unit
        The smallest ``max_unit`` of the entries of each resource in the scan, (K,).
    fit, bulk
        Working memory, (M,): how many members each provider takes, and how many of
        one claim.
    entry, at
        Working memory, (M,) and (F,): entries of one tree that take a member, and
        where those of the next tree begin.
    ways
        Working memory for a block of trees, as long as the blocks.
    """

    slot_family: Int32
    lead: Int32
    size: Int64
    used: Int64
    shared: Bool
    walked: Bool
    max_unit: Int64
    fit: Int64
    bulk: Int64
    entry: Int32
    at: Int32
    ways: Int64


@pointed
class HeadroomColumns(NamedTuple):
    """What is found for each tree by itself, (T,) each, or (F, T).

    Attributes
    ----------
    lower, upper
        Claims that were made, and a bound that no claims exceed.
    resource
        Row of the resource that sets the bound, -1 where there is no room at all.
    family
        Claims that each family alone allows, (F, T).
    own
        The members of a family that providers of this tree alone take, (F, T).
    reaches
        Whether a family has a choice that other trees have too, (F, T).
    coupled
        Whether families could get in each other's way, (T,).
    """

    lower: Int64
    upper: Int64
    resource: Int32
    family: Int64
    own: Int64
    reaches: Bool
    coupled: Bool


@part
def count_claims(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    search: SearchColumns,
    tree: int,
    out: HeadroomColumns,
) -> None:
    """Count the claims of a tree that has options for all; narrow the bound."""
    out.coupled[tree] = _coupled(cloud, plans, families, search)
    if not out.coupled[tree]:
        out.lower[tree] = out.upper[tree]
        return
    if _one_way(plans, search):
        _divide(cloud, plans, search, tree, out)
        return
    _bound_classes(cloud, plans, search, tree, out)
    for most_room_first in (True, False):
        count = claim_one_by_one(
            cloud, plans, search, tree, out.upper[tree], most_room_first
        )
        out.lower[tree] = max(out.lower[tree], count)
        _take_back(cloud, families, tree)
        if out.lower[tree] == out.upper[tree]:
            return


@part
def _coupled(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    search: SearchColumns,
) -> bool:
    """Say whether the families of a tree could get in each other's way.

    They do where two of them want one inventory, where they must be on different
    providers and have one in common, where a ``same_subtree`` is not met anyway, and
    where required traits of the unsuffixed group depend on the choice.
    """
    for s in range(plans.slot_group.shape[0]):
        for t in range(s):
            if families.slot_family[s] != families.slot_family[t] and _compete(
                plans, search, s, t
            ):
                return True
    for b in range(plans.subtree_groups.shape[0]):
        if not _always_in_subtree(cloud, plans, search, plans.subtree_groups[b]):
            return True
    wanted = plans.plan_bits[0]
    sure = 0
    for s in range(plans.slot_group.shape[0]):
        if plans.group_suffixed[plans.slot_group[s]]:
            continue
        bits = wanted
        for i in range(search.option_count[s]):
            traits = cloud.provider_trait_set[search.option_provider[s, i]]
            bits &= plans.group_bits[plans.slot_group[s], traits]
        sure |= bits
    return bool(sure & wanted != wanted)


@part
def _compete(plans: PlanColumns, search: SearchColumns, s: int, t: int) -> bool:
    """Say whether two slots want one inventory, or one provider where they may not."""
    apart = (
        plans.plan_isolate[0]
        and plans.group_suffixed[plans.slot_group[s]]
        and plans.group_suffixed[plans.slot_group[t]]
    )
    same = apart
    for k in range(plans.slot_resource[s], plans.slot_resource[s + 1]):
        for m in range(plans.slot_resource[t], plans.slot_resource[t + 1]):
            same = same or plans.resource_class[k] == plans.resource_class[m]
    if not same:
        return False
    for i in range(search.option_count[s]):
        for j in range(search.option_count[t]):
            if search.option_provider[s, i] == search.option_provider[t, j]:
                return True
    return False


@part
def _always_in_subtree(
    cloud: CloudColumns, plans: PlanColumns, search: SearchColumns, groups: int
) -> bool:
    """Say whether one group has a single provider, and all options are below it."""
    for s in range(plans.slot_group.shape[0]):
        if not groups >> plans.slot_group[s] & 1 or search.option_count[s] != 1:
            continue
        top = search.option_provider[s, 0]
        end = cloud.provider_subtree_end[top]
        inside = True
        for t in range(plans.slot_group.shape[0]):
            if groups >> plans.slot_group[t] & 1:
                for i in range(search.option_count[t]):
                    provider = search.option_provider[t, i]
                    inside = inside and top <= provider < end
        if inside:
            return True
    return False


@part
def _one_way(plans: PlanColumns, search: SearchColumns) -> bool:
    """Say whether each slot has one option only."""
    most = 1
    for s in range(plans.slot_group.shape[0]):
        most = max(most, search.option_count[s])
    return most == 1


@part
def _divide(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    tree: int,
    out: HeadroomColumns,
) -> None:
    """Count the claims where all of them are the same, by division."""
    start_search(cloud, plans, 0, search)
    count = 0
    if next_candidate(cloud, plans, 0, search):
        count = out.upper[tree]
        for i in range(merge_rows(plans, 0, search)):
            room = room_of(cloud, search.claim_inventory[i])
            count = min(count, room // search.claim_amount[i])
    out.lower[tree] = out.upper[tree] = count


@part
def _bound_classes(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    tree: int,
    out: HeadroomColumns,
) -> None:
    """Bound the claims of a tree by all that is left of a class for all groups."""
    for k in range(plans.resource_class.shape[0]):
        resource_class = plans.resource_class[k]
        asked = 0
        for m in range(plans.resource_class.shape[0]):
            if plans.resource_class[m] == resource_class:
                asked += plans.resource_amount[m]
        room = 0
        for i in range(pool_size(cloud, tree)):
            provider = pool_provider(cloud, tree, i)
            inventory = find_inventory(cloud, provider, resource_class)
            if inventory >= 0 and _is_option(plans, search, provider, resource_class):
                room += min(room_of(cloud, inventory), MOST)
        if room // asked < out.upper[tree]:
            out.upper[tree] = room // asked
            out.resource[tree] = k


@part
def _is_option(
    plans: PlanColumns, search: SearchColumns, provider: int, resource_class: int
) -> bool:
    """Say whether a provider could give a class to some slot."""
    for s in range(plans.slot_group.shape[0]):
        wants = False
        for k in range(plans.slot_resource[s], plans.slot_resource[s + 1]):
            wants = wants or plans.resource_class[k] == resource_class
        for i in range(search.option_count[s]):
            if wants and search.option_provider[s, i] == provider:
                return True
    return False


@part
def claim_one_by_one(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    tree: int,
    most: int,
    most_room_first: bool,
) -> int:
    """Claim the first candidate of a tree, again and again; give how often."""
    count = 0
    while count < most and list_options(cloud, plans, 0, tree, search):
        _sort_options(cloud, plans, search, most_room_first)
        start_search(cloud, plans, 0, search)
        if not next_candidate(cloud, plans, 0, search):
            break
        for i in range(merge_rows(plans, 0, search)):
            use(cloud, search.claim_inventory[i], search.claim_amount[i])
        count += 1
    return count


@part
def _sort_options(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    most_room_first: bool,
) -> None:
    """Put the options of each slot in the order of room for its first class."""
    for s in range(plans.slot_group.shape[0]):
        start, stop = plans.slot_resource[s], plans.slot_resource[s + 1]
        if start == stop:
            continue
        for i in range(1, search.option_count[s]):
            j = i
            while j > 0:
                here = room_of(cloud, search.option_inventory[start, j])
                before = room_of(cloud, search.option_inventory[start, j - 1])
                if here == before or (here > before) != most_room_first:
                    break
                _swap(search.option_provider[s], j)
                for k in range(start, stop):
                    _swap(search.option_inventory[k], j)
                j -= 1


@part
def _swap(column: Int32, i: int) -> None:
    """Exchange an entry with the one before it."""
    held = column[i]
    column[i] = column[i - 1]
    column[i - 1] = held


@part
def _take_back(cloud: CloudColumns, families: FamilyColumns, tree: int) -> None:
    """Undo all claims that were made in one tree."""
    for i in range(pool_size(cloud, tree)):
        provider = pool_provider(cloud, tree, i)
        for inventory in range(
            cloud.inventory_start[provider], cloud.inventory_start[provider + 1]
        ):
            if cloud.inventory_used[inventory] != families.used[inventory]:
                cloud.inventory_used[inventory] = families.used[inventory]
                refresh_largest(cloud, inventory)


@part
def family_claims(
    families: FamilyColumns, family: int, options: int, total: int
) -> int:
    """Give the most claims m that the members of one family allow.

    Notes
    -----
    m claims of ``size`` members, at most ``bulk`` of a claim at one provider, can be
    given out if and only if the sum of ``min(fit, bulk * m)`` is ``size * m`` or more:
    a flow from claims to providers, by max-flow min-cut. The sum is concave in m and 0
    at 0, so what holds for m holds for fewer.
    """
    size = families.size[family]
    low, high = 0, min(total // size, MOST)
    if size == 1:
        return int(high)
    while low < high:
        m = (low + high + 1) // 2
        given = 0
        for i in range(options):
            fit = families.fit[i]
            # The product may be too large for its type, but is then not wanted.
            given += fit if fit // m < families.bulk[i] else families.bulk[i] * m
        if given >= size * m:
            low = m
        else:
            high = m - 1
    return low


@part
def room_of(cloud: CloudColumns, inventory: int) -> int:
    """Give the units that are left of one inventory."""
    offer = cloud.inventory_offer[inventory]
    return int(cloud.offer_capacity[offer] - cloud.inventory_used[inventory])

"""Dead ends seen from above: no candidate can begin with what is chosen so far.

Each test is necessary for a candidate and takes time in proportion to the options, not
to their products: every open slot has an option that goes with the choices; clauses can
still be hit; options of a subtree condition lie below what may be its top; and slots
can be matched with providers at once, by isolation and by the room for each amount, in
some subtree where one is asked for. What can still lead astray: amounts of several
sizes on one provider, which is packing of bins, and conditions that are short only
together. That is what the bound on steps (``Cursor.MOST``) is for.
"""

from kilonova_kernels._jit import part
from kilonova_kernels.beside import chosen_provider, goes_with
from kilonova_kernels.columns import CloudColumns, Cursor, PlanColumns, SearchColumns
from kilonova_kernels.matching import matches
from kilonova_kernels.symmetry import find_kinds

_TREE = Cursor.TREE
_STEPS = Cursor.STEPS
# Sets of clauses are bits of a word; more wanted clauses than this are not looked at.
_MOST_CLAUSES = 5
_CLAUSE_SETS = 1 << _MOST_CLAUSES
_NO_PLACE = -1


@part
def prepare(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> None:
    """Write for each option the place of its provider in the pool of the tree.

    And which of these places are equal.
    """
    tree = search.cursor[_TREE]
    root = cloud.roots[tree]
    own = cloud.provider_subtree_end[root] - root
    for s in range(plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
        for i in range(search.option_count[s]):
            provider = search.option_provider[s, i]
            place = provider - root
            if place < 0 or place >= own:
                shared = cloud.share_start[tree]
                while cloud.share_provider[shared] != provider:
                    shared += 1
                place = own + shared - cloud.share_start[tree]
            search.ahead.option_place[s, i] = place
    find_kinds(cloud, plans, plan, search)


@part
def is_dead_end(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether no candidate has the choices above ``depth``, as far as can be seen.

    Parameters
    ----------
    cloud, plans, plan
        What is asked of what.
    search
        A search that `prepare` was called for; the open slots are those from ``depth``
        on. What the look-ahead writes, nobody else reads.
    depth
        Number of choices made, less than the number of slots.

    Returns
    -------
    bool
        True only where there is no candidate; False where there may be none all the
        same.
    """
    if not _list_open(cloud, plans, plan, search, depth):
        return True
    if not _hits_clauses(cloud, plans, plan, search, depth):
        return True
    for b in range(plans.plan_subtree[plan], plans.plan_subtree[plan + 1]):
        groups = plans.subtree_groups[b]
        if not _keep_below_tops(cloud, plans, plan, search, depth, groups):
            return True
    search.ahead.within[0] = 0
    if not matches(cloud, plans, plan, search, depth):
        return True
    for b in range(plans.plan_subtree[plan], plans.plan_subtree[plan + 1]):
        groups = plans.subtree_groups[b]
        if not _has_top(cloud, plans, plan, search, depth, groups):
            return True
    return False


@part
def _list_open(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Mark the options that go with all choices; False if a slot has none."""
    for d in range(depth, plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
        s = search.order[d]
        search.cursor[_STEPS] += search.option_count[s]
        some = False
        for i in range(search.option_count[s]):
            fits = goes_with(cloud, plans, plan, search, depth, s, i)
            search.ahead.option_open[s, i] = fits
            some = some or fits
        if not some:
            return False
    return True


@part
def _hits_clauses(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether open slots can hit together the clauses that are still to be hit."""
    first = plans.plan_slot[plan]
    wanted = plans.plan_bits[plan]
    for d in range(depth):
        group = plans.slot_group[first + search.order[d]]
        if not plans.group_suffixed[group]:
            provider = chosen_provider(search, d)
            wanted &= ~plans.group_bits[group, cloud.provider_trait_set[provider]]
    if wanted == 0:
        return True
    # Bit m of the word: some choice of the slots so far hits just the set m.
    found = 1
    for d in range(depth, plans.plan_slot[plan + 1] - first):
        s = search.order[d]
        group = plans.slot_group[first + s]
        if plans.group_suffixed[group]:
            continue
        now = 0
        for i in range(search.option_count[s]):
            if search.ahead.option_open[s, i]:
                provider = search.option_provider[s, i]
                bits = plans.group_bits[group, cloud.provider_trait_set[provider]]
                hit = _few_clauses(bits, wanted)
                for m in range(_CLAUSE_SETS):
                    if found >> m & 1:
                        now |= 1 << (m | hit)
        found = now
    return bool(found >> _few_clauses(wanted, wanted) & 1)


@part
def _few_clauses(bits: int, wanted: int) -> int:
    """Give which of the first few wanted clauses are hit, as bits from 0 on."""
    hit = 0
    for n in range(_MOST_CLAUSES):
        lowest = wanted & -wanted
        if bits & lowest:
            hit |= 1 << n
        wanted ^= lowest
    return hit


@part
def _keep_below_tops(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    groups: int,
) -> bool:
    """Close options of the named groups that no possible top is above; False if all.

    A top is above, or is, all providers that are chosen for the groups, and above an
    open option of each other group.
    """
    _mark_tops(cloud, plans, plan, search, depth, groups)
    own = search.ahead.place_end[0]
    for d in range(depth, plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
        s = search.order[d]
        if not _is_named(plans, plan, s, groups):
            continue
        some = False
        for i in range(search.option_count[s]):
            place = search.ahead.option_place[s, i]
            # Sharing providers lie in other trees, whose places are not known here.
            while 0 <= place < own and not search.ahead.place_top[place]:
                place = search.ahead.place_parent[place]
            if place == _NO_PLACE:
                search.ahead.option_open[s, i] = False
            some = some or search.ahead.option_open[s, i]
        if not some:
            return False
    return True


@part
def _mark_tops(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    groups: int,
) -> None:
    """Mark the places of the tree that may be the top of the named groups."""
    count = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    own = search.ahead.place_end[0]
    for place in range(own):
        search.ahead.place_top[place] = False
    lowest, last = own, _NO_PLACE
    for d in range(depth):
        if _is_named(plans, plan, search.order[d], groups):
            place = search.ahead.option_place[search.order[d], search.choice[d]]
            lowest = min(lowest, place)
            last = max(last, place)
    for d in range(count):
        s = search.order[d]
        if not _is_named(plans, plan, s, groups):
            continue
        for i in range(search.option_count[s]):
            place = search.ahead.option_place[s, i]
            taken = (
                i == search.choice[d] if d < depth else search.ahead.option_open[s, i]
            )
            if (
                taken
                and place <= lowest
                and place < own
                and last < search.ahead.place_end[place]
                and not search.ahead.place_top[place]
            ):
                search.ahead.place_top[place] = _is_above_all(
                    plans, plan, search, depth, groups, place
                )


@part
def _is_above_all(
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    groups: int,
    top: int,
) -> bool:
    """Say whether each open slot of the named groups has an open option below a top."""
    for d in range(depth, plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
        s = search.order[d]
        if not _is_named(plans, plan, s, groups):
            continue
        search.cursor[_STEPS] += search.option_count[s]
        some = False
        for i in range(search.option_count[s]):
            place = search.ahead.option_place[s, i]
            some = some or (
                search.ahead.option_open[s, i]
                and top <= place
                and place < search.ahead.place_end[top]
            )
        if not some:
            return False
    return True


@part
def _is_named(plans: PlanColumns, plan: int, slot: int, groups: int) -> bool:
    """Say whether the group of a slot is among some groups, given as bits."""
    group = plans.slot_group[plans.plan_slot[plan] + slot] - plans.plan_group[plan]
    return bool(groups >> group & 1)


@part
def _has_top(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    groups: int,
) -> bool:
    """Say whether some provider can be above, or be, all those of the named groups."""
    first = plans.plan_slot[plan]
    offset = plans.plan_group[plan]
    lowest, last = -1, -1
    for d in range(depth):
        if groups >> (plans.slot_group[first + search.order[d]] - offset) & 1:
            provider = chosen_provider(search, d)
            if lowest < 0 or provider < lowest:
                lowest = provider
            last = max(last, provider)
    search.ahead.within[0] = groups
    if lowest >= 0 and _is_top(cloud, plans, plan, search, depth, lowest, last):
        return True
    for place in range(search.ahead.place_top.shape[0]):
        search.ahead.place_top[place] = False
    for d in range(depth, plans.plan_slot[plan + 1] - first):
        s = search.order[d]
        if not groups >> (plans.slot_group[first + s] - offset) & 1:
            continue
        for i in range(search.option_count[s]):
            place = search.ahead.option_place[s, i]
            if not search.ahead.option_open[s, i] or search.ahead.place_top[place]:
                continue
            search.ahead.place_top[place] = True
            top = search.option_provider[s, i]
            if (lowest < 0 or top < lowest) and _is_top(
                cloud, plans, plan, search, depth, top, last
            ):
                return True
    return False


@part
def _is_top(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    top: int,
    last: int,
) -> bool:
    """Say whether the named groups could all be served below ``top``.

    ``last`` is the highest row among their providers chosen so far, -1 for none.
    """
    end = cloud.provider_subtree_end[top]
    if last >= end:
        return False
    search.ahead.within[1] = top
    search.ahead.within[2] = end
    return matches(cloud, plans, plan, search, depth)

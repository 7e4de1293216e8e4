"""Depth-first search for the candidates of one tree, one after the other.

The remaining capacity is carried along: a branch dies at the first slot that does not
fit beside those already filled, so the first k candidates cost in proportion to k. When
many options in a row lead nowhere, the search begins to look ahead: branches without a
candidate are then seen from above. That changes what is tried, never what is found.
A search without a candidate in very many steps is given up; the cursor says so.
"""

from kilonova_kernels._jit import common, part
from kilonova_kernels.beside import chosen_provider, goes_with
from kilonova_kernels.columns import CloudColumns, Cursor, PlanColumns, SearchColumns
from kilonova_kernels.lookahead import is_dead_end, prepare
from kilonova_kernels.symmetry import forget_dead, is_known_dead, note_dead

_DEPTH = Cursor.DEPTH
_PATIENCE = Cursor.PATIENCE
_LIMIT = Cursor.LIMIT
_IDLE = Cursor.IDLE
_AHEAD = Cursor.AHEAD
_FOUND = Cursor.FOUND
_STEPS = Cursor.STEPS
_MOST = Cursor.MOST
_GIVEN_UP = Cursor.GIVEN_UP


@part
def start_search(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> None:
    """Get ready to search a tree whose options are listed.

    Slots with few options are filled first: their dead ends show early.
    """
    first = plans.plan_slot[plan]
    count = plans.plan_slot[plan + 1] - first
    options = 0
    for s in range(count):
        options += search.option_count[s]
        i = s
        while i > 0 and (
            search.option_count[search.order[i - 1]] > search.option_count[s]
        ):
            search.order[i] = search.order[i - 1]
            i -= 1
        search.order[i] = s
    search.reach[count] = 0
    for depth in range(count - 1, -1, -1):
        s = search.order[depth]
        group = plans.slot_group[first + s]
        bits = search.reach[depth + 1]
        if not plans.group_suffixed[group]:
            for i in range(search.option_count[s]):
                provider = search.option_provider[s, i]
                bits |= plans.group_bits[group, cloud.provider_trait_set[provider]]
        search.reach[depth] = bits
    search.cursor[_DEPTH] = -1
    search.cursor[_IDLE] = 0
    search.cursor[_AHEAD] = 0
    search.cursor[_FOUND] = 0
    search.cursor[_LIMIT] = search.cursor[_PATIENCE] * options


@common
def next_candidate(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> bool:
    """Go on to the next candidate of the tree; False when there is none left.

    False as well when the search was given up, now or before: see ``Cursor.GIVEN_UP``.

    Returns
    -------
    bool
        When True, the slot ``order[d]`` is served by its option ``choice[d]``, for
        each depth d.
    """
    count = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    depth = search.cursor[_DEPTH]
    if depth < 0:
        depth = 0
        search.choice[0] = -1
    else:
        depth = count - 1
    search.cursor[_IDLE] = 0
    last = search.cursor[_STEPS] + search.cursor[_MOST]
    while depth >= 0 and search.cursor[_GIVEN_UP] == 0:
        if search.cursor[_STEPS] > last:
            search.cursor[_GIVEN_UP] = 1
        elif not _goes_on(cloud, plans, plan, search, depth):
            depth -= 1
        elif depth + 1 < count:
            depth += 1
            search.choice[depth] = -1
            if search.cursor[_AHEAD] != 0:
                forget_dead(search, depth)
        elif _completes(cloud, plans, plan, search):
            search.cursor[_DEPTH] = depth
            search.cursor[_FOUND] += 1
            return True
    search.cursor[_DEPTH] = count
    return False


@part
def _goes_on(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Take the next option at ``depth`` that may lead to a candidate; False if none."""
    options = search.option_count[search.order[depth]]
    while search.choice[depth] < options:
        if search.choice[depth] >= 0 and search.cursor[_AHEAD] != 0:
            note_dead(search, depth)
        search.choice[depth] += 1
        if search.choice[depth] < options and _leads_on(
            cloud, plans, plan, search, depth
        ):
            return True
    return False


@part
def _leads_on(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether to go on from the option at ``depth``; count that it was tried."""
    search.cursor[_STEPS] += 1
    search.cursor[_IDLE] += 1
    search.ahead.found_before[depth] = search.cursor[_FOUND]
    if search.cursor[_AHEAD] != 0 and is_known_dead(plans, plan, search, depth):
        return False
    if not _fits_beside(cloud, plans, plan, search, depth):
        return False
    if search.cursor[_AHEAD] == 0:
        if search.cursor[_IDLE] <= search.cursor[_LIMIT]:
            return True
        search.cursor[_AHEAD] = 1
        prepare(cloud, plans, plan, search)
    # Below the last slot there is nothing to look at.
    if depth + 1 == plans.plan_slot[plan + 1] - plans.plan_slot[plan]:
        return True
    return not is_dead_end(cloud, plans, plan, search, depth + 1)


@part
def _fits_beside(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether the option at ``depth`` goes with those above it."""
    wanted = plans.plan_bits[plan]
    if wanted != 0:
        first = plans.plan_slot[plan]
        bits = search.reach[depth + 1]
        for d in range(depth + 1):
            group = plans.slot_group[first + search.order[d]]
            if not plans.group_suffixed[group]:
                provider = chosen_provider(search, d)
                bits |= plans.group_bits[group, cloud.provider_trait_set[provider]]
        if bits & wanted != wanted:
            return False
    return goes_with(
        cloud, plans, plan, search, depth, search.order[depth], search.choice[depth]
    )


@part
def _completes(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> bool:
    """Say whether a full choice meets all ``same_subtree`` conditions."""
    for b in range(plans.plan_subtree[plan], plans.plan_subtree[plan + 1]):
        if not _in_one_subtree(cloud, plans, plan, plans.subtree_groups[b], search):
            return False
    return True


@part
def _in_one_subtree(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    groups: int,
    search: SearchColumns,
) -> bool:
    """Say whether one provider of the named groups is above, or is, all others."""
    first = plans.plan_slot[plan]
    count = plans.plan_slot[plan + 1] - first
    # In preorder an ancestor comes before all of its subtree.
    top = -1
    for depth in range(count):
        group = plans.slot_group[first + search.order[depth]] - plans.plan_group[plan]
        provider = chosen_provider(search, depth)
        if groups >> group & 1 and (top < 0 or provider < top):
            top = provider
    for depth in range(count):
        group = plans.slot_group[first + search.order[depth]] - plans.plan_group[plan]
        if groups >> group & 1:
            provider = chosen_provider(search, depth)
            if provider >= cloud.provider_subtree_end[top]:
                return False
    return True

"""What could change places in one tree without anybody noticing.

Providers: when the search finds that an option leads nowhere, an equal provider in its
place leads nowhere either; with subtree conditions, one at the same place of an equal
subtree. Equal devices below equal agents are the rule, and of their permutations one is
enough. Groups: what led nowhere for one leads nowhere for another that asks the same.
"""

from kilonova_kernels._jit import part
from kilonova_kernels.columns import CloudColumns, Cursor, PlanColumns, SearchColumns

_TREE = Cursor.TREE
_FOUND = Cursor.FOUND
_NO_OPTION = -1
_NO_PLACE = -1


@part
def find_kinds(
    cloud: CloudColumns, plans: PlanColumns, plan: int, search: SearchColumns
) -> None:
    """Write for each place of the pool the first one that is equal to it.

    Parameters
    ----------
    cloud, plans, plan
        What is asked of what.
    search
        A search whose ``option_place`` is written; ``place_parent``, ``place_end``,
        ``place_kind`` and ``kind_dead`` are outputs, ``place_option`` working memory.
    """
    ahead = search.ahead
    size = ahead.place_kind.shape[0]
    for s in range(plans.plan_slot[plan + 1] - plans.plan_slot[plan]):
        for place in range(size):
            ahead.place_option[s, place] = _NO_OPTION
            ahead.kind_dead[s, place] = False
        for i in range(search.option_count[s]):
            ahead.place_option[s, ahead.option_place[s, i]] = i
    root = cloud.roots[search.cursor[_TREE]]
    own = cloud.provider_subtree_end[root] - root
    subtrees = plans.plan_subtree[plan] != plans.plan_subtree[plan + 1]
    for place in range(size):
        # A sharing provider has a tree of its own, with others in it perhaps.
        nested = subtrees and place < own
        parent, end = _NO_PLACE, place + 1
        if nested:
            parent = _parent_place(cloud, root, place)
            end = cloud.provider_subtree_end[root + place] - root
        ahead.place_parent[place] = parent
        ahead.place_end[place] = end
        ahead.place_kind[place] = place
    for place in range(own):
        for other in range(place):
            if ahead.place_kind[other] == other and _are_equal(
                cloud, plans, plan, search, place, other
            ):
                ahead.place_kind[place] = other
                break


@part
def is_known_dead(
    plans: PlanColumns, plan: int, search: SearchColumns, depth: int
) -> bool:
    """Say whether the choice at ``depth`` is one of those found to lead nowhere.

    For its own slot, or for one above whose group asks the same.
    """
    slot = search.order[depth]
    place = search.ahead.option_place[slot, search.choice[depth]]
    for d in range(depth + 1):
        if (
            d == depth or _may_change(plans, plan, search, d, search.order[d], slot)
        ) and search.ahead.kind_dead[d, _stand_in(search, d, place)]:
            return True
    return False


@part
def note_dead(search: SearchColumns, depth: int) -> None:
    """Remember that the option at ``depth`` led nowhere, if it did."""
    if search.ahead.found_before[depth] == search.cursor[_FOUND]:
        slot = search.order[depth]
        place = search.ahead.option_place[slot, search.choice[depth]]
        search.ahead.kind_dead[depth, _stand_in(search, depth, place)] = True


@part
def forget_dead(search: SearchColumns, depth: int) -> None:
    """Begin anew at a depth: the choices above it are others."""
    for kind in range(search.ahead.kind_dead.shape[1]):
        search.ahead.kind_dead[depth, kind] = False


@part
def _stand_in(search: SearchColumns, depth: int, place: int) -> int:
    """Give the first place that is like this one, as far as choices above ``depth`` go.

    Equal subtrees change places as long as nothing in either of them is chosen.
    """
    ahead = search.ahead
    above = place
    while above != _NO_PLACE and _is_untouched(search, depth, above):
        first = ahead.place_kind[above]
        while ahead.place_kind[first] != ahead.place_kind[above] or not _is_untouched(
            search, depth, first
        ):
            first = ahead.place_end[first]
        place += first - above
        above = ahead.place_parent[above]
    return place


@part
def _is_untouched(search: SearchColumns, depth: int, place: int) -> bool:
    """Say whether no choice above ``depth`` is of what moves with a place."""
    end = search.ahead.place_end[place]
    touched = False
    for d in range(depth):
        chosen = search.ahead.option_place[search.order[d], search.choice[d]]
        touched = touched or (place <= chosen and chosen < end)
    return not touched


@part
def _may_change(
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    slot: int,
    other: int,
) -> bool:
    """Say whether two open slots may change places, as far as choices go.

    They do so with all groups of their subtree conditions, which must then be open as
    well, or be served by one provider with the group that they change places with.
    """
    first = plans.plan_slot[plan]
    one, two = plans.slot_group[first + slot], plans.slot_group[first + other]
    if one == two or plans.group_kin[one] != plans.group_kin[two]:
        return False
    if plans.group_unit[one] == plans.group_unit[two]:
        return True
    return (
        bool(plans.group_place[one] == plans.group_place[two])
        and _are_mirrored(
            plans, plan, search, depth, plans.group_unit[one], plans.group_unit[two]
        )
        and _are_mirrored(
            plans, plan, search, depth, plans.group_unit[two], plans.group_unit[one]
        )
    )


@part
def _are_mirrored(
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    unit: int,
    other: int,
) -> bool:
    """Say whether each choice for one unit is that for the same place of the other."""
    first = plans.plan_slot[plan]
    for d in range(depth):
        group = plans.slot_group[first + search.order[d]]
        if plans.group_unit[group] != unit:
            continue
        place = search.ahead.option_place[search.order[d], search.choice[d]]
        same = False
        for e in range(depth):
            its = plans.slot_group[first + search.order[e]]
            same = same or (
                plans.group_unit[its] == other
                and plans.group_place[its] == plans.group_place[group]
                and search.ahead.option_place[search.order[e], search.choice[e]]
                == place
            )
        if not same:
            return False
    return True


@part
def _are_equal(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    place: int,
    other: int,
) -> bool:
    """Say whether all that moves with two places is equal, one by one."""
    ahead = search.ahead
    if ahead.place_parent[place] != ahead.place_parent[other]:
        return False
    move = other - place
    for at in range(place, ahead.place_end[place]):
        if ahead.place_end[at] + move != ahead.place_end[at + move] or not _serve_alike(
            cloud, plans, plan, search, at, at + move
        ):
            return False
    return True


@part
def _serve_alike(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    place: int,
    other: int,
) -> bool:
    """Say whether two places of the tree serve the same slots with the same room.

    And hit the same clauses.
    """
    first = plans.plan_slot[plan]
    base = plans.slot_resource[first]
    root = cloud.roots[search.cursor[_TREE]]
    traits = cloud.provider_trait_set[root + place]
    other_traits = cloud.provider_trait_set[root + other]
    for s in range(plans.plan_slot[plan + 1] - first):
        i, j = search.ahead.place_option[s, place], search.ahead.place_option[s, other]
        if i == _NO_OPTION and j == _NO_OPTION:
            continue
        if i == _NO_OPTION or j == _NO_OPTION:
            return False
        bits = plans.group_bits[plans.slot_group[first + s]]
        if bits[traits] != bits[other_traits]:
            return False
        for k in range(
            plans.slot_resource[first + s] - base,
            plans.slot_resource[first + s + 1] - base,
        ):
            mine = cloud.inventory_position[search.option_inventory[k, i]]
            its = cloud.inventory_position[search.option_inventory[k, j]]
            if cloud.largest[mine] != cloud.largest[its]:
                return False
    return True


@part
def _parent_place(cloud: CloudColumns, root: int, place: int) -> int:
    """Give the place of the parent of one place of a tree, -1 for that of the root."""
    above = place - 1
    while above >= 0 and cloud.provider_subtree_end[root + above] <= root + place:
        above -= 1
    return above

"""Providers of one tree that could change places without anybody noticing.

When the search finds that an option leads nowhere, an equal provider in its place leads
nowhere either. Equal devices are the rule, and of their permutations one is enough.
"""

from kilonova_kernels._jit import inlined, part
from kilonova_kernels.beside import chosen_provider
from kilonova_kernels.columns import CloudColumns, Cursor, PlanColumns, SearchColumns

_TREE = Cursor.TREE
_FOUND = Cursor.FOUND
_NO_OPTION = -1


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
        A search whose ``option_place`` is written; ``place_kind`` and ``kind_dead`` are
        outputs, ``place_option`` and ``place_from`` are working memory.
    """
    count = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    size = search.ahead.place_kind.shape[0]
    for s in range(count):
        for place in range(size):
            search.ahead.place_option[s, place] = _NO_OPTION
            search.ahead.kind_dead[s, place] = False
        for i in range(search.option_count[s]):
            search.ahead.place_option[s, search.ahead.option_place[s, i]] = i
    root = cloud.roots[search.cursor[_TREE]]
    own = cloud.provider_subtree_end[root] - root
    subtrees = plans.plan_subtree[plan] != plans.plan_subtree[plan + 1]
    for place in range(size):
        search.ahead.place_kind[place] = place
        if place >= own:
            # A sharing provider has a tree of its own, with others in it perhaps.
            continue
        search.ahead.place_from[place] = _parent(cloud, root + place) if subtrees else 0
        for other in range(place):
            if search.ahead.place_kind[other] == other and _are_equal(
                cloud, plans, plan, search, place, other
            ):
                search.ahead.place_kind[place] = other
                break


@inlined
def is_known_dead(search: SearchColumns, depth: int) -> bool:
    """Say whether an equal of the provider at ``depth`` was found to lead nowhere."""
    dead = search.ahead.kind_dead[depth, _kind(search, depth)]
    return bool(dead and _is_untouched(search, depth))


@inlined
def note_dead(search: SearchColumns, depth: int) -> None:
    """Remember that the option at ``depth`` led nowhere, if it did."""
    if search.ahead.found_before[depth] == search.cursor[_FOUND] and _is_untouched(
        search, depth
    ):
        search.ahead.kind_dead[depth, _kind(search, depth)] = True


@inlined
def forget_dead(search: SearchColumns, depth: int) -> None:
    """Begin anew at a depth: the choices above it are others."""
    for kind in range(search.ahead.kind_dead.shape[1]):
        search.ahead.kind_dead[depth, kind] = False


@inlined
def _kind(search: SearchColumns, depth: int) -> int:
    """Give the kind of the provider that is taken at a depth."""
    ahead = search.ahead
    place = ahead.option_place[search.order[depth], search.choice[depth]]
    return int(ahead.place_kind[place])


@inlined
def _is_untouched(search: SearchColumns, depth: int) -> bool:
    """Say whether no slot above takes the provider: it is still like its equals."""
    provider = chosen_provider(search, depth)
    taken = False
    for d in range(depth):
        taken = taken or chosen_provider(search, d) == provider
    return not taken


@inlined
def _are_equal(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    place: int,
    other: int,
) -> bool:
    """Say whether two places of the tree can be exchanged in any candidate.

    They serve the same slots with the same room and hit the same clauses; where
    subtrees matter, they are leaves below one parent.
    """
    if search.ahead.place_from[place] < 0 or (
        search.ahead.place_from[place] != search.ahead.place_from[other]
    ):
        return False
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


@inlined
def _parent(cloud: CloudColumns, provider: int) -> int:
    """Give the parent of a leaf, -1 for a root or a provider that is no leaf."""
    if cloud.provider_subtree_end[provider] != provider + 1 or (
        cloud.provider_root[provider] == provider
    ):
        return -1
    above = provider - 1
    while cloud.provider_subtree_end[above] <= provider:
        above -= 1
    return above

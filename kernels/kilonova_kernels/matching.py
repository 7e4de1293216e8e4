"""Whether open slots can all have a provider at once, by matching them with each other.

Source: augmenting paths, J. E. Hopcroft and R. M. Karp, SIAM J. Comput. 2 (1973),
section 2, one path at a time.
"""

from kilonova_kernels._jit import part
from kilonova_kernels.beside import taken_amount
from kilonova_kernels.columns import CloudColumns, Cursor, PlanColumns, SearchColumns

_STEPS = Cursor.STEPS
_UNASKED = -2
_UNMATCHED = -1
# In place of resources: the slots of suffixed groups, one to a provider.
_APART = -1


@part
def matches(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
) -> bool:
    """Say whether the slots from ``depth`` on can be served at once, by each measure.

    Parameters
    ----------
    cloud, plans, plan
        What is asked of what.
    search
        ``option_open`` tells which options go with the choices above ``depth``, and
        ``within`` which groups must lie in a range of rows.
    depth
        Number of choices made.

    Notes
    -----
    One measure is isolation: a provider takes one slot of a suffixed group. For each
    amount of each class another: of the slots that ask for at least so much, a provider
    takes as many as that amount goes into its room. And the same for all amounts of a
    group at once: as many as the scarcest of its classes allows.
    """
    first = plans.plan_slot[plan]
    if plans.plan_isolate[plan] and not _match(
        cloud, plans, plan, search, depth, _APART, _APART
    ):
        return False
    for d in range(depth, plans.plan_slot[plan + 1] - first):
        s = search.order[d]
        if not _has_open(plans, plan, search, s):
            return False
        start = plans.slot_resource[first + s]
        stop = plans.slot_resource[first + s + 1]
        for k in range(start, stop):
            if _is_new(plans, plan, search, depth, d, k) and not _match(
                cloud, plans, plan, search, depth, k, k + 1
            ):
                return False
        if (
            stop - start > 1
            and _is_first_of_kin(plans, plan, search, depth, d)
            and not _match(cloud, plans, plan, search, depth, start, stop)
        ):
            return False
    return True


@part
def _is_open(
    plans: PlanColumns, plan: int, search: SearchColumns, slot: int, option: int
) -> bool:
    if not search.ahead.option_open[slot, option]:
        return False
    group = plans.slot_group[plans.plan_slot[plan] + slot] - plans.plan_group[plan]
    if search.ahead.within[0] >> group & 1:
        provider = search.option_provider[slot, option]
        return bool(
            search.ahead.within[1] <= provider and provider < search.ahead.within[2]
        )
    return True


@part
def _has_open(plans: PlanColumns, plan: int, search: SearchColumns, slot: int) -> bool:
    for i in range(search.option_count[slot]):
        if _is_open(plans, plan, search, slot, i):
            return True
    return False


@part
def _is_new(
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    stop: int,
    resource: int,
) -> bool:
    """Say whether no open slot before ``stop`` asks for as much of the class."""
    first = plans.plan_slot[plan]
    for d in range(depth, stop):
        s = search.order[d]
        for k in range(
            plans.slot_resource[first + s], plans.slot_resource[first + s + 1]
        ):
            if (
                plans.resource_class[k] == plans.resource_class[resource]
                and plans.resource_amount[k] == plans.resource_amount[resource]
            ):
                return False
    return True


@part
def _is_first_of_kin(
    plans: PlanColumns, plan: int, search: SearchColumns, depth: int, at: int
) -> bool:
    """Say whether no open slot before the one ``at`` its place asks the same."""
    first = plans.plan_slot[plan]
    kin = plans.group_kin[plans.slot_group[first + search.order[at]]]
    for d in range(depth, at):
        if plans.group_kin[plans.slot_group[first + search.order[d]]] == kin:
            return False
    return True


@part
def _match(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    depth: int,
    start: int,
    stop: int,
) -> bool:
    """Say whether the slots of one measure match: some resources, or ``_APART``."""
    count = plans.plan_slot[plan + 1] - plans.plan_slot[plan]
    for place in range(search.ahead.place_room.shape[0]):
        search.ahead.place_room[place] = 0
        search.ahead.place_load[place] = 0
    for s in range(count):
        search.ahead.match[s] = _UNASKED
    for d in range(depth, count):
        s = search.order[d]
        if not _is_asked(plans, plan, s, start, stop):
            continue
        search.ahead.match[s] = _UNMATCHED
        for i in range(search.option_count[s]):
            place = search.ahead.option_place[s, i]
            if search.ahead.place_room[place] == 0 and _is_open(
                plans, plan, search, s, i
            ):
                room = 1 if start == _APART else count
                for k in range(start, stop):
                    asked = _asked(plans, plan, s, k)
                    inventory = search.option_inventory[asked, i]
                    left = cloud.largest[
                        cloud.inventory_position[inventory]
                    ] - taken_amount(plans, plan, search, depth, inventory)
                    room = min(room, left // plans.resource_amount[k])
                search.ahead.place_room[place] = room
    for d in range(depth, count):
        s = search.order[d]
        if search.ahead.match[s] == _UNMATCHED and not _augment(
            plans, plan, search, s, count
        ):
            return False
    return True


@part
def _is_asked(plans: PlanColumns, plan: int, slot: int, start: int, stop: int) -> bool:
    """Say whether a slot asks for at least all of the resources of a measure."""
    if start == _APART:
        first = plans.plan_slot[plan]
        return bool(plans.group_suffixed[plans.slot_group[first + slot]])
    asked = True
    for k in range(start, stop):
        asked = asked and _asked(plans, plan, slot, k) >= 0
    return asked


@part
def _asked(plans: PlanColumns, plan: int, slot: int, resource: int) -> int:
    """Give which resource of a slot is at least the one given, -1 if none is."""
    first = plans.plan_slot[plan]
    for k in range(
        plans.slot_resource[first + slot], plans.slot_resource[first + slot + 1]
    ):
        if (
            plans.resource_class[k] == plans.resource_class[resource]
            and plans.resource_amount[k] >= plans.resource_amount[resource]
        ):
            return int(k - plans.slot_resource[first])
    return -1


@part
def _augment(
    plans: PlanColumns, plan: int, search: SearchColumns, start: int, count: int
) -> bool:
    """Match one more slot, moving others to other providers where needed."""
    for place in range(search.ahead.place_from.shape[0]):
        search.ahead.place_from[place] = -1
    search.ahead.queue[0] = start
    head, tail = 0, 1
    while head < tail:
        s = search.ahead.queue[head]
        head += 1
        search.cursor[_STEPS] += search.option_count[s]
        for i in range(search.option_count[s]):
            place = search.ahead.option_place[s, i]
            if search.ahead.place_from[place] >= 0 or not _is_open(
                plans, plan, search, s, i
            ):
                continue
            search.ahead.place_from[place] = s
            if search.ahead.place_load[place] < search.ahead.place_room[place]:
                search.ahead.place_load[place] += 1
                _move_along(search, start, place)
                return True
            for other in range(count):
                if search.ahead.match[other] == place:
                    search.ahead.queue[tail] = other
                    tail += 1
    return False


@part
def _move_along(search: SearchColumns, start: int, place: int) -> None:
    """Give ``place`` to the slot that reached it, its place to the one before."""
    while True:
        s = search.ahead.place_from[place]
        before = search.ahead.match[s]
        search.ahead.match[s] = place
        if s == start:
            return
        place = before

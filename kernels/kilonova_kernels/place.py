"""Many requests one after the other: mark, weigh, take the best host, claim."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.claims import claim
from kilonova_kernels.columns import (
    CloudColumns,
    Counter,
    Cursor,
    PlanColumns,
    SearchColumns,
)
from kilonova_kernels.device_columns import BatchColumns, DeviceColumns, MarkColumns
from kilonova_kernels.devices import add_kinds, refresh_since
from kilonova_kernels.marks import best_tree, drawn_tree, refresh_marks
from kilonova_kernels.options import list_options
from kilonova_kernels.packing import RANDOM
from kilonova_kernels.search import next_candidate, start_search

_WRITES = Counter.WRITES
_GIVEN_UP = Cursor.GIVEN_UP


@kernel
def place_all(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    devices: DeviceColumns,
    marks: MarkColumns,
    batch: BatchColumns,
) -> int:
    """Place requests in their order; each sees the claims of those before it.

    Parameters
    ----------
    cloud, plans, search
        State of the cloud, changed by claims; compiled requests; working memory.
    devices, marks
        What is kept of hosts, true when called; of plans, true up to their stamps. Both
        are brought up to date.
    batch
        Requests, and outputs.

    Returns
    -------
    int
        Requests placed.
    """
    random = marks.policy[0] == RANDOM
    unusable = 0
    for tree in range(cloud.roots.shape[0]):
        unusable += devices.host_unusable[tree]
    placed = 0
    for n in range(batch.plan.shape[0]):
        plan = batch.plan[n]
        refresh_marks(cloud, plans, plan, search, devices, marks)
        if random:
            tree = drawn_tree(marks.weight[plan], batch.draw[n, 0])
        else:
            tree = best_tree(marks.weight[plan], marks.rank)
        if search.cursor[_GIVEN_UP] != 0:
            break
        batch.tree[n] = tree
        if tree >= 0:
            list_options(cloud, plans, plan, tree, search)
            if random and devices.plan_kind[plan] == 0:
                draw_first(plans, plan, search, batch.draw[n, 1])
            else:
                preferred = marks.preferred[plan, tree]
                put_least_room_first(cloud, plans, plan, search, preferred)
            start_search(cloud, plans, plan, search)
            if not next_candidate(cloud, plans, plan, search):
                batch.tree[n] = -1
                break
            count = merge_rows(plans, plan, search)
            rows, amounts = search.claim_inventory[:count], search.claim_amount[:count]
            writes = cloud.counters[_WRITES]
            add_kinds(cloud, devices, batch.consumer[n], -1)
            claim(cloud, batch.consumer[n], rows, amounts, search.refused)
            add_kinds(cloud, devices, batch.consumer[n], 1)
            unusable += refresh_since(cloud, devices, writes)
            placed += 1
        batch.unusable[n] = unusable
    return placed


@part
def put_least_room_first(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    preferred: int,
) -> None:
    """Order the options of suffixed groups: least room first, equals as they were.

    The room is that for the group's first class. The provider ``preferred``, -1 none,
    comes before all others.
    """
    first = plans.plan_slot[plan]
    for s in range(plans.plan_slot[plan + 1] - first):
        k = plans.slot_resource[first + s]
        if (
            not plans.group_suffixed[plans.slot_group[first + s]]
            or k == plans.slot_resource[first + s + 1]
        ):
            continue
        for i in range(1, search.option_count[s]):
            j = i
            while j > 0 and _goes_before(cloud, plans, plan, search, s, j, preferred):
                _swap(plans, plan, search, s, j)
                j -= 1


@part
def _goes_before(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    slot: int,
    option: int,
    preferred: int,
) -> bool:
    """Say whether an option should come before the one that it follows."""
    first = plans.plan_slot[plan]
    base = plans.slot_resource[first + slot] - plans.slot_resource[first]
    if search.option_provider[slot, option - 1] == preferred:
        return False
    if search.option_provider[slot, option] == preferred:
        return True
    inventories = search.option_inventory[base]
    here, there = inventories[option], inventories[option - 1]
    room = cloud.offer_capacity[cloud.inventory_offer[here]]
    other = cloud.offer_capacity[cloud.inventory_offer[there]]
    return bool(room - cloud.inventory_used[here] < other - cloud.inventory_used[there])


@part
def _swap(
    plans: PlanColumns, plan: int, search: SearchColumns, slot: int, option: int
) -> None:
    """Exchange an option with the one before it."""
    first = plans.plan_slot[plan]
    providers = search.option_provider[slot]
    before = providers[option - 1]
    providers[option - 1] = providers[option]
    providers[option] = before
    base = plans.slot_resource[first]
    for k in range(
        plans.slot_resource[first + slot], plans.slot_resource[first + slot + 1]
    ):
        inventories = search.option_inventory[k - base]
        row = inventories[option - 1]
        inventories[option - 1] = inventories[option]
        inventories[option] = row


@part
def draw_first(
    plans: PlanColumns, plan: int, search: SearchColumns, draw: float
) -> None:
    """Put one option of the first suffixed group first, evenly by ``draw``."""
    first = plans.plan_slot[plan]
    for s in range(plans.plan_slot[plan + 1] - first):
        if plans.group_suffixed[plans.slot_group[first + s]]:
            for j in range(int(draw * search.option_count[s]), 0, -1):
                _swap(plans, plan, search, s, j)
            return


@part
def merge_rows(plans: PlanColumns, plan: int, search: SearchColumns) -> int:
    """Write the claim of the present candidate, by inventory, and give its rows.

    Several groups on one inventory become one row with the sum of their amounts.
    """
    first = plans.plan_slot[plan]
    base = plans.slot_resource[first]
    rows, amounts = search.claim_inventory, search.claim_amount
    count = 0
    for depth in range(plans.plan_slot[plan + 1] - first):
        s = search.order[depth]
        for k in range(
            plans.slot_resource[first + s], plans.slot_resource[first + s + 1]
        ):
            row = search.option_inventory[k - base, search.choice[depth]]
            i = count
            while i > 0 and rows[i - 1] > row:
                i -= 1
            if i > 0 and rows[i - 1] == row:
                amounts[i - 1] += plans.resource_amount[k]
                continue
            for j in range(count, i, -1):
                rows[j] = rows[j - 1]
                amounts[j] = amounts[j - 1]
            rows[i] = row
            amounts[i] = plans.resource_amount[k]
            count += 1
    return count

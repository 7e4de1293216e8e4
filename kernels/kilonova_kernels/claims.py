"""Claims: all rows of a consumer's allocations are written, or none."""

from kilonova_kernels import codes
from kilonova_kernels._jit import kernel
from kilonova_kernels.columns import Counter, Int32, Int64, StateColumns

_WRITES = Counter.WRITES
_ALLOCATIONS = Counter.ALLOCATIONS
_FREE = Counter.FREE
_LIVE = Counter.LIVE


@kernel
def refusal(state: StateColumns, inventory: int, amount: int, own: int) -> int:
    """Say why one inventory cannot give ``amount``, as a code; ``OK`` if it can.

    ``own`` units are already held by the one who asks, and are given back by it.

    Notes
    -----
    Same answer as ``_check_capacity_exceeded`` in Placement's
    ``objects/allocation.py``: a provider over its capacity still takes a claim that
    does not make it worse.
    """
    offer = state.inventory_offer[inventory]
    if amount < state.offer_min_unit[offer]:
        return codes.BELOW_MIN_UNIT
    if amount > state.offer_max_unit[offer]:
        return codes.ABOVE_MAX_UNIT
    if amount % state.offer_step_size[offer] != 0:
        return codes.NOT_A_STEP
    after = state.inventory_used[inventory] - own + amount
    if after > state.offer_capacity[offer] and amount > own:
        return codes.NO_ROOM
    return codes.OK


@kernel
def held(state: StateColumns, consumer: int, inventory: int) -> int:
    """Give the units of one inventory that ``consumer`` holds."""
    row = state.consumer_first[consumer]
    while row >= 0:
        if state.allocation_inventory[row] == inventory:
            return int(state.allocation_amount[row])
        row = state.allocation_next[row]
    return 0


@kernel
def refresh_largest(state: StateColumns, inventory: int) -> None:
    """Set the largest single amount that one inventory can still give.

    It is 0 where not even one unit is left, and says nothing of ``min_unit`` and
    ``step_size``.
    """
    offer = state.inventory_offer[inventory]
    room = state.offer_capacity[offer] - state.inventory_used[inventory]
    largest = min(room, state.offer_max_unit[offer])
    state.largest[state.inventory_position[inventory]] = max(largest, 0)


@kernel
def refresh_all_largest(state: StateColumns) -> None:
    """Set the largest single amount of every inventory."""
    for i in range(state.inventory_used.shape[0]):
        refresh_largest(state, i)


@kernel
def record_change(state: StateColumns, provider: int) -> None:
    """Note in the journal that the tree of ``provider`` is not what it was."""
    root = state.provider_root[provider]
    writes = state.counters[_WRITES]
    state.journal[writes % state.journal.shape[0]] = root
    state.counters[_WRITES] = writes + 1
    state.provider_changed[root] = writes + 1


@kernel
def use(state: StateColumns, inventory: int, amount: int) -> None:
    """Add ``amount``, which may be negative, to what is used of one inventory."""
    state.inventory_used[inventory] += amount
    refresh_largest(state, inventory)


@kernel
def touch_trees(state: StateColumns, consumer: int) -> None:
    """Enter each tree that ``consumer`` holds something of in the journal, once."""
    # Rows of a consumer lie by provider, so providers of a tree are neighbours.
    before = -1
    row = state.consumer_first[consumer]
    while row >= 0:
        provider = state.inventory_provider[state.allocation_inventory[row]]
        if state.provider_root[provider] != before:
            before = state.provider_root[provider]
            record_change(state, provider)
        row = state.allocation_next[row]


@kernel
def touch_providers(state: StateColumns, consumer: int) -> None:
    """Bump the generation of each provider that ``consumer`` holds, once each."""
    before = -1
    row = state.consumer_first[consumer]
    while row >= 0:
        provider = state.inventory_provider[state.allocation_inventory[row]]
        if provider != before:
            state.provider_generation[provider] += 1
            before = provider
        row = state.allocation_next[row]


@kernel
def free_rows(state: StateColumns, consumer: int) -> None:
    """Give the allocation rows of ``consumer`` back, without a word on usage."""
    row = state.consumer_first[consumer]
    while row >= 0:
        following = state.allocation_next[row]
        state.allocation_consumer[row] = -1
        state.allocation_next[row] = state.counters[_FREE]
        state.counters[_FREE] = row
        state.counters[_LIVE] -= 1
        row = following
    state.consumer_first[consumer] = -1


@kernel
def write_rows(
    state: StateColumns, consumer: int, inventories: Int32, amounts: Int64
) -> None:
    """Write allocation rows for ``consumer``, who has none, in the order given."""
    for i in range(inventories.shape[0] - 1, -1, -1):
        row = state.counters[_FREE]
        if row >= 0:
            state.counters[_FREE] = state.allocation_next[row]
        else:
            row = state.counters[_ALLOCATIONS]
            state.counters[_ALLOCATIONS] = row + 1
        state.allocation_consumer[row] = consumer
        state.allocation_inventory[row] = inventories[i]
        state.allocation_amount[row] = amounts[i]
        state.allocation_next[row] = state.consumer_first[consumer]
        state.consumer_first[consumer] = row
        state.counters[_LIVE] += 1


@kernel
def add_usage(state: StateColumns, consumer: int, sign: int) -> None:
    """Add (``sign`` 1) or take away (-1) all that ``consumer`` holds."""
    row = state.consumer_first[consumer]
    while row >= 0:
        use(state, state.allocation_inventory[row], sign * state.allocation_amount[row])
        row = state.allocation_next[row]


@kernel
def claim(
    state: StateColumns,
    consumer: int,
    inventories: Int32,
    amounts: Int64,
    refused: Int64,
) -> int:
    """Replace what ``consumer`` holds by the given rows, or change nothing.

    Parameters
    ----------
    state
        Columns, changed in place. The caller has room for one more allocation row per
        given row behind ``counters[ALLOCATIONS]``.
    consumer
        Row of the consumer. What it holds already counts as free for itself.
    inventories
        Inventory rows, (K,) int32, ascending, each at most once.
    amounts
        Units, (K,) int64, at least 1, in the unit of the class.
    refused
        (1,) int64: on refusal, the index of the first row that cannot be had.

    Returns
    -------
    int
        A code of ``codes``: ``OK``, or why the row in ``refused`` cannot be had.

    Notes
    -----
    Same answer as PUT /allocations/{consumer}: capacity decides, not a generation. A
    provider that only the old rows name keeps its generation, there as here.
    """
    for i in range(inventories.shape[0]):
        own = held(state, consumer, inventories[i])
        code = refusal(state, inventories[i], amounts[i], own)
        if code != codes.OK:
            refused[0] = i
            return code
    release(state, consumer)
    write_rows(state, consumer, inventories, amounts)
    add_usage(state, consumer, 1)
    touch_trees(state, consumer)
    touch_providers(state, consumer)
    state.consumer_generation[consumer] += 1
    return codes.OK


@kernel
def release(state: StateColumns, consumer: int) -> None:
    """Give back all that ``consumer`` holds, which may be nothing.

    Notes
    -----
    As DELETE /allocations/{consumer}, which leaves the providers' generations alone.
    """
    add_usage(state, consumer, -1)
    touch_trees(state, consumer)
    free_rows(state, consumer)


@kernel
def move(state: StateColumns, source: int, target: int, refused: Int64) -> int:
    """Hand all that ``source`` holds to ``target``, whose own rows are given back.

    Parameters
    ----------
    state
        Columns, changed in place.
    source, target
        Rows of two different consumers.
    refused
        (1,) int64: on refusal, the inventory row that cannot be had.

    Returns
    -------
    int
        A code of ``codes``. Usage does not grow, so there is always room; but limits
        of the amount may have been changed since ``source`` made its claim.

    Notes
    -----
    As POST /allocations with the rows for ``target`` and none for ``source``.
    """
    row = state.consumer_first[source]
    while row >= 0:
        amount = state.allocation_amount[row]
        refused[0] = state.allocation_inventory[row]
        code = refusal(state, state.allocation_inventory[row], amount, amount)
        if code != codes.OK:
            return code
        row = state.allocation_next[row]
    release(state, target)
    row = state.consumer_first[source]
    state.consumer_first[target] = row
    state.consumer_first[source] = -1
    while row >= 0:
        state.allocation_consumer[row] = target
        row = state.allocation_next[row]
    touch_trees(state, target)
    touch_providers(state, target)
    state.consumer_generation[target] += 1
    return codes.OK

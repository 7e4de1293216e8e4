"""Claims: all rows of a consumer's allocations are written, or none."""

from kilonova_kernels import codes
from kilonova_kernels._jit import inlined, kernel, part
from kilonova_kernels.columns import CloudColumns, Counter, Int32, Int64

_WRITES = Counter.WRITES
_ALLOCATIONS = Counter.ALLOCATIONS
_FREE = Counter.FREE
_LIVE = Counter.LIVE


@part
def refusal(cloud: CloudColumns, inventory: int, amount: int, own: int) -> int:
    """Say why one inventory cannot give ``amount``, as a code; ``OK`` if it can.

    ``own`` units are already held by the one who asks, and are given back by it.

    Notes
    -----
    Same answer as ``_check_capacity_exceeded`` in Placement's
    ``objects/allocation.py``: a provider over its capacity still takes a claim that
    does not make it worse.
    """
    offer = cloud.inventory_offer[inventory]
    if amount < cloud.offer_min_unit[offer]:
        return codes.BELOW_MIN_UNIT
    if amount > cloud.offer_max_unit[offer]:
        return codes.ABOVE_MAX_UNIT
    if amount % cloud.offer_step_size[offer] != 0:
        return codes.NOT_A_STEP
    after = cloud.inventory_used[inventory] - own + amount
    if after > cloud.offer_capacity[offer] and amount > own:
        return codes.NO_ROOM
    return codes.OK


@kernel
def held(cloud: CloudColumns, consumer: int, inventory: int) -> int:
    """Give the units of one inventory that ``consumer`` holds."""
    row = cloud.consumer_first[consumer]
    while row >= 0:
        if cloud.allocation_inventory[row] == inventory:
            return int(cloud.allocation_amount[row])
        row = cloud.allocation_next[row]
    return 0


@kernel
def refresh_largest(cloud: CloudColumns, inventory: int) -> None:
    """Set the largest single amount that one inventory can still give.

    It is 0 where not even one unit is left, and says nothing of ``min_unit`` and
    ``step_size``.
    """
    offer = cloud.inventory_offer[inventory]
    room = cloud.offer_capacity[offer] - cloud.inventory_used[inventory]
    largest = min(room, cloud.offer_max_unit[offer])
    cloud.largest[cloud.inventory_position[inventory]] = max(largest, 0)


@kernel
def record_change(cloud: CloudColumns, provider: int) -> None:
    """Note in the journal that the tree of ``provider`` is not what it was."""
    _record(cloud, provider, False)


@kernel
def record_changes(cloud: CloudColumns, providers: Int32) -> None:
    """Note that the trees of some providers are not what they were."""
    for i in range(providers.shape[0]):
        _record(cloud, providers[i], False)


@inlined
def _record(cloud: CloudColumns, provider: int, taken: bool) -> None:
    """Note a change, and whether it did nothing but take room.

    The complement of a root stands for the latter: whoever knows that something did not
    fit need not look again.
    """
    root = cloud.provider_root[provider]
    writes = cloud.counters[_WRITES]
    cloud.journal[writes % cloud.journal.shape[0]] = ~root if taken else root
    cloud.counters[_WRITES] = writes + 1
    cloud.provider_changed[root] = writes + 1


@inlined
def journal_root(cloud: CloudColumns, write: int) -> int:
    """Give the root of the tree that one write changed."""
    entry = cloud.journal[write % cloud.journal.shape[0]]
    return int(entry if entry >= 0 else ~entry)


@inlined
def only_took(cloud: CloudColumns, write: int) -> bool:
    """Say whether one write did nothing but take room."""
    return bool(cloud.journal[write % cloud.journal.shape[0]] < 0)


@inlined
def use(cloud: CloudColumns, inventory: int, amount: int) -> None:
    """Add ``amount``, which may be negative, to what is used of one inventory."""
    cloud.inventory_used[inventory] += amount
    refresh_largest(cloud, inventory)


@part
def touch_trees(cloud: CloudColumns, consumer: int, taken: bool) -> None:
    """Enter each tree that ``consumer`` holds something of in the journal, once.

    ``taken`` says that the consumer took it just now, and nothing else happened.
    """
    # Rows of a consumer lie by provider, so providers of a tree are neighbours.
    before = -1
    row = cloud.consumer_first[consumer]
    while row >= 0:
        provider = cloud.inventory_provider[cloud.allocation_inventory[row]]
        if cloud.provider_root[provider] != before:
            before = cloud.provider_root[provider]
            _record(cloud, provider, taken)
        row = cloud.allocation_next[row]


@kernel
def touch_providers(cloud: CloudColumns, consumer: int) -> None:
    """Bump the generation of each provider that ``consumer`` holds, once each."""
    before = -1
    row = cloud.consumer_first[consumer]
    while row >= 0:
        provider = cloud.inventory_provider[cloud.allocation_inventory[row]]
        if provider != before:
            cloud.provider_generation[provider] += 1
            before = provider
        row = cloud.allocation_next[row]


@part
def free_rows(cloud: CloudColumns, consumer: int) -> None:
    """Give the allocation rows of ``consumer`` back, without a word on usage."""
    row = cloud.consumer_first[consumer]
    while row >= 0:
        following = cloud.allocation_next[row]
        cloud.allocation_consumer[row] = -1
        # Else it would name an inventory that may since be removed.
        cloud.allocation_inventory[row] = -1
        cloud.allocation_next[row] = cloud.counters[_FREE]
        cloud.counters[_FREE] = row
        cloud.counters[_LIVE] -= 1
        row = following
    cloud.consumer_first[consumer] = -1


@kernel
def write_rows(
    cloud: CloudColumns, consumer: int, inventories: Int32, amounts: Int64
) -> None:
    """Write allocation rows for ``consumer``, who has none, in the order given."""
    for i in range(inventories.shape[0] - 1, -1, -1):
        row = cloud.counters[_FREE]
        if row >= 0:
            cloud.counters[_FREE] = cloud.allocation_next[row]
        else:
            row = cloud.counters[_ALLOCATIONS]
            cloud.counters[_ALLOCATIONS] = row + 1
        cloud.allocation_consumer[row] = consumer
        cloud.allocation_inventory[row] = inventories[i]
        cloud.allocation_amount[row] = amounts[i]
        cloud.allocation_next[row] = cloud.consumer_first[consumer]
        cloud.consumer_first[consumer] = row
        cloud.counters[_LIVE] += 1


@kernel
def add_usage(cloud: CloudColumns, consumer: int, sign: int) -> None:
    """Add (``sign`` 1) or take away (-1) all that ``consumer`` holds."""
    row = cloud.consumer_first[consumer]
    while row >= 0:
        use(cloud, cloud.allocation_inventory[row], sign * cloud.allocation_amount[row])
        row = cloud.allocation_next[row]


@kernel
def claim(
    cloud: CloudColumns,
    consumer: int,
    inventories: Int32,
    amounts: Int64,
    refused: Int64,
) -> int:
    """Replace what ``consumer`` holds by the given rows, or change nothing.

    Parameters
    ----------
    cloud
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
        own = held(cloud, consumer, inventories[i])
        code = refusal(cloud, inventories[i], amounts[i], own)
        if code != codes.OK:
            refused[0] = i
            return code
    release(cloud, consumer)
    write_rows(cloud, consumer, inventories, amounts)
    add_usage(cloud, consumer, 1)
    touch_trees(cloud, consumer, True)
    touch_providers(cloud, consumer)
    cloud.consumer_generation[consumer] += 1
    return codes.OK


@kernel
def release(cloud: CloudColumns, consumer: int) -> None:
    """Give back all that ``consumer`` holds, which may be nothing.

    Notes
    -----
    As DELETE /allocations/{consumer}, which leaves the providers' generations alone.
    """
    add_usage(cloud, consumer, -1)
    touch_trees(cloud, consumer, False)
    free_rows(cloud, consumer)


@kernel
def move(cloud: CloudColumns, source: int, target: int, refused: Int64) -> int:
    """Hand all that ``source`` holds to ``target``, whose own rows are given back.

    Parameters
    ----------
    cloud
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
    row = cloud.consumer_first[source]
    while row >= 0:
        amount = cloud.allocation_amount[row]
        refused[0] = cloud.allocation_inventory[row]
        code = refusal(cloud, cloud.allocation_inventory[row], amount, amount)
        if code != codes.OK:
            return code
        row = cloud.allocation_next[row]
    release(cloud, target)
    row = cloud.consumer_first[source]
    cloud.consumer_first[target] = row
    cloud.consumer_first[source] = -1
    while row >= 0:
        cloud.allocation_consumer[row] = target
        row = cloud.allocation_next[row]
    touch_trees(cloud, target, False)
    touch_providers(cloud, target)
    cloud.consumer_generation[target] += 1
    return codes.OK

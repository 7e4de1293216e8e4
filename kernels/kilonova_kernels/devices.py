"""Free amounts of hosts with devices, and how much of them lies idle in fragments."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.claims import journal_root
from kilonova_kernels.columns import CloudColumns, Counter, Int64
from kilonova_kernels.device_columns import DeviceColumns
from kilonova_kernels.trees import tree_of

_WRITES = Counter.WRITES
_ALLOCATIONS = Counter.ALLOCATIONS


@part
def refresh_tree(cloud: CloudColumns, devices: DeviceColumns, tree: int) -> None:
    """Read the free amounts of one tree from the cloud's columns."""
    root = cloud.roots[tree]
    cpu = 0
    count = 0
    first = cloud.inventory_start[root]
    for i in range(first, cloud.inventory_start[cloud.provider_subtree_end[root]]):
        resource_class = cloud.inventory_resource_class[i]
        free = cloud.offer_capacity[cloud.inventory_offer[i]] - cloud.inventory_used[i]
        if resource_class == devices.classes[0]:
            cpu += free
        elif resource_class == devices.classes[1]:
            devices.device_free[tree, count] = free
            count += 1
    devices.cpu_free[tree] = cpu
    devices.device_count[tree] = count


@kernel
def refresh_all(cloud: CloudColumns, devices: DeviceColumns) -> None:
    """Read the free amounts of all trees, and reckon their fragments."""
    for tree in range(cloud.roots.shape[0]):
        refresh_tree(cloud, devices, tree)
        refresh_fragment(cloud, devices, tree)


@kernel
def refresh_since(cloud: CloudColumns, devices: DeviceColumns, stamp: int) -> int:
    """Bring all trees up to date that changed after ``stamp`` writes.

    Returns
    -------
    int
        By how much the sum of ``host_unusable`` grew.
    """
    writes = cloud.counters[_WRITES]
    size = cloud.journal.shape[0]
    every = writes - stamp > size
    first, last = stamp, writes
    if every:
        first, last = 0, cloud.roots.shape[0]
    grown = 0
    for w in range(first, last):
        tree = w
        if not every:
            root = journal_root(cloud, w)
            # A later entry of the same tree will do for this one, too.
            if cloud.provider_changed[root] != w + 1:
                continue
            tree = tree_of(cloud.roots, root)
        grown -= devices.host_unusable[tree]
        refresh_tree(cloud, devices, tree)
        refresh_fragment(cloud, devices, tree)
        grown += devices.host_unusable[tree]
    return int(grown)


@kernel
def count_kinds(cloud: CloudColumns, devices: DeviceColumns) -> None:
    """Count the requests of each kind that each tree holds, from all allocations."""
    kinds = devices.host_kinds
    for tree in range(kinds.shape[0]):
        for kind in range(kinds.shape[1]):
            kinds[tree, kind] = 0
    for row in range(cloud.counters[_ALLOCATIONS]):
        consumer = cloud.allocation_consumer[row]
        if consumer >= 0 and cloud.consumer_first[consumer] == row:
            add_kinds(cloud, devices, consumer, 1)


@part
def add_kinds(
    cloud: CloudColumns, devices: DeviceColumns, consumer: int, sign: int
) -> None:
    """Count (``sign`` 1) or forget (-1) what ``consumer`` holds of devices, by tree."""
    root, count, least = -1, 0, 0
    row = cloud.consumer_first[consumer]
    while row >= 0:
        inventory = cloud.allocation_inventory[row]
        # Rows of a consumer lie by provider, so those of a tree are neighbours.
        own = cloud.provider_root[cloud.inventory_provider[inventory]]
        if own != root:
            _add_kind(cloud, devices, root, count, least, sign)
            root, count = own, 0
        if cloud.inventory_resource_class[inventory] == devices.classes[1]:
            amount = cloud.allocation_amount[row]
            least = amount if count == 0 else min(least, amount)
            count += 1
        row = cloud.allocation_next[row]
    _add_kind(cloud, devices, root, count, least, sign)


@part
def _add_kind(
    cloud: CloudColumns,
    devices: DeviceColumns,
    root: int,
    count: int,
    least: int,
    sign: int,
) -> None:
    """Add to one kind of one tree: ``count`` devices, ``least`` units of each."""
    if count > 0:
        kind = 0 if count == 1 and least < devices.whole[0] else count
        devices.host_kinds[tree_of(cloud.roots, root), kind] += sign


@part
def refresh_fragment(cloud: CloudColumns, devices: DeviceColumns, tree: int) -> None:
    """Reckon the fragment of one tree anew from its free amounts."""
    levels = devices.level_amount.shape[0]
    have, low = devices.scratch[1, :levels], devices.scratch[2, :levels]
    free = devices.device_free[tree, : devices.device_count[tree]]
    traits = cloud.provider_trait_set[cloud.roots[tree]]
    cpu = devices.cpu_free[tree]
    devices.host_fragment[tree] = fragment(devices, cpu, free, traits, have, low)
    total = 0
    for d in range(free.shape[0]):
        total += free[d]
    unusable = 0
    for n in range(devices.typical_cpu.shape[0]):
        reason = lost_for(devices, n, cpu, traits, have)
        amount = low[devices.typical_level[n]] if reason == _LOW else total
        unusable += devices.typical_count[n] * amount
    devices.host_unusable[tree] = unusable


# Why idle units are lost to a typical request: places of the partial sums, in the order
# in which they are added. _LOW loses only devices with too little, and is added to
# _LACKS_DEVICES; the others lose all.
_LOW = -1
_LACKS_BOTH = 0
_LACKS_DEVICES = 1
_LACKS_CPU = 2
_NO_DEVICE_ROOM = 3
_NO_DEVICE_NO_ROOM = 4
_NOT_ALLOWED = 5


@part
def lost_for(
    devices: DeviceColumns, typical: int, cpu: int, traits: int, have: Int64
) -> int:
    """Say why idle units of a host are lost to one typical request."""
    room = cpu >= devices.typical_cpu[typical]
    if devices.typical_amount[typical] == 0:
        return _NO_DEVICE_ROOM if room else _NO_DEVICE_NO_ROOM
    if not devices.typical_allowed[typical, traits]:
        return _NOT_ALLOWED
    level = devices.typical_level[typical]
    if have[level] >= devices.typical_devices[typical]:
        return _LOW if room else _LACKS_CPU
    return _LACKS_DEVICES if room else _LACKS_BOTH


@part
def fragment(
    devices: DeviceColumns,
    cpu: int,
    free: Int64,
    traits: int,
    have: Int64,
    low: Int64,
) -> float:
    """Give the expected idle units of a host that a typical request cannot use.

    Parameters
    ----------
    devices
        Typical requests.
    cpu
        Free CPU units.
    free
        Free units of each device, (D,) int64.
    traits
        Trait set of the root.
    have, low
        Outputs, (L,) int64: devices with at least so much free, and the sum of the
        free units of the others, for each distinct amount.

    Notes
    -----
    The fragmentation measure F of Weng et al., USENIX ATC '23, section 4. Weights are
    cut to whole numbers, so the last bit decides ties: six partial sums over the
    typical requests in their order, added in the order of the reasons above.
    """
    total = 0
    for d in range(free.shape[0]):
        total += free[d]
    for level in range(have.shape[0]):
        have[level] = 0
        low[level] = 0
        for d in range(free.shape[0]):
            if free[d] >= devices.level_amount[level]:
                have[level] += 1
            else:
                low[level] += free[d]
    sums = devices.sums
    for i in range(sums.shape[0]):
        sums[i] = 0.0
    for n in range(devices.typical_cpu.shape[0]):
        reason = lost_for(devices, n, cpu, traits, have)
        frequency = devices.typical_frequency[n]
        if reason == _LOW:
            sums[_LACKS_DEVICES] += frequency * low[devices.typical_level[n]]
        else:
            sums[reason] += frequency * total
    lost = 0.0
    for i in range(sums.shape[0]):
        lost += sums[i]
    return lost

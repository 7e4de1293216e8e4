"""Free amounts of hosts with devices, and how much of them lies idle in fragments."""

from kilonova_kernels._jit import inlined, kernel, part
from kilonova_kernels.columns import CloudColumns, Int64
from kilonova_kernels.device_columns import DeviceColumns


@kernel
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


@inlined
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


@kernel
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

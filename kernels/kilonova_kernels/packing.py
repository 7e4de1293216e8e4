"""Weights of hosts with devices: the policies of Weng et al., USENIX ATC '23."""

import math

from kilonova_kernels._jit import part
from kilonova_kernels.columns import Int64
from kilonova_kernels.device_columns import DeviceColumns
from kilonova_kernels.devices import fragment

# Numbers of the policies; names and texts are in kilonova.hosts.policies.
RANDOM = 0
DOT_PRODUCT = 1
GPU_CLUSTERING = 2
GPU_PACKING = 3
BEST_FIT = 4
FGD = 5


@part
def weigh(devices: DeviceColumns, policy: int, plan: int, tree: int) -> int:
    """Give the weight of a tree that fits; for all policies but FGD.

    Returns
    -------
    int
        Cut toward zero, at least 0; larger is better.
    """
    if policy == BEST_FIT:
        return _best_fit(devices, plan, tree)
    if policy == DOT_PRODUCT:
        return _dot_product(devices, plan, tree)
    if policy == GPU_CLUSTERING:
        return _clustering(devices, plan, tree)
    if policy == GPU_PACKING:
        return _packing(devices, plan, tree)
    # Random: all hosts are alike, and a drawn number decides among them.
    return 0


@part
def _device_free_sum(devices: DeviceColumns, tree: int) -> int:
    total = 0
    for d in range(devices.device_count[tree]):
        total += devices.device_free[tree, d]
    return total


@part
def _best_fit(devices: DeviceColumns, plan: int, tree: int) -> int:
    cpu = devices.cpu_free[tree] - devices.plan_cpu[plan]
    asked = devices.plan_amount[plan] * devices.plan_devices[plan]
    left = _device_free_sum(devices, tree) - asked
    idle = cpu / devices.normal[0] * 0.5
    idle += left / devices.normal[1] * 0.5
    return int((1.0 - idle) * 100.0)


@part
def _dot_product(devices: DeviceColumns, plan: int, tree: int) -> int:
    asked = devices.plan_amount[plan] * devices.plan_devices[plan]
    cpu_share = devices.cpu_free[tree] / devices.normal[0]
    device_share = _device_free_sum(devices, tree) / devices.normal[1]
    product = cpu_share * (devices.plan_cpu[plan] / devices.normal[0])
    product += device_share * (asked / devices.normal[1])
    return int(100.0 * (1.0 - product / 2.0))


@part
def _clustering(devices: DeviceColumns, plan: int, tree: int) -> int:
    kind = devices.plan_kind[plan]
    if kind < 0:
        return 0
    normal = devices.normal[1]
    base = 25 * (normal - _device_free_sum(devices, tree)) // normal
    kinds = 0
    for k in range(devices.host_kinds.shape[1]):
        kinds += devices.host_kinds[tree, k] > 0
    if devices.host_kinds[tree, kind] > 0:
        return int(base + (75 if kinds == 1 else 50))
    return int(base + (25 if kinds == 0 else 0))


@part
def _packing(devices: DeviceColumns, plan: int, tree: int) -> int:
    if devices.plan_kind[plan] < 0:
        return 0
    whole, amount = devices.whole[0], devices.plan_amount[plan]
    count = devices.device_count[tree]
    free = devices.scratch[0]
    unused = 0
    for d in range(count):
        unused += devices.device_free[tree, d] == whole
        insert_ascending(free, d, devices.device_free[tree, d])
    if unused == count:
        return int(max(33 - count, count))
    opened = 0
    percents = 0
    missing = devices.plan_devices[plan]
    for d in range(count):
        if missing > 0 and free[d] >= amount:
            missing -= 1
            opened += free[d] == whole
            percents += free[d] * 100 // whole
    if opened > 0:
        return int(max(50 - opened, 33))
    return int(max(100 - percents // 10, 50))


@part
def insert_ascending(values: Int64, count: int, value: int) -> None:
    """Put ``value`` among the first ``count`` values, which ascend."""
    i = count
    while i > 0 and values[i - 1] > value:
        values[i] = values[i - 1]
        i -= 1
    values[i] = value


@part
def weigh_fgd(
    devices: DeviceColumns, plan: int, tree: int, traits: int
) -> tuple[int, int]:
    """Give the weight of a tree under FGD, and the device that a share should take.

    Parameters
    ----------
    devices, plan, tree
        What is weighed; the tree fits.
    traits
        Trait set of the root.

    Returns
    -------
    tuple[int, int]
        Weight 0..100, and the device, -1 where none is preferred. The weight is -1 as
        well where a share fits none of the host's own devices, but a shared one.
    """
    levels = devices.level_amount.shape[0]
    count = devices.device_count[tree]
    free = devices.scratch[0, :count]
    have, low = devices.scratch[1, :levels], devices.scratch[2, :levels]
    amount = devices.plan_amount[plan]
    cpu = devices.cpu_free[tree] - devices.plan_cpu[plan]
    before = devices.host_fragment[tree]
    for d in range(count):
        free[d] = devices.device_free[tree, d]
    if devices.plan_kind[plan] != 0:
        missing = devices.plan_devices[plan]
        for d in range(count):
            if missing > 0 and free[d] >= amount:
                free[d] -= amount
                missing -= 1
        after = fragment(devices, cpu, free, traits, have, low)
        return _gain(before, after), -1
    best, chosen = -1, -1
    for d in range(count):
        if free[d] < amount or _seen(free, d):
            continue
        free[d] -= amount
        gain = _gain(before, fragment(devices, cpu, free, traits, have, low))
        free[d] += amount
        if gain > best:
            best, chosen = gain, d
    return best, chosen


@part
def _seen(free: Int64, device: int) -> bool:
    """Say whether a device before this one has as much free: they weigh alike."""
    seen = False
    for d in range(device):
        seen = seen or free[d] == free[device]
    return seen


@part
def _gain(before: float, after: float) -> int:
    return int(1.0 / (1.0 + math.exp(-((before - after) / 1000.0))) * 100.0)

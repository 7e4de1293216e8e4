"""Columns of the batch placement over hosts with devices."""

from typing import NamedTuple

from kilonova_kernels._pointed import pointed
from kilonova_kernels.columns import Bool, Float64, Int32, Int64


@pointed
class DeviceColumns(NamedTuple):
    """What packing weighers know of hosts with devices, and of what is asked of them.

    T trees, D devices of the largest host, Q plans, N typical requests, L distinct
    amounts among them, K kinds of request, X trait sets. Free amounts are kept up to
    date tree by tree, from the cloud's columns.

    Attributes
    ----------
    classes
        Resource class of the CPU and of a device, (2,).
    normal
        CPU and device units of the largest host, (2,).
    whole
        Units of one whole device, (1,).
    cpu_free
        Free CPU units of each tree, (T,).
    device_count, device_free
        Devices of each tree, (T,), and the free units of each, (T, D).
    host_kinds
        Requests of each kind that a tree holds, (T, K).
    host_fragment
        Expected idle units that a typical request cannot use, (T,).
    host_unusable
        The same times the number of typical requests counted, as a whole, (T,).
    plan_cpu, plan_amount, plan_devices, plan_kind
        CPU units, units of each device, number of devices asked, (Q,); kind: 0 a
        share, k whole devices, -1 no device.
    typical_cpu, typical_amount, typical_devices
        The same for typical requests, (N,).
    typical_level
        Index of the amount in ``level_amount``, (N,).
    typical_frequency, typical_count
        Share and number among the typical requests, (N,).
    typical_allowed
        Whether a root with this trait set may serve it, (N, X).
    level_amount
        Distinct amounts, (L,).
    scratch, sums
        Working memory, (3, max(D, L)) and (6,).
    """

    classes: Int64
    normal: Int64
    whole: Int64
    cpu_free: Int64
    device_count: Int64
    device_free: Int64
    host_kinds: Int64
    host_fragment: Float64
    host_unusable: Int64
    plan_cpu: Int64
    plan_amount: Int64
    plan_devices: Int64
    plan_kind: Int64
    typical_cpu: Int64
    typical_amount: Int64
    typical_devices: Int64
    typical_level: Int64
    typical_frequency: Float64
    typical_count: Int64
    typical_allowed: Bool
    level_amount: Int64
    scratch: Int64
    sums: Float64


@pointed
class MarkColumns(NamedTuple):
    """What is kept of each plan between decisions: marks and weights of all trees.

    Attributes
    ----------
    weight
        Weight of each tree, minus infinity where it does not fit, (Q, T).
    preferred
        Provider that the weigher wants for the first suffixed group, or -1, (Q, T).
    stamp
        Count of writes up to which the marks of a plan are true; -1 none, (Q,).
    rank
        Of trees with equal weights, the lower rank is taken, (T,).
    policy
        Number of the weigher, of ``kilonova_kernels.packing``, (1,).
    """

    weight: Float64
    preferred: Int32
    stamp: Int64
    rank: Int64
    policy: Int64


@pointed
class BatchColumns(NamedTuple):
    """Requests to place one after the other, and what became of them.

    Attributes
    ----------
    plan
        Plan of each request, (N,).
    consumer
        Row of the consumer of each request, (N,). There are spare allocation rows for
        all of them.
    draw
        Numbers in [0, 1), (N, 2): which of equally good hosts, and which device. Read
        by the Random policy alone.
    tree
        Output, (N,): tree that took the request, or -1.
    unusable
        Output, (N,): sum of ``host_unusable`` after the request.
    """

    plan: Int32
    consumer: Int32
    draw: Float64
    tree: Int32
    unusable: Int64

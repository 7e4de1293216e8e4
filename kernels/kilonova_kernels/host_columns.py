"""Columns of hosts, and what is kept of them for choosing among them."""

from typing import NamedTuple

from kilonova_kernels._pointed import pointed
from kilonova_kernels.columns import Bool, Float64, Int32, Int64, UInt8, UInt16

# Hosts below one node of the tree of extremes, and nodes below one above it.
WIDTH = 16
# Levels that any number of hosts needs: 16 ** 8 of them.
MOST_LEVELS = 8
# References that a shape remembers; see ``ShapeColumns``.
REFERENCES = 32
# Changes of hosts that are remembered one by one, at least; see ``TreeColumns``.
RECENT = 4096


class Measure:
    """How a weigher's raw value follows from the columns of a host, by number.

    ``FIXED`` values are given by the caller and do not change with a claim.
    """

    FIXED = 0
    # Of the server's group: 0 for hosts without a member, and set choice by choice.
    SOFT_AFFINITY = -1
    SOFT_ANTI_AFFINITY = -2
    FREE_RAM = 1
    FREE_CPU = 2
    FREE_DISK = 3
    IO_OPS = 4
    INSTANCES = 5


class Policy:
    """What a server group asks, by number."""

    NONE = 0
    AFFINITY = 1
    ANTI_AFFINITY = 2
    SOFT_AFFINITY = 3
    SOFT_ANTI_AFFINITY = 4


@pointed
class HostColumns(NamedTuple):
    """What a server takes of a host and gives back, as the host itself counts it.

    H hosts, T trees, C consumers with spare rows. Meanings and units are those of
    ``kilonova.cloud.schema``, tables ``host`` and ``consumer``.

    Attributes
    ----------
    tree_host
        Host of each tree, (T,) int32, -1 where a tree is no host.
    host_tree
        Tree of each host, (H,) int32, -1 where it has none.
    """

    host_vcpus_total: Int32
    host_cpu_allocation_ratio: Float64
    host_vcpus_used: Int32
    host_free_ram_mb: Int64
    host_free_disk_mb: Int64
    host_num_instances: Int32
    host_num_io_ops: Int32
    consumer_host: Int32
    consumer_vcpus: Int32
    consumer_memory_mb: Int32
    consumer_disk_mb: Int32
    consumer_building: UInt8
    consumer_group: Int32
    tree_host: Int32
    host_tree: Int32


@pointed
class WeightColumns(NamedTuple):
    """Raw values of all hosts for the weighers of one scheduler.

    H hosts in B blocks of ``WIDTH``, K weighers in the order in which their weights are
    added, M distinct rows of multipliers.

    Attributes
    ----------
    measure
        How a raw value follows from columns, (K,) int64; see ``Measure``.
    floor
        Smallest raw value that counts, below which all are raised to it, (K,); minus
        infinity where the smallest of the hosts that are weighed is taken.
    value
        Raw values, not below the floors, (B, K, WIDTH).
    multiplier
        (M, K).
    host_multiplier
        Row of multipliers of each host, (H,).
    """

    measure: Int64
    floor: Float64
    value: Float64
    multiplier: Float64
    host_multiplier: Int32


@pointed
class TreeColumns(NamedTuple):
    """The tree of extremes over all hosts, and which hosts changed last.

    A node of level 0 stands for a block of ``WIDTH`` hosts, one of a higher level for
    ``WIDTH`` nodes of the level below: a *family*. L levels, F families, K weighers, H
    hosts, R changes that are remembered. Changes are counted, and times are such
    counts.

    Attributes
    ----------
    first
        First family of each level, (L,): node ``n`` is child ``n % WIDTH`` of family
        ``first[level] + n // WIDTH``.
    nodes
        Nodes of each level, (L,); one in the last.
    highest, lowest
        Extremes of the raw values below a node, (F, K, WIDTH).
    host_time
        When a host last changed; and when it last did so in a way that may raise its
        weight or let it pass, (H, 2). Any other change only lowers weights and takes
        away.
    recent
        Hosts that changed, by time modulo R, (R,); -1 for one that changed again.
    recent_count
        Hosts in each block of ``WIDTH`` of these, (R / WIDTH,).
    recent_raised
        The second of their times, (R,).
    recent_value
        Their raw values, (R / WIDTH, K, WIDTH).
    time
        Changes so far, (1,).
    stamp
        Count of writes to the cloud up to which the above is true; -1 none, (1,).
    """

    first: Int64
    nodes: Int64
    highest: Float64
    lowest: Float64
    host_time: Int64
    recent: Int32
    recent_count: Int64
    recent_raised: Int64
    recent_value: Float64
    time: Int64
    stamp: Int64


@pointed
class ShapeColumns(NamedTuple):
    """What is kept of each shape of request: which hosts pass, and how they weigh.

    S shapes, H hosts in B blocks, F families of nodes, K weighers, M rows of
    multipliers.

    Whether a host passes is found out when it matters. A host that does not is *barred*
    until it changes in a way that may let it pass.

    A *scale* is how raw values are normalised: smallest value and range, by weigher. It
    is another one whenever an extreme of the passing hosts changes. Bounds are kept
    under a *reference*, the scale of some earlier choice.

    Attributes
    ----------
    allowed
        Hosts that pass what does not change with a claim, (S, H).
    barred
        A bit for each host of a block that does not pass, or is not allowed, (S, B).
    rooted
        Whether each candidate of the shape takes something of the root provider, so
        that a host is found by it, (S,).
    stamp
        Time up to which all below is true; -1 none, (S,).
    witness
        A host that passes, -1 where none does, (S,).
    high, low
        Extremes of the raw values over the passing hosts, (S, K).
    high_host, low_host
        Hosts that have them, (S, K).
    bound
        What no host below a node weighs more than, plus infinity where that is not
        known, (S, F, WIDTH).
    least
        What the last of the best hosts of the last choice weighed under the newest
        reference, (S,): bounds below do not matter much.
    reference
        Number of the reference for which the bounds of a family hold, (S, F).
    last_reference
        Number of the newest reference, (S,).
    reference_low, reference_range
        Each of the last ``REFERENCES`` references, by its number modulo that,
        (S, REFERENCES, K).
    limit_measure
        ``IO_OPS`` or ``INSTANCES`` where a host must be below a limit, (S, 2); -1: not.
    limit
        Those limits, (S, 2, H) or (S, 2, 1) where all hosts have the same.
    vcpus, memory_mb, disk_mb
        What a server of the shape takes of a host, (S,).
    plan
        Plan of each shape, and one for trees where that finds nothing, -1 without,
        (S, 2).
    """

    allowed: Bool
    barred: UInt16
    rooted: Bool
    stamp: Int64
    witness: Int64
    high: Float64
    low: Float64
    high_host: Int64
    low_host: Int64
    bound: Float64
    least: Float64
    reference: Int64
    last_reference: Int64
    reference_low: Float64
    reference_range: Float64
    limit_measure: Int64
    limit: Float64
    vcpus: Int32
    memory_mb: Int32
    disk_mb: Int32
    plan: Int32


@pointed
class GroupColumns(NamedTuple):
    """Server groups: how many members each has on which host.

    G groups, E entries, with spare rows.

    Attributes
    ----------
    first
        First entry of each group, -1 for none, (G,).
    host, members, next
        Host, members on it (0: an entry that is free again), following entry, (E,).
    used
        Entries ever used, (1,).
    """

    first: Int32
    host: Int32
    members: Int32
    next: Int32
    used: Int64


@pointed
class ChoiceColumns(NamedTuple):
    """Working memory of one choice among hosts.

    K weighers, B best hosts, D hosts that are listed or have members of one group.

    Attributes
    ----------
    low, range
        Smallest raw value that counts, and how far the largest is above it, (K,).
    slope, offset
        A weight is that under the newest reference, and ``offset``, and ``slope`` times
        each raw value, up to rounding, (M, K) and (M,).
    slack
        More than what rounding can add to such a sum; and whether scale and reference
        are the same, (2,).
    bound
        Upper bound of each child of the open node of each level, minus infinity once
        it was looked at, (MOST_LEVELS, WIDTH).
    kept
        Upper bound of each under the newest reference, (MOST_LEVELS, WIDTH).
    sum, most
        (WIDTH,).
    node
        Open node of each level, (MOST_LEVELS,).
    host, weight
        The best hosts, best first, (B,); their number in ``found``.
    found
        (1,).
    pool
        Hosts that alone are looked at, or that are barred for one choice, (D,).
    opened
        Nodes opened since the memory was made, (1,).
    """

    low: Float64
    range: Float64
    slope: Float64
    offset: Float64
    slack: Float64
    bound: Float64
    kept: Float64
    sum: Float64
    most: Float64
    node: Int64
    host: Int32
    weight: Float64
    found: Int64
    pool: Int32
    opened: Int64


@pointed
class OrderColumns(NamedTuple):
    """Servers to place one after the other, and what became of them.

    N servers, B best hosts of each, D slots of the largest plan.

    Attributes
    ----------
    shape
        Shape of each, (N,); -1 for one that leaves.
    consumer
        Row of its consumer, (N,); -1 to choose and claim nothing.
    call
        First server of the call that it belongs to, (N,): all of them, or none.
    group, policy, most
        Server group, its policy, and the members that one host may have, (N,).
    listed_start, listed_host
        Hosts listed for each server, (N + 1,) and flat, ascending.
    listed
        0 where nothing is listed, 1 where only those hosts are allowed, 2 where those
        are not, (N,).
    draw
        Numbers in [0, 1), (N, 2): which of equals, and which of the subset.
    subset
        Of so many best hosts one is drawn, (1,).
    host
        Output, (N,): the host that took it, or -1.
    best, weight
        Output, (N, B): the best hosts before it was taken, best first, -1 where there
        are no more; and their weights.
    plan
        Output, (N,): the plan that was claimed for it.
    provider
        Output, (N, D): provider of each slot of its plan, -1 without a host.
    """

    shape: Int32
    consumer: Int32
    call: Int64
    group: Int32
    policy: Int32
    most: Int32
    listed_start: Int64
    listed_host: Int32
    listed: Int32
    draw: Float64
    subset: Int64
    host: Int32
    best: Int32
    weight: Float64
    plan: Int32
    provider: Int32


@pointed
class FirstColumns(NamedTuple):
    """Trees whose first candidates are wanted.

    Attributes
    ----------
    plan
        Which plan, (1,).
    trees
        Their number, (1,).
    tree
        The trees, and spare places, (N,).
    provider
        Output, (N, D): provider of each slot, -1 where a tree has no candidate.
    """

    plan: Int64
    trees: Int64
    tree: Int32
    provider: Int32


@pointed
class FleetColumns(NamedTuple):
    """All that a scheduler keeps of hosts."""

    hosts: HostColumns
    weights: WeightColumns
    tree: TreeColumns
    shapes: ShapeColumns
    groups: GroupColumns
    choice: ChoiceColumns

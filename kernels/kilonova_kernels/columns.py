"""Types of the arrays that kernels share, and the columns that travel together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova_kernels._pointed import pointed
from kilonova_kernels.ahead import AheadColumns

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Int16 = NDArray[np.int16]
UInt32 = NDArray[np.uint32]
UInt16 = NDArray[np.uint16]
UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


class Counter:
    """Positions in ``CloudColumns.counters``, (4,) int64."""

    WRITES = 0
    ALLOCATIONS = 1
    FREE = 2
    LIVE = 3


class Cursor:
    """Positions in ``SearchColumns.cursor``, (COUNT,) int64.

    Attributes
    ----------
    DEPTH
        Depth of the search; -1 before the first candidate of a tree.
    TREE
        Tree whose options are listed.
    PATIENCE
        How often each option, on average, is tried in vain before the search of a tree
        looks ahead; 0 looks ahead from the start. Set by the caller, once.
    LIMIT
        The same for all options of this tree together.
    IDLE
        Options tried in this tree since its last candidate.
    AHEAD
        1 while the search looks ahead.
    FOUND
        Candidates of this tree found so far.
    STEPS
        Options tried since the working memory was made, over all trees, and options
        looked at while looking ahead.
    MOST
        Steps after which the search for one more candidate is given up. Set by the
        caller, once.
    GIVEN_UP
        1 once a search was given up; nothing is found from then on. Only the caller
        sets it back.
    """

    DEPTH = 0
    TREE = 1
    PATIENCE = 2
    LIMIT = 3
    IDLE = 4
    AHEAD = 5
    FOUND = 6
    STEPS = 7
    MOST = 8
    GIVEN_UP = 9
    COUNT = 10


@pointed
class CloudColumns(NamedTuple):
    """What is known of a cloud, as kernels read it, and as claims write it.

    P providers, T trees, I inventories, F offers, A allocations with spare rows, J
    journal entries. Meanings and units are those of ``kilonova.cloud.schema`` and
    ``kilonova.cloud.index`` and ``kilonova.cloud.sharing`` (``sharing``, ``share_*``,
    ``anchor_*``); the fields here are named after table and column.
    """

    provider_root: Int32
    provider_subtree_end: Int32
    provider_trait_set: Int32
    provider_aggregate_set: Int32
    provider_generation: Int32
    provider_changed: Int64
    inventory_provider: Int32
    inventory_resource_class: Int16
    inventory_offer: Int32
    inventory_used: Int64
    offer_min_unit: Int32
    offer_max_unit: Int32
    offer_step_size: Int32
    offer_capacity: Int64
    consumer_first: Int32
    consumer_generation: Int32
    allocation_consumer: Int32
    allocation_inventory: Int32
    allocation_amount: Int32
    allocation_next: Int32
    inventory_start: Int32
    class_start: Int32
    class_row: Int32
    inventory_position: Int32
    largest: Int32
    roots: Int32
    sharing: Int32
    share_start: Int32
    share_provider: Int32
    anchor_start: Int32
    anchor_tree: Int32
    journal: Int32
    counters: Int64


@pointed
class PlanColumns(NamedTuple):
    """Compiled requests, one after the other.

    Q plans, G groups, S slots, K resources, B subtree conditions in all; X trait sets,
    Y aggregate sets. A *slot* is what must come from one provider: a suffixed group,
    or one class of the unsuffixed group.

    Attributes
    ----------
    plan_group, plan_slot, plan_subtree
        First group, slot, subtree condition of each plan, (Q + 1,).
    plan_root_ok
        Whether a root with this trait set may be the anchor, (Q, X).
    plan_bits
        Bits of all required clauses of the unsuffixed group, (Q,).
    plan_isolate
        Whether suffixed groups must be on different providers, (Q,).
    plan_twins
        How many alike suffixed groups the plan's ``counted`` slots stand for, (Q,).
    plan_counts
        Whether counting providers decides if a tree fits, without a search, (Q,).
    plan_flat
        Whether no two providers of one tree may take part (before 1.29), (Q,).
    group_suffixed
        (G,).
    group_tree
        Root that the group's providers must be under, or -1, (G,).
    group_trait_ok
        Whether a provider with this trait set may serve the group, (G, X).
    group_bits
        Required clauses of the unsuffixed group that a trait set hits, (G, X).
    group_kin
        Groups that ask the same, in subtree conditions that ask the same, have the same
        number, (G,).
    group_unit
        Subtree condition of the plan that the group is in, if all groups of it are in
        no other; -1 where it is in none, (G,).
    group_place
        Place of the group among those of its subtree condition; groups of one kin at
        one place answer to each other, (G,).
    group_member, group_banned
        Whether an aggregate set hits all ``member_of`` clauses, or a forbidden
        aggregate, (G, Y).
    slot_group, slot_resource
        Group of each slot, (S,); its first resource, (S + 1,).
    slot_counted
        Whether counting looks at the slot: no for the second of two alike, (S,).
    resource_class, resource_amount
        (K,); amounts in the unit of the class, class -1 where nothing offers it.
    subtree_groups
        Groups of each subtree condition, as bits over the plan's groups, (B,).
    """

    plan_group: Int32
    plan_slot: Int32
    plan_subtree: Int32
    plan_root_ok: Bool
    plan_bits: Int64
    plan_isolate: Bool
    plan_twins: Int32
    plan_counts: Bool
    plan_flat: Bool
    group_suffixed: Bool
    group_tree: Int32
    group_trait_ok: Bool
    group_bits: Int64
    group_kin: Int32
    group_unit: Int32
    group_place: Int32
    group_member: Bool
    group_banned: Bool
    slot_group: Int32
    slot_resource: Int32
    slot_counted: Bool
    resource_class: Int32
    resource_amount: Int64
    subtree_groups: Int64


@pointed
class SearchColumns(NamedTuple):
    """Working memory of a search in one tree.

    S slots and K resources of the largest plan, M providers of the largest pool.

    Attributes
    ----------
    option_count
        Providers that each slot could take, (S,) int32.
    option_provider
        Those providers, (S, M) int32.
    option_inventory
        The inventory of each resource at each option of its slot, (K, M) int32.
    order
        Slots in the order in which the search fills them, (S,) int32.
    choice
        Option taken at each depth of the search, (S,) int32.
    reach
        Clauses that slots from this depth on can still hit, (S + 1,) int64.
    cursor
        Where the search stands, (COUNT,) int64; see ``Cursor``.
    claim_inventory, claim_amount
        Rows of a claim, merged by inventory, (K,).
    refused
        (1,) int64: for ``claim``.
    ahead
        Working memory of looking ahead.
    """

    option_count: Int32
    option_provider: Int32
    option_inventory: Int32
    order: Int32
    choice: Int32
    reach: Int64
    cursor: Int64
    claim_inventory: Int32
    claim_amount: Int64
    refused: Int64
    ahead: AheadColumns


@pointed
class ResultColumns(NamedTuple):
    """Room for candidates, and where the search for them stands.

    Attributes
    ----------
    tree
        Tree of each candidate, (C,). Those that there is no room for are not kept.
    provider
        Provider of each slot of it, (C, S), C at least 1.
    at
        (4,): index of the tree that is searched; whether its search has begun; the
        most candidates to take of one tree, 0 for all; how many of it were taken.
    place
        Place of each tree of the cloud among those searched, (T,); T or more for one
        that is not searched. A candidate that several trees have is the first one's.
    """

    tree: Int32
    provider: Int32
    at: Int64
    place: Int32


@pointed
class ScanColumns(NamedTuple):
    """Where the providers are that could serve a plan's slots, tree after tree.

    S slots of one plan, N of them rivals; E entries in all. An entry is one provider
    that traits, aggregates and tree let serve a slot; only amounts are left to compare.

    Attributes
    ----------
    slot_class
        Class whose whole table serves the slot, one entry per tree; -1 where entries
        are listed, -2 where counting leaves the slot out, (S,).
    slot_entry
        First entry of each slot, (S + 1,).
    slot_position
        First number in ``position`` of each slot, (S,).
    slot_single
        Whether the slot has one entry per tree, (S,).
    tree
        Tree of each entry, ascending within a slot, (E,).
    position
        For each slot, resource by resource, the places in ``largest`` of its entries,
        flat.
    plain
        Whether all offers of the classes asked for take every amount from 1 up to
        their largest, (1,).
    decides
        Whether a slot with an entry for each tree is all it takes, where no two slots
        are rivals, (1,).
    rivals
        Whether two slots of the tree may want the same provider, and one of them could
        be in the other's way, (T,).
    rival_slot
        Slots that are rivals in some tree, those with fewest entries first, (N,).
    marks
        Whether each entry has room, written slot by slot, (E,).
    counts
        Working memory, (T,).
    at, chosen
        Working memory for rivals, (N,).
    """

    slot_class: Int32
    slot_entry: Int32
    slot_position: Int32
    slot_single: Bool
    tree: Int32
    position: Int32
    plain: Bool
    decides: Bool
    rivals: Bool
    rival_slot: Int32
    marks: Bool
    counts: Int32
    at: Int32
    chosen: Int32

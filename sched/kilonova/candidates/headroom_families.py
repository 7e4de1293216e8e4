"""Slots of a request that ask the same, and trees in which others may be in their way.

What is found for a request is kept with its marking: the next time nothing is compiled.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.candidates.entries import Entries, all_entries
from kilonova.candidates.marking import Marking
from kilonova.candidates.rivals import contests, mark_contested
from kilonova.candidates.scan import LEFT_OUT, no_entries
from kilonova.cloud.state import State

if TYPE_CHECKING:
    from kilonova_kernels.columns import ScanColumns
    from kilonova_kernels.headroom_claims import FamilyColumns


class Families(NamedTuple):
    """Families of a request, and the lists for trees that are not walked.

    Attributes
    ----------
    columns, scan
        What kernels read.
    sharing
        Whether a provider serves several trees.
    limits
        Version of the cloud that they are true of, beside those of the marking.
    """

    columns: "FamilyColumns"
    scan: "ScanColumns"
    sharing: bool
    limits: int


# Trees that are counted along the lists before those of them that are left are walked:
# what is written of them stays in the cache.
_BLOCK = 1024

_KEPT: "WeakKeyDictionary[Marking, Families]" = WeakKeyDictionary()


def families_of(state: State, marking: Marking) -> Families:
    """Give the families of a marked request, kept from before or found now."""
    found = _KEPT.get(marking)
    if found is None or found.limits != state.limits:
        found = _KEPT[marking] = _find(state, marking)
    return found


def _find(state: State, marking: Marking) -> Families:
    from kilonova_kernels.headroom_claims import FamilyColumns

    plans, scan = marking.plans, marking.entries(state)
    slot_family, members = _alike(plans)
    lead = np.array([slots[0] for slots in members], np.int32)
    walked = _walked(state, plans, scan, lead)
    if scan is None or walked.all():
        scan = no_entries(plans, 0)
    sharing = state.sharing()
    # Only walking asks it, and many requests may be kept.
    shared = np.zeros(state.tables.provider.count if walked.any() else 0, np.bool_)
    shared[sharing.provider[np.diff(sharing.anchor_start) > 1]] = True
    pool = state.largest_pool()
    columns = FamilyColumns(
        slot_family=slot_family,
        lead=lead,
        size=np.array([len(slots) for slots in members], np.int64),
        used=state.tables.inventory["used"],
        shared=shared,
        walked=walked,
        max_unit=_max_units(state, plans, scan),
        fit=np.zeros(pool, np.int64),
        bulk=np.zeros(pool, np.int64),
        entry=np.zeros(pool, np.int32),
        at=np.zeros(len(lead), np.int32),
        ways=np.zeros(_BLOCK, np.int64),
    )
    return Families(columns, scan, bool(shared.any()), state.limits)


def _alike(plans: Plans) -> tuple[NDArray[np.int32], list[list[int]]]:
    """Give the family of each slot, and the slots of each family.

    Each class of the unsuffixed group is alone.
    """
    request, slots = plans.requests[0], plans.slots[0]
    kinds: list[object] = []
    members: list[list[int]] = []
    slot_family = np.zeros(len(slots), np.int32)
    for s, g in enumerate(slots):
        group = request.groups[g]
        kind = replace(group, suffix="_") if group.suffix else s
        if kind not in kinds:
            kinds.append(kind)
            members.append([])
        slot_family[s] = kinds.index(kind)
        members[kinds.index(kind)].append(s)
    return slot_family, members


def _walked(
    state: State, plans: Plans, scan: "ScanColumns | None", lead: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the trees where counting the entries of each family does not do.

    What is in use is not looked at: in some of them the families are in nobody's way
    at present.
    """
    trees, columns = len(state.index().roots), plans.columns
    if (
        scan is None
        or not scan.plain[0]
        or not len(lead)
        or len(columns.subtree_groups)
        or (scan.slot_class[lead] == LEFT_OUT).any()
    ):
        return np.ones(trees, np.bool_)
    if scan.decides[0] and (
        not len(scan.rival_slot) or len(lead) == len(plans.slots[0])
    ):
        return scan.rivals
    walked = np.zeros(trees, np.bool_)
    entries = all_entries(state, plans, 0)
    for slots in contests(plans, 0):
        rivals = [entries[s] for s in np.intersect1d(slots, lead)]
        mark_contested(rivals, state.tables.provider.count, walked)
    return walked | _choices(state, plans, entries)


def _choices(
    state: State, plans: Plans, entries: Sequence[Entries]
) -> NDArray[np.bool_]:
    """Mark the trees where some choice may miss a clause of the unsuffixed group."""
    columns, trees = plans.columns, len(state.index().roots)
    sure = np.zeros(trees, np.int64)
    for found, group in zip(entries, columns.slot_group.tolist(), strict=True):
        if not columns.group_suffixed[group]:
            traits = state.tables.provider["trait_set"][found.provider]
            bits = np.full(trees, columns.plan_bits[0])
            np.bitwise_and.at(bits, found.tree, columns.group_bits[group, traits])
            sure |= bits
    choices: NDArray[np.bool_] = sure != columns.plan_bits[0]
    return choices


def _max_units(state: State, plans: Plans, scan: "ScanColumns") -> NDArray[np.int64]:
    """Give the smallest ``max_unit`` of the entries of each resource."""
    columns, index = plans.columns, state.index()
    offers, max_unit = state.tables.inventory["offer"], state.tables.offer["max_unit"]
    found = np.full(len(columns.resource_class), np.iinfo(np.int32).max, np.int64)
    for slot in range(len(scan.slot_class)):
        start, stop = columns.slot_resource[slot : slot + 2].tolist()
        for k in range(start, stop):
            rows = index.class_row[_positions(state, scan, slot, k - start)]
            found[k] = max_unit[offers[rows]].min(initial=found[k])
    return found


def _positions(
    state: State, scan: "ScanColumns", slot: int, resource: int
) -> "slice | NDArray[np.int32]":
    """Give the positions of the entries of a slot, for one of its resources."""
    number = int(scan.slot_class[slot])
    if number >= 0:
        return slice(*state.index().class_start[number : number + 2].tolist())
    count = int(np.diff(scan.slot_entry)[slot])
    start = int(scan.slot_position[slot]) + resource * count
    return scan.position[start : start + count]

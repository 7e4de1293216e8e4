"""From requests in names to plans in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.clauses import GroupTables, group_tables, root_table
from kilonova.candidates.kin import are_alike, group_kin
from kilonova.cloud.state import State
from kilonova.errors import BadInput
from kilonova.request.group import Request, RequestGroup

if TYPE_CHECKING:
    from kilonova_kernels.ahead import AheadColumns
    from kilonova_kernels.columns import PlanColumns, SearchColumns

# Bits of a 64-bit word, one kept for the sign.
MOST_GROUPS = 63
# Without any dead end each option is tried at most once between two candidates.
PATIENCE = 2
# Steps without a candidate after which a tree is given up: some seconds.
MOST_STEPS = 1 << 28


@dataclass(frozen=True, slots=True)
class Plans:
    """Compiled requests.

    Attributes
    ----------
    columns
        What kernels read.
    requests
        The requests, by row of the plan.
    slots
        Per plan, the group (as an index of ``requests[plan].groups``) of each slot.
    structure, facts
        Versions of the cloud that the plans were compiled for.
    """

    columns: "PlanColumns"
    requests: tuple[Request, ...]
    slots: tuple[tuple[int, ...], ...]
    structure: int
    facts: int

    def search(self, pool: int) -> "SearchColumns":
        """Make working memory for a search over pools of at most ``pool`` providers."""
        from kilonova_kernels.columns import Cursor, SearchColumns

        cursor = np.zeros(Cursor.COUNT, np.int64)
        cursor[Cursor.PATIENCE] = PATIENCE
        cursor[Cursor.MOST] = MOST_STEPS
        slots = int(np.diff(self.columns.plan_slot).max(initial=1))
        starts = self.columns.slot_resource[self.columns.plan_slot]
        resources = int(np.diff(starts).max(initial=1))
        return SearchColumns(
            option_count=np.zeros(slots, np.int32),
            option_provider=np.zeros((slots, pool), np.int32),
            option_inventory=np.zeros((resources, pool), np.int32),
            order=np.zeros(slots, np.int32),
            choice=np.zeros(slots, np.int32),
            reach=np.zeros(slots + 1, np.int64),
            cursor=cursor,
            claim_inventory=np.zeros(resources, np.int32),
            claim_amount=np.zeros(resources, np.int64),
            refused=np.zeros(1, np.int64),
            ahead=_ahead_columns(slots, pool),
        )


def _ahead_columns(slots: int, pool: int) -> "AheadColumns":
    from kilonova_kernels.ahead import AheadColumns

    return AheadColumns(
        option_place=np.zeros((slots, pool), np.int32),
        option_open=np.zeros((slots, pool), np.bool_),
        place_room=np.zeros(pool, np.int32),
        place_load=np.zeros(pool, np.int32),
        place_from=np.zeros(pool, np.int32),
        place_top=np.zeros(pool, np.bool_),
        place_option=np.zeros((slots, pool), np.int32),
        place_parent=np.zeros(pool, np.int32),
        place_end=np.zeros(pool, np.int32),
        place_kind=np.zeros(pool, np.int32),
        kind_dead=np.zeros((slots, pool), np.bool_),
        found_before=np.zeros(slots, np.int64),
        match=np.zeros(slots, np.int32),
        queue=np.zeros(slots, np.int32),
        within=np.zeros(3, np.int64),
    )


class _Packed:
    """Lists that grow plan by plan, by column."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Any]] = {
            "plan_group": [0],
            "plan_slot": [0],
            "plan_subtree": [0],
            "slot_resource": [0],
        }

    def add(self, column: str, value: Any) -> None:
        self.lists.setdefault(column, []).append(value)

    def count(self, column: str) -> int:
        return len(self.lists.get(column, ()))

    def array(self, column: str, dtype: str, width: int = 0) -> NDArray[Any]:
        shape = (-1, width) if width else (-1,)
        return np.array(self.lists.get(column, []), dtype).reshape(shape)


def compile_requests(
    state: State, requests: Sequence[Request], *, nested_aware: bool = True
) -> Plans:
    """Compile requests into plans, in their order.

    ``nested_aware`` False is the rule before microversion 1.29: no two providers of a
    tree in one candidate.

    Raises
    ------
    UnknownResourceClass, UnknownTrait
        A name is neither standard nor known to the cloud.
    BadInput
        A request has over 63 groups, or the unsuffixed group over 63 required clauses.
    """
    packed = _Packed()
    slots = [_add(state, packed, request, nested_aware) for request in requests]
    return Plans(
        columns=_columns(state, packed),
        requests=tuple(requests),
        slots=tuple(slots),
        structure=state.structure,
        facts=state.facts,
    )


def _add(
    state: State, packed: _Packed, request: Request, nested_aware: bool
) -> tuple[int, ...]:
    groups = request.groups
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise BadInput(f"A request has 1 to {MOST_GROUPS} groups, got {len(groups)}.")
    tables = [group_tables(state, group) for group in groups]
    bits = 0
    for group, made in zip(groups, tables, strict=True):
        bits |= made.all_bits
        _add_group(packed, group, made)
    for kin in group_kin(request):
        packed.add("group_kin", kin.number)
        packed.add("group_unit", kin.unit)
        packed.add("group_place", kin.place)
    isolate = request.group_policy == "isolate"
    slots = _add_slots(state, packed, groups, isolate)
    suffixes = {group.suffix: i for i, group in enumerate(groups)}
    for subtree in request.same_subtree:
        packed.add("subtree_groups", sum(1 << suffixes[suffix] for suffix in subtree))
    twins, counts = _counting(request)
    for column, value in (
        ("plan_root_ok", root_table(state, request)),
        ("plan_bits", bits),
        ("plan_isolate", isolate),
        ("plan_twins", twins),
        ("plan_counts", counts and nested_aware),
        ("plan_flat", not nested_aware),
        ("plan_group", packed.count("group_suffixed")),
        ("plan_slot", packed.count("slot_group")),
        ("plan_subtree", packed.count("subtree_groups")),
    ):
        packed.add(column, value)
    return tuple(slots)


def _add_group(packed: _Packed, group: RequestGroup, made: GroupTables) -> None:
    packed.add("group_suffixed", bool(group.suffix))
    packed.add("group_tree", made.tree)
    packed.add("group_trait_ok", made.trait_ok)
    packed.add("group_bits", made.bits)
    packed.add("group_member", made.member)
    packed.add("group_banned", made.banned)


def _add_slots(
    state: State, packed: _Packed, groups: Sequence[RequestGroup], isolate: bool
) -> list[int]:
    slots = []
    first = packed.count("group_suffixed") - len(groups)
    seen: list[RequestGroup] = []
    for i, group in enumerate(groups):
        amounts = sorted(group.resources.items())
        parts = [amounts] if group.suffix else [[part] for part in amounts]
        twin = isolate and any(are_alike(group, other) for other in seen)
        seen.append(group)
        for part in parts:
            slots.append(i)
            packed.add("slot_group", first + i)
            packed.add("slot_counted", not twin)
            for name, amount in part:
                packed.add("resource_class", state.resource_classes.find(name))
                packed.add("resource_amount", amount)
            packed.add("slot_resource", packed.count("resource_amount"))
    return slots


def _counting(request: Request) -> tuple[int, bool]:
    """Give how many alike suffixed groups there are, and whether counting suffices."""
    suffixed = [group for group in request.groups if group.suffix]
    plain = [group for group in request.groups if not group.suffix]
    if not suffixed:
        return 1, True
    isolate = request.group_policy == "isolate"
    alike = all(are_alike(group, suffixed[0]) for group in suffixed)
    apart = not any(set(p.resources) & set(suffixed[0].resources) for p in plain)
    if not alike or not (isolate or len(suffixed) == 1):
        return 1, False
    return len(suffixed), apart and not request.same_subtree


def _columns(state: State, packed: _Packed) -> "PlanColumns":
    from kilonova_kernels.columns import PlanColumns

    trait_sets, aggregate_sets = len(state.trait_sets), len(state.aggregate_sets)
    return PlanColumns(
        plan_group=packed.array("plan_group", "int32"),
        plan_slot=packed.array("plan_slot", "int32"),
        plan_subtree=packed.array("plan_subtree", "int32"),
        plan_root_ok=packed.array("plan_root_ok", "bool", trait_sets),
        plan_bits=packed.array("plan_bits", "int64"),
        plan_isolate=packed.array("plan_isolate", "bool"),
        plan_twins=packed.array("plan_twins", "int32"),
        plan_counts=packed.array("plan_counts", "bool"),
        plan_flat=packed.array("plan_flat", "bool"),
        group_suffixed=packed.array("group_suffixed", "bool"),
        group_tree=packed.array("group_tree", "int32"),
        group_trait_ok=packed.array("group_trait_ok", "bool", trait_sets),
        group_bits=packed.array("group_bits", "int64", trait_sets),
        group_kin=packed.array("group_kin", "int32"),
        group_unit=packed.array("group_unit", "int32"),
        group_place=packed.array("group_place", "int32"),
        group_member=packed.array("group_member", "bool", aggregate_sets),
        group_banned=packed.array("group_banned", "bool", aggregate_sets),
        slot_group=packed.array("slot_group", "int32"),
        slot_resource=packed.array("slot_resource", "int32"),
        slot_counted=packed.array("slot_counted", "bool"),
        resource_class=packed.array("resource_class", "int32"),
        resource_amount=packed.array("resource_amount", "int64"),
        subtree_groups=packed.array("subtree_groups", "int64"),
    )

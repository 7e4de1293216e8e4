"""Clauses on traits and aggregates, evaluated once for each distinct set."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State
from kilonova.errors import BadInput
from kilonova.request.group import Request, RequestGroup

_MOST_CLAUSES = 63
NO_TREE = -1
# A root that no provider has: a tree that does not exist serves nobody.
MISSING_TREE = 2**31 - 1


class GroupTables(NamedTuple):
    """Answers of one group for every trait set and aggregate set of a cloud.

    Attributes
    ----------
    trait_ok
        Whether a provider with this trait set may serve, (X,) bool.
    bits
        Required clauses of the unsuffixed group that it hits, (X,) int64.
    all_bits
        Bits of all those clauses.
    member, banned
        Whether an aggregate set hits all ``member_of`` clauses, or a forbidden
        aggregate, (Y,) bool.
    tree
        Root that must be above, -1 for any.
    """

    trait_ok: NDArray[np.bool_]
    bits: NDArray[np.int64]
    all_bits: int
    member: NDArray[np.bool_]
    banned: NDArray[np.bool_]
    tree: int


def group_tables(state: State, group: RequestGroup) -> GroupTables:
    """Evaluate the clauses of one group.

    Raises
    ------
    UnknownTrait, UnknownResourceClass
        A name is neither standard nor known to the cloud.
    BadInput
        The unsuffixed group has too many required clauses.
    """
    for name in group.resources:
        state.resource_classes.check(name)
    trait_ok = ~_trait_hits(state, group.forbidden)
    clauses = [_trait_hits(state, clause) for clause in group.required]
    bits = np.zeros(len(state.trait_sets), np.int64)
    member = np.ones(len(state.aggregate_sets), np.bool_)
    for wanted in group.member_of:
        member &= _aggregate_hits(state, wanted)
    if group.suffix:
        for clause in clauses:
            trait_ok &= clause
        if not group.resources and not group.required and not group.member_of:
            # Nothing says which providers such a group could mean.
            trait_ok[:] = False
    elif len(clauses) > _MOST_CLAUSES:
        raise BadInput(
            f"The unsuffixed group has at most {_MOST_CLAUSES} required clauses, "
            f"got {len(clauses)}."
        )
    else:
        for i, clause in enumerate(clauses):
            bits |= clause.astype(np.int64) << i
    return GroupTables(
        trait_ok=trait_ok,
        bits=bits,
        all_bits=0 if group.suffix else (1 << len(clauses)) - 1,
        member=member,
        banned=_aggregate_hits(state, group.forbidden_aggregates),
        tree=_tree(state, group),
    )


def root_table(state: State, request: Request) -> NDArray[np.bool_]:
    """Say which trait sets the anchor may have, (X,) bool."""
    allowed = ~_trait_hits(state, request.root_forbidden)
    for trait in request.root_required:
        allowed &= _trait_hits(state, frozenset({trait}))
    return allowed


def _tree(state: State, group: RequestGroup) -> int:
    # Placement looks at the tree only where it looks for resources.
    if group.in_tree is None or not group.resources:
        return NO_TREE
    provider = state.find_provider(group.in_tree)
    if provider < 0:
        return MISSING_TREE
    return int(state.tables.provider["root"][provider])


def _trait_hits(state: State, traits: frozenset[str]) -> NDArray[np.bool_]:
    for name in sorted(traits):
        state.traits.check(name)
    return state.trait_sets.hits(frozenset(state.traits.find(t) for t in traits))


def _aggregate_hits(state: State, aggregates: frozenset[str]) -> NDArray[np.bool_]:
    return state.aggregate_sets.hits(
        frozenset(state.aggregates.find(aggregate) for aggregate in aggregates)
    )

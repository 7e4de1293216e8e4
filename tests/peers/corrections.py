"""Placement without one of its defects, for as long as a block runs.

A difference between an engine and Placement is excused when Placement gives the same
answer once some of these are undone, and only then. Each correction replaces one small
function of openstack-placement 16.0.0 and leaves all else as it is.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from kilonova.bench.peers.third_party import (
    allocation_candidate,
    models,
    research_context,
    sqlalchemy,
    trait,
)


@contextmanager
def _replaced(owner: Any, name: str, new: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _shared_amount() -> Iterator[None]:
    """Give every candidate amounts of its own.

    Unless group_policy is ``none``, Placement adds the amounts of two groups on one
    provider into an object that other candidates hold too.
    """
    own = lambda _request, amount: copy.copy(amount)  # noqa: E731
    with _replaced(
        research_context.RequestWideSearchContext, "copy_arr_if_needed", own
    ):
        yield


@contextmanager
def _lost_anchor() -> Iterator[None]:
    """Keep solutions of the unsuffixed group apart that differ in their anchor.

    An answer may then list a candidate twice, for two anchors: compare it as a set.
    """
    kind = allocation_candidate.AllocationRequest
    same_but_anchor = kind.__eq__

    def same(one: Any, other: Any) -> bool:
        anchors = one.anchor_root_provider_uuid, other.anchor_root_provider_uuid
        return anchors[0] == anchors[1] and bool(same_but_anchor(one, other))

    with _replaced(kind, "__eq__", same):
        yield


@contextmanager
def _child_sharing() -> Iterator[None]:
    """Look up whole trees, also for a sharing provider that is a child.

    Placement takes a sharing provider for the root of its tree, does not find it
    among the roots and answers 500.
    """
    build = allocation_candidate._build_provider_summaries

    def build_all(
        context: Any, request: Any, providers: set[int], _traits: object
    ) -> None:
        table = models.ResourceProvider.__table__
        query = sqlalchemy.select(table.c.root_provider_id).distinct()
        found = context.session.execute(query.where(table.c.id.in_(providers)))
        roots = {row[0] for row in found}
        traits = trait.get_traits_by_provider_tree(context, roots)
        build(context, request, roots, traits)

    with _replaced(allocation_candidate, "_build_provider_summaries", build_all):
        yield


_CORRECTIONS: dict[str, Callable[[], Any]] = {
    "shared-amount": _shared_amount,
    "lost-anchor": _lost_anchor,
    "child-sharing": _child_sharing,
}
DEFECTS = tuple(_CORRECTIONS)


@contextmanager
def corrected(defects: Iterable[str]) -> Iterator[None]:
    """Undo the named defects, some of `DEFECTS`, inside the block."""
    with ExitStack() as stack:
        for defect in defects:
            stack.enter_context(_CORRECTIONS[defect]())
        yield

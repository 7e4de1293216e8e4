"""What becomes of a request that names an unknown class or trait.

Placement looks at the groups one after the other and stops at the first that nothing
can serve, so that an unknown name is an error only if everything before it has a
solution. Nobody else needs to know: where all names are known, the answer is the same
in any order.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from kilonova.candidates.compile import compile_requests
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.cloud.state import State
from kilonova.errors import BadRequest, NotFound
from kilonova.request.group import Request, RequestGroup


def check_unknown_names(state: State, request: Request) -> None:
    """Raise for the first unknown name that Placement comes to, if it comes to one.

    Parameters
    ----------
    state, request
        Where to look, and for what. Some class or trait in the request is unknown.

    Raises
    ------
    BadRequest
        With status 400. Otherwise the request has no candidates.

    Notes
    -----
    Same order as ``get_by_requests`` in Placement's ``allocation_candidate.py`` and
    the constructor of ``RequestGroupSearchContext`` in its ``research_context.py``:
    traits of the root; then of each group its classes, whether anybody is in its
    aggregates, its traits, and at last whether it alone has a solution.
    """
    _check(state.traits.check, sorted(request.root_required))
    _check(state.traits.check, sorted(request.root_forbidden))
    if not _has_root(state, request):
        return
    for group in request.groups:
        _check(state.resource_classes.check, group.resources)
        if not _has_member(state, group):
            return
        for clause in group.required:
            _check(state.traits.check, sorted(clause))
        _check(state.traits.check, sorted(group.forbidden))
        if not _has_solution(state, request, group):
            return


def _check(check: Callable[[str], None], names: Iterable[str]) -> None:
    for name in names:
        try:
            check(name)
        except NotFound as error:
            raise BadRequest(str(error)) from None


def _has_root(state: State, request: Request) -> bool:
    """Say whether the root of some tree is what the request wants of a root."""
    roots = state.index().roots
    numbers = np.unique(state.tables.provider["trait_set"][roots]).tolist()
    required = {state.traits.find(trait) for trait in request.root_required}
    forbidden = {state.traits.find(trait) for trait in request.root_forbidden}
    if not required and not forbidden:
        return True
    return any(
        required <= traits and not forbidden & traits
        for traits in map(state.trait_sets.__getitem__, numbers)
    )


def _has_member(state: State, group: RequestGroup) -> bool:
    """Say whether some provider is in the aggregates that a group asks for."""
    clauses = [
        {state.aggregates.find(aggregate) for aggregate in clause}
        for clause in group.member_of
    ]
    numbers = np.unique(state.tables.provider["aggregate_set"]).tolist()
    return any(
        all(not clause.isdisjoint(state.aggregate_sets[number]) for clause in clauses)
        for number in numbers
    )


def _has_solution(state: State, request: Request, group: RequestGroup) -> bool:
    """Say whether a group alone has a solution under one of the wanted roots."""
    from kilonova_kernels.fits import mark_fitting

    alone = replace(request, groups=(group,), same_subtree=(), limit=None)
    plans = compile_requests(state, [alone])
    fits = np.zeros(len(state.index().roots), np.bool_)
    search = plans.search(state.largest_pool())
    found = mark_fitting(state.columns(), plans.columns, 0, search, fits)
    check_not_given_up(state, search)
    return found > 0

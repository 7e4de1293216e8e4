"""Trees of a cloud, tried against requests that change from one try to the next."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans, compile_requests
from kilonova.candidates.explain_constraints import (
    WHOLE_KINDS,
    Constraint,
    columns_of,
    isolation,
    resource_row,
    tree_constraints,
)
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.cloud.state import State
from kilonova.request.group import Request

if TYPE_CHECKING:
    from kilonova_kernels.columns import SearchColumns
    from kilonova_kernels.relax import Amounts, Reduction

# Twelve other groups that all ask different amounts of one class have so many sums. Of
# more, the smallest are kept: what is found is right, but may not be the largest.
_MOST_SUMS = 4096


class Trees:
    """The trees that are asked about, and what rules each out without a search.

    Parameters
    ----------
    state, request
        Where to look, and for what. The state must not change meanwhile.
    trees
        Numbers of the trees, ascending, (N,) int32.

    Attributes
    ----------
    constraints
        What the rows of ``fails`` stand for.
    fails
        Trees that fail each constraint by itself, (C, N) bool.
    failed
        Constraints that some tree fails.
    """

    def __init__(
        self, state: State, request: Request, trees: NDArray[np.int32]
    ) -> None:
        from kilonova_kernels.explain import mark_failing

        self.state = state
        self.trees = trees
        self.cloud = state.columns()
        self.constraints = _quick_constraints(request)
        self._pool = state.largest_pool()
        self._groups = {group.suffix: group for group in request.groups}
        plans = compile_requests(state, [request])
        columns = columns_of(state, plans, self.constraints)
        self.fails = np.zeros((len(self.constraints), len(trees)), np.bool_)
        runs = np.zeros((len(plans.columns.resource_class), 2), np.int64)
        mark_failing(self.cloud, plans.columns, columns, trees, runs, self.fails)
        self.failed: list[int] = np.flatnonzero(self.fails.any(axis=1)).tolist()
        # Many requests leave the same constraints as they were.
        self._open: dict[tuple[int, ...], NDArray[np.int32]] = {}

    def open(self, request: Request) -> NDArray[np.int32]:
        """Give the trees that a relaxed request may fit, by all that is quickly seen.

        What fails, and is asked by the relaxed request just as before, fails still.
        """
        kept = set(_quick_constraints(request))
        changed = {
            suffix
            for suffix, group in self._groups.items()
            if group not in request.groups
        }
        still = tuple(
            c
            for c in self.failed
            if self.constraints[c] in kept
            and not _is_whole(self.constraints[c], changed)
        )
        if still not in self._open:
            self._open[still] = self.trees[~self.fails[still, :].any(axis=0)]
        return self._open[still]

    def fitting(
        self, request: Request, trees: NDArray[np.int32] | None = None
    ) -> NDArray[np.int32]:
        """Give those of ``trees``, or of the open ones, that have a candidate."""
        from kilonova_kernels.relax import mark_fitting_among

        trees = self.open(request) if trees is None else trees
        if not len(trees):
            return trees
        plans = compile_requests(self.state, [request])
        columns, search = plans.columns, self._search(plans)
        fits = np.zeros(len(trees), np.bool_)
        changed = self._changed(request)
        mark_fitting_among(self.cloud, columns, search, trees, changed, fits)
        check_not_given_up(self.state, search)
        return trees[fits]

    def largest_amount(self, request: Request, suffix: str, name: str) -> int:
        """Give the largest smaller amount of one class that has a candidate, or 0."""
        from kilonova_kernels.relax import largest_amount

        trees = self.open(_lowered(request, suffix, name))
        reduction = _reduction(request, (suffix, name), ())
        if not len(trees) or not reduction.most:
            return 0
        plans = _plans_of_any_amount(self.state, request)
        search = self._search(plans)
        found = largest_amount(self.cloud, plans.columns, reduction, search, trees)
        check_not_given_up(self.state, search)
        return int(found)

    def least_reductions(
        self, request: Request, one: tuple[str, str], other: tuple[str, str]
    ) -> tuple[int, int] | None:
        """Give the two smaller amounts that ask least less, or None."""
        from kilonova_kernels.relax import least_reductions

        trees = self.open(_lowered(_lowered(request, *one), *other))
        pair = _reduction(request, one, other), _reduction(request, other, one)
        if not len(trees) or not all(reduction.most for reduction in pair):
            return None
        plans = _plans_of_any_amount(self.state, request)
        out = np.array([np.iinfo(np.int64).max, 0, 0])
        search = self._search(plans)
        found = least_reductions(self.cloud, plans.columns, *pair, search, trees, out)
        check_not_given_up(self.state, search)
        if not found:
            return None
        return int(out[1]), int(out[2])

    def _changed(self, request: Request) -> "Amounts":
        """Name the amounts of a request that were not asked for before."""
        from kilonova_kernels.relax import Amounts

        rows = [
            resource_row(request, group.suffix, name)
            for group in request.groups
            for name, amount in group.resources.items()
            if self._groups[group.suffix].resources[name] != amount
        ]
        return Amounts(np.array(rows, np.int32), np.zeros((len(rows), 2), np.int64))

    def _search(self, plans: Plans) -> "SearchColumns":
        return plans.search(self._pool)


def _quick_constraints(request: Request) -> list[Constraint]:
    """List what a look at each provider decides; too few of them rule isolation out."""
    isolate = isolation(request)
    return [*tree_constraints(request), *([isolate] if isolate else [])]


def _is_whole(constraint: Constraint, changed: set[str]) -> bool:
    """Say whether a constraint sums up a group that is not what it was."""
    return constraint.kind in WHOLE_KINDS and constraint.suffix in changed


def _lowered(request: Request, suffix: str, name: str) -> Request:
    """Ask a class for an amount that stands for any smaller one."""
    groups = tuple(
        replace(group, resources={**group.resources, name: 0})
        if group.suffix == suffix
        else group
        for group in request.groups
    )
    return replace(request, groups=groups)


def _plans_of_any_amount(state: State, request: Request) -> Plans:
    """Compile a request whose amounts will be written over.

    Groups that are alike are counted instead of searched; they may not stay alike.
    """
    plans = compile_requests(state, [request])
    if len(request.suffixes) > 1:
        plans.columns.plan_counts[:] = False
        plans.columns.plan_twins[:] = 1
        plans.columns.slot_counted[:] = True
        plans.columns.group_kin[:] = np.arange(len(plans.columns.group_kin))
    return plans


def _reduction(
    request: Request, resource: tuple[str, str], other: tuple[str, str] | tuple[()]
) -> "Reduction":
    """Say from where an amount may be lowered; ``other`` is lowered beside it."""
    from kilonova_kernels.relax import Reduction

    suffix, name = resource
    asked = {(g.suffix, rc): n for g in request.groups for rc, n in g.resources.items()}
    rest = [
        amount
        for (group, rc), amount in asked.items()
        if rc == name and (group, rc) not in (resource, other)
    ]
    sums = np.array(_sums(rest), np.int64)
    return Reduction(
        resource=resource_row(request, suffix, name),
        most=asked[resource] - 1,
        sums=np.tile(sums, 2),
        run=np.zeros(2, np.int64),
    )


def _sums(amounts: list[int]) -> list[int]:
    """Give all sums of some of the amounts, 0 included."""
    found = {0}
    for amount in amounts:
        found |= {total + amount for total in found}
        found = set(sorted(found)[:_MOST_SUMS])
    return sorted(found)

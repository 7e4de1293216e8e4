"""Why a request has no candidates: constraint by constraint, and what would help."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.explain_constraints import (
    WHOLE_KINDS,
    Constraint,
    joint_constraints,
    tree_constraints,
)
from kilonova.candidates.explain_first import FirstFailing
from kilonova.candidates.explain_room import Failing, failing_of
from kilonova.candidates.explain_trees import Trees
from kilonova.candidates.relax import Relaxation, relaxations
from kilonova.cloud.state import State
from kilonova.request.checks import check_request
from kilonova.request.group import Request
from kilonova.request.query import parse_query


@dataclass(frozen=True, slots=True)
class Removed:
    """How many trees fail one constraint, and none before it."""

    constraint: Constraint
    trees: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request has no candidates, or no more.

    Attributes
    ----------
    request
        What was asked.
    host
        Name of the root of the only tree looked at, None for all.
    tree_count
        Trees looked at.
    fitting_count
        Trees that have a candidate.
    removed
        All constraints in the order in which they are tried, with how many trees fail
        them first: together ``tree_count - fitting_count``.
    trees
        First failing constraint of each tree, by the name of its root, None where the
        tree has a candidate. Made of what was known then, when it is looked at.
    failing
        For a host: all constraints that it fails, each looked at by itself, with the
        amounts; of ``sums`` and what follows only the first. Empty without ``host``.
    relaxations
        The smallest steps that would give a candidate, where there is none. Single
        ones, or else one pair; empty if no pair is enough either.
    """

    request: Request
    host: str | None
    tree_count: int
    fitting_count: int
    removed: tuple[Removed, ...]
    trees: Mapping[str, Constraint | None]
    failing: tuple[Failing, ...]
    relaxations: tuple[Relaxation, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """One line for each relaxation, or one that says why there is none."""
        if self.fitting_count:
            count = self.fitting_count
            return (f"{count} of {self.tree_count} hosts fit; nothing to relax.",)
        if not self.relaxations:
            return ("No single step and no pair of steps gives a candidate.",)
        return tuple(f"{relaxation}." for relaxation in self.relaxations)

    def to_dict(self) -> dict[str, Any]:
        """Give all but the view of the trees as plain data, for JSON."""
        return {
            "host": self.host,
            "trees": self.tree_count,
            "fitting": self.fitting_count,
            "removed": [
                {**_plain(each.constraint), "trees": each.trees}
                for each in self.removed
            ],
            "failing": [
                {
                    **_plain(each.constraint),
                    "asked": each.asked,
                    "best": each.best,
                    "provider": each.provider,
                }
                for each in self.failing
            ],
            "relaxations": [
                {"trees": each.trees, "text": f"{each}."} for each in self.relaxations
            ],
            "advice": list(self.advice),
        }


def explain(
    state: State, request: Request | str, host: str | None = None
) -> Explanation:
    """Say which constraint removes each tree, and what would give a candidate.

    Parameters
    ----------
    state
        Where to look; nothing is written.
    request
        A request, or Placement's query string.
    host
        Name or UUID of a provider: only its tree is looked at.

    Raises
    ------
    BadRequest
        Placement would refuse the request.
    UnknownTrait, UnknownResourceClass, UnknownProvider
        A name is unknown.
    """
    asked = read_request(request)
    with state.lock:
        numbers = _trees_of(state, host)
        trees = Trees(state, asked, numbers)
        first, constraints = _first_failing(trees, asked)
        counts = np.bincount(first + 1, minlength=len(constraints) + 1)
        return Explanation(
            request=asked,
            host=None if host is None else _root_name(state, int(numbers[0])),
            tree_count=len(numbers),
            fitting_count=int(counts[0]),
            removed=tuple(
                Removed(constraint, int(count))
                for constraint, count in zip(constraints, counts[1:], strict=True)
            ),
            trees=FirstFailing(state, numbers, constraints, first),
            failing=() if host is None else _failing(trees, asked, constraints, first),
            relaxations=() if counts[0] else relaxations(trees, asked),
        )


def read_request(request: Request | str) -> Request:
    """Read a query string, or check a request as one is checked."""
    if isinstance(request, str):
        return parse_query(request)
    check_request(request)
    return request


def _trees_of(state: State, host: str | None) -> NDArray[np.int32]:
    roots = state.index().roots
    if host is None:
        return np.arange(len(roots), dtype=np.int32)
    root = state.tables.provider["root"][state.provider_row(host)]
    return np.array([np.searchsorted(roots, root)], np.int32)


def _root_name(state: State, tree: int) -> str:
    root = int(state.index().roots[tree])
    return state.provider_names[root] or state.provider_uuids[root]


def _first_failing(
    trees: Trees, request: Request
) -> tuple[NDArray[np.int64], list[Constraint]]:
    """Give the number of the first failing constraint of each tree, -1 for none."""
    quick = tree_constraints(request)
    first = np.full(len(trees.trees), -1)
    for c in reversed(trees.failed):
        if c < len(quick):
            first[trees.fails[c]] = c
    left = trees.trees[first < 0]
    places = np.zeros(int(trees.trees.max(initial=0)) + 1, np.int64)
    places[trees.trees] = np.arange(len(trees.trees))
    joint = joint_constraints(request)
    for c, (constraint, upto) in enumerate(joint, start=len(quick)):
        tried = left
        if constraint.kind == "isolate":
            # Too few providers: known without a search, which could take long.
            tried = left[~trees.fails[len(quick), places[left]]]
        fitting = trees.fitting(upto, tried)
        first[places[np.setdiff1d(left, fitting)]] = c
        left = fitting
    return first, [*quick, *(constraint for constraint, _ in joint)]


def _failing(
    trees: Trees,
    request: Request,
    constraints: list[Constraint],
    first: NDArray[np.int64],
) -> tuple[Failing, ...]:
    """List what the only tree fails; of what binds several providers the first.

    That no provider meets all of a group is left out where it goes without saying.
    """
    quick = tree_constraints(request)
    failed = [c for c in range(len(quick)) if trees.fails[c, 0]]
    said = {quick[c].suffix for c in failed if quick[c].kind not in WHOLE_KINDS}
    failed = [
        c
        for c in failed
        if quick[c].kind not in WHOLE_KINDS or quick[c].suffix not in said
    ]
    if first[0] >= len(quick):
        failed.append(int(first[0]))
    tree = int(trees.trees[0])
    return tuple(failing_of(trees.state, tree, constraints[c]) for c in failed)


def _plain(constraint: Constraint) -> dict[str, Any]:
    return {
        "constraint": str(constraint),
        "kind": constraint.kind,
        "suffix": constraint.suffix,
        "names": list(constraint.names),
    }

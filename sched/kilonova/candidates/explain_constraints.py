"""The constraints of a request, one by one, in the order in which they are tried."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans
from kilonova.cloud.state import State
from kilonova.request.group import Request, RequestGroup

if TYPE_CHECKING:
    from kilonova_kernels.explain import ConstraintColumns

_CLASS_KINDS = ("resource_class", "min_unit", "max_unit", "step_size", "capacity")
# What sums up a group: the kind for a suffixed one, and for the unsuffixed one.
WHOLE_KINDS = ("one_provider", "together")
_TEXTS = {
    "root_required": "the root has {0}",
    "root_forbidden": "the root does not have {0}",
    "resource_class": "{0} is offered",
    "min_unit": "{0} {amount} is at least min_unit",
    "max_unit": "{0} {amount} is at most max_unit",
    "step_size": "{0} {amount} is a multiple of step_size",
    "capacity": "{0} {amount} is left",
    "required": "a provider of its classes has {any}",
    "forbidden": "a provider of its classes is without {all}",
    "member_of": "a provider of its classes is in aggregate {any}",
    "forbidden_aggregates": "a provider of its classes is not in aggregate {all}",
    "in_tree": "in the tree of {0}",
    "one_provider": "one provider meets all of the above",
    "together": "each class has a provider that meets all of the above",
    "sums": "providers have room for what several groups take together",
    "isolate": "groups {all} are on different providers",
    "same_subtree": "groups {all} are in one subtree",
    "required_together": "the providers used have all required traits together",
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that a request asks of a tree.

    Attributes
    ----------
    kind
        In the order in which they are tried: ``root_required``, ``root_forbidden``;
        for each group and class ``resource_class``, ``min_unit``, ``max_unit``,
        ``step_size``, ``capacity``; for each group ``required``, ``forbidden``,
        ``member_of``, ``forbidden_aggregates``, ``in_tree``, and ``one_provider`` of a
        suffixed group or ``together`` of the unsuffixed one; then ``sums``,
        ``isolate``, ``same_subtree``, ``required_together``.
    suffix
        Group that it is about, None for the whole request.
    names
        Traits, aggregates, resource class, provider or suffixes that it is about.
    amount
        Units asked of a resource class, else None.
    """

    kind: str
    suffix: str | None = None
    names: tuple[str, ...] = ()
    amount: int | None = None

    def __str__(self) -> str:
        text = _TEXTS[self.kind].format(
            *self.names,
            any=" or ".join(self.names),
            all=", ".join(self.names),
            amount=self.amount,
        )
        return text if self.suffix is None else f"{group_name(self.suffix)}: {text}"


def group_name(suffix: str) -> str:
    """Say which group is meant."""
    return f"group {suffix}" if suffix else "unsuffixed group"


def tree_constraints(request: Request) -> list[Constraint]:
    """List what can be said of a tree without a search, in the order of trying."""
    found = [Constraint("root_required", None, (t,)) for t in _s(request.root_required)]
    found += [
        Constraint("root_forbidden", None, (t,)) for t in _s(request.root_forbidden)
    ]
    for group in request.groups:
        found += _of_group(group)
    return found


def joint_constraints(request: Request) -> list[tuple[Constraint, Request]]:
    """List what binds several providers, each with the request up to there.

    The request of the last one is the whole request. A tree that has a candidate for
    one request but not for the next fails the constraint that came with it.
    """
    plain = next((g for g in request.groups if not g.suffix and g.required), None)
    groups = tuple(
        replace(group, required=()) if group is plain else group
        for group in request.groups
    )
    upto = replace(request, groups=groups, group_policy=None, same_subtree=())
    found = [(Constraint("sums"), upto)]
    if (isolate := isolation(request)) is not None:
        upto = replace(upto, group_policy="isolate")
        found.append((isolate, upto))
    for suffixes in request.same_subtree:
        upto = replace(upto, same_subtree=(*upto.same_subtree, suffixes))
        found.append((Constraint("same_subtree", None, _s(suffixes)), upto))
    if plain is not None:
        found.append((Constraint("required_together", ""), request))
    return found


def isolation(request: Request) -> Constraint | None:
    """Give the constraint of ``group_policy=isolate`` where it binds any groups."""
    if request.group_policy != "isolate" or len(request.suffixes) < 2:
        return None
    return Constraint("isolate", None, request.suffixes)


def columns_of(
    state: State, plans: Plans, constraints: list[Constraint]
) -> "ConstraintColumns":
    """Lay constraints of the first compiled request out for kernels."""
    from kilonova_kernels import explain
    from kilonova_kernels.columns import Int32

    request = plans.requests[0]
    groups = {group.suffix: g for g, group in enumerate(request.groups)}
    resources = _resource_rows(request)
    kinds = {
        **{kind: explain.OFFERED + i for i, kind in enumerate(_CLASS_KINDS)},
        "root_required": explain.ROOT,
        "root_forbidden": explain.ROOT,
        "required": explain.TRAITS,
        "forbidden": explain.TRAITS,
        "member_of": explain.MEMBER,
        "forbidden_aggregates": explain.BANNED,
        "in_tree": explain.IN_TREE,
        "one_provider": explain.WHOLE,
        "together": explain.WHOLE,
        "isolate": explain.SPREAD,
    }

    def rows(found: Iterator[int]) -> Int32:
        return np.fromiter(found, np.int32, len(constraints))

    trait_ok = np.ones((len(constraints), len(state.trait_sets)), np.bool_)
    aggregate_ok = np.ones((len(constraints), len(state.aggregate_sets)), np.bool_)
    for c, constraint in enumerate(constraints):
        if kinds[constraint.kind] in (explain.ROOT, explain.TRAITS):
            trait_ok[c] = _trait_answers(state, constraint)
        elif kinds[constraint.kind] in (explain.MEMBER, explain.BANNED):
            aggregate_ok[c] = _aggregate_answers(state, constraint)
    return explain.ConstraintColumns(
        kind=rows(kinds[c.kind] for c in constraints),
        group=rows(groups.get(c.suffix or "", -1) for c in constraints),
        resource=rows(
            resources.get((c.suffix, *c.names), -1) if c.kind in _CLASS_KINDS else -1
            for c in constraints
        ),
        trait_ok=trait_ok,
        aggregate_ok=aggregate_ok,
    )


def resource_row(request: Request, suffix: str, name: str) -> int:
    """Give the row of a class of a group in the plan of this request alone."""
    return _resource_rows(request)[suffix, name]


def _resource_rows(request: Request) -> dict[tuple[str | None, ...], int]:
    # In the order of ``compile_requests``: groups, and classes by name.
    pairs = [(g.suffix, name) for g in request.groups for name in _s(g.resources)]
    return {pair: row for row, pair in enumerate(pairs)}


def _of_group(group: RequestGroup) -> Iterator[Constraint]:
    suffix = group.suffix
    for name, amount in sorted(group.resources.items()):
        for kind in _CLASS_KINDS:
            yield Constraint(kind, suffix, (name,), amount)
    for clause in group.required:
        yield Constraint("required", suffix, _s(clause))
    if group.forbidden:
        yield Constraint("forbidden", suffix, _s(group.forbidden))
    for clause in group.member_of:
        yield Constraint("member_of", suffix, _s(clause))
    if group.forbidden_aggregates:
        yield Constraint("forbidden_aggregates", suffix, _s(group.forbidden_aggregates))
    # Placement looks at the tree only where it looks for resources.
    if group.in_tree is not None and group.resources:
        yield Constraint("in_tree", suffix, (group.in_tree,))
    yield Constraint("one_provider" if suffix else "together", suffix)


def _trait_answers(state: State, constraint: Constraint) -> NDArray[np.bool_]:
    numbers = frozenset(state.traits.find(trait) for trait in constraint.names)
    hits = state.trait_sets.hits(numbers)
    return ~hits if constraint.kind in ("forbidden", "root_forbidden") else hits


def _aggregate_answers(state: State, constraint: Constraint) -> NDArray[np.bool_]:
    numbers = frozenset(state.aggregates.find(name) for name in constraint.names)
    hits = state.aggregate_sets.hits(numbers)
    return ~hits if constraint.kind == "forbidden_aggregates" else hits


def _s(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))

"""Single steps by which a request asks for less, and what is left of it after one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from kilonova.candidates.explain_constraints import group_name
from kilonova.request.group import Request, RequestGroup

# How much a step gives up: what is smaller is looked for first.
RANKS = {
    "amount": 0,
    "root_required": 1,
    "root_forbidden": 1,
    "required": 1,
    "forbidden": 1,
    "member_of": 1,
    "forbidden_aggregate": 1,
    "in_tree": 1,
    "group_policy": 2,
    "same_subtree": 3,
    "group": 4,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One way to ask for less.

    Attributes
    ----------
    kind
        ``amount`` (less of one class), ``root_required``, ``root_forbidden``,
        ``required``, ``forbidden``, ``member_of``, ``forbidden_aggregate``, ``in_tree``
        (without it), ``group_policy`` (none instead of isolate), ``same_subtree``,
        ``group`` (without it).
    suffix
        Group that it is about, None for the whole request.
    names
        Resource class, traits, aggregates, provider or suffixes that it is about.
    asked, amount
        Units of the class asked before and after; None for other kinds.
    """

    kind: str
    suffix: str | None = None
    names: tuple[str, ...] = ()
    asked: int | None = None
    amount: int | None = None

    @property
    def rank(self) -> int:
        """How much is given up: 0 for an amount, to 4 for a whole group."""
        return RANKS[self.kind]

    def __str__(self) -> str:
        names = " or ".join(self.names)
        of_group = "" if self.suffix is None else f" in {group_name(self.suffix)}"
        if self.kind == "amount":
            assert self.asked is not None
            assert self.amount is not None
            less = self.asked - self.amount
            change = f"{self.amount} instead of {self.asked}"
            return f"with {names} {less} less ({change}){of_group}"
        if self.kind == "group":
            return f"without {group_name(self.suffix or '')}"
        return {
            "root_required": f"without {names} at the root",
            "root_forbidden": f"with {names} allowed at the root",
            "required": f"without {names}",
            "forbidden": f"with {names} allowed",
            "member_of": f"without member of {names}",
            "forbidden_aggregate": f"with members of {names} allowed",
            "in_tree": f"without in_tree {names}",
            "group_policy": "with group_policy none",
            "same_subtree": f"without same_subtree {','.join(self.names)}",
        }[self.kind] + of_group


def steps_of(request: Request) -> list[Step]:
    """List the steps of a request; those about amounts have no ``amount`` yet.

    Of alike groups only the first is named: what helps one, helps the others.
    """
    return _steps(request, [g for g in request.groups if _leader(request, g) is g])


def step_pairs(request: Request) -> Iterator[tuple[Step, Step]]:
    """Give all pairs of steps; of alike groups the first one, or the first two."""
    leaders = {g.suffix: _leader(request, g).suffix for g in request.groups}
    places: dict[str | None, int] = {None: 0}
    for suffix, leader in leaders.items():
        alike = [other for other in leaders if leaders[other] == leader]
        places[suffix] = alike.index(suffix)
    for one, other in combinations(_steps(request, list(request.groups)), 2):
        first, second = sorted(places[step.suffix] for step in (one, other))
        alone = first == second == 0
        beside = (first, second) == (0, 1) and (
            leaders.get(one.suffix or "") == leaders.get(other.suffix or "")
        )
        if alone or beside:
            yield one, other


def _steps(request: Request, groups: list[RequestGroup]) -> list[Step]:
    found = [step for group in groups for step in _amounts(group)]
    for kind, traits in (
        ("root_required", request.root_required),
        ("root_forbidden", request.root_forbidden),
    ):
        found += [Step(kind, None, (trait,)) for trait in sorted(traits)]
    found += [step for group in groups for step in _clauses(group)]
    if request.group_policy == "isolate" and len(request.suffixes) > 1:
        found.append(Step("group_policy"))
    subtrees = dict.fromkeys(request.same_subtree)
    found += [Step("same_subtree", None, tuple(sorted(names))) for names in subtrees]
    return found + [Step("group", group.suffix) for group in groups]


def apply(request: Request, step: Step) -> Request | None:
    """Take one step; None if it cannot be taken, or nothing would be asked any more.

    A group without resources goes with the last ``same_subtree`` that ties it to
    another group: it says nothing without it.
    """
    if step.kind == "root_required":
        kept = request.root_required - {*step.names}
        return replace(request, root_required=kept)
    if step.kind == "root_forbidden":
        kept = request.root_forbidden - {*step.names}
        return replace(request, root_forbidden=kept)
    if step.kind == "group_policy":
        return replace(request, group_policy="none")
    if step.kind == "same_subtree":
        subtrees = _without(request.same_subtree, frozenset(step.names))
        return _tidied(replace(request, same_subtree=subtrees))
    if all(group.suffix != step.suffix for group in request.groups):
        return None
    if step.kind == "group":
        groups = tuple(g for g in request.groups if g.suffix != step.suffix)
        return _tidied(replace(request, groups=groups))
    changed = [
        _relaxed(group, step) if group.suffix == step.suffix else group
        for group in request.groups
    ]
    return replace(request, groups=tuple(changed))


def _amounts(group: RequestGroup) -> Iterator[Step]:
    for name, asked in sorted(group.resources.items()):
        yield Step("amount", group.suffix, (name,), asked)


def _clauses(group: RequestGroup) -> Iterator[Step]:
    suffix = group.suffix
    for clause in dict.fromkeys(group.required):
        yield Step("required", suffix, tuple(sorted(clause)))
    for trait in sorted(group.forbidden):
        yield Step("forbidden", suffix, (trait,))
    for clause in dict.fromkeys(group.member_of):
        yield Step("member_of", suffix, tuple(sorted(clause)))
    for aggregate in sorted(group.forbidden_aggregates):
        yield Step("forbidden_aggregate", suffix, (aggregate,))
    # Placement looks at the tree only where it looks for resources.
    if group.in_tree is not None and group.resources:
        yield Step("in_tree", suffix, (group.in_tree,))


def _relaxed(group: RequestGroup, step: Step) -> RequestGroup:
    """Change the group that a step is about."""
    names = frozenset(step.names)
    if step.kind == "amount":
        assert step.amount is not None
        (name,) = step.names
        return replace(group, resources={**group.resources, name: step.amount})
    if step.kind == "required":
        return replace(group, required=_without(group.required, names))
    if step.kind == "forbidden":
        return replace(group, forbidden=group.forbidden - names)
    if step.kind == "member_of":
        return replace(group, member_of=_without(group.member_of, names))
    if step.kind == "forbidden_aggregate":
        kept = group.forbidden_aggregates - names
        return replace(group, forbidden_aggregates=kept)
    return replace(group, in_tree=None)


def _tidied(request: Request) -> Request | None:
    """Drop what a change left without meaning; None if no resources are left."""
    known = {group.suffix for group in request.groups}
    subtrees = tuple(
        names & known
        for names in request.same_subtree
        if names <= known or len(names & known) > 1
    )
    named = frozenset[str]().union(*subtrees)
    groups = tuple(g for g in request.groups if g.resources or g.suffix in named)
    if not any(group.resources for group in groups):
        return None
    tidied = replace(request, groups=groups, same_subtree=subtrees)
    return tidied if groups == request.groups else _tidied(tidied)


def _leader(request: Request, group: RequestGroup) -> RequestGroup:
    """Give the first group that is alike, in all that binds it too."""
    return next(
        other
        for other in request.groups
        if other is group
        or (
            other.suffix
            and group.suffix
            and replace(other, suffix=group.suffix) == group
            and all(
                (other.suffix in names) == (group.suffix in names)
                for names in request.same_subtree
            )
        )
    )


def _without(
    clauses: tuple[frozenset[str], ...], clause: frozenset[str]
) -> tuple[frozenset[str], ...]:
    """Take a clause out, wherever it is repeated."""
    return tuple(other for other in clauses if other != clause)

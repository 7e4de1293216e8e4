"""Why a tree has no candidate, and every smaller request, by trying everything."""

from collections.abc import Iterator
from dataclasses import replace

from kilonova.request.group import Request, RequestGroup
from oracle.candidates import anchored_candidates
from oracle.groups import solve
from oracle.state import Provider, State

# What a constraint is known by: its kind, group and names.
Key = tuple[str, str | None, tuple[str, ...]]


def fitting(state: State, request: Request) -> set[str]:
    """Return the roots of the trees that have a candidate."""
    return {c.anchor for c in anchored_candidates(state, request)}


def first_failing(state: State, request: Request) -> dict[str, Key | None]:
    """Return the first constraint that each tree fails, None if it has a candidate."""
    served: dict[str, list[Provider]] = {root: [] for root in state.roots()}
    for provider in state.providers.values():
        for anchor in state.anchors(provider.name):
            served[anchor].append(provider)
    first = {
        root: next(failing(state, request, root, served[root]), None)
        for root in state.roots()
    }
    left = {root for root, key in first.items() if key is None}
    for key, upto in _joint(request):
        fit = fitting(state, upto)
        first.update(dict.fromkeys(left - fit, key))
        left &= fit
    return first


def failing(
    state: State, request: Request, root: str, pool: list[Provider]
) -> Iterator[Key]:
    """Yield what one tree fails, before groups are looked at together."""
    traits = state.providers[root].traits
    for trait in sorted(request.root_required):
        if trait not in traits:
            yield "root_required", None, (trait,)
    for trait in sorted(request.root_forbidden):
        if trait in traits:
            yield "root_forbidden", None, (trait,)
    for group in request.groups:
        yield from _failing_of_group(state, group, root, pool)


def _failing_of_group(
    state: State, group: RequestGroup, root: str, pool: list[Provider]
) -> Iterator[Key]:
    suffix = group.suffix
    for name, amount in sorted(group.resources.items()):
        kind = _failing_limit(pool, name, amount)
        if kind:
            yield kind, suffix, (name,)
    some = [
        p for p in pool if not group.resources or {*p.inventories} & {*group.resources}
    ]
    yield from _failing_traits(group, some)
    yield from _failing_aggregates(group, some, state.providers[root])
    if group.in_tree is not None and group.resources:
        tree = getattr(state.providers.get(group.in_tree), "root", None)
        if not any(p.root == tree and (suffix or root == tree) for p in some):
            yield "in_tree", suffix, (group.in_tree,)
    if not _is_served(state, group, root):
        yield "one_provider" if suffix else "together", suffix, ()


def _failing_traits(group: RequestGroup, some: list[Provider]) -> Iterator[Key]:
    for clause in group.required:
        if not any(clause & p.traits for p in some):
            yield "required", group.suffix, tuple(sorted(clause))
    if group.forbidden and all(group.forbidden & p.traits for p in some):
        yield "forbidden", group.suffix, tuple(sorted(group.forbidden))


def _failing_aggregates(
    group: RequestGroup, some: list[Provider], anchor: Provider
) -> Iterator[Key]:
    suffix, banned = group.suffix, group.forbidden_aggregates
    for clause in group.member_of:
        if not any(
            clause & p.aggregates
            or (not suffix and p.root == anchor.name and clause & anchor.aggregates)
            for p in some
        ):
            yield "member_of", suffix, tuple(sorted(clause))
    if banned and all(
        banned & (p.aggregates if suffix else p.aggregates | anchor.aggregates)
        for p in some
    ):
        yield "forbidden_aggregates", suffix, tuple(sorted(banned))


def _failing_limit(pool: list[Provider], name: str, amount: int) -> str | None:
    """Return what leaves no provider of a class, each limit after those before it."""
    left = [p for p in pool if name in p.inventories]
    if not left:
        return "resource_class"
    for kind in ("min_unit", "max_unit", "step_size", "capacity"):
        left = [p for p in left if _holds(p, kind, name, amount)]
        if not left:
            return kind
    return None


def _holds(provider: Provider, kind: str, name: str, amount: int) -> bool:
    offer = provider.inventories[name]
    return {
        "min_unit": amount >= offer.min_unit,
        "max_unit": amount <= offer.max_unit,
        "step_size": amount % offer.step_size == 0,
        "capacity": provider.used.get(name, 0) + amount <= offer.capacity,
    }[kind]


def _is_served(state: State, group: RequestGroup, root: str) -> bool:
    """Tell whether each part of a group can be served by itself.

    The unsuffixed group is tried class by class, its required traits left aside.
    """
    if group.suffix:
        return bool(solve(state, group, [root]))
    plain = replace(group, required=())
    return all(
        solve(state, replace(plain, resources={name: amount}), [root])
        for name, amount in group.resources.items()
    )


def _joint(request: Request) -> Iterator[tuple[Key, Request]]:
    """Yield what binds providers together, each with all before it, from none on."""
    bare = tuple(g if g.suffix else replace(g, required=()) for g in request.groups)
    upto = replace(request, groups=bare, group_policy="none", same_subtree=())
    yield ("sums", None, ()), upto
    suffixes = tuple(group.suffix for group in request.groups if group.suffix)
    if request.group_policy == "isolate" and len(suffixes) > 1:
        upto = replace(upto, group_policy="isolate")
        yield ("isolate", None, suffixes), upto
    for names in request.same_subtree:
        upto = replace(upto, same_subtree=(*upto.same_subtree, names))
        yield ("same_subtree", None, tuple(sorted(names))), upto
    if bare != request.groups:
        yield ("required_together", "", ()), request


def first_of_alike(request: Request) -> set[str | None]:
    """Return the suffixes of groups that no earlier group is alike, in all but name."""
    firsts: set[str | None] = {None}
    seen: list[object] = []
    for group in request.groups:
        ties = [group.suffix in names for names in request.same_subtree]
        this = (bool(group.suffix), replace(group, suffix=""), ties)
        if this not in seen:
            firsts.add(group.suffix)
        seen.append(this)
    return firsts


def smaller_amounts(
    request: Request,
) -> Iterator[tuple[Key, list[tuple[int, Request]]]]:
    """Yield for each class of each group all smaller amounts, the largest first."""
    for g, group in enumerate(request.groups):
        for name, asked in sorted(group.resources.items()):
            tries = []
            for amount in range(asked - 1, 0, -1):
                resources = {**group.resources, name: amount}
                tries.append(
                    (amount, _with(request, g, replace(group, resources=resources)))
                )
            yield ("amount", group.suffix, (name,)), tries


def without_one(request: Request) -> Iterator[tuple[Key, Request | None]]:
    """Yield every request with one thing less; None where nothing would be asked."""
    for trait in sorted(request.root_required):
        kept = request.root_required - {trait}
        yield ("root_required", None, (trait,)), replace(request, root_required=kept)
    for trait in sorted(request.root_forbidden):
        kept = request.root_forbidden - {trait}
        yield ("root_forbidden", None, (trait,)), replace(request, root_forbidden=kept)
    for g, group in enumerate(request.groups):
        for key, smaller in _without_one_clause(group):
            yield key, _with(request, g, smaller)
    suffixes = [group.suffix for group in request.groups if group.suffix]
    if request.group_policy == "isolate" and len(suffixes) > 1:
        yield ("group_policy", None, ()), replace(request, group_policy="none")
    for names in set(request.same_subtree):
        kept_sets = [other for other in request.same_subtree if other != names]
        yield (
            ("same_subtree", None, tuple(sorted(names))),
            _tied(request, list(request.groups), kept_sets),
        )
    for group in request.groups:
        left = [other for other in request.groups if other is not group]
        yield ("group", group.suffix, ()), _tied(request, left, request.same_subtree)


def _without_one_clause(group: RequestGroup) -> Iterator[tuple[Key, RequestGroup]]:
    suffix = group.suffix
    for clause in set(group.required):
        rest = tuple(other for other in group.required if other != clause)
        yield ("required", suffix, tuple(sorted(clause))), replace(group, required=rest)
    for trait in group.forbidden:
        kept = group.forbidden - {trait}
        yield ("forbidden", suffix, (trait,)), replace(group, forbidden=kept)
    for clause in set(group.member_of):
        rest = tuple(other for other in group.member_of if other != clause)
        key = ("member_of", suffix, tuple(sorted(clause)))
        yield key, replace(group, member_of=rest)
    for name in group.forbidden_aggregates:
        kept = group.forbidden_aggregates - {name}
        key = ("forbidden_aggregate", suffix, (name,))
        yield key, replace(group, forbidden_aggregates=kept)
    if group.in_tree is not None and group.resources:
        yield ("in_tree", suffix, (group.in_tree,)), replace(group, in_tree=None)


def _with(request: Request, g: int, group: RequestGroup) -> Request:
    groups = (*request.groups[:g], group, *request.groups[g + 1 :])
    return replace(request, groups=groups)


def _tied(
    request: Request,
    groups: list[RequestGroup],
    same_subtree: tuple[frozenset[str], ...] | list[frozenset[str]],
) -> Request | None:
    """Take out what says nothing: sets of one suffix, groups that only name a place."""
    while True:
        known = {group.suffix for group in groups}
        cut = [names & known for names in same_subtree]
        same_subtree = [
            short
            for names, short in zip(same_subtree, cut, strict=True)
            if len(short) > 1 or short == names
        ]
        left = [
            group
            for group in groups
            if group.resources or any(group.suffix in names for names in same_subtree)
        ]
        if not any(group.resources for group in left):
            return None
        if left == groups:
            return replace(
                request, groups=tuple(groups), same_subtree=tuple(same_subtree)
            )
        groups = left

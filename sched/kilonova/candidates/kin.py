"""Groups of one request that ask the same, and could change places in a candidate."""

from collections.abc import Sequence
from typing import NamedTuple

from kilonova.request.group import Request, RequestGroup

NO_UNIT = -1


class Kin(NamedTuple):
    """What one group may change places with; see ``PlanColumns``.

    Attributes
    ----------
    number
        The same for groups that may change places.
    unit
        Number of the subtree condition that moves with it, or -1.
    place
        Place of the group in that.
    """

    number: int
    unit: int
    place: int


def group_kin(request: Request) -> list[Kin]:
    """Give the kin of each group, in their order.

    Groups of different subtree conditions change places together with all others of
    these; so no other condition may name any of them.
    """
    groups = request.groups
    conditions = list(dict.fromkeys(request.same_subtree))
    named = [[c for c in conditions if group.suffix in c] for group in groups]
    kinds = _numbers(groups)
    found: list[Kin] = []
    forms: dict[object, int] = {}
    for i, group in enumerate(groups):
        form: object = (i,)
        unit, place = NO_UNIT, 0
        members = [j for j, its in enumerate(named) if named[i] and named[i][0] in its]
        if group.suffix and not named[i]:
            form = kinds[i]
        elif group.suffix and all(len(named[j]) == 1 for j in members):
            members.sort(key=lambda j: (kinds[j], j))
            form = (kinds[i], tuple(kinds[j] for j in members))
            unit, place = conditions.index(named[i][0]), members.index(i)
        found.append(Kin(forms.setdefault(form, len(forms)), unit, place))
    return found


def are_alike(group: RequestGroup, other: RequestGroup) -> bool:
    """Say whether two groups ask the same, whatever their suffixes."""
    return bool(group.suffix) == bool(other.suffix) and (
        dict(group.resources),
        group.required,
        group.forbidden,
        group.member_of,
        group.forbidden_aggregates,
        group.in_tree,
    ) == (
        dict(other.resources),
        other.required,
        other.forbidden,
        other.member_of,
        other.forbidden_aggregates,
        other.in_tree,
    )


def _numbers(groups: Sequence[RequestGroup]) -> list[int]:
    """Give for each group the number of the first that is alike."""
    return [
        next(j for j, other in enumerate(groups) if are_alike(group, other))
        for group in groups
    ]

"""A request while it is written: groups by suffix, to which each rule adds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kilonova.errors import BadServerSpec
from kilonova.request.group import RequestGroup


@dataclass(slots=True)
class DraftGroup:
    """One group: amounts by class, 0 included, and traits."""

    resources: dict[str, int] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    # What only groups from outside the flavor have, or only the unsuffixed group.
    any_of: tuple[frozenset[str], ...] = ()
    member_of: tuple[frozenset[str], ...] = ()
    forbidden_aggregates: frozenset[str] = frozenset()
    in_tree: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing; a tree alone counts for nothing, as in Nova."""
        return not (
            self.resources
            or self.required
            or self.forbidden
            or self.any_of
            or self.member_of
            or self.forbidden_aggregates
        )


@dataclass(slots=True)
class Draft:
    """All groups, the policy, and what was ignored.

    Attributes
    ----------
    groups
        By suffix, in the order in which they came up.
    flavor_suffix_count
        Suffixed groups of the flavor; counted before empty ones are taken out.
    notes
        What was ignored, a line each.
    """

    groups: dict[str, DraftGroup] = field(default_factory=dict)
    group_policy: str | None = None
    flavor_suffix_count: int = 0
    notes: list[str] = field(default_factory=list)

    def group(self, suffix: str = "") -> DraftGroup:
        """Return a group, which is made if it is new."""
        return self.groups.setdefault(suffix, DraftGroup())

    @property
    def suffix_count(self) -> int:
        """Number of groups that have a suffix."""
        return sum(map(bool, self.groups))

    @property
    def classes(self) -> set[str]:
        """Classes that a group asks for, if only for 0 of them."""
        return {name for group in self.groups.values() for name in group.resources}

    def note(self, key: str, right: str, got: object) -> None:
        """Note that something is ignored."""
        self.notes.append(f"{key} must be {right}, got {got!r}; it is ignored.")

    def add_groups(self, groups: Iterable[RequestGroup]) -> None:
        """Enter groups from outside the flavor.

        Raises
        ------
        BadServerSpec
            As RequestGroupSuffixConflict if a suffix is taken; as ValueError if there
            is none, or if a group asks for nothing.

        Notes
        -----
        Same checks as ``ResourceRequest._add_request_group`` in Nova's
        ``scheduler/utils.py``.
        """
        for group in groups:
            drafted = _drafted(group)
            if not group.suffix or drafted.is_empty:
                raise BadServerSpec(
                    "A group from outside the flavor must have a suffix and ask for "
                    f"something, got {group}.",
                    "ValueError",
                )
            if group.suffix in self.groups:
                raise BadServerSpec(
                    f"The suffix of a group must be new, got {group.suffix!r} again.",
                    "RequestGroupSuffixConflict",
                )
            self.groups[group.suffix] = drafted

    def strip(self) -> None:
        """Take amounts of 0 out, and then groups with nothing left in them."""
        for group in self.groups.values():
            group.resources = {n: a for n, a in group.resources.items() if a}
        self.groups = {s: g for s, g in self.groups.items() if not g.is_empty}

    def finished(self) -> tuple[RequestGroup, ...]:
        """Return the groups in the order in which Placement meets them.

        Nova sorts the parameters of its query by name, and a group is met at its first
        parameter.
        """
        ordered = sorted(self.groups.items(), key=lambda item: _first_name(*item))
        return tuple(_finished(suffix, group) for suffix, group in ordered)


def _drafted(group: RequestGroup) -> DraftGroup:
    single = {
        trait for clause in group.required if len(clause) == 1 for trait in clause
    }
    return DraftGroup(
        resources=dict(group.resources),
        required=single,
        forbidden=set(group.forbidden),
        any_of=tuple(clause for clause in group.required if len(clause) != 1),
        member_of=group.member_of,
        forbidden_aggregates=group.forbidden_aggregates,
        in_tree=group.in_tree,
    )


def _first_name(suffix: str, group: DraftGroup) -> str:
    prefix = "resources"
    if group.required or group.forbidden or group.any_of:
        prefix = "required"
    if group.member_of or group.forbidden_aggregates:
        prefix = "member_of"
    if group.in_tree is not None:
        prefix = "in_tree"
    return f"{prefix}{suffix}"


def _finished(suffix: str, group: DraftGroup) -> RequestGroup:
    return RequestGroup(
        suffix=suffix,
        resources=group.resources,
        required=(
            *(frozenset([trait]) for trait in sorted(group.required)),
            *group.any_of,
        ),
        forbidden=frozenset(group.forbidden),
        member_of=tuple(sorted(group.member_of, key=lambda c: ",".join(sorted(c)))),
        forbidden_aggregates=group.forbidden_aggregates,
        in_tree=group.in_tree,
    )

"""Request groups: what is asked of one provider, or of one tree."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from kilonova.errors import BadInput


@dataclass(frozen=True, slots=True)
class RequestGroup:
    """One group of resources with the traits and aggregates that it asks for.

    Attributes
    ----------
    suffix
        Name of the group; empty for the unsuffixed group, whose classes may come
        from several providers of a tree. A suffixed group has one provider.
    resources
        Amount asked of each resource class, at least 1. Empty for a group that only
        names a place in a subtree. Copied: the group never changes.
    required
        Clauses that must all hold; a clause holds when any of its traits is there.
    forbidden
        Traits that may not be there.
    member_of
        Clauses that must all hold; a clause holds for any of its aggregates.
    forbidden_aggregates
        Aggregates that the provider may not be in.
    in_tree
        UUID of a provider whose tree must be used, or None.
    """

    suffix: str = ""
    resources: Mapping[str, int] = field(default_factory=dict)
    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    forbidden_aggregates: frozenset[str] = frozenset()
    in_tree: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.resources, Mapping):
            raise BadInput(
                "resources must be a mapping of resource classes to amounts, "
                f"got {self.resources!r}."
            )
        # What was compiled for a request is found by the request again.
        frozen = MappingProxyType(dict(self.resources))
        object.__setattr__(self, "resources", frozen)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["resources"] = dict(self.resources)
        return type(self), tuple(values.values())

    def __hash__(self) -> int:
        # A mapping has no hash of its own. Equal requests share one compiled plan,
        # which is found by hash.
        return hash((self.suffix, frozenset(self.resources.items()), self.required))


@dataclass(frozen=True, slots=True)
class Request:
    """What allocation candidates are asked for.

    Attributes
    ----------
    groups
        In the order of the query, which is the order in which they are solved; the
        suffixes differ, so at most one is empty.
    group_policy
        ``"none"``, ``"isolate"`` or None where fewer than two groups need it.
    same_subtree
        Sets of suffixes whose providers must lie in one subtree.
    root_required, root_forbidden
        Traits that the root of the tree must have, or may not have.
    limit
        Largest number of candidates to return, or None for all.
    """

    groups: tuple[RequestGroup, ...]
    group_policy: str | None = None
    same_subtree: tuple[frozenset[str], ...] = ()
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    limit: int | None = None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the groups that have one, in their order."""
        return tuple(group.suffix for group in self.groups if group.suffix)

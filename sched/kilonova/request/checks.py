"""What must hold between the groups of a request, wherever they come from."""

from collections.abc import Iterable, Sequence

from kilonova.errors import BadRequest
from kilonova.request.group import Request, RequestGroup
from kilonova.request.parameters import SUFFIX
from kilonova.request.values import check_amount

_BAD_VALUE = "placement.query.bad_value"
_MISSING_VALUE = "placement.query.missing_value"


def check_request(request: Request) -> None:
    """Refuse a request that Placement refuses at its latest microversion.

    Raises
    ------
    BadRequest
        If an amount or a suffix is malformed, two groups have one suffix, the groups
        do not belong together (`check_groups`), they demand and forbid the same trait
        (`check_traits`), or they need a group policy and there is none
        (`check_group_policy`).
    """
    if not isinstance(request, Request):
        raise BadRequest(
            f"A request must be a Request or a query string, got {request!r:.80}."
        )
    for group in request.groups:
        suffix = group.suffix
        if suffix != "" and not (isinstance(suffix, str) and SUFFIX.fullmatch(suffix)):
            raise BadRequest(
                "A suffix must be 1 to 64 of the characters a-z A-Z 0-9 _ -, "
                f"got {suffix!r}."
            )
        for name, amount in group.resources.items():
            check_amount(f"resources{group.suffix}: {name}", amount)
    suffixes = [group.suffix for group in request.groups]
    for suffix in suffixes:
        if suffixes.count(suffix) > 1:
            raise BadRequest(f"Suffixes must differ, got {suffix!r} more than once.")
    check_groups(request.groups, request.same_subtree)
    check_traits(request.groups)
    check_group_policy(request)


def check_bound(name: str, value: int | None) -> None:
    """Refuse a bound that is neither None nor a whole number from 1."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and (not is_whole or value < 1):
        raise BadRequest(f"{name} must be a whole number from 1, got {value!r:.80}.")


def check_groups(
    groups: Sequence[RequestGroup], same_subtree: Iterable[frozenset[str]]
) -> None:
    """Refuse groups without resources that no same_subtree names, or the reverse.

    Raises
    ------
    BadRequest
        If no group has resources, a group without them is in no same_subtree, or a
        same_subtree names a suffix that no group has.
    """
    if not any(group.resources for group in groups):
        raise BadRequest(
            "resources must be given for at least one group, got none.",
            code=_MISSING_VALUE,
        )
    named = frozenset[str]().union(*same_subtree)
    for group in groups:
        if not group.resources and group.suffix not in named:
            raise BadRequest(
                f"resources{group.suffix} must be given, or same_subtree must name "
                f"{group.suffix!r}, got neither.",
                code=_BAD_VALUE,
            )
    known = {group.suffix for group in groups}
    if not named <= known:
        raise BadRequest(
            f"same_subtree must name suffixes of {sorted(known)}, "
            f"got {sorted(named - known)}.",
            code=_BAD_VALUE,
        )


def check_all_have_resources(groups: Sequence[RequestGroup]) -> None:
    """Refuse groups without resources, as Placement does before microversion 1.36."""
    if not groups:
        raise BadRequest("resources must be given for at least one group, got none.")
    for group in groups:
        if not group.resources:
            raise BadRequest(
                f"resources{group.suffix} must be given before microversion 1.36, "
                "got other parameters of the group only."
            )


def check_traits(groups: Iterable[RequestGroup]) -> None:
    """Refuse a group that demands a trait, or any of several, and forbids them all."""
    for group in groups:
        for clause in group.required:
            if clause <= group.forbidden:
                raise BadRequest(
                    f"required{group.suffix} must not demand and forbid the same "
                    f"traits, got {sorted(clause)} in both."
                )


def check_group_policy(request: Request) -> None:
    """Refuse two or more groups with a suffix, with resources or not, and no policy."""
    if len(request.suffixes) > 1 and request.group_policy is None:
        raise BadRequest(
            "group_policy must be 'none' or 'isolate' with two or more suffixed "
            f"groups, got none for {list(request.suffixes)}."
        )

"""The query string of GET /allocation_candidates, read as Placement reads it."""

from kilonova.errors import BadRequest
from kilonova.request.checks import (
    check_all_have_resources,
    check_group_policy,
    check_groups,
    check_traits,
)
from kilonova.request.group import Request, RequestGroup
from kilonova.request.microversion import (
    ERROR_CODES,
    Microversion,
    check_candidates_served,
    parse_microversion,
)
from kilonova.request.parameters import (
    Parameters,
    check_names,
    group_suffixes,
    split_query,
)
from kilonova.request.values import (
    Clauses,
    parse_in_tree,
    parse_limit,
    parse_member_of,
    parse_resources,
    parse_same_subtree,
    parse_traits,
)

_FORBIDDEN_TRAITS = Microversion(1, 22)
_REPEATED_MEMBER_OF = Microversion(1, 24)
_ANY_PARAMETER_FIRST = Microversion(1, 25)
_FORBIDDEN_AGGREGATES = Microversion(1, 32)
_GROUPS_WITHOUT_RESOURCES = Microversion(1, 36)
_ANY_TRAITS = Microversion(1, 39)


def parse_query(query: str, microversion: str = "1.39") -> Request:
    """Read the query string of GET /allocation_candidates.

    Whether traits, resource classes, aggregates and providers exist depends on the
    cloud and is not looked at here.

    Parameters
    ----------
    query
        What follows the question mark, percent-encoded.
    microversion
        ``"1.0"`` to ``"1.39"``, or ``"latest"``.

    Raises
    ------
    BadRequest
        With Placement's status and code if Placement refuses the query, and with
        status 400 where it fails instead (500): an amount over 2147483647, a limit
        of thousands of digits.

    Notes
    -----
    Same answers as ``RequestWideParams.from_request`` and
    ``RequestGroup.dict_from_request`` in Placement's ``lib.py``. Repeated parameters:
    of resources and in_tree the last one counts, of required too before 1.39, of
    limit and group_policy the first.

    Stricter in two things. Placement checks only the last limit and group_policy and
    goes by the first, whatever it is; here all of them must be right. And it takes a
    line feed at the end of a limit or of a suffix.
    """
    version = parse_microversion(microversion)
    check_candidates_served(version)
    try:
        return _request(split_query(query), version)
    except BadRequest as error:
        if version < ERROR_CODES:
            error.code = None
        raise


def _request(parameters: Parameters, version: Microversion) -> Request:
    """Build the request; what is wrong with the whole of it is found first."""
    check_names(parameters, version)
    if version < _ANY_PARAMETER_FIRST and "resources" not in parameters:
        raise BadRequest("resources must be given, got a query without it.")
    limits = [parse_limit(value) for value in parameters.get("limit", [])]
    group_policy = _group_policy(parameters)
    root_required, root_forbidden = _root_required(parameters)
    same_subtree = [
        parse_same_subtree(value) for value in parameters.get("same_subtree", [])
    ]
    groups = [
        _group(parameters, suffix, version) for suffix in group_suffixes(parameters)
    ]
    if version < _GROUPS_WITHOUT_RESOURCES:
        check_all_have_resources(groups)
    else:
        check_groups(groups, same_subtree)
    check_traits(groups)
    request = Request(
        groups=tuple(groups),
        group_policy=group_policy,
        same_subtree=tuple(same_subtree),
        root_required=root_required,
        root_forbidden=root_forbidden,
        limit=limits[0] if limits else None,
    )
    check_group_policy(request)
    return request


def _group_policy(parameters: Parameters) -> str | None:
    values = parameters.get("group_policy", [])
    for value in values:
        if value not in ("none", "isolate"):
            raise BadRequest(
                f"group_policy must be 'none' or 'isolate', got {value!r}."
            )
    return values[0] if values else None


def _root_required(parameters: Parameters) -> tuple[frozenset[str], frozenset[str]]:
    """Return the traits that the root must have, and those that it may not."""
    values = parameters.get("root_required", [])
    if not values:
        return frozenset(), frozenset()
    if len(values) > 1:
        raise BadRequest(
            f"root_required must be given once, got {values}.",
            code="placement.query.duplicate_key",
        )
    if values[0].startswith("in:"):
        raise BadRequest(f"root_required must be without 'in:', got {values[0]!r}.")
    clauses = parse_traits("root_required", values[0])
    required = frozenset[str]().union(*clauses.required)
    both = sorted(required & clauses.forbidden)
    if both:
        raise BadRequest(
            "root_required must not demand and forbid the same traits, "
            f"got {both} in both.",
            code="placement.query.bad_value",
        )
    return required, clauses.forbidden


def _group(parameters: Parameters, suffix: str, version: Microversion) -> RequestGroup:
    resources: dict[str, int] = {}
    for value in parameters.get(f"resources{suffix}", []):
        resources = parse_resources(f"resources{suffix}", value)
    in_tree = None
    for value in parameters.get(f"in_tree{suffix}", []):
        in_tree = parse_in_tree(f"in_tree{suffix}", value)
    traits = _traits(parameters, f"required{suffix}", version)
    aggregates = _aggregates(parameters, f"member_of{suffix}", version)
    return RequestGroup(
        suffix=suffix,
        resources=resources,
        required=traits.required,
        forbidden=traits.forbidden,
        member_of=aggregates.required,
        forbidden_aggregates=aggregates.forbidden,
        in_tree=in_tree,
    )


def _traits(parameters: Parameters, name: str, version: Microversion) -> Clauses:
    values = parameters.get(name, [])
    if version < _ANY_TRAITS:
        values = values[-1:]
    found = Clauses()
    for value in values:
        if value.startswith("in:") and version < _ANY_TRAITS:
            raise BadRequest(
                f"{name} must be without 'in:' before microversion {_ANY_TRAITS}, "
                f"got {value!r}."
            )
        clauses = parse_traits(name, value)
        if clauses.forbidden and version < _FORBIDDEN_TRAITS:
            raise BadRequest(
                f"{name} must be without '!' before microversion {_FORBIDDEN_TRAITS}, "
                f"got {value!r}."
            )
        found |= clauses
    return found


def _aggregates(parameters: Parameters, name: str, version: Microversion) -> Clauses:
    values = parameters.get(name, [])
    if len(values) > 1 and version < _REPEATED_MEMBER_OF:
        raise BadRequest(
            f"{name} must be given once before microversion {_REPEATED_MEMBER_OF}, "
            f"got {values}."
        )
    found = Clauses()
    for value in values:
        clauses = parse_member_of(name, value)
        if clauses.forbidden and version < _FORBIDDEN_AGGREGATES:
            raise BadRequest(
                f"{name} must be without '!' before microversion "
                f"{_FORBIDDEN_AGGREGATES}, got {value!r}."
            )
        found |= clauses
    return found

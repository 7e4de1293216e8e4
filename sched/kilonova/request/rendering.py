"""A request as the query string of GET /allocation_candidates."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from kilonova.errors import BadRequest
from kilonova.request.group import Request, RequestGroup
from kilonova.request.query import parse_query


def render_query(request: Request) -> str:
    """Render a request as a query string for the latest microversion.

    Equal requests give equal strings: the groups keep their order, and what has no
    order (classes, alternatives, forbidden traits, suffixes) is sorted.

    Raises
    ------
    BadRequest
        If Placement would refuse the request, or read another one: it has, say, a
        group that asks for nothing, or a trait with a comma in its name.
    """
    text = "&".join(f"{name}={_encoded(value)}" for name, value in _parameters(request))
    if parse_query(text) != request:
        raise BadRequest(
            f"No query says what {request} asks for; the nearest is {text!r}."
        )
    return text


def _parameters(request: Request) -> Iterator[tuple[str, str]]:
    for group in request.groups:
        yield from _group_parameters(group)
    if request.group_policy is not None:
        yield "group_policy", request.group_policy
    root = _signed(sorted(request.root_required), request.root_forbidden)
    if root:
        yield "root_required", root
    for suffixes in request.same_subtree:
        yield "same_subtree", ",".join(sorted(suffixes))
    if request.limit is not None:
        yield "limit", str(request.limit)


def _group_parameters(group: RequestGroup) -> Iterator[tuple[str, str]]:
    if group.resources:
        amounts = sorted(group.resources.items())
        yield (
            f"resources{group.suffix}",
            ",".join(f"{name}:{amount}" for name, amount in amounts),
        )
    for value in _required(group):
        yield f"required{group.suffix}", value
    for clause in group.member_of:
        yield f"member_of{group.suffix}", _any_of(clause)
    if group.forbidden_aggregates:
        yield f"member_of{group.suffix}", f"!{_any_of(group.forbidden_aggregates)}"
    if group.in_tree is not None:
        yield f"in_tree{group.suffix}", group.in_tree


def _required(group: RequestGroup) -> Iterator[str]:
    """Yield the values of required: clauses in their order, then what is forbidden.

    Clauses of one trait that follow each other share a value.
    """
    single: list[str] = []
    for clause in group.required:
        if len(clause) == 1:
            single += clause
            continue
        if single:
            yield ",".join(single)
            single = []
        yield _any_of(clause)
    last = _signed(single, group.forbidden)
    if last:
        yield last


def _any_of(names: frozenset[str]) -> str:
    joined = ",".join(sorted(names))
    return joined if len(names) == 1 else f"in:{joined}"


def _signed(required: Iterable[str], forbidden: frozenset[str]) -> str:
    return ",".join([*required, *(f"!{trait}" for trait in sorted(forbidden))])


def _encoded(value: str) -> str:
    # These three mean something to Placement only, not in a query string.
    return quote(value, safe=":,!")

"""A request as the query string that Nova sends."""

from collections.abc import Iterator
from urllib.parse import urlencode

from kilonova.request.group import Request, RequestGroup


def nova_query(request: Request) -> str:
    """Render a request as Nova does: parameters sorted by name, then by value.

    `kilonova.request.rendering.render_query` keeps the order of the groups instead, and
    refuses what Placement would refuse; here it is shown as Nova would send it.

    Notes
    -----
    Same text as ``ResourceRequest.to_querystring`` in Nova's ``scheduler/utils.py``,
    and ``RequestGroup.to_queryparams`` in its ``objects/request_spec.py``.
    """
    return urlencode(sorted(_parameters(request)))


def _parameters(request: Request) -> Iterator[tuple[str, str]]:
    if request.limit is not None:
        yield "limit", str(request.limit)
    if request.group_policy is not None:
        yield "group_policy", request.group_policy
    root = _signed(request.root_required, request.root_forbidden)
    if root:
        yield "root_required", root
    for suffixes in request.same_subtree:
        yield "same_subtree", ",".join(sorted(suffixes))
    for group in request.groups:
        yield from _group_parameters(group)


def _group_parameters(group: RequestGroup) -> Iterator[tuple[str, str]]:
    amounts = sorted(f"{name}:{amount}" for name, amount in group.resources.items())
    yield f"resources{group.suffix}", ",".join(amounts)
    single = [next(iter(clause)) for clause in group.required if len(clause) == 1]
    traits = _signed(frozenset(single), group.forbidden)
    if traits:
        yield f"required{group.suffix}", traits
    for clause in group.required:
        if len(clause) != 1:
            yield f"required{group.suffix}", f"in:{','.join(sorted(clause))}"
    for aggregates in group.member_of:
        yield f"member_of{group.suffix}", f"in:{','.join(sorted(aggregates))}"
    if group.forbidden_aggregates:
        aggregates = group.forbidden_aggregates
        yield f"member_of{group.suffix}", f"!in:{','.join(sorted(aggregates))}"
    if group.in_tree is not None:
        yield f"in_tree{group.suffix}", group.in_tree


def _signed(required: frozenset[str], forbidden: frozenset[str]) -> str:
    return ",".join([*sorted(required), *(f"!{trait}" for trait in sorted(forbidden))])

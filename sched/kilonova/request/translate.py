"""From what a server asks of the scheduler to what Placement is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kilonova.errors import BadRequest, NoValidHost
from kilonova.request.amounts import add_amounts
from kilonova.request.checks import check_request
from kilonova.request.draft import Draft
from kilonova.request.extra_specs import read_extra_specs
from kilonova.request.group import Request
from kilonova.request.nova_options import RequestOptions
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.translate_cpus import add_cpu_policies, asks_for_dedicated_cpus
from kilonova.request.translate_features import add_features, add_image_traits

# With these hints any host may be the right one, however late Placement names it.
_UNLIMITED_HINTS = frozenset(["group", "same_host", "different_host"])


@dataclass(frozen=True, slots=True)
class TargetNode:
    """A compute node that has the host or the name that a server must go to."""

    uuid: str
    host: str
    nodename: str


@dataclass(frozen=True, slots=True)
class Translated:
    """What a server spec asks Placement for.

    Attributes
    ----------
    request
        For the candidates.
    fallback
        For further candidates, from hosts that report VCPU and no PCPU; or None.
    spec
        The spec; a requested destination of one node has its host and node filled in.
    notes
        What was ignored, a line each, with key and value.
    """

    request: Request
    fallback: Request | None
    spec: ServerSpec
    notes: tuple[str, ...] = ()


def translate(
    spec: ServerSpec,
    options: RequestOptions,
    nodes: Sequence[TargetNode] | None = None,
) -> Translated:
    """Translate a server spec, after the pre-filters, into requests for candidates.

    Parameters
    ----------
    spec
        As `server_spec` makes it and the pre-filters change it.
    options
        ``[scheduler] max_placement_results`` and ``[workarounds]
        disable_fallback_pcpu_query`` count.
    nodes
        The compute nodes that `target` names, if it names any; None where they are
        not known, which leaves the request open to all hosts.

    Raises
    ------
    NoValidHost
        If no node has the target's name, or Placement would refuse the request.
    BadServerSpec
        If the spec contradicts itself; `server_spec` makes none that does.

    Notes
    -----
    Same request as ``resources_from_request_spec`` in Nova's ``scheduler/utils.py``.
    Nova logs what Placement refuses and finds no candidates.
    """
    limit = options.scheduler.max_placement_results
    draft = drafted(spec)
    wanted = target(spec)
    if wanted is None:
        nodes = None
    elif nodes is not None and not nodes:
        host, nodename = wanted
        raise NoValidHost(f"No such host - host: {host} node: {nodename} ")
    request = _checked(_request(draft, spec, limit, nodes))
    second = None
    fallback = not options.workarounds.disable_fallback_pcpu_query
    if fallback and asks_for_dedicated_cpus(spec):
        second = _request(drafted(spec, pinning=False), spec, limit, nodes)
    return Translated(
        request, second, _located(spec, nodes), (*spec.notes, *draft.notes)
    )


def target(spec: ServerSpec) -> tuple[str | None, str | None] | None:
    """Return host and node that the server must go to, each None where any will do.

    A requested destination goes before forced hosts and nodes; of those the first
    counts.
    """
    destination = spec.destination or Destination()
    host = destination.host or next(iter(spec.force_hosts), None)
    nodename = destination.node or next(iter(spec.force_nodes), None)
    return (host, nodename) if host or nodename else None


def drafted(spec: ServerSpec, pinning: bool = True) -> Draft:
    """Gather what flavor, image and groups from outside ask for.

    Parameters
    ----------
    spec
        As in `translate`.
    pinning
        Whether CPU policies are translated; not so for the fallback request.

    Notes
    -----
    Same groups as ``ResourceRequest.from_request_spec`` in Nova's
    ``scheduler/utils.py``, in its order, which decides who overrides whom.
    """
    draft = Draft()
    read_extra_specs(draft, spec.flavor.extra_specs)
    draft.flavor_suffix_count = draft.suffix_count
    add_image_traits(draft, spec)
    if pinning:
        add_cpu_policies(draft, spec)
    draft.add_groups(spec.groups)
    add_amounts(draft, spec)
    add_features(draft, spec)
    draft.strip()
    return draft


def _request(
    draft: Draft,
    spec: ServerSpec,
    limit: int | None,
    nodes: Sequence[TargetNode] | None,
) -> Request:
    _add_destination(draft, spec.destination)
    if nodes is not None and len(nodes) == 1:
        draft.group().in_tree = nodes[0].uuid
    unlimited = nodes is not None and len(nodes) > 1
    if unlimited or not _UNLIMITED_HINTS.isdisjoint(spec.hints):
        limit = None
    return Request(
        groups=draft.finished(),
        group_policy=_group_policy(draft),
        same_subtree=tuple(sorted(spec.same_subtree, key=_text)),
        root_required=spec.root_required,
        root_forbidden=spec.root_forbidden,
        limit=limit,
    )


def _add_destination(draft: Draft, destination: Destination | None) -> None:
    if destination is None:
        return
    if destination.aggregates:
        draft.group().member_of = destination.aggregates
    if destination.forbidden_aggregates:
        draft.group().forbidden_aggregates |= destination.forbidden_aggregates


def _group_policy(draft: Draft) -> str | None:
    """Return the policy; two groups of the flavor itself need one of its own."""
    if draft.group_policy is None and draft.suffix_count > 1:
        return "none" if draft.flavor_suffix_count <= 1 else None
    return draft.group_policy


def _checked(request: Request) -> Request:
    """Refuse what Placement refuses, which Nova only logs."""
    try:
        check_request(request)
    except BadRequest as error:
        raise _refused(str(error)) from error
    both = sorted(request.root_required & request.root_forbidden)
    if both:
        raise _refused(f"root_required must not demand and forbid {both}.")
    bare = [group.suffix for group in request.groups if not group.resources]
    if bare:
        # Placement knows such groups, but Nova does not write them as it reads them.
        raise _refused(f"each group must ask for resources, got none in {bare}.")
    return request


def _refused(why: str) -> NoValidHost:
    return NoValidHost(f"Placement refuses what the server asks for: {why}")


def _text(suffixes: frozenset[str]) -> str:
    return ",".join(sorted(suffixes))


def _located(spec: ServerSpec, nodes: Sequence[TargetNode] | None) -> ServerSpec:
    if spec.destination is None or nodes is None or len(nodes) != 1:
        return spec
    destination = replace(spec.destination, host=nodes[0].host, node=nodes[0].nodename)
    return replace(spec, destination=destination)

"""Shapes: what requests have in common that differ only in whose they are.

Servers of one flavor and image with ports alike ask the same of every host, whatever
the UUIDs of their ports. All that is compiled, filtered and kept for a request is kept
for its shape.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

from kilonova.hosts.filters.register import Filter, enabled
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.register import Weigher
from kilonova.hosts.weighers.register import enabled as enabled_weighers
from kilonova.request.frozen import FrozenMapping
from kilonova.request.group import Request
from kilonova.request.pci_alias import device_suffixes
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.translate import TargetNode, translate

# Hints that name servers: they become lists of hosts for each request.
LISTING_HINTS = frozenset({"group", "different_host", "same_host"})
# Filters whose whole meaning is in such lists, and in the counts of server groups.
LISTING_FILTERS = frozenset(
    {
        "ServerGroupAffinityFilter",
        "ServerGroupAntiAffinityFilter",
        "DifferentHostFilter",
        "SameHostFilter",
    }
)
# Weighers that look at the members of the server's own group.
GROUP_WEIGHERS = frozenset(
    {"ServerGroupSoftAffinityWeigher", "ServerGroupSoftAntiAffinityWeigher"}
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What servers ask that differ only in whose they are.

    Attributes
    ----------
    spec
        The spec after the pre-filters, without names of its own.
    request, fallback
        What Placement is asked for, and once more where CPUs are to be dedicated.
    filters
        Those that may remove a host, but for ``LISTING_FILTERS``.
    weighers
        All that are enabled, in their order.
    notes
        What was ignored in the spec, a line each.
    """

    spec: ServerSpec
    request: Request
    fallback: Request | None
    filters: tuple[Filter, ...]
    weighers: tuple[Weigher, ...]
    notes: tuple[str, ...] = ()


def anonymous(spec: ServerSpec, node: TargetNode | None = None) -> ServerSpec:
    """Take out of a spec what names one server, its ports, or single hosts.

    With ``node`` all must come from the tree of that one, which stays named.
    """
    # Groups of PCI devices are found again by their names, the same for equal flavors.
    kept_names = device_suffixes(spec.pci_requests, spec.groups)
    names = {
        group.suffix: group.suffix if group.suffix in kept_names else f"_{i:03d}"
        for i, group in enumerate(spec.groups)
    }
    kept = [(k, v) for k, v in spec.hints.items() if k not in LISTING_HINTS]
    destination = spec.destination or Destination()
    destination = replace(
        destination,
        host=None if node is None else node.host,
        node=None if node is None else node.nodename,
    )
    return replace(
        spec,
        groups=tuple(
            replace(group, suffix=names[group.suffix]) for group in spec.groups
        ),
        same_subtree=tuple(
            frozenset(names.get(suffix, suffix) for suffix in suffixes)
            for suffixes in spec.same_subtree
        ),
        hints=FrozenMapping(dict(kept)),
        destination=None if destination == Destination() else destination,
        server_group=None,
        ignore_hosts=(),
        force_hosts=("",) if spec.force_hosts or spec.force_nodes else (),
        force_nodes=(),
        instance_uuid="",
        notes=(),
    )


def shape_of(
    spec: ServerSpec, options: Options, node: TargetNode | None = None
) -> Shape:
    """Translate an anonymous spec, after the pre-filters, and pick what applies to it.

    With ``node`` the unsuffixed group is asked for in the tree of that one.

    Raises
    ------
    NoValidHost, BadServerSpec
        As ``translate``.
    UnknownFilter, UnknownWeigher
        Options name one that there is not.
    """
    forced = bool(spec.force_hosts)
    plain = replace(spec, force_hosts=())
    translated = translate(plain, options, [node] if node else None)
    # Forced hosts are taken as they are, whatever filters say.
    filters = () if forced else enabled(options)
    return Shape(
        spec=plain,
        request=replace(translated.request, limit=None),
        fallback=translated.fallback and replace(translated.fallback, limit=None),
        filters=tuple(
            each
            for each in filters
            if each.name not in LISTING_FILTERS
            and each.asks(plain, options) is not None
        ),
        weighers=enabled_weighers(options),
        notes=translated.notes,
    )


def weighed_by(shape: Shape, options: Options) -> tuple[Hashable, ...]:
    """Give what decides the raw values of hosts for a shape, groups apart."""
    return tuple(
        each.asks(shape.spec, options)
        for each in shape.weighers
        if each.name not in GROUP_WEIGHERS
    )


def are_weighed_alike(shapes: Iterable[Shape], options: Options) -> bool:
    """Say whether hosts have the same raw values for all shapes, groups apart."""
    return len({weighed_by(shape, options) for shape in shapes}) <= 1

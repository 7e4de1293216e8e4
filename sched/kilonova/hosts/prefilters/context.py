"""What a pre-filter may look at besides the spec, and how it narrows one."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace

from kilonova.cloud.host import HostAggregate
from kilonova.cloud.vocabulary import standard_traits
from kilonova.hosts.options import Options
from kilonova.request.server import Destination, ServerSpec


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the cloud.

    Attributes
    ----------
    aggregates
        All host aggregates.
    options
        Options of the scheduler.
    known_traits
        Traits that may be asked for; OpenStack's own, unless said otherwise.
    service_version
        Lowest version of all nova-compute services; 0 where it is unknown.
    """

    aggregates: Sequence[HostAggregate] = ()
    options: Options = field(default_factory=Options)
    known_traits: Container[str] = field(default_factory=standard_traits)
    service_version: int = 0


PreFilter = Callable[[ServerSpec, Context], ServerSpec]
"""Takes a spec and gives a narrower one, or the same; may raise RequestFilterFailed."""


def with_root_traits(spec: ServerSpec, *traits: str) -> ServerSpec:
    """Require traits of the root provider."""
    return replace(spec, root_required=spec.root_required.union(traits))


def with_any_aggregate(spec: ServerSpec, uuids: Iterable[str]) -> ServerSpec:
    """Require that the host is in one of the aggregates, whatever else is required."""
    destination = spec.destination or Destination()
    clauses = (*destination.aggregates, frozenset(uuids))
    return replace(spec, destination=replace(destination, aggregates=clauses))


def without_aggregates(spec: ServerSpec, uuids: Iterable[str]) -> ServerSpec:
    """Forbid the host to be in any of the aggregates."""
    destination = spec.destination or Destination()
    forbidden = destination.forbidden_aggregates.union(uuids)
    return replace(
        spec, destination=replace(destination, forbidden_aggregates=forbidden)
    )

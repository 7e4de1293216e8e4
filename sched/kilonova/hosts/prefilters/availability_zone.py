"""Keep a server in its availability zone."""

from kilonova.hosts.prefilters.context import Context, with_any_aggregate
from kilonova.request.server import ServerSpec


def map_az_to_placement_aggregate(spec: ServerSpec, context: Context) -> ServerSpec:
    """Require an aggregate of the zone; a zone without aggregates restricts nothing."""
    zone = spec.availability_zone
    if not zone:
        return spec
    found = [
        aggregate.uuid
        for aggregate in context.aggregates
        if aggregate.metadata.get("availability_zone") == zone
    ]
    return with_any_aggregate(spec, found) if found else spec

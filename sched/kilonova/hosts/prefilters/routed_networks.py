"""Keep a server on hosts that reach the segments of its networks."""

from kilonova.hosts.prefilters.context import Context, with_any_aggregate
from kilonova.request.server import ServerSpec


def routed_networks_filter(spec: ServerSpec, context: Context) -> ServerSpec:
    """Require, for each network and port, an aggregate of one of its segments.

    A network without segments restricts nothing.
    """
    options = context.options.scheduler
    if options.query_placement_for_routed_network_aggregates:
        for aggregates in filter(None, spec.segments):
            spec = with_any_aggregate(spec, aggregates)
    return spec

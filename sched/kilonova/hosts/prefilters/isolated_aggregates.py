"""Keep servers off hosts that are set apart for servers with certain traits."""

from kilonova.hosts.prefilters.context import Context, without_aggregates
from kilonova.request.server import ServerSpec
from kilonova.request.translate import drafted

_PREFIX = "trait:"


def isolate_aggregates(spec: ServerSpec, context: Context) -> ServerSpec:
    """Forbid aggregates that want a trait which the server does not require.

    Traits of flavor, image, ports and device profiles count, not those of the root.
    """
    if not context.options.scheduler.enable_isolated_aggregate_filtering:
        return spec
    groups = drafted(spec).groups.values()
    wanted = {f"{_PREFIX}{trait}" for group in groups for trait in group.required}
    found = [
        aggregate.uuid
        for aggregate in context.aggregates
        if any(
            key.startswith(_PREFIX) and value == "required" and key not in wanted
            for key, value in aggregate.metadata.items()
        )
    ]
    return without_aggregates(spec, found) if found else spec

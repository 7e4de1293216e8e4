"""Keep a project on the hosts that are set apart for it."""

from kilonova.errors import RequestFilterFailed
from kilonova.hosts.prefilters.context import Context, with_any_aggregate
from kilonova.request.server import ServerSpec

_KEY = "filter_tenant_id"


def require_tenant_aggregate(spec: ServerSpec, context: Context) -> ServerSpec:
    """Require an aggregate that names the project under ``filter_tenant_id*``.

    Raises
    ------
    RequestFilterFailed
        If there is none, and projects must have one.
    """
    options = context.options.scheduler
    if not options.limit_tenants_to_placement_aggregate:
        return spec
    found = [
        aggregate.uuid
        for aggregate in context.aggregates
        if any(
            key.startswith(_KEY) and value == spec.project_id
            for key, value in aggregate.metadata.items()
        )
    ]
    if found:
        return with_any_aggregate(spec, found)
    if options.placement_aggregate_required_for_tenants:
        raise RequestFilterFailed(
            f"No hosts available for tenant {spec.project_id!r}: an aggregate must "
            f"have it under {_KEY}, got none."
        )
    return spec

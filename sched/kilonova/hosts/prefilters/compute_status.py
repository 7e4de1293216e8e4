"""Leave hosts out whose compute service is disabled."""

from dataclasses import replace

from kilonova.hosts.prefilters.context import Context
from kilonova.request.server import ServerSpec

_DISABLED = "COMPUTE_STATUS_DISABLED"


def compute_status_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Forbid the trait that a disabled compute service puts on its provider."""
    return replace(spec, root_forbidden=spec.root_forbidden | {_DISABLED})

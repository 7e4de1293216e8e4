"""Ask for hosts that have SmartNICs for ports that these manage."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.server import ServerSpec


def remote_managed_ports_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Require the trait of remote-managed ports if the server has one."""
    if not spec.remote_managed_ports:
        return spec
    return with_root_traits(spec, "COMPUTE_REMOTE_MANAGED_PORTS")

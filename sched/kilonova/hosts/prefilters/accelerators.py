"""Ask for hosts that can attach accelerators."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.server import ServerSpec


def accelerators_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Require the trait of accelerators if the flavor has a device profile."""
    if not spec.flavor.extra_specs.get("accel:device_profile"):
        return spec
    return with_root_traits(spec, "COMPUTE_ACCELERATORS")

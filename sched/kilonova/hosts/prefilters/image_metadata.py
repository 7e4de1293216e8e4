"""Ask for hosts that have the devices which the image names."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.server import ServerSpec

_PREFIXES = {
    "hw_cdrom_bus": "COMPUTE_STORAGE_BUS",
    "hw_disk_bus": "COMPUTE_STORAGE_BUS",
    "hw_video_model": "COMPUTE_GRAPHICS_MODEL",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL",
    "hw_architecture": "HW_ARCH",
    "hw_emulation_architecture": "COMPUTE_ARCH",
    "hw_viommu_model": "COMPUTE_VIOMMU",
}


def transform_image_metadata(spec: ServerSpec, context: Context) -> ServerSpec:
    """Require a trait for each of the properties; one that is unknown drops all."""
    if not context.options.scheduler.image_metadata_prefilter:
        return spec
    properties = spec.image.properties
    traits = [
        f"{prefix}_{str(properties[name]).replace('-', '_').upper()}"
        for name, prefix in _PREFIXES.items()
        if name in properties
    ]
    if not all(trait in context.known_traits for trait in traits):
        return spec
    return with_root_traits(spec, *traits)

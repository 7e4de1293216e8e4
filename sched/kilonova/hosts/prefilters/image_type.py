"""Ask for hosts that can read the format of the image."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.server import ServerSpec


def require_image_type_support(spec: ServerSpec, context: Context) -> ServerSpec:
    """Require the trait of the disk format, unless the root disk is a volume.

    A format without a trait restricts nothing.
    """
    switch = context.options.scheduler.query_placement_for_image_type_support
    disk_format = spec.image.disk_format
    if not switch or spec.is_volume_backed or not disk_format:
        return spec
    trait = f"COMPUTE_IMAGE_TYPE_{disk_format.upper()}"
    return with_root_traits(spec, trait) if trait in context.known_traits else spec

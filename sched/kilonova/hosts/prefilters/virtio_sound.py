"""Ask for hosts with virtio sound."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.guest_features import sound_model
from kilonova.request.server import ServerSpec


def virtio_sound_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Require the trait of virtio sound if flavor or image asks for that model."""
    if sound_model(spec.flavor, spec.image) != "virtio":
        return spec
    return with_root_traits(spec, "COMPUTE_SOUND_MODEL_VIRTIO")

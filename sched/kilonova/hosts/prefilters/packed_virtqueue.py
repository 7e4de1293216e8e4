"""Ask for hosts with packed virtio rings."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.guest_features import packed_virtqueue
from kilonova.request.server import ServerSpec


def packed_virtqueue_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Require the trait of packed rings if flavor or image asks for them."""
    if not packed_virtqueue(spec.flavor, spec.image):
        return spec
    return with_root_traits(spec, "COMPUTE_NET_VIRTIO_PACKED")

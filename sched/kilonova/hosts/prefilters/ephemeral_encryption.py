"""Ask for hosts that can encrypt ephemeral disks."""

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.guest_features import (
    ephemeral_encryption,
    ephemeral_encryption_format,
)
from kilonova.request.server import ServerSpec

_TRAIT = "COMPUTE_EPHEMERAL_ENCRYPTION"


def ephemeral_encryption_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Require the trait of encryption, and that of the format if one is asked for."""
    if not ephemeral_encryption(spec.flavor, spec.image):
        return spec
    name = ephemeral_encryption_format(spec.flavor, spec.image)
    traits = [_TRAIT, f"{_TRAIT}_{name.upper()}"] if name else [_TRAIT]
    return with_root_traits(spec, *traits)

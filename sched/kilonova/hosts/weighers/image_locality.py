"""ImageLocalityWeigher: hosts that hold the image already."""

from kilonova.hosts.weighers.register import Weigher, register

IMAGE_LOCALITY_WEIGHER = register(
    Weigher(
        name="ImageLocalityWeigher",
        raw=lambda host, spec, options: int(spec.image.uuid in host.image_uuids),
        asks=lambda spec, options: spec.image.uuid or None,
        reads=frozenset({"image_uuids"}),
        multiplier=lambda options: options.kilonova.image_locality_weight_multiplier,
        key="image_locality_weight_multiplier",
    )
)

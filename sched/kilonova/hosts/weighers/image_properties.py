"""ImagePropertiesWeigher: beside servers whose images have the same properties."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.settings import numbers
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Count the servers of a host that share properties of the image.

    Each property counts as often as ``image_props_weight_setting`` says, once without
    that. Nothing counts while the option is 0, even where aggregates set a multiplier.

    Notes
    -----
    Nova adds properties up in the order of a set of texts, which differs between
    processes; here it is the order of their names.
    """
    weight = 0.0
    if not options.filter_scheduler.image_props_weight_multiplier:
        return weight
    setting = dict(numbers(options.filter_scheduler.image_props_weight_setting))
    for name, value in sorted(spec.image.properties.items()):
        count = host.image_properties.get((name, str(value)), 0)
        if count:
            weight += setting.get(name, 0.0) * count if setting else count
    return weight


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give properties and setting, None where nothing counts."""
    section = options.filter_scheduler
    if not section.image_props_weight_multiplier:
        return None
    properties = [
        (name, str(value)) for name, value in sorted(spec.image.properties.items())
    ]
    return (
        (tuple(properties), section.image_props_weight_setting) if properties else None
    )


IMAGE_PROPERTIES_WEIGHER = register(
    Weigher(
        name="ImagePropertiesWeigher",
        raw=raw,
        asks=asks,
        reads=frozenset({"image_properties"}),
        multiplier=lambda options: (
            options.filter_scheduler.image_props_weight_multiplier
        ),
        key="image_props_weight_multiplier",
    )
)

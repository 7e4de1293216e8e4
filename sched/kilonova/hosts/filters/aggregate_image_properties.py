"""AggregateImagePropertiesIsolation: image properties agree with the metadata."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.aggregates import split_values
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether each property that is also a metadata key has one of its values.

    Properties that are not set, or are empty, zero or false, are not looked at. With a
    namespace in the options, only keys that begin with it and the separator are.
    """
    properties = spec.image.properties
    if not properties or not host.aggregates:
        return True
    prefix = _prefix(options)
    for key, values in split_values(host.aggregates).items():
        value = properties.get(key) if key.startswith(prefix) else None
        if value and str(value) not in values:
            return False
    return True


def _prefix(options: Options) -> str:
    section = options.filter_scheduler
    namespace = section.aggregate_image_properties_isolation_namespace
    if not namespace:
        return ""
    return namespace + section.aggregate_image_properties_isolation_separator


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the properties that may be compared, as texts."""
    prefix = _prefix(options)
    texts = [
        (key, str(value))
        for key, value in sorted(spec.image.properties.items())
        if value and key.startswith(prefix)
    ]
    return tuple(texts) or None


AGGREGATE_IMAGE_PROPERTIES = register(
    Filter(
        name="AggregateImagePropertiesIsolation",
        passes=passes,
        asks=asks,
        reads=frozenset({"aggregates"}),
        once=True,
        on_rebuild=True,
    )
)

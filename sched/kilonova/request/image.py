"""Images: what is known of what a server boots from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kilonova.request.frozen import FrozenMapping, frozen_mapping


@dataclass(frozen=True, slots=True)
class Image:
    """An image, as far as scheduling reads it.

    Attributes
    ----------
    properties
        Values by name (``hw_cpu_policy``, ``traits_required``, ...), of the type that
        each property has: text, whole number, true or false, list of texts; copied.
        `image_properties` reads them from Glance's texts.
    uuid
        UUID of the image, empty where there is none.
    disk_format
        ``qcow2``, ``raw``, ...; None where unknown.
    name
        As errors show it.
    """

    properties: Mapping[str, object] = field(default_factory=FrozenMapping)
    uuid: str = ""
    disk_format: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "properties", frozen_mapping(self.properties))

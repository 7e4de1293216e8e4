"""Images: what is known of what a server boots from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Image:
    """An image, as far as scheduling reads it.

    Attributes
    ----------
    properties
        Values by name (``hw_cpu_policy``, ``traits_required``, ...), of the type that
        each property has: text, whole number, true or false, list of texts.
    uuid
        UUID of the image, empty where there is none.
    disk_format
        ``qcow2``, ``raw``, ...; None where unknown.
    """

    properties: Mapping[str, object] = field(default_factory=dict)
    uuid: str = ""
    disk_format: str | None = None

    def __hash__(self) -> int:
        return hash((self.uuid, self.disk_format, frozenset(self.properties)))

"""PCI devices that a server asks for, by alias or through a port."""

from collections.abc import Mapping
from dataclasses import dataclass

from kilonova.request.frozen import frozen_mapping


@dataclass(frozen=True, slots=True)
class PciRequest:
    """A number of PCI devices of one kind.

    Attributes
    ----------
    count
        Devices.
    spec
        Each entry describes devices that will do, any of them; copied.
    alias_name
        Alias in the flavor, None for a port's request.
    request_id
        Prefix of the groups that ask Placement for these devices; None without.
    numa_policy
        ``required``, ``socket``, ``legacy`` or ``preferred``; None is ``legacy``.
    """

    count: int
    spec: tuple[Mapping[str, str | None], ...] = ()
    alias_name: str | None = None
    request_id: str | None = None
    numa_policy: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", tuple(map(frozen_mapping, self.spec)))

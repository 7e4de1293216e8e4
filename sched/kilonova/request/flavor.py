"""Flavors: what a server is made of, and what more its owner asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kilonova.request.frozen import FrozenMapping, frozen_mapping


@dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor, as Nova's API shows it.

    Attributes
    ----------
    vcpus, memory_mb
        CPUs, and MiB of memory.
    root_gb, ephemeral_gb, swap_mb
        Disks: GiB, GiB and MiB.
    name
        As AggregateTypeAffinityFilter compares it.
    extra_specs
        Text by key; copied.
    """

    vcpus: int
    memory_mb: int
    root_gb: int = 0
    ephemeral_gb: int = 0
    swap_mb: int = 0
    name: str = ""
    extra_specs: Mapping[str, str] = field(default_factory=FrozenMapping)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extra_specs", frozen_mapping(self.extra_specs))

    @property
    def disk_mb(self) -> int:
        """MiB of disk that a host counts for a server, be its root disk a volume."""
        return (self.root_gb + self.ephemeral_gb) * 1024

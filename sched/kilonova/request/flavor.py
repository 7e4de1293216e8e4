"""Flavors: what a server is made of, and what more its owner asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
        Text by key; a mapping that nobody changes.
    """

    vcpus: int
    memory_mb: int
    root_gb: int = 0
    ephemeral_gb: int = 0
    swap_mb: int = 0
    name: str = ""
    extra_specs: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.vcpus, self.memory_mb, self.root_gb, self.name))

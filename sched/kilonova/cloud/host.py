"""A host as filters and weighers see it: a root provider with its compute service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HostAggregate:
    """A host aggregate.

    Attributes
    ----------
    uuid, name
        Its identities; the UUID is that of Placement's aggregate.
    metadata
        Text by key.
    """

    uuid: str
    name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PagePool:
    """Memory pages of one size in one NUMA cell of a host: all, used, reserved."""

    size_kb: int
    total: int
    used: int = 0
    reserved: int = 0


class _Derived:
    """Room for what is derived of a value once, and is no part of it."""

    __slots__ = ("derived",)
    derived: Any


@dataclass(frozen=True, slots=True)
class HostCell(_Derived):
    """One NUMA cell of a host.

    Attributes
    ----------
    number, socket
        Its number, and that of its socket, None where unknown.
    cpuset, pcpuset
        CPUs for guests that float, and for guests that are pinned.
    memory_mb, memory_usage_mb
        MiB in all, and in use.
    cpu_usage
        Guest CPUs that float over ``cpuset``.
    pinned_cpus
        Those of ``pcpuset`` that are taken.
    siblings
        Threads of each core.
    pages
        Pools of memory pages, smallest first.
    physnets, tunneled
        Networks near this cell.
    """

    number: int
    cpuset: frozenset[int] = frozenset()
    pcpuset: frozenset[int] = frozenset()
    memory_mb: int = 0
    memory_usage_mb: int = 0
    cpu_usage: int = 0
    pinned_cpus: frozenset[int] = frozenset()
    siblings: tuple[frozenset[int], ...] = ()
    pages: tuple[PagePool, ...] = ()
    socket: int | None = None
    physnets: frozenset[str] = frozenset()
    tunneled: bool = False

    def using(
        self,
        cpu_usage: int,
        memory_usage_mb: int,
        pinned_cpus: frozenset[int],
        pages: tuple[PagePool, ...],
    ) -> "HostCell":
        """Give this cell with other amounts in use; ``replace`` takes twice as long."""
        return HostCell(
            self.number,
            self.cpuset,
            self.pcpuset,
            self.memory_mb,
            memory_usage_mb,
            cpu_usage,
            pinned_cpus,
            self.siblings,
            pages,
            self.socket,
            self.physnets,
            self.tunneled,
        )


@dataclass(frozen=True, slots=True)
class Room:
    """What one resource provider of a host has left.

    Attributes
    ----------
    traits
        Its traits.
    whole, free
        Capacity, and what of it nobody uses, by resource class.
    """

    traits: frozenset[str] = frozenset()
    whole: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Host:
    """One host; the names are those of Nova's host state.

    Amounts that a host reports of itself are not those of Placement: memory and disk in
    MiB as its compute service counts them.
    """

    host: str
    nodename: str = ""
    uuid: str | None = None
    cell_uuid: str | None = None
    # The compute service.
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    # Unix time of its last heartbeat; None: heartbeats are not watched.
    last_seen_up: float | None = None
    # What the host is.
    host_ip: str | None = None
    hypervisor_type: str | None = None
    hypervisor_version: int | None = None
    hypervisor_hostname: str | None = None
    cpu_info: Any = None
    supported_instances: Sequence[Sequence[str]] | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    aggregates: tuple[HostAggregate, ...] = ()
    vcpus_total: int = 0
    total_usable_ram_mb: int = 0
    total_usable_disk_gb: int = 0
    cpu_allocation_ratio: float | None = None
    ram_allocation_ratio: float | None = None
    disk_allocation_ratio: float | None = None
    # What is in use.
    vcpus_used: int = 0
    free_ram_mb: int = 0
    free_disk_mb: int = 0
    disk_mb_used: int = 0
    num_instances: int = 0
    num_io_ops: int = 0
    failed_builds: int = 0
    instances: frozenset[str] = frozenset()
    metrics: Mapping[str, float] | None = None
    numa_cells: tuple[HostCell, ...] | None = None
    pci_pools: tuple[Mapping[str, Any], ...] | None = None
    # Properties of the images of its servers: how many servers have each pair.
    image_properties: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # UUIDs of images that lie in its cache.
    image_uuids: frozenset[str] = frozenset()
    # Mappings of suffixes to provider UUIDs of each allocation candidate of this host.
    candidates: tuple[Mapping[str, Sequence[str]], ...] = ()
    # Of the providers of its tree, root first, where a weigher looks at them.
    rooms: tuple[Room, ...] = ()

    def is_up(self, now: float, service_down_time: float) -> bool:
        """Say whether its compute service sends heartbeats, be it disabled or not.

        Parameters
        ----------
        now
            Seconds since 1970.
        service_down_time
            Seconds without a heartbeat after which a service is down.

        Notes
        -----
        As ``is_up`` in Nova's ``servicegroup/drivers/db.py``.
        """
        if self.forced_down:
            return False
        if self.last_seen_up is None:
            return True
        return abs(now - self.last_seen_up) <= service_down_time

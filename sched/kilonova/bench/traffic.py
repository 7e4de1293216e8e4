"""Servers of some kind that come and go, for benchmarks of selection.

Each comes with another flavor than the one before. So many stay at a time, after which
the oldest goes when a new one comes.
"""

from collections import deque
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from kilonova import Cloud
from kilonova.bench.busy_cloud import PRODUCT, VENDOR
from kilonova.bench.document import uuid_of
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Selection
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.numa_constraints import numa_constraints
from kilonova.request.pci import PciRequest
from kilonova.request.server import ServerGroup, ServerSpec

FLAVORS = 8
_PLAIN = FilterSchedulerSection()
_GROUPS = 8
_BANDWIDTH = ("NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC")
_TRAITS = ("CUSTOM_VNIC_TYPE_NORMAL", "CUSTOM_PHYSNET_PHYSNET0")
_DEVICE = PciRequest(
    1, ({"vendor_id": VENDOR, "product_id": PRODUCT},), alias_name="vf"
)


class Kind(NamedTuple):
    """Servers of one kind.

    Attributes
    ----------
    name
        ``"plain"`` and so on; see ``KINDS``.
    extra
        Filters that they need beside the default ones.
    policy
        That of their server groups.
    members
        Servers that each group has from the beginning.
    alive
        Servers that stay.
    vcpus
        Largest flavor.
    flavors
        How many there are.
    """

    name: str
    extra: tuple[str, ...] = ()
    policy: str = ""
    members: int = 0
    alive: int = 32
    vcpus: int = 4
    flavors: int = FLAVORS

    @property
    def options(self) -> Options:
        """Options of their scheduler."""
        filters = (*_PLAIN.enabled_filters, *self.extra)
        return Options(filter_scheduler=replace(_PLAIN, enabled_filters=filters))

    def spec(self, number: int) -> ServerSpec:
        """Give what the server of some number asks."""
        nth = number % self.flavors
        vcpus = 1 + nth % self.vcpus
        flavor = Flavor(vcpus, 1024 * vcpus * (1 + nth // 4), 5 + nth)
        if self.name == "one port":
            return ServerSpec(flavor, groups=(port(1000 * (1 + nth)),))
        if self.name == "NUMA":
            pinned = replace(flavor, extra_specs={"hw:cpu_policy": "dedicated"})
            return ServerSpec(pinned, topology=numa_constraints(pinned, Image()))
        if self.name == "PCI":
            return ServerSpec(flavor, pci_requests=(_DEVICE,))
        if self.policy:
            group = ServerGroup(self.policy, uuid=_group_uuid(self.name, number))
            return ServerSpec(flavor, server_group=group)
        return ServerSpec(flavor)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("plain"),
        Kind("one port"),
        # A group's one host must hold all its members.
        Kind("affinity", policy="affinity", members=1, alive=0, vcpus=1),
        Kind("anti-affinity", policy="anti-affinity", members=10, alive=8),
        Kind("NUMA", extra=("NUMATopologyFilter",), vcpus=1),
        Kind("PCI", extra=("PciPassthroughFilter",), alive=8, vcpus=1),
    )
}


def port(kilobits: int) -> RequestGroup:
    """Make the group of a port with bandwidth."""
    resources = dict.fromkeys(_BANDWIDTH, kilobits)
    required = tuple(frozenset({trait}) for trait in _TRAITS)
    return RequestGroup("_port", resources, required=required)


def varied(number: int) -> ServerSpec:
    """Give a server with a port, alike for no two numbers below 16 times 8."""
    vcpus, more = 1 + number % 16, number // 16
    flavor = Flavor(vcpus, 1024 * vcpus * (1 + more % 2), 5 + more)
    return ServerSpec(flavor, groups=(port(1000 * (1 + number)),))


class Traffic:
    """Servers of one kind on one cloud.

    Attributes
    ----------
    scheduler
        What places them.
    """

    def __init__(self, cloud: Cloud, kind: Kind) -> None:
        self.cloud = cloud
        self.kind = kind
        self.scheduler = Scheduler(cloud, kind.options)
        self._numbers = count()
        self._alive: deque[str] = deque()
        self._members: list[str] = []
        for _ in range(_GROUPS * kind.members):
            self._members += self.scheduler.select(*self.next()[:2]).servers

    def next(self) -> tuple[ServerSpec, int, list[str]]:
        """Give the arguments of ``Scheduler.select`` for the next server."""
        number = next(self._numbers)
        return self.kind.spec(number), 1, [uuid_of(f"{self.kind.name} {number}")]

    def come(self, server: str) -> None:
        """Note that a server was placed, and let the oldest go."""
        self._alive.append(server)
        while len(self._alive) > self.kind.alive:
            self.cloud.release(self._alive.popleft())

    def select(self) -> Selection:
        """Place the next server."""
        found = self.scheduler.select(*self.next())
        self.come(found.servers[0])
        return found

    def leave(self) -> None:
        """Let all servers go."""
        for server in (*self._alive, *self._members):
            self.cloud.release(server)
        self._alive.clear()
        self._members.clear()


def _group_uuid(name: str, number: int) -> str:
    return uuid_of(f"group {name} {number % _GROUPS}")

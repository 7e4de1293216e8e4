"""What one server asks of the scheduler."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from kilonova.cloud.server_groups import Group
from kilonova.request.flavor import Flavor
from kilonova.request.frozen import FrozenMapping, frozen_mapping
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.pci import PciRequest
from kilonova.request.topology import GuestTopology, NetworkMetadata


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a server is to go.

    Attributes
    ----------
    host, node
        Name of the host, and of its node; None: any.
    cell
        UUID of the cell; None: any.
    aggregates
        Sets of aggregate UUIDs; the host is in one of each.
    forbidden_aggregates
        UUIDs of aggregates that the host is not in.
    allow_cross_cell_move
        Whether other cells than ``cell`` are looked at too.
    """

    host: str | None = None
    node: str | None = None
    cell: str | None = None
    aggregates: tuple[frozenset[str], ...] = ()
    forbidden_aggregates: frozenset[str] = frozenset()
    allow_cross_cell_move: bool = False


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """A server group: who should be together, or apart.

    Attributes
    ----------
    policy
        ``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``.
    members
        UUIDs of its servers.
    hosts
        Names of the hosts that its servers are on.
    max_server_per_host
        Rule of ``anti-affinity``: servers that one host may have.
    uuid
        UUID of the group.
    """

    policy: str
    members: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    max_server_per_host: int = 1
    uuid: str = ""

    @classmethod
    def of(cls, group: Group) -> "ServerGroup":
        """Make one of a group of the cloud, which knows its members by itself."""
        most = group.max_server_per_host
        return cls(group.policy, max_server_per_host=most, uuid=group.uuid)


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What one server asks of the scheduler, as Nova's RequestSpec holds it.

    Attributes
    ----------
    flavor, image
        What it is made of, and boots from.
    groups
        Suffixed request groups from outside the flavor: of ports, device profiles.
    same_subtree
        Sets of suffixes whose providers must lie in one subtree.
    root_required, root_forbidden
        Traits that the root provider must have, or may not have.
    is_volume_backed
        Whether the root disk is a volume.
    project_id
        Whose server it is.
    availability_zone
        Zone that it is to be in, or None.
    hints
        Scheduler hints: lists of texts by name; copied.
    server_group
        The group that it belongs to.
    destination
        Requested destination.
    ignore_hosts, force_hosts, force_nodes
        Names of hosts left out, and of hosts and nodes that alone are allowed.
    topology
        NUMA cells of the guest.
    pci_requests
        PCI devices, of the flavor and of ports.
    networks
        Physical networks whose NUMA affinity counts.
    segments
        For each network or port asked for, UUIDs of the aggregates of its segments.
    remote_managed_ports
        Whether a port is managed by a SmartNIC.
    instance_uuid
        UUID of the server, where it exists already.
    notes
        What was ignored when the spec was made; plays no part in equality.
    """

    flavor: Flavor
    image: Image = field(default_factory=Image)
    groups: tuple[RequestGroup, ...] = ()
    same_subtree: tuple[frozenset[str], ...] = ()
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    is_volume_backed: bool = False
    project_id: str = ""
    availability_zone: str | None = None
    hints: Mapping[str, tuple[str, ...]] = field(default_factory=FrozenMapping)
    server_group: ServerGroup | None = None
    destination: Destination | None = None
    ignore_hosts: tuple[str, ...] = ()
    force_hosts: tuple[str, ...] = ()
    force_nodes: tuple[str, ...] = ()
    topology: GuestTopology | None = None
    pci_requests: tuple[PciRequest, ...] = ()
    networks: NetworkMetadata | None = None
    segments: tuple[tuple[str, ...], ...] = ()
    remote_managed_ports: bool = False
    instance_uuid: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)
    # A spec is hashed with each call that looks its compiled plan up.
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hints", frozen_mapping(self.hints))

    def __hash__(self) -> int:
        if not self._hash:
            values = tuple(getattr(self, name) for name in _COMPARED)
            object.__setattr__(self, "_hash", hash(values) or 1)
        return self._hash

    def __reduce__(self) -> tuple[type["ServerSpec"], tuple[object, ...]]:
        # Without the hash: that of a text differs from process to process.
        values = (getattr(self, each.name) for each in fields(self) if each.init)
        return type(self), tuple(values)


_COMPARED = tuple(each.name for each in fields(ServerSpec) if each.compare)

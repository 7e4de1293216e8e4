"""What the ports and networks of a server ask for, all of them together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, uuid5

from kilonova.errors import BadServerSpec
from kilonova.request.device_profile import DeviceProfiles, profile_groups
from kilonova.request.group import RequestGroup
from kilonova.request.networks import Networks, physnet_and_tunnel
from kilonova.request.pci import PciRequest
from kilonova.request.port import port_groups
from kilonova.request.qos import PortPlace, resource_request
from kilonova.request.settings import is_true

Port = Mapping[str, object]
"""A port as Neutron's API shows it; without ``id``, one made while the server boots."""

_SRIOV_TYPES = frozenset(
    [
        "direct",
        "macvtap",
        "direct-physical",
        "virtio-forwarder",
        "vdpa",
        "remote-managed",
    ]
)
_ACCELERATOR_TYPES = frozenset(["accelerator-direct", "accelerator-direct-physical"])
_VNIC_TYPES = _SRIOV_TYPES | _ACCELERATOR_TYPES | {"normal", "baremetal", "smart-nic"}
_DEVICE_TYPES = {"direct-physical": "type-PF", "vdpa": "vdpa"}
_NUMA_POLICIES = ("required", "legacy", "preferred", "socket")


@dataclass(slots=True)
class ServerPorts:
    """What all ports ask for.

    Attributes
    ----------
    groups
        Groups for Placement, with a suffix each.
    same_subtree
        A set of suffixes for each port that has one.
    pci_requests
        Devices of SR-IOV ports, which are not asked of Placement.
    physnets, tunneled
        Networks whose NUMA affinity counts.
    remote_managed
        Whether a SmartNIC manages a port.
    notes
        What was ignored.
    """

    groups: list[RequestGroup] = field(default_factory=list)
    same_subtree: list[frozenset[str]] = field(default_factory=list)
    pci_requests: list[PciRequest] = field(default_factory=list)
    physnets: set[str] = field(default_factory=set)
    tunneled: bool = False
    remote_managed: bool = False
    notes: list[str] = field(default_factory=list)


def read_ports(
    ports: Iterable[Port],
    networks: Networks,
    profiles: DeviceProfiles,
    numa_policy: str | None = None,
) -> ServerPorts:
    """Read all ports of a server.

    A port without ``resource_request`` gets the one that its ``qos_rules`` ask for, or
    those of its network.

    Parameters
    ----------
    ports
        In the order of the request.
    networks
        The networks of the ports; empty where their NUMA affinity does not count.
    profiles
        Device profiles of Cyborg.
    numa_policy
        PCI policy of flavor or image; a port's own goes before it.

    Raises
    ------
    BadServerSpec, BadRequest
        If a port is malformed, or names what is not there.

    Notes
    -----
    Same requests as ``create_resource_requests`` in Nova's ``network/neutron.py``,
    which knows no rules of networks.
    """
    found = ServerPorts()
    for number, port in enumerate(ports):
        name = str(port.get("id") or f"number {number}")
        network = _network(name, port, networks)
        physnet, tunneled = physnet_and_tunnel(str(port.get("network_id")), network)
        place = PortPlace(_port_id(port, number), _vnic_type(name, port), physnet)
        if physnet:
            found.physnets.add(physnet)
        found.tunneled |= tunneled
        found.remote_managed |= place.vnic_type == "remote-managed"
        _add_profile(found, port, place, profiles)
        _add_resources(found, port, network, place)
        _add_device(found, port, place, numa_policy)
    return found


def _add_profile(
    found: ServerPorts, port: Port, place: PortPlace, profiles: DeviceProfiles
) -> None:
    if place.vnic_type not in _ACCELERATOR_TYPES:
        return
    profile = port.get("device_profile")
    if not profile:
        raise BadServerSpec(
            f"Port {place.port_id}: device_profile must be given for vnic_type "
            f"{place.vnic_type!r}, got none.",
            "DeviceProfileError",
        )
    groups, notes = profile_groups(str(profile), profiles, place.port_id)
    found.groups += groups
    found.notes += notes


def _add_resources(
    found: ServerPorts, port: Port, network: Mapping[str, object], place: PortPlace
) -> None:
    asked = dict(port, id=place.port_id)
    rules = port.get("qos_rules", network.get("qos_rules"))
    if "resource_request" not in port and isinstance(rules, list | tuple):
        asked["resource_request"] = resource_request(rules, place)
    of_port = port_groups(asked)
    found.groups += of_port.groups
    if of_port.same_subtree:
        found.same_subtree.append(of_port.same_subtree)


def _add_device(
    found: ServerPorts, port: Port, place: PortPlace, numa_policy: str | None
) -> None:
    if place.vnic_type not in _SRIOV_TYPES:
        return
    remote_managed = str(place.vnic_type == "remote-managed")
    spec = {"physical_network": place.physnet, "remote_managed": remote_managed}
    if place.vnic_type in _DEVICE_TYPES:
        spec["dev_type"] = _DEVICE_TYPES[place.vnic_type]
    profile = port.get("binding:profile") or {}
    trusted = profile.get("trusted") if isinstance(profile, Mapping) else None
    if trusted is not None:
        spec["trusted"] = str(is_true(trusted))
    policy = port.get("numa_affinity_policy") or numa_policy
    if policy is not None and policy not in _NUMA_POLICIES:
        raise BadServerSpec(
            f"Port {place.port_id}: numa_affinity_policy must be one of "
            f"{_NUMA_POLICIES}, got {policy!r}.",
            "ValueError",
        )
    found.pci_requests.append(
        PciRequest(
            count=1,
            spec=(spec,),
            request_id=place.port_id,
            numa_policy=None if policy is None else str(policy),
        )
    )


def _network(name: str, port: Port, networks: Networks) -> Mapping[str, object]:
    network_id = port.get("network_id")
    if network_id is None and "id" not in port:
        raise BadServerSpec(f"Port {name}: network_id must be given, got none.")
    if networks and network_id not in networks:
        raise BadServerSpec(
            f"Port {name}: network_id must be one of {sorted(networks)}, "
            f"got {network_id!r}."
        )
    return networks[str(network_id)] if networks else {}


def _port_id(port: Port, number: int) -> str:
    """Return the port's id; one that is to be made gets the same one each time."""
    known = port.get("id")
    if known is not None:
        return str(known)
    return str(uuid5(NAMESPACE_OID, f"{port['network_id']}:{number}"))


def _vnic_type(name: str, port: Port) -> str:
    vnic_type = str(port.get("binding:vnic_type") or "normal")
    if vnic_type not in _VNIC_TYPES:
        raise BadServerSpec(
            f"Port {name}: binding:vnic_type must be one of {sorted(_VNIC_TYPES)}, "
            f"got {vnic_type!r}."
        )
    return vnic_type

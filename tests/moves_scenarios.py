"""Scenarios of moves: what is done to a small cloud, and what fails meanwhile.

Each host of three, ``a`` before ``b`` before ``c`` where all pass:

root: 8 VCPU, 16384 MEMORY_MB, 200 DISK_GB
├── eth0 (physnet P, egress and ingress bandwidth)
├── eth1 (physnet Q, the same)
└── packets (packet rate)
"""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

Scenario = dict[str, Any]
HOSTS = ("a", "b", "c")
FLAVORS = {"small": (2, 2048, 10), "large": (4, 4096, 20), "huge": (16, 4096, 20)}
IMAGES: dict[str, dict[str, str]] = {
    "plain": {},
    "other": {},
    "foreign": {"hw_architecture": "ppc64le"},
}
TOTALS = {"VCPU": 8, "MEMORY_MB": 16384, "DISK_GB": 200}
EGRESS, INGRESS = "NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC"
PACKETS = "NET_PACKET_RATE_KILOPACKET_PER_SEC"
_ASKING = (
    *("shelve", "offload", "unshelve", "rebuild", "revert"),
    *("attach", "detach", "stop", "pause"),
)
_VNIC = "CUSTOM_VNIC_TYPE_NORMAL"
TRAITS = ("CUSTOM_PHYSNET_P", "CUSTOM_PHYSNET_Q", _VNIC)


def uuid(name: str) -> str:
    """Give the UUID of a port, provider or consumer."""
    return str(uuid5(NAMESPACE_OID, name))


def is_asked(operation: str) -> bool:
    """Say whether the server's host is told of an operation, be it dead or not.

    Nova's message waits until the host returns, which scenarios do not.
    """
    return operation in _ASKING


def children_of(host: str) -> list[dict[str, Any]]:
    """Make the providers below a host, as Neutron's agents would."""
    bandwidth = {EGRESS: {"total": 1000}, INGRESS: {"total": 1000}}
    children = [
        {
            "name": f"{host}:agent:eth{n}",
            "parent": host,
            "inventories": bandwidth,
            "traits": [trait, _VNIC],
        }
        for n, trait in enumerate(TRAITS[:2])
    ]
    packets = {
        "name": f"{host}:packets",
        "parent": host,
        "inventories": {PACKETS: {"total": 2000}},
        "traits": [_VNIC],
    }
    return [*children, packets]


def port_of(name: str, kind: str, extended: bool) -> dict[str, Any]:
    """Make a port: ``plain``, or bandwidth of ``P``, ``Q`` or ``P+packets``.

    A port asks for 300 of the 1000 kbit/s that an interface has, ``wide`` for 700.
    """
    port: dict[str, Any] = {"id": uuid(name), "network_id": "net"}
    if kind == "plain":
        return port
    words = kind.split("+")
    amount = 700 if "wide" in words else 300
    group: dict[str, Any] = {
        "resources": {EGRESS: amount, INGRESS: amount},
        "required": [f"CUSTOM_PHYSNET_{words[0]}", _VNIC],
    }
    if not extended:
        return {**port, "resource_request": group}
    groups = [{"id": uuid(f"{name} bandwidth"), **group}]
    if "packets" in words:
        groups.append(
            {
                "id": uuid(f"{name} packets"),
                "resources": {PACKETS: amount},
                "required": [_VNIC],
            }
        )
    asked = {"request_groups": groups, "same_subtree": []}
    return {**port, "resource_request": asked}

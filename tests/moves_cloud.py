"""Small clouds whose servers are moved: plain hosts, hosts with QoS, with accelerators.

root: VCPU, MEMORY_MB, DISK_GB
├── agent (traits of physnet and vNIC, egress and ingress bandwidth), twice
├── packets (packet rate)
└── fpga (accelerators)
"""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from kilonova.candidates.cloud import Cloud
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.driver import SimulatedDriver
from kilonova.moves.operations import Operations
from kilonova.moves.options import MoveOptions
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor

SMALL = Flavor(2, 2048, root_gb=10, name="small")
LARGE = Flavor(4, 4096, root_gb=20, name="large")
CELL = "cell-1"
NOW = 1000.0
EGRESS, INGRESS = "NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC"
PACKETS = "NET_PACKET_RATE_KILOPACKET_PER_SEC"
PHYSNET, VNIC = "CUSTOM_PHYSNET_P", "CUSTOM_VNIC_TYPE_NORMAL"


def uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


def host_document(name: str, vcpus: int = 8) -> list[dict[str, Any]]:
    """Make a root with two bandwidth providers, one of packet rates, one of FPGAs."""
    bandwidth = {EGRESS: {"total": 1000}, INGRESS: {"total": 1000}}
    root: dict[str, Any] = {
        "name": name,
        "inventories": {
            "VCPU": {"total": vcpus},
            "MEMORY_MB": {"total": 16384},
            "DISK_GB": {"total": 200},
        },
        "traits": ["COMPUTE_ACCELERATORS"],
    }
    children = [
        {
            "name": f"{name}:agent:eth{n}",
            "parent": name,
            "inventories": bandwidth,
            "traits": [PHYSNET, VNIC],
        }
        for n in range(2)
    ]
    packets = {
        "name": f"{name}:packets",
        "parent": name,
        "inventories": {PACKETS: {"total": 2000}},
        "traits": [VNIC],
    }
    fpga = {
        "name": f"{name}:fpga",
        "parent": name,
        "inventories": {"FPGA": {"total": 4}},
    }
    return [root, *children, packets, fpga]


def make_cloud(names: Sequence[str], vcpus: int = 8, **extra: Any) -> Cloud:
    return Cloud.from_document(
        {
            "traits": [PHYSNET, VNIC],
            "providers": [p for name in names for p in host_document(name, vcpus)],
            "hosts": [
                {
                    "host": name,
                    "nodename": name,
                    "provider": name,
                    "cell_uuid": CELL,
                    "last_seen_up": NOW,
                    "hypervisor_type": "QEMU",
                    "hypervisor_version": 1,
                }
                for name in names
            ],
            **extra,
        }
    )


def old_port(name: str, amount: int = 100) -> dict[str, object]:
    """Make a port in the old form."""
    return {
        "id": uuid(name),
        "network_id": "net",
        "resource_request": {
            "resources": {EGRESS: amount, INGRESS: amount},
            "required": [PHYSNET, VNIC],
        },
    }


def extended_port(name: str, amount: int = 100) -> dict[str, object]:
    """Make a port in the extended form: bandwidth, and packets of another provider."""
    groups = [
        {
            "id": uuid(f"{name} bandwidth"),
            "resources": {EGRESS: amount},
            "required": [PHYSNET, VNIC],
        },
        {
            "id": uuid(f"{name} packets"),
            "resources": {PACKETS: amount},
            "required": [VNIC],
        },
    ]
    return {
        "id": uuid(name),
        "network_id": "net",
        "resource_request": {"request_groups": groups, "same_subtree": []},
    }


def make_server(name: str = "web", **values: Any) -> Server:
    return Server(
        **{"uuid": uuid(name), "flavor": SMALL, "project_id": "project", **values}
    )


class Bench:
    """A cloud with operations on it, whose steps can be let fail."""

    def __init__(
        self,
        names: Sequence[str] = ("a", "b", "c"),
        *,
        vcpus: int = 8,
        scheduling: Options | None = None,
        records: Records | None = None,
        options: MoveOptions | None = None,
        **extra: Any,
    ) -> None:
        self.cloud = make_cloud(names, vcpus, **extra)
        self.driver = SimulatedDriver()
        self.steps: list[str] = []
        self.scheduler = Scheduler(self.cloud, scheduling)
        self.do = Operations(
            self.scheduler,
            records or Records(),
            self.driver,
            options=options,
            observer=self.observe,
            clock=lambda: NOW,
        )
        self.records = self.do.records

    def observe(self, step: str, server: Server) -> None:
        self.steps.append(step)

    def held(self, consumer: str) -> dict[str, dict[str, int]]:
        return self.cloud.allocations(consumer)

    def hosts_of(self, consumer: str) -> set[str]:
        return {provider.partition(":")[0] for provider in self.held(consumer)}

    def add_ports(self, *ports: dict[str, object]) -> tuple[str, ...]:
        for port in ports:
            self.records.ports[str(port["id"])] = port
        return tuple(str(port["id"]) for port in ports)

    def set_up(self, host: str, up: bool) -> None:
        """Let the service of a host send heartbeats, or be dead."""
        hosts = self.cloud.state.hosts
        hosts.table["last_seen_up"][hosts.row(host)] = NOW if up else 0.0
        hosts.changed()

"""Clouds with servers that lack allocations, their ports, and who owns them."""

import random
from typing import Any
from uuid import UUID

Document = dict[str, Any]

EGRESS = "NET_BW_EGR_KILOBIT_PER_SEC"
PHYSNET = "CUSTOM_PHYSNET0"
CELLS = ("c1", "c2")
STATES = ("active", "active", "active", "deleted", "soft-delete", "error")
FLAVORS: tuple[Document, ...] = (
    {"vcpus": 1, "memory_mb": 64},
    {"vcpus": 2, "memory_mb": 64, "root_gb": 1, "swap_mb": 1025},
    {"vcpus": 1, "memory_mb": 64, "extra_specs": {"resources:CUSTOM_GPU": "1"}},
    {"vcpus": 1, "memory_mb": 64, "extra_specs": {"resources1:VCPU": "1"}},
    {"vcpus": 2, "memory_mb": 64, "extra_specs": {"hw:cpu_policy": "dedicated"}},
    {"vcpus": 1, "memory_mb": 64, "extra_specs": {"group_policy": "isolate"}},
)
ODD_FLAVORS: tuple[Document, ...] = (
    {"vcpus": 1, "memory_mb": 64, "extra_specs": {"resources:VGPU": "1"}},
    {"vcpus": 1, "memory_mb": 64, "extra_specs": {"accel:device_profile": "p"}},
    {"vcpus": 99, "memory_mb": 64},
)


def uuid(number: int) -> str:
    """Give a UUID by number."""
    return str(UUID(int=number))


def tree(name: str, bridges: int, first: int) -> list[Document]:
    """Give the providers of one host.

    ::

        NAME (VCPU, PCPU, MEMORY_MB, DISK_GB, CUSTOM_GPU)
        `-- NAME_agent
            |-- NAME_br0 (NET_BW_EGR_KILOBIT_PER_SEC)
            `-- ...
    """
    offers = {"VCPU": 16, "PCPU": 16, "MEMORY_MB": 4096, "DISK_GB": 64, "CUSTOM_GPU": 8}
    found: list[Document] = [
        {
            "name": name,
            "uuid": uuid(first),
            "inventories": {c: {"total": n} for c, n in offers.items()},
        },
        {"name": f"{name}_agent", "uuid": uuid(first + 1), "parent": name},
    ]
    for number in range(bridges):
        found.append(
            {
                "name": f"{name}_br{number}",
                "uuid": uuid(first + 2 + number),
                "parent": f"{name}_agent",
                "inventories": {EGRESS: {"total": 1000}},
                "traits": [PHYSNET],
            }
        )
    return found


def port(number: int, server: str, amount: int, extended: bool) -> Document:
    """Give a port with bandwidth, in the old or in the extended form."""
    asked: Document = {"resources": {EGRESS: amount}, "required": [PHYSNET]}
    if extended:
        entry = asked | {"id": uuid(5000 + number)}
        asked = {"request_groups": [entry], "same_subtree": [entry["id"]]}
    return {"id": uuid(4000 + number), "device_id": server, "resource_request": asked}


def case(draw: random.Random) -> tuple[Document, Document]:
    """Draw a cloud and records, as documents."""
    providers: list[Document] = []
    hosts = []
    for number in range(draw.randint(1, 3)):
        providers += tree(
            f"node{number}", draw.choice((1, 1, 1, 2, 0)), 100 * number + 1
        )
        hosts.append(
            {
                "host": f"host{number}",
                "nodename": f"node{number}",
                "cell_uuid": draw.choice(CELLS),
            }
        )
    extended, odd = draw.random() < 0.5, draw.random() < 0.3
    servers, consumers = [], []
    ports: list[Document] = []
    for number in range(draw.randint(1, 8)):
        server = _server(draw, 1000 + number, hosts, odd)
        servers.append(server)
        for _ in range(draw.choice((0, 1, 2, 3))):
            made = port(len(ports), server["uuid"], draw.choice((100, 600)), extended)
            if draw.random() < 0.2:
                made["binding:profile"] = {"allocation": "somewhere", "x": 1}
            elif draw.random() < 0.2:
                made["resource_request"] = None
            ports.append(made)
        if draw.random() < 0.5:
            host = draw.choice(hosts)["nodename"]
            owner = draw.choice(({"project": "p", "user": "u"}, {"project": "q"}))
            consumers.append(
                {
                    "uuid": server["uuid"],
                    "user": "u",
                    **owner,
                    "allocations": {host: {"VCPU": 1, "MEMORY_MB": 64}},
                }
            )
    cloud = {
        "providers": providers,
        "hosts": hosts,
        "consumers": consumers,
        "traits": [PHYSNET],
        "resource_classes": ["CUSTOM_GPU"],
    }
    records = {"format": "kilonova-records/1", "servers": servers, "ports": ports}
    return cloud, records


def _server(
    draw: random.Random, number: int, hosts: list[Document], odd: bool
) -> Document:
    host = draw.choice(hosts)
    found = {
        "uuid": uuid(number),
        "flavor": draw.choice(FLAVORS),
        "project_id": "p",
        "user_id": "u",
        "host": host["host"],
        "node": host["nodename"],
        "cell": host["cell_uuid"],
        "created_at": float(draw.randint(1, 5) * 1000 + number),
        "vm_state": draw.choice(STATES),
        "hidden": draw.random() < 0.05,
        "is_volume_backed": draw.random() < 0.3,
        "task_state": draw.choice((None, None, None, None, "resize_prep")),
    }
    if draw.random() < 0.1:
        found |= {"host": None, "node": None}
    if odd and draw.random() < 0.3:
        found["flavor"] = draw.choice(ODD_FLAVORS)
    if odd and draw.random() < 0.1:
        found["node"] = "gone"
    return found

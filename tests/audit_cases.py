"""Random clouds with records for audits: hosts, moves under way, leftovers of both."""

import random
from typing import Any
from uuid import UUID

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "VGPU", "PCPU", "CUSTOM_FPGA", "PCI_DEVICE")
STATUSES = (
    "accepted",
    "pre-migrating",
    "migrating",
    "post-migrating",
    "finished",
    "confirmed",
    "reverted",
    "error",
    "failed",
    "completed",
    "cancelled",
    "done",
)
STATES = ("active", "deleted", "soft-delete", "error", "resized")
CELLS = ("c1", "c2")

Document = dict[str, Any]


def uuid(draw: random.Random) -> str:
    """Draw a UUID."""
    return str(UUID(int=draw.getrandbits(128)))


def case(draw: random.Random, odd_names: bool = True) -> tuple[Document, Document]:
    """Draw a cloud and records, as documents.

    Parameters
    ----------
    draw
        Where chance comes from.
    odd_names
        Whether consumers may have no UUID, or a name that is none.
    """
    providers, hosts = _hosts(draw)
    consumers = _consumers(draw, providers, odd_names)
    cloud = {
        "providers": providers,
        "hosts": hosts,
        "consumers": consumers,
        "resource_classes": ["CUSTOM_FPGA"],
    }
    names = [each["uuid"] for each in consumers if each["uuid"]]
    records = {
        "format": "kilonova-records/1",
        "servers": [
            _server(draw, name, hosts) for name in names if draw.random() < 0.75
        ],
        "migrations": [
            _migration(draw, name, hosts) for name in names if draw.random() < 0.4
        ],
    }
    return cloud, records


def _hosts(draw: random.Random) -> tuple[list[Document], list[Document]]:
    providers: list[Document] = []
    hosts = []
    for number in range(draw.randint(1, 4)):
        root = f"node{number}"
        offers = {name: {"total": 100} for name in CLASSES}
        providers.append({"name": root, "uuid": uuid(draw), "inventories": offers})
        for child in range(draw.randint(0, 2)):
            providers.append(
                {
                    "name": f"{root}_{child}",
                    "uuid": uuid(draw),
                    "parent": root,
                    "inventories": offers,
                }
            )
        if number == 0 or draw.random() < 0.8:
            # A service may have two nodes, and each node says which cell, or does not.
            service = draw.choice((root, f"service{number // 2}"))
            host = {"host": service, "nodename": root}
            if draw.random() < 0.7:
                host["cell_uuid"] = draw.choice(CELLS)
            hosts.append(host)
    return providers, hosts


def _consumers(
    draw: random.Random, providers: list[Document], odd_names: bool
) -> list[Document]:
    found = []
    for number in range(draw.randint(1, 10)):
        name = uuid(draw)
        if odd_names:
            name = draw.choice((name, name, name, f"vm-{number}", name.upper(), ""))
        held = draw.sample(providers, min(len(providers), draw.choice((1, 1, 2, 3))))
        allocations = {
            each["name"]: {
                c: draw.randint(1, 5)
                for c in draw.sample(CLASSES, draw.choice((1, 1, 2, 4)))
            }
            for each in held
        }
        owner = {"uuid": name, "project": "p", "user": "u"}
        found.append({**owner, "allocations": allocations})
    return found


def _place(draw: random.Random, hosts: list[Document]) -> tuple[Any, Any]:
    """Draw host and node that belong together, or nearly so, or none."""
    host = draw.choice(hosts)
    other = draw.choice(hosts)
    return draw.choice(
        (
            (host["host"], host["nodename"]),
            (host["host"], host["nodename"]),
            (host["host"], host["nodename"]),
            (host["host"], other["nodename"]),
            (host["nodename"], host["host"]),
            (host["host"], None),
            (None, None),
        )
    )


def _server(draw: random.Random, name: str, hosts: list[Document]) -> Document:
    host, node = _place(draw, hosts)
    found = {"uuid": name, "flavor": {"vcpus": 1, "memory_mb": 1}}
    cell = draw.choice((*CELLS, None))
    state = draw.choice(("active", *STATES))
    hidden = draw.random() < 0.1
    return found | {
        "host": host,
        "node": node,
        "cell": cell,
        "vm_state": state,
        "hidden": hidden,
    }


def _migration(draw: random.Random, name: str, hosts: list[Document]) -> Document:
    (source, source_node), (dest, dest_node) = _place(draw, hosts), _place(draw, hosts)
    return {
        "uuid": name,
        "server": uuid(draw),
        "kind": draw.choice(("resize", "migration", "live-migration", "evacuation")),
        "status": draw.choice(STATUSES),
        "source_host": source,
        "source_node": source_node,
        "dest_host": dest,
        "dest_node": dest_node,
    }

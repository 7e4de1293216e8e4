"""Small clouds that lose hosts, drawn so that not all servers find a new one.

Hosts have a bridge each::

    h0             VCPU, MEMORY_MB, DISK_GB
    +-- h0:br      NET_BW_EGR_KILOBIT_PER_SEC     physnet 0 or 1
"""

from random import Random
from typing import Any, NamedTuple

from kilonova.records.records import Port, Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor

CELLS = ("cell-a", "cell-b")
EGRESS = "NET_BW_EGR_KILOBIT_PER_SEC"
_POLICIES = ("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity")


class Small(NamedTuple):
    """The document of a cloud, its records, and the hosts that failed."""

    document: dict[str, Any]
    records: Records
    failed: tuple[str, ...]


def uuid(kind: int, number: int) -> str:
    return f"0000000{kind}-0000-4000-8000-{number:012x}"


def small(seed: int, *, plain: bool = False) -> Small:
    """Draw a cloud of a few hosts, one or two of which fail.

    Parameters
    ----------
    seed
        Of all draws.
    plain
        Whether there are no cells, groups or ports: then a few lines find the best
        plan there is.
    """
    random = Random(f"small {seed}")
    lost = random.choice((1, 1, 2))
    count = lost + random.choice((2, 3, 4))
    document: dict[str, Any] = {
        "providers": [],
        "hosts": [],
        "consumers": [],
        "traits": ["CUSTOM_PHYSNET_0", "CUSTOM_PHYSNET_1"],
        "server_groups": [
            {
                "uuid": uuid(1, n),
                "policy": policy,
                "max_server_per_host": random.choice((1, 1, 2)),
            }
            for n, policy in enumerate(_POLICIES)
        ],
    }
    for n in range(count):
        _add_host(random, document, n, room=n >= lost, plain=plain)
    records = Records()
    for n in range(random.randint(2, 8)):
        _add_server(random, document, records, n, random.randrange(lost), plain=plain)
    for n in range(0 if plain else random.randrange(3)):
        _add_other(random, document, n, random.randrange(lost, count))
    for host in document["hosts"]:
        there = [c for c in document["consumers"] if c["host"] == host["nodename"]]
        host["num_instances"] = len(there)
    return Small(document, records, tuple(f"h{n}" for n in range(lost)))


def _add_host(
    random: Random, document: dict[str, Any], n: int, *, room: bool, plain: bool
) -> None:
    # A failed host has room for whatever was on it.
    vcpus = random.randint(2, 5) if room else 99
    memory = random.randint(2, 6) * 512 if room else 99_999
    document["providers"] += [
        {
            "name": f"h{n}",
            "uuid": uuid(2, n),
            "inventories": {
                "VCPU": {"total": vcpus},
                "MEMORY_MB": {"total": memory},
                "DISK_GB": {"total": 999},
            },
        },
        {
            "name": f"h{n}:br",
            "uuid": uuid(3, n),
            "parent": f"h{n}",
            "inventories": {EGRESS: {"total": random.choice((1000, 2000))}},
            "traits": [f"CUSTOM_PHYSNET_{random.randrange(2)}"],
        },
    ]
    host: dict[str, Any] = {"nodename": f"h{n}", "host": f"service-{n}"}
    if not plain:
        host["cell_uuid"] = random.choice(CELLS + CELLS[:1])
        host["disabled"] = room and random.random() < 0.1
    document["hosts"].append(host)


def _add_server(
    random: Random,
    document: dict[str, Any],
    records: Records,
    n: int,
    host: int,
    *,
    plain: bool,
) -> None:
    flavor = Flavor(random.randint(1, 3), random.randint(1, 3) * 512, 1)
    held: dict[str, dict[str, int]] = {
        f"h{host}": {
            "VCPU": flavor.vcpus,
            "MEMORY_MB": flavor.memory_mb,
            "DISK_GB": 1,
        }
    }
    ports: tuple[str, ...] = ()
    if not plain and random.random() < 0.4:
        port = _port(random, n)
        ports = (str(port["id"]),)
        records.ports[ports[0]] = port
    group = None
    if not plain and random.random() < 0.6:
        group = uuid(1, random.randrange(len(_POLICIES)))
    server = Server(
        uuid(4, n),
        flavor,
        host=f"service-{host}",
        node=f"h{host}",
        server_group=group,
        ports=ports,
        vm_state=random.choice(("active", "active", "stopped", "error", "active")),
        created_at=float(random.randrange(4)),
    )
    if not plain and random.random() < 0.1:
        server.task_state = "rebuilding"
    records.servers[server.uuid] = server
    document["consumers"].append(
        {
            "uuid": server.uuid,
            "allocations": held,
            "generation": 1,
            "host": f"h{host}",
            "vcpus": flavor.vcpus,
            "memory_mb": flavor.memory_mb,
            "disk_mb": 1024,
            **({"group": group} if group else {}),
        }
    )


def _port(random: Random, n: int) -> Port:
    amount = random.choice((500, 1000, 1001))
    required = [f"CUSTOM_PHYSNET_{random.randrange(2)}"]
    if random.random() < 0.5:
        asked: dict[str, Any] = {"resources": {EGRESS: amount}, "required": required}
    else:
        group = {"id": uuid(6, n), "resources": {EGRESS: amount}, "required": required}
        asked = {"request_groups": [group], "same_subtree": [uuid(6, n)]}
    return {"id": uuid(5, n), "binding:vnic_type": "normal", "resource_request": asked}


def _add_other(random: Random, document: dict[str, Any], n: int, host: int) -> None:
    """Put a member of a server group on a host that is left."""
    document["consumers"].append(
        {
            "uuid": uuid(7, n),
            "allocations": {f"h{host}": {"VCPU": 1}},
            "host": f"h{host}",
            "vcpus": 1,
            "group": uuid(1, random.randrange(len(_POLICIES))),
        }
    )

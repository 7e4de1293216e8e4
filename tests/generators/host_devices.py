"""Random pools of PCI devices, and requests for some of them."""

from random import Random
from typing import Any

from kilonova.request.pci import PciRequest

# Names of providers, and prefixes of the groups of requests: Nova wants UUIDs.
PROVIDERS = tuple(f"00000000-0000-4000-8000-0000000004{n:02x}" for n in range(3))
REQUESTS = tuple(f"00000000-0000-4000-8000-0000000005{n:02x}" for n in range(2))
_POLICIES = None, None, "legacy", "required", "preferred", "socket"


def random_pools(random: Random) -> tuple[dict[str, Any], ...]:
    """Draw up to five pools, those with fewer properties first."""
    pools = [_pool(random, number) for number in range(random.randrange(6))]
    return tuple(sorted(pools, key=len))


def _pool(random: Random, number: int) -> dict[str, Any]:
    pool = {
        "count": random.choice((1, 1, 2, 3)),
        "vendor_id": random.choice(("8086", "8086", "10de")),
        "product_id": "1520",
        "numa_node": random.choice((0, 1, 2, None)),
        "dev_type": random.choice(
            ("type-PCI", "type-VF", "type-VF", "type-PF", "vdpa")
        ),
        "address": f"0000:8{number}:00.0",
    }
    more = {
        "rp_uuid": random.choice(PROVIDERS),
        "remote_managed": random.choice(("true", "false", "False")),
        "physical_network": random.choice(("red", "Blue")),
        "live_migratable": random.choice(("true", "false")),
    }
    for key, value in more.items():
        if random.random() < 0.3:
            pool[key] = value
    return pool


def random_requests(random: Random) -> tuple[PciRequest, ...]:
    """Draw one or two requests, of the flavor or of ports."""
    return tuple(_request(random, number) for number in range(random.choice((1, 1, 2))))


def _request(random: Random, number: int) -> PciRequest:
    of_port = random.random() < 0.3
    specs = [_wanted(random) for _ in range(random.choice((1, 1, 1, 2)))]
    if random.random() < 0.1:
        specs[0]["rp_uuids"] = ",".join(PROVIDERS[:2])
    return PciRequest(
        count=random.choice((1, 1, 2, 3)),
        spec=tuple(specs),
        alias_name=None if of_port else "alias",
        request_id=REQUESTS[number],
        numa_policy=random.choice(_POLICIES),
    )


def _wanted(random: Random) -> dict[str, str]:
    more = {
        "vendor_id": random.choice(("8086", "10DE")),
        "dev_type": random.choice(("type-VF", "type-PF", "type-PCI", "vdpa")),
        "remote_managed": random.choice(("true", "false")),
        "physical_network": random.choice(("red", "blue")),
        "live_migratable": random.choice(("true", "false")),
        "resource_class": "CUSTOM_X",
    }
    wanted = {key: value for key, value in more.items() if random.random() < 0.2}
    return wanted or {"product_id": "1520"}

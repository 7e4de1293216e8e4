"""Small random clouds with every shape of tree and every kind of limit.

The same seed gives the same cloud. Sizes are small because Placement multiplies all
groups out, and because what goes wrong goes wrong between two or three providers.
"""

import random
from collections.abc import Callable, Iterable, Mapping

from generators.document import (
    MAX_INT,
    Document,
    Inventory,
    Limits,
    Provider,
    limits_of,
)

SHARES = "MISC_SHARES_VIA_AGGREGATE"
AGGREGATES = ["agg0", "agg1", "agg2", "agg3"]
TRAITS = ["CUSTOM_GOLD", "CUSTOM_SILVER", "HW_CPU_X86_AVX2", "STORAGE_DISK_SSD"]
PHYSNETS = ["CUSTOM_PHYSNET_0", "CUSTOM_PHYSNET_1"]
CUSTOM_CLASSES = ["CUSTOM_FPGA", "CUSTOM_LICENCE"]
_BANDWIDTH = ("NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC")
_PACKETS = "NET_PACKET_RATE_KILOPACKET_PER_SEC"


def random_cloud(seed: int, shape: str | None = None) -> Document:
    """Draw a cloud.

    Parameters
    ----------
    seed
        Any number.
    shape
        One of `SHAPES`, or None to draw a shape for each tree.
    """
    rng = random.Random(f"cloud {seed}")
    flat = shape == "flat" or (shape is None and rng.random() < 0.2)
    providers: list[Provider] = []
    equal = rng.random() < 0.6
    for tree in range(rng.choice([1, 2, 2, 3, 3, 4])):
        # Equal hosts, as in a real cloud, are what gives an answer many candidates.
        own = random.Random(f"tree {seed} {0 if equal else tree}")
        drawn = "flat" if flat else shape or own.choice(list(SHAPES))
        providers += SHAPES[drawn](own, f"cn{tree}")
    if rng.random() < 0.5:
        providers += _pools(rng, flat)
    for provider in providers:
        provider["traits"] += _some(rng, TRAITS, 0.3)
        if SHARES not in provider["traits"]:
            share = 0.4 if provider["parent"] is None else 0.1
            provider["aggregates"] += _some(rng, AGGREGATES, share)
    cloud: Document = {
        "resource_classes": list(CUSTOM_CLASSES),
        "custom_traits": [*PHYSNETS, *(t for t in TRAITS if t.startswith("CUSTOM_"))],
        "providers": providers,
        "consumers": [],
    }
    _add_consumers(rng, cloud)
    return cloud


def _flat(rng: random.Random, name: str) -> list[Provider]:
    classes = ["VCPU", "MEMORY_MB", "DISK_GB", *_some(rng, CUSTOM_CLASSES, 0.2)]
    return [_provider(rng, name, None, classes)]


def _numa(rng: random.Random, name: str) -> list[Provider]:
    """Draw a host whose processors and memory are in NUMA cells.

    cn0                    DISK_GB, sometimes VCPU
    +-- cn0:numa0          VCPU, MEMORY_MB, HW_NUMA_ROOT
    |   +-- cn0:numa0:gpu  VGPU
    +-- cn0:numa1
    """
    own = ["DISK_GB", *_some(rng, ["VCPU"], 0.3)]
    providers = [_provider(rng, name, None, own)]
    cells = _kind(rng, ["VCPU", "MEMORY_MB"])
    for cell in range(rng.randint(1, 3)):
        place = f"{name}:numa{cell}"
        providers.append(_provider(rng, place, name, cells, ["HW_NUMA_ROOT"]))
        for device in range(rng.choice([0, 0, 1, 2])):
            gpu = f"{place}:gpu{device}"
            providers.append(_provider(rng, gpu, place, ["VGPU"]))
    return providers


def _network(rng: random.Random, name: str) -> list[Provider]:
    """Draw a host with Neutron's agents.

    cn0                                     VCPU, MEMORY_MB, DISK_GB
    +-- cn0:Open vSwitch agent              packet rate
    |   +-- cn0:Open vSwitch agent:br-0     bandwidth, CUSTOM_PHYSNET_n
    +-- cn0:NIC Switch agent
        +-- cn0:NIC Switch agent:ens0       bandwidth, virtual functions
    """
    providers = _flat(rng, name)
    for agent, device, vnic in (
        ("Open vSwitch agent", "br", "CUSTOM_VNIC_TYPE_NORMAL"),
        ("NIC Switch agent", "ens", "CUSTOM_VNIC_TYPE_DIRECT"),
    ):
        if rng.random() < 0.2:
            continue
        place, bridge = f"{name}:{agent}", agent.startswith("Open")
        classes = [_PACKETS] if bridge else []
        providers.append(_provider(rng, place, name, classes, [vnic]))
        offers = _kind(rng, [*_BANDWIDTH, *([] if bridge else ["SRIOV_NET_VF"])])
        for number in range(rng.randint(1, 3)):
            traits = [vnic, rng.choice(PHYSNETS)]
            port = f"{place}:{device}{number}"
            providers.append(_provider(rng, port, place, offers, traits))
    return providers


def _accelerators(rng: random.Random, name: str) -> list[Provider]:
    """Draw a host with several equal devices, where solutions are many."""
    providers = _flat(rng, name)
    kinds = [
        _kind(rng, [resource_class, *_some(rng, ["CUSTOM_LICENCE"], 0.2)])
        for resource_class in ("VGPU", "CUSTOM_FPGA")
    ]
    for device in range(rng.randint(1, 5)):
        kind = rng.choice([kinds[0], *kinds])
        providers.append(_provider(rng, f"{name}:dev{device}", name, kind))
    return providers


def _deep(rng: random.Random, name: str) -> list[Provider]:
    """Draw a tree of any form, up to four levels deep, with providers of nothing."""
    providers = _flat(rng, name)
    classes = ["VCPU", "MEMORY_MB", "VGPU", "SRIOV_NET_VF", "CUSTOM_FPGA"]
    for child in range(rng.randint(1, 5)):
        parent = rng.choice(providers)["name"]
        offers = _some(rng, classes, 0.35)
        providers.append(_provider(rng, f"{name}:c{child}", parent, offers))
    return providers


SHAPES: dict[str, Callable[[random.Random, str], list[Provider]]] = {
    "flat": _flat,
    "numa": _numa,
    "network": _network,
    "accelerators": _accelerators,
    "deep": _deep,
}


def _pools(rng: random.Random, flat: bool) -> list[Provider]:
    """Draw sharing providers; some are children of a storage root."""
    providers: list[Provider] = []
    for number in range(rng.randint(1, 2)):
        name = f"ss{number}"
        classes = ["DISK_GB", *_some(rng, ["CUSTOM_LICENCE", "SRIOV_NET_VF"], 0.2)]
        parent = None
        # A sharing child makes Placement answer 500 to many queries: rare.
        if not flat and rng.random() < 0.15:
            parent, name = name, f"{name}:pool"
            providers.append(_provider(rng, f"ss{number}", None, []))
        pool = _provider(rng, name, parent, classes, [SHARES])
        pool["aggregates"] += rng.sample(AGGREGATES, rng.choice([1, 1, 2]))
        providers.append(pool)
    return providers


def _provider(
    rng: random.Random,
    name: str,
    parent: str | None,
    classes: Iterable[str] | Mapping[str, Inventory | None],
    traits: Iterable[str] = (),
) -> Provider:
    """Make a provider of some classes, or of a kind with given inventories."""
    kind = classes if isinstance(classes, Mapping) else _kind(rng, classes, 0)
    return {
        "name": name,
        "parent": parent,
        "inventories": {
            resource_class: offer.copy() if offer else _inventory(rng)
            for resource_class, offer in kind.items()
        },
        "traits": list(traits),
        "aggregates": [],
    }


def _kind(
    rng: random.Random, classes: Iterable[str], equal: float = 0.8
) -> dict[str, Inventory | None]:
    """Draw the inventories of equal devices; None where each has its own."""
    return {name: _inventory(rng) if rng.random() < equal else None for name in classes}


def _inventory(rng: random.Random) -> Inventory:
    """Draw an inventory; half of them have no odd limit at all."""
    total = rng.choice([1, 2, 3, 4, 6, 8, 8, 16, 30])
    offer: Inventory = {"total": total, "max_unit": total}
    if rng.random() < 0.5:
        return offer
    if rng.random() < 0.3:
        offer["allocation_ratio"] = rng.choice([0.29, 0.5, 1.1, 1.5, 2.0, 16.0])
    if rng.random() < 0.3:
        offer["reserved"] = rng.choice([1, total // 2, total])
    if rng.random() < 0.3:
        offer["min_unit"] = rng.choice([2, 3, max(1, total)])
    if rng.random() < 0.3:
        offer["step_size"] = rng.choice([2, 3])
    if rng.random() < 0.4:
        offer["max_unit"] = rng.choice([1, max(1, total // 2), total * 2, MAX_INT])
    return offer


def _add_consumers(rng: random.Random, cloud: Document) -> None:
    """Use some of the cloud; now and then more than there is."""
    offers = [
        (provider["name"], name, limits_of(offer))
        for provider in cloud["providers"]
        for name, offer in provider["inventories"].items()
    ]
    used: dict[tuple[str, str], int] = {}
    for _ in range(rng.choice([0, 1, 2, 4, 6])):
        wanted: dict[str, dict[str, int]] = {}
        for name, resource_class, limits in rng.sample(offers, min(3, len(offers))):
            room = limits.capacity - used.get((name, resource_class), 0)
            amount = _usage(rng, limits, room)
            if amount > 0:
                wanted.setdefault(name, {})[resource_class] = amount
                key = (name, resource_class)
                used[key] = used.get(key, 0) + amount
        if wanted:
            cloud["consumers"].append(wanted)


def _usage(rng: random.Random, limits: Limits, room: int) -> int:
    if rng.random() < 0.05:
        return limits.capacity + 1
    return min(room, rng.choice([1, 2, limits.capacity // 2, room]))


def _some(rng: random.Random, names: Iterable[str], share: float) -> list[str]:
    return [name for name in names if rng.random() < share]

"""The cloud that benchmarks run on: many equal hosts, part of them in use."""

import random
from collections import defaultdict
from collections.abc import Mapping

from kilonova.bench.document import (
    Allocations,
    Document,
    Inventory,
    Provider,
    limits_of,
    provider,
)

SHAPES = ("flat", "nested")
PHYSNET_COUNT = 4
_HOST: Mapping[str, Inventory] = {
    "VCPU": {"total": 64, "max_unit": 64, "allocation_ratio": 2.0},
    "MEMORY_MB": {"total": 524_288, "max_unit": 524_288, "reserved": 4_096},
    "DISK_GB": {"total": 4_000, "max_unit": 4_000, "reserved": 50},
}
_BANDWIDTH: Mapping[str, Inventory] = {
    "NET_BW_EGR_KILOBIT_PER_SEC": {"total": 10_000_000, "max_unit": 10_000_000},
    "NET_BW_IGR_KILOBIT_PER_SEC": {"total": 10_000_000, "max_unit": 10_000_000},
}
_PACKETS: Mapping[str, Inventory] = {
    "NET_PACKET_RATE_KILOPACKET_PER_SEC": {"total": 1_000_000, "max_unit": 1_000_000}
}
# Processors, MiB and GB of a server. VCPU runs out first at any fill.
_FLAVORS = ((2, 4_096, 20), (4, 8_192, 40), (8, 32_768, 160), (16, 65_536, 320))
_PORT_KILOBITS = (100_000, 500_000, 1_000_000)


def synthetic_cloud(hosts: int, shape: str, fill: float, seed: int) -> Document:
    """Build a cloud of equal hosts.

    Parameters
    ----------
    hosts
        Number of trees.
    shape
        ``"flat"``: one provider a host with VCPU, MEMORY_MB and DISK_GB.
        ``"nested"``: nine, as Neutron reports them::

            host00000                                  VCPU, MEMORY_MB, DISK_GB
            +-- host00000:Open vSwitch agent           packet rate
            |   +-- ...:br-physnet0 and 1              bandwidth
            +-- host00000:NIC Switch agent
                +-- ...:ens0 to ens3                   bandwidth

    fill
        Share of the VCPU capacity in use, 0 to 1, on average: hosts differ by up to
        0.2 either way. Half of the servers of a nested cloud have a port.
    seed
        Seed of the usages; the providers depend on ``hosts`` and ``shape`` alone.

    Notes
    -----
    Hosts share their inventory objects, which keeps 90 000 providers small. Copy the
    document before changing one.
    """
    if shape not in SHAPES:
        raise ValueError(f"shape must be one of {SHAPES}, got {shape!r}.")
    rng = random.Random(f"synthetic {seed}")
    cloud: Document = {"providers": [], "consumers": []}
    for host in range(hosts):
        name = f"host{host:05}"
        ports = []
        cloud["providers"].append(provider(name, None, _HOST, ["HW_CPU_X86_AVX2"]))
        if shape == "nested":
            networks = _networks(name)
            cloud["providers"] += networks
            ports = [p["name"] for p in networks if p["inventories"] is _BANDWIDTH]
        cloud["consumers"] += _servers(rng, name, ports, fill)
    return cloud


def _networks(host: str) -> list[Provider]:
    providers: list[Provider] = []
    for agent, devices, vnic, own in (
        (
            "Open vSwitch agent",
            [f"br-physnet{number}" for number in range(2)],
            "CUSTOM_VNIC_TYPE_NORMAL",
            _PACKETS,
        ),
        (
            "NIC Switch agent",
            [f"ens{number}" for number in range(PHYSNET_COUNT)],
            "CUSTOM_VNIC_TYPE_DIRECT",
            {},
        ),
    ):
        place = f"{host}:{agent}"
        providers.append(provider(place, host, own, [vnic]))
        for number, device in enumerate(devices):
            traits = [vnic, f"CUSTOM_PHYSNET_PHYSNET{number}"]
            providers.append(provider(f"{place}:{device}", place, _BANDWIDTH, traits))
    return providers


def _servers(
    rng: random.Random, host: str, ports: list[str], fill: float
) -> list[Allocations]:
    """Fill one host with servers until its share of VCPU is reached."""
    room = {name: limits_of(offer).capacity for name, offer in _HOST.items()}
    spread = min(0.2, fill, 1 - fill)
    target = (fill + rng.uniform(-spread, spread)) * room["VCPU"]
    servers: list[Allocations] = []
    in_use = 0
    kilobits: dict[str, int] = defaultdict(int)
    while True:
        vcpus, memory, disk = rng.choice(_FLAVORS)
        wanted = {"VCPU": vcpus, "MEMORY_MB": memory, "DISK_GB": disk}
        # Rounded up or down at random, so that the average stays at the target.
        share = min(1.0, (target - in_use) / vcpus)
        if rng.random() >= share or any(wanted[name] > room[name] for name in room):
            return servers
        for name, amount in wanted.items():
            room[name] -= amount
        in_use += vcpus
        server: dict[str, dict[str, int]] = {host: wanted}
        if ports and rng.random() < 0.5:
            port, amount = rng.choice(ports), rng.choice(_PORT_KILOBITS)
            capacity = limits_of(_BANDWIDTH["NET_BW_EGR_KILOBIT_PER_SEC"]).capacity
            if kilobits[port] + amount <= capacity:
                kilobits[port] += amount
                server[port] = dict.fromkeys(_BANDWIDTH, amount)
        servers.append(server)

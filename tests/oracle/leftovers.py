"""What a claim leaves of devices and networks: naive twins of two weighers of our own.

They read a cloud's providers one by one, and really claim the first candidate of a host
in a copy of the cloud.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kilonova import Cloud
from kilonova.request.group import Request

BANDWIDTH = ("NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC")


class Kind(NamedTuple):
    """A kind of server: units of each device, devices, CPUs, share."""

    units: int
    devices: int
    cpus: int
    share: float


class Left(NamedTuple):
    """One provider: traits, then what it has and what is free, by class."""

    traits: list[str]
    whole: dict[str, int]
    free: dict[str, int]


def providers(cloud: Cloud, root: str) -> list[Left]:
    """List the providers of a tree of two levels."""
    found = []
    for each in cloud.to_document()["providers"]:
        if root not in (each["name"], each["parent"]):
            continue
        whole = {
            name: int(
                (limits["total"] - limits["reserved"]) * limits["allocation_ratio"]
            )
            for name, limits in each["inventories"].items()
        }
        used = cloud.usages(each["name"])
        free = {name: amount - used[name] for name, amount in whole.items()}
        found.append(Left(each["traits"], whole, free))
    return found


def after(cloud: Cloud, root: str, request: Request) -> Cloud | None:
    """Give a copy of a cloud in which a host's first candidate was claimed."""
    copy = Cloud.from_document(cloud.to_document())
    for candidate in copy.allocation_candidates(request, hosts=[root]):
        copy.claim("twin", candidate.allocations)
        return copy
    return None


def fragments(found: Sequence[Left], name: str, kinds: Sequence[Kind]) -> float:
    """Count the units that no server of a kind can use, kind by kind."""
    total = 0.0
    cpus = sum(each.free.get("VCPU", 0) for each in found)
    for kind in kinds:
        useless = 0
        fitting = 0
        for each in found:
            free = each.free.get(name, 0)
            if free >= kind.units:
                fitting += 1
        for each in found:
            free = each.free.get(name, 0)
            usable = free >= kind.units and fitting >= kind.devices
            if not usable or cpus < kind.cpus:
                useless += free
        total += kind.share * useless
    return total / sum(kind.share for kind in kinds)


def stranded(found: Sequence[Left]) -> float:
    """Add up how far the free share of each network is from the rest of the host."""
    rests = []
    for name in ("VCPU", "MEMORY_MB"):
        whole = sum(each.whole.get(name, 0) for each in found)
        if whole:
            rests.append(sum(each.free.get(name, 0) for each in found) / whole)
    if not rests:
        return 0.0
    total = 0.0
    physnets = {t for each in found for t in each.traits if "PHYSNET" in t}
    for physnet in sorted(physnets):
        for name in BANDWIDTH:
            near = [each for each in found if physnet in each.traits]
            whole = sum(each.whole.get(name, 0) for each in near)
            if whole:
                share = sum(each.free.get(name, 0) for each in near) / whole
                total += abs(share - min(rests))
    return total

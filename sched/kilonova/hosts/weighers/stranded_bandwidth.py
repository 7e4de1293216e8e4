"""StrandedBandwidthWeigher: hosts whose networks run out together with CPUs, memory.

Bandwidth of a host without free CPUs is of no use to anybody, and neither are CPUs
beside a network that is full.
"""

from collections.abc import Hashable, Mapping, Sequence

from kilonova.cloud.host import Host, Room
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.placing import left, wishes
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec

_PHYSNET = "CUSTOM_PHYSNET_"
_BANDWIDTH = "NET_BW_"
# What a host runs out of; of CPUs those that float and those that are pinned together.
_SCARCE = (("VCPU", "PCPU"), ("MEMORY_MB",))


def stranded(rooms: Sequence[Room], free: Sequence[Mapping[str, int]]) -> float:
    """Give the shares of bandwidth, over all networks, that do not match the rest.

    Parameters
    ----------
    rooms
        Providers of a host.
    free
        What is free in each.

    Notes
    -----
    Of each class of bandwidth on each physical network, the share that is free less
    the share of CPUs or memory that is, whichever is less; either way round.
    """
    rest = min(
        [
            share
            for names in _SCARCE
            if (share := _share(rooms, free, names, None)) is not None
        ],
        default=None,
    )
    if rest is None:
        return 0.0
    total = 0.0
    for physnet, name in sorted(_networks(rooms)):
        share = _share(rooms, free, (name,), physnet)
        total += abs(share - rest) if share is not None else 0.0
    return total


def _networks(rooms: Sequence[Room]) -> set[tuple[str, str]]:
    return {
        (trait, name)
        for room in rooms
        for trait in room.traits
        if trait.startswith(_PHYSNET)
        for name in room.whole
        if name.startswith(_BANDWIDTH)
    }


def _share(
    rooms: Sequence[Room],
    free: Sequence[Mapping[str, int]],
    names: tuple[str, ...],
    trait: str | None,
) -> float | None:
    """Give the free share of some classes, of providers with a trait; None of none."""
    whole = left_over = 0
    for room, amounts in zip(rooms, free, strict=True):
        if trait is None or trait in room.traits:
            whole += sum([room.whole.get(name, 0) for name in names])
            left_over += sum([amounts.get(name, 0) for name in names])
    return left_over / whole if whole > 0 else None


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give the shares of bandwidth stranded once a server is on a host, negative."""
    return -stranded(host.rooms, left(host.rooms, spec))


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give what the server takes."""
    return wishes(spec)


STRANDED_BANDWIDTH_WEIGHER = register(
    Weigher(
        name="StrandedBandwidthWeigher",
        raw=raw,
        asks=asks,
        reads=frozenset({"rooms"}),
        multiplier=lambda options: (
            options.kilonova.stranded_bandwidth_weight_multiplier
        ),
        key="stranded_bandwidth_weight_multiplier",
    )
)

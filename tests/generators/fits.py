"""Random questions about NUMA cells and PCI devices alone, many more to the second."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from generators.guests import random_guest
from generators.host_cells import random_cells
from generators.host_devices import (
    PROVIDERS,
    REQUESTS,
    random_pools,
    random_requests,
)
from kilonova.cloud.host import HostCell
from kilonova.request.pci import PciRequest
from kilonova.request.topology import GuestTopology, NetworkMetadata


class FitCase(NamedTuple):
    """A guest and a host.

    Attributes
    ----------
    cells, pools
        Those of the host; pools None: not reported.
    topology, requests
        What the guest asks for.
    mappings
        Those of allocation candidates, tried one after the other.
    ratios
        Allocation ratios of CPUs and memory, None: nothing limits.
    networks
        Those that should be near.
    pack
        Whether the fullest cells come first.
    """

    cells: tuple[HostCell, ...]
    pools: Sequence[Mapping[str, Any]] | None
    topology: GuestTopology
    requests: tuple[PciRequest, ...]
    mappings: tuple[Mapping[str, Sequence[str]], ...]
    ratios: tuple[float, float] | None
    networks: NetworkMetadata | None
    pack: bool


def random_fit(seed: int) -> FitCase:
    """Draw a question; the same seed gives the same one."""
    random = Random(seed)
    cells = random_cells(random)
    networks = NetworkMetadata(
        frozenset(name for name in ("red", "blue") if random.random() < 0.4),
        random.random() < 0.4,
    )
    return FitCase(
        cells,
        random_pools(random) if random.random() < 0.7 else None,
        random_guest(random, cells),
        random_requests(random) if random.random() < 0.4 else (),
        tuple(_mapping(random) for _ in range(random.choice((1, 2)))),
        random.choice((None, (1.0, 0.9), (1.5, 1.0), (16.0, 1.5))),
        networks if random.random() < 0.3 else None,
        random.random() < 0.4,
    )


def _mapping(random: Random) -> dict[str, list[str]]:
    return {
        f"{request}-{device}": [random.choice(PROVIDERS)]
        for request in REQUESTS
        for device in range(2)
        if random.random() < 0.3
    }

"""The register of weighers: a name, a kernel number, and what it prefers."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from kilonova.errors import UnknownPolicy


class Weigher(NamedTuple):
    """One rule that orders the hosts that fit.

    Attributes
    ----------
    name
        As users write it.
    number
        Its branch in ``kilonova_kernels.packing``.
    prefers
        One line on which hosts it prefers.
    drawn
        Whether it decides by drawn numbers, so that a seed matters.
    """

    name: str
    number: int
    prefers: str
    drawn: bool = False


_REGISTERED: dict[str, Weigher] = {}


def register(weigher: Weigher) -> Weigher:
    """Make a weigher known by its name; the last one of a name stays."""
    _REGISTERED[weigher.name] = weigher
    return weigher


def registered() -> tuple[Weigher, ...]:
    """Give all weighers, in the order of their registration."""
    return tuple(_REGISTERED.values())


def find(name: str) -> Weigher:
    """Give the weigher of this name.

    Raises
    ------
    UnknownPolicy
        No weigher has it; the message lists those that there are.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    raise UnknownPolicy(_unknown(name, _REGISTERED))


def _unknown(name: str, known: Iterable[str]) -> str:
    by_lower = {other.lower(): other for other in known}
    near = get_close_matches(name.lower(), by_lower, n=1)
    hint = f" Did you mean {by_lower[near[0]]!r}?" if near else ""
    return f"Unknown policy {name!r}. Known: {', '.join(by_lower.values())}.{hint}"


# The policies of Weng et al., "Beware of Fragmentation", USENIX ATC '23. Numbers are
# those of kilonova_kernels.packing, which is not imported here: numba takes a second.
RANDOM = register(Weigher("Random", 0, "any host that fits, evenly", drawn=True))
DOT_PRODUCT = register(
    Weigher("DotProd", 1, "hosts whose free amounts are least like the request")
)
GPU_CLUSTERING = register(
    Weigher("GpuClustering", 2, "hosts that hold requests of the same kind")
)
GPU_PACKING = register(
    Weigher("GpuPacking", 3, "devices in use, then hosts in use, then idle hosts")
)
BEST_FIT = register(Weigher("BestFit", 4, "hosts with least left afterwards"))
FGD = register(
    Weigher("FGD", 5, "hosts where idle device units stay usable: least new fragments")
)

"""What a weigher of hosts is, and which there are."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host
from kilonova.errors import UnknownWeigher
from kilonova.hosts.options import Options
from kilonova.hosts.registers import Register
from kilonova.hosts.weighers.columns import HostColumns
from kilonova.request.server import ServerSpec

GROUP = "kilonova.weighers"
ALL = "nova.scheduler.weights.all_weighers"

# Nova's, in the order of its modules' names. Nova itself adds weights up in the order
# in which the file system lists these modules.
NOVA = (
    "ServerGroupSoftAffinityWeigher",
    "ServerGroupSoftAntiAffinityWeigher",
    "BuildFailureWeigher",
    "CPUWeigher",
    "CrossCellWeigher",
    "DiskWeigher",
    "HypervisorVersionWeigher",
    "ImagePropertiesWeigher",
    "IoOpsWeigher",
    "MetricsWeigher",
    "NumInstancesWeigher",
    "PCIWeigher",
    "RAMWeigher",
)


@dataclass(frozen=True, slots=True)
class Weigher:
    """One rule that orders the hosts that passed the filters.

    Attributes
    ----------
    name
        As options name it: that of Nova's class.
    raw
        Weight of one host before it is normalised.
    asks
        What of spec and options decides: with equal keys, hosts that are equal in what
        is read get equal weights. None: all get the weight 0, and the weigher adds
        nothing.
    reads
        Attributes of a host that ``raw`` looks at.
    multiplier
        The option that the normalised weight is multiplied with.
    key
        Metadata key by which an aggregate sets another multiplier.
    minval
        Smallest raw weight that counts, smaller ones are lifted to it; None: any.
    negated
        Whether the multiplier counts with the other sign.
    columns
        ``raw`` of many hosts at once, equal to the last bit; None: not made.
    """

    name: str
    raw: Callable[[Host, ServerSpec, Options], float]
    asks: Callable[[ServerSpec, Options], Hashable | None]
    reads: frozenset[str]
    multiplier: Callable[[Options], float]
    key: str
    minval: float | None = None
    negated: bool = False
    columns: (
        Callable[[HostColumns, ServerSpec, Options], NDArray[np.float64]] | None
    ) = None


_FOLDER = "kilonova.hosts.weighers"
_REGISTER: Register[Weigher] = Register(
    "weigher",
    [
        f"{_FOLDER}.{name}"
        for name in (
            "soft_affinity",
            "build_failure",
            "cpu",
            "cross_cell",
            "disk",
            "hypervisor_version",
            "image_properties",
            "io_ops",
            "metrics",
            "num_instances",
            "pci",
            "ram",
            "shares",
            "dominant_share",
            "image_locality",
            "fragmentation",
            "stranded_bandwidth",
        )
    ],
    GROUP,
    UnknownWeigher,
)


def register(new: Weigher) -> Weigher:
    """Make a weigher known by its name; the last one of a name stays."""
    return _REGISTER.add(new)


def registered() -> tuple[Weigher, ...]:
    """Give all weighers that there are."""
    return _REGISTER.all()


def find(name: str) -> Weigher:
    """Give the weigher of a name or of a class path.

    Raises
    ------
    UnknownWeigher
        No weigher has it; the message names the nearest.
    """
    return _REGISTER.find(name)


def enabled(options: Options) -> tuple[Weigher, ...]:
    """Give the weighers of ``weight_classes``, in their order.

    Nova's name for all of its own is ``nova.scheduler.weights.all_weighers``; others
    are named one by one.

    Raises
    ------
    UnknownWeigher
        The option names a weigher that there is not.
    """
    names: list[str] = []
    for name in options.filter_scheduler.weight_classes:
        names += NOVA if name.strip() == ALL else [name]
    return tuple(map(find, names))

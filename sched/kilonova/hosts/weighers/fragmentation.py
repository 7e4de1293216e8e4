"""FragmentationWeigher: where fewest units of devices become useless for others.

The idea of FGD (Weng et al., "Beware of Fragmentation", USENIX ATC '23) for any
resource class of child providers and any mix of servers.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from kilonova.cloud.host import Host
from kilonova.errors import BadOption
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.placing import left, wishes
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec

_CPUS = ("VCPU", "PCPU")
_FORM = "units[xdevices][@cpus]=share, units and devices from 1"


class Typical(NamedTuple):
    """A kind of server, as far as devices count.

    Attributes
    ----------
    units, devices
        Units of one device, and devices of each server.
    cpus
        CPUs of each server.
    share
        How often it comes, compared with the others.
    """

    units: int
    devices: int
    cpus: int
    share: float


@lru_cache(maxsize=64)
def parse_workload(texts: tuple[str, ...]) -> tuple[Typical, ...]:
    """Read ``[kilonova] fragmentation_workload``: ``500=3``, ``1000x2@8=1``.

    Raises
    ------
    BadOption
        An entry has another form, or its share is not a positive number.
    """
    return tuple(map(_typical, texts))


def _typical(text: str) -> Typical:
    what, _, share = text.partition("=")
    what, _, cpus = what.partition("@")
    units, _, devices = what.partition("x")
    try:
        found = Typical(int(units), int(devices or "1"), int(cpus or "0"), float(share))
    except ValueError:
        found = None
    if found is None or min(found.units, found.devices) < 1 or found.cpus < 0:
        raise _bad(text)
    if not (found.share > 0 and math.isfinite(found.share)):
        raise _bad(text)
    return found


def _bad(text: str) -> BadOption:
    return BadOption(
        f"[kilonova] fragmentation_workload must have entries {_FORM}, got {text!r}."
    )


def fragments(
    free: Sequence[Mapping[str, int]], name: str, workload: Sequence[Typical]
) -> float:
    """Give the units of a class that servers of a workload cannot use, on average.

    Parameters
    ----------
    free
        Free amounts of each provider of a host.
    name
        The class.
    workload
        Which servers come.

    Notes
    -----
    For one kind of server all free units are useless where it does not fit, and else
    those of devices that have too few.
    """
    units = [amounts[name] for amounts in free if amounts.get(name, 0) > 0]
    cpus = sum([amounts.get(each, 0) for amounts in free for each in _CPUS])
    total = 0.0
    shares = 0.0
    for each in workload:
        fitting = [unit for unit in units if unit >= each.units]
        useless = sum(units)
        if len(fitting) >= each.devices and cpus >= each.cpus:
            useless -= sum(fitting)
        total += each.share * useless
        shares += each.share
    return total / shares if shares else 0.0


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give how many units a server would make useless on a host, negative.

    Raises
    ------
    BadOption
        As ``parse_workload``.
    """
    section = options.kilonova
    name = section.fragmentation_resource_class
    workload = parse_workload(section.fragmentation_workload)
    if not workload:
        return 0.0
    before = [room.free for room in host.rooms]
    after = left(host.rooms, spec)
    return fragments(before, name, workload) - fragments(after, name, workload)


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give class, workload and what the server takes, None without a workload."""
    section = options.kilonova
    if not section.fragmentation_workload:
        return None
    name = section.fragmentation_resource_class
    return name, section.fragmentation_workload, wishes(spec)


FRAGMENTATION_WEIGHER = register(
    Weigher(
        name="FragmentationWeigher",
        raw=raw,
        asks=asks,
        reads=frozenset({"rooms"}),
        multiplier=lambda options: options.kilonova.fragmentation_weight_multiplier,
        key="fragmentation_weight_multiplier",
    )
)

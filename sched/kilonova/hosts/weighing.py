"""Weigh hosts: raw weights, normalised, multiplied, added up, in order.

Same as ``get_weighed_objects`` in Nova's ``weights.py``, to the last bit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.host import Host, HostAggregate
from kilonova.hosts.aggregates import finite, smallest
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.columns import HostColumns, columns_of
from kilonova.hosts.weighers.register import Weigher, enabled
from kilonova.request.server import ServerSpec


class Part(NamedTuple):
    """What one weigher says of H hosts, each (H,) float64.

    Attributes
    ----------
    weigher
        Its name.
    raw
        Its own unit, lifted to its least value.
    normalised
        Between 0 and 1 over these hosts.
    multiplier
        By option, or by the aggregates of the host.
    weighted
        Multiplier times normalised: what is added up.
    """

    weigher: str
    raw: NDArray[np.float64]
    normalised: NDArray[np.float64]
    multiplier: NDArray[np.float64]
    weighted: NDArray[np.float64]


class Weighed(NamedTuple):
    """Weights of H hosts.

    Attributes
    ----------
    weights
        (H,) float64, in the order of the hosts.
    order
        (H,) int64: places of the hosts, the best first; equal ones keep their order.
    parts
        One for each weigher; none for fewer than two hosts, which nobody weighs.
    """

    weights: NDArray[np.float64]
    order: NDArray[np.int64]
    parts: tuple[Part, ...]


def weigh(
    hosts: Sequence[Host],
    spec: ServerSpec,
    options: Options,
    weighers: Sequence[Weigher] | None = None,
) -> Weighed:
    """Weigh the hosts that passed the filters.

    Parameters
    ----------
    hosts
        Hosts in any order.
    spec
        What the server asks for.
    options
        Which weighers there are, and how much each counts.
    weighers
        Weighers in the order in which they are added up; None: those of
        ``weight_classes``.

    Raises
    ------
    UnknownWeigher
        ``weight_classes`` names a weigher that there is not.
    UnknownMetric, NotReported
        A host does not report what a weigher needs.
    """
    weights = np.zeros(len(hosts))
    parts: list[Part] = []
    used = enabled(options) if weighers is None else weighers
    if len(hosts) > 1:
        columns = columns_of(hosts)
        for weigher in used:
            raw = _raw(weigher, hosts, columns, spec, options)
            multiplier = multipliers(weigher, hosts, options)
            part = part_of(weigher, raw, multiplier)
            weights += part.weighted
            parts.append(part)
    order = np.argsort(-weights, kind="stable").astype(np.int64)
    return Weighed(weights, order, tuple(parts))


def part_of(
    weigher: Weigher, raw: NDArray[np.float64], multiplier: NDArray[np.float64]
) -> Part:
    """Normalise and multiply the raw weights of at least one host.

    Parameters
    ----------
    weigher
        Its least value counts.
    raw
        (H,) float64.
    multiplier
        (H,) float64.
    """
    if weigher.minval is not None:
        raw = np.maximum(raw, weigher.minval)
    normalised = normalise(raw, weigher.minval)
    return Part(weigher.name, raw, normalised, multiplier, multiplier * normalised)


def normalise(
    raw: NDArray[np.float64], minval: float | None = None
) -> NDArray[np.float64]:
    """Bring weights between 0 and 1; all are 0 where there is no difference.

    Parameters
    ----------
    raw
        (H,) float64, H at least 1.
    minval
        What becomes 0; None: the least of them. With it, equal weights above it all
        become 1.
    """
    least = raw.min() if minval is None else minval
    most = raw.max()
    if least == most:
        return np.zeros(len(raw))
    normalised: NDArray[np.float64] = (raw - least) / (most - least)
    return normalised


def multipliers(
    weigher: Weigher, hosts: Sequence[Host], options: Options
) -> NDArray[np.float64]:
    """Give the multiplier of a weigher for each host, (H,) float64."""
    # Hosts of the same aggregates share the tuple: metadata is read once.
    sets = {id(host.aggregates): host.aggregates for host in hosts}
    known = {
        number: multiplier_of(weigher, aggregates, options)
        for number, aggregates in sets.items()
    }
    return np.array([known[id(host.aggregates)] for host in hosts], np.float64)


def multiplier_of(
    weigher: Weigher, aggregates: Sequence[HostAggregate], options: Options
) -> float:
    """Give the least multiplier that aggregates set, the option where none does."""
    option = weigher.multiplier(options)
    multiplier = smallest(aggregates, weigher.key, option, finite)
    return -multiplier if weigher.negated else multiplier


def _raw(
    weigher: Weigher,
    hosts: Sequence[Host],
    columns: HostColumns,
    spec: ServerSpec,
    options: Options,
) -> NDArray[np.float64]:
    if weigher.asks(spec, options) is None:
        return np.zeros(len(hosts))
    if weigher.columns is not None:
        return weigher.columns(columns, spec, options)
    return np.array([weigher.raw(host, spec, options) for host in hosts], np.float64)

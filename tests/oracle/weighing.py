"""Weigh hosts one number at a time: the rules of Nova's ``weights.py``, no arrays."""

import math
from collections.abc import Sequence

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.register import Weigher
from kilonova.request.server import ServerSpec


def multiplier(weigher: Weigher, host: Host, options: Options) -> float:
    """Read the multiplier of a weigher for one host."""
    found = weigher.multiplier(options)
    texts = [
        a.metadata[weigher.key] for a in host.aggregates if weigher.key in a.metadata
    ]
    if texts:
        try:
            given = [float(text) for text in texts]
        except ValueError:
            given = []
        if given and not any(math.isnan(each) or math.isinf(each) for each in given):
            found = min(given)
    return -1 * found if weigher.negated else found


def normalised(raw: Sequence[float], minval: float | None) -> list[float]:
    """Bring raw weights between 0 and 1."""
    low = float(min(raw)) if minval is None else float(minval)
    high = float(max(raw))
    if low == high:
        return [0.0] * len(raw)
    return [(each - low) / (high - low) for each in raw]


def weigh(
    hosts: Sequence[Host],
    spec: ServerSpec,
    options: Options,
    weighers: Sequence[Weigher],
) -> tuple[list[float], list[int]]:
    """Give the weight of each host, and their places, the best first."""
    weights = [0.0] * len(hosts)
    if len(hosts) > 1:
        for weigher in weighers:
            raw = [weigher.raw(host, spec, options) for host in hosts]
            if weigher.minval is not None:
                raw = [max(each, weigher.minval) for each in raw]
            between = normalised(raw, weigher.minval)
            for h, host in enumerate(hosts):
                weights[h] += multiplier(weigher, host, options) * between[h]
    order = sorted(range(len(hosts)), key=lambda h: weights[h], reverse=True)
    return weights, order

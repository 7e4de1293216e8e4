"""MetricsWeigher: by what hosts report of themselves."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.errors import UnknownMetric
from kilonova.hosts.aggregates import finite, smallest
from kilonova.hosts.options import Options
from kilonova.hosts.settings import numbers
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec

_KEY = "metrics_weight_multiplier"


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Add the metrics of ``weight_setting`` up, each times its ratio.

    A host that misses one gets ``weight_of_unavailable`` if metrics are not required,
    unless the metric would count nothing.

    Raises
    ------
    UnknownMetric
        A required metric is missing.
    """
    reported = host.metrics or {}
    weight = 0.0
    for name, ratio in numbers(options.metrics.weight_setting):
        if name in reported:
            weight += reported[name] * ratio
        elif options.metrics.required:
            raise UnknownMetric(
                f"Host {host.host!r} does not report the metric {name!r} of [metrics] "
                f"weight_setting. Reported: {', '.join(sorted(reported)) or 'none'}."
            )
        elif ratio * _multiplier(host, options) != 0:
            return options.metrics.weight_of_unavailable
    return weight


def _multiplier(host: Host, options: Options) -> float:
    option = options.metrics.weight_multiplier
    return smallest(host.aggregates, _KEY, option, finite)


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the options, None where they weigh no metric."""
    return options.metrics if numbers(options.metrics.weight_setting) else None


METRICS_WEIGHER = register(
    Weigher(
        name="MetricsWeigher",
        raw=raw,
        asks=asks,
        reads=frozenset({"metrics", "aggregates"}),
        multiplier=lambda options: options.metrics.weight_multiplier,
        key=_KEY,
    )
)

"""MetricsFilter: the host reports every metric that options weigh."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.hosts.settings import numbers
from kilonova.request.server import ServerSpec


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host reports all metrics of ``[metrics] weight_setting``."""
    reported = host.metrics or {}
    return all(name in reported for name, _ in numbers(options.metrics.weight_setting))


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the names of the metrics, None where options weigh none."""
    return tuple(name for name, _ in numbers(options.metrics.weight_setting)) or None


METRICS = register(
    Filter(
        name="MetricsFilter",
        passes=passes,
        asks=asks,
        reads=frozenset({"metrics"}),
    )
)

"""IoOpsFilter, AggregateIoOpsFilter: few enough builds and moves at once."""

from kilonova.cloud.host import Host, HostAggregate
from kilonova.hosts.aggregates import smallest
from kilonova.hosts.filters.register import Filter, Threshold, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_KEY = "max_io_ops_per_host"


def limit(aggregates: tuple[HostAggregate, ...], options: Options) -> float:
    """Give the option, the same for every host."""
    return options.filter_scheduler.max_io_ops_per_host


def aggregate_limit(aggregates: tuple[HostAggregate, ...], options: Options) -> float:
    """Give the least limit of a host's aggregates, or the option."""
    return smallest(aggregates, _KEY, limit(aggregates, options), int)


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host has fewer operations under way than the option allows."""
    return host.num_io_ops < limit((), options)


def aggregate_passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host has fewer operations under way than its aggregates allow."""
    return host.num_io_ops < aggregate_limit(host.aggregates, options)


IO_OPS = register(
    Filter(
        name="IoOpsFilter",
        passes=passes,
        asks=lambda spec, options: options.filter_scheduler.max_io_ops_per_host,
        reads=frozenset({"num_io_ops"}),
        threshold=Threshold("num_io_ops", limit),
    )
)
AGGREGATE_IO_OPS = register(
    Filter(
        name="AggregateIoOpsFilter",
        passes=aggregate_passes,
        asks=lambda spec, options: options.filter_scheduler.max_io_ops_per_host,
        reads=frozenset({"num_io_ops", "aggregates"}),
        threshold=Threshold("num_io_ops", aggregate_limit),
    )
)

"""NumInstancesFilter, AggregateNumInstancesFilter: few enough servers."""

from kilonova.cloud.host import Host, HostAggregate
from kilonova.hosts.aggregates import smallest
from kilonova.hosts.filters.register import Filter, Threshold, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_KEY = "max_instances_per_host"


def limit(aggregates: tuple[HostAggregate, ...], options: Options) -> float:
    """Give the option, the same for every host."""
    return options.filter_scheduler.max_instances_per_host


def aggregate_limit(aggregates: tuple[HostAggregate, ...], options: Options) -> float:
    """Give the least limit of a host's aggregates, or the option."""
    return smallest(aggregates, _KEY, limit(aggregates, options), int)


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host has fewer servers than the option allows."""
    return host.num_instances < limit((), options)


def aggregate_passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host has fewer servers than its aggregates allow."""
    return host.num_instances < aggregate_limit(host.aggregates, options)


NUM_INSTANCES = register(
    Filter(
        name="NumInstancesFilter",
        passes=passes,
        asks=lambda spec, options: options.filter_scheduler.max_instances_per_host,
        reads=frozenset({"num_instances"}),
        threshold=Threshold("num_instances", limit),
    )
)
AGGREGATE_NUM_INSTANCES = register(
    Filter(
        name="AggregateNumInstancesFilter",
        passes=aggregate_passes,
        asks=lambda spec, options: options.filter_scheduler.max_instances_per_host,
        reads=frozenset({"num_instances", "aggregates"}),
        threshold=Threshold("num_instances", aggregate_limit),
    )
)

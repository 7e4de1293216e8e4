"""NumInstancesFilter, AggregateNumInstancesFilter: few enough servers."""

from kilonova.hosts.filters.limits import register_limits

NUM_INSTANCES, AGGREGATE_NUM_INSTANCES = register_limits(
    "NumInstances",
    "num_instances",
    lambda options: options.filter_scheduler.max_instances_per_host,
)

"""IoOpsFilter, AggregateIoOpsFilter: few enough builds and moves at once."""

from kilonova.hosts.filters.limits import register_limits

IO_OPS, AGGREGATE_IO_OPS = register_limits(
    "IoOps",
    "num_io_ops",
    lambda options: options.filter_scheduler.max_io_ops_per_host,
)

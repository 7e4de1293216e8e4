"""IoOpsWeigher: by builds and moves under way."""

from kilonova.hosts.weighers.register import Weigher, register

IO_OPS_WEIGHER = register(
    Weigher(
        name="IoOpsWeigher",
        raw=lambda host, spec, options: host.num_io_ops,
        asks=lambda spec, options: "num_io_ops",
        reads=frozenset({"num_io_ops"}),
        multiplier=lambda options: options.filter_scheduler.io_ops_weight_multiplier,
        key="io_ops_weight_multiplier",
        minval=0.0,
        columns=lambda hosts, spec, options: hosts.num_io_ops,
    )
)

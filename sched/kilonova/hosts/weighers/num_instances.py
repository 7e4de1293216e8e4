"""NumInstancesWeigher: by servers."""

from kilonova.hosts.weighers.register import Weigher, register

NUM_INSTANCES_WEIGHER = register(
    Weigher(
        name="NumInstancesWeigher",
        raw=lambda host, spec, options: host.num_instances,
        asks=lambda spec, options: "num_instances",
        reads=frozenset({"num_instances"}),
        multiplier=lambda options: (
            options.filter_scheduler.num_instances_weight_multiplier
        ),
        key="num_instances_weight_multiplier",
        columns=lambda hosts, spec, options: hosts.num_instances,
    )
)

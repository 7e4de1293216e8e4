"""RAMWeigher: by MiB of memory that are free."""

from kilonova.hosts.weighers.register import Weigher, register

RAM_WEIGHER = register(
    Weigher(
        name="RAMWeigher",
        raw=lambda host, spec, options: host.free_ram_mb,
        asks=lambda spec, options: "free_ram_mb",
        reads=frozenset({"free_ram_mb"}),
        multiplier=lambda options: options.filter_scheduler.ram_weight_multiplier,
        key="ram_weight_multiplier",
        minval=0.0,
        columns=lambda hosts, spec, options: hosts.free_ram_mb,
    )
)

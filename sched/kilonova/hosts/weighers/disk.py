"""DiskWeigher: by MiB of disk that are free."""

from kilonova.hosts.weighers.register import Weigher, register

DISK_WEIGHER = register(
    Weigher(
        name="DiskWeigher",
        raw=lambda host, spec, options: host.free_disk_mb,
        asks=lambda spec, options: "free_disk_mb",
        reads=frozenset({"free_disk_mb"}),
        multiplier=lambda options: options.filter_scheduler.disk_weight_multiplier,
        key="disk_weight_multiplier",
        minval=0.0,
        columns=lambda hosts, spec, options: hosts.free_disk_mb,
    )
)

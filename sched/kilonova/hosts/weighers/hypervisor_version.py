"""HypervisorVersionWeigher: newer hypervisors first."""

from kilonova.hosts.weighers.register import Weigher, register

HYPERVISOR_VERSION_WEIGHER = register(
    Weigher(
        name="HypervisorVersionWeigher",
        raw=lambda host, spec, options: host.hypervisor_version or 0,
        asks=lambda spec, options: "hypervisor_version",
        reads=frozenset({"hypervisor_version"}),
        multiplier=lambda options: (
            options.filter_scheduler.hypervisor_version_weight_multiplier
        ),
        key="hypervisor_version_weight_multiplier",
        columns=lambda hosts, spec, options: hosts.hypervisor_version,
    )
)

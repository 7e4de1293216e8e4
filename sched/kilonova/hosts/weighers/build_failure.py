"""BuildFailureWeigher: away from hosts whose last builds failed."""

from kilonova.hosts.weighers.register import Weigher, register

BUILD_FAILURE_WEIGHER = register(
    Weigher(
        name="BuildFailureWeigher",
        raw=lambda host, spec, options: host.failed_builds,
        asks=lambda spec, options: "failed_builds",
        reads=frozenset({"failed_builds"}),
        multiplier=lambda options: (
            options.filter_scheduler.build_failure_weight_multiplier
        ),
        key="build_failure_weight_multiplier",
        negated=True,
        columns=lambda hosts, spec, options: hosts.failed_builds,
    )
)

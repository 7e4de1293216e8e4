"""ComputeFilter: the compute service is enabled, and its heartbeat is fresh."""

from kilonova.cloud.host import Host
from kilonova.hosts import clock
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether the compute service of a host is enabled and up.

    A host without heartbeats is up: its cloud does not watch them.

    Notes
    -----
    Nova's ``ComputeFilter`` with the database driver of its service groups: the time
    since the last heartbeat counts as absolute, so that a clock ahead of ours is late
    too.
    """
    if host.disabled or host.forced_down:
        return False
    if host.last_seen_up is None:
        return True
    elapsed = abs(clock.now() - host.last_seen_up)
    return elapsed <= options.default.service_down_time


COMPUTE = register(
    Filter(
        name="ComputeFilter",
        passes=passes,
        asks=lambda spec, options: options.default.service_down_time,
        reads=frozenset({"disabled", "forced_down", "last_seen_up"}),
        once=True,
        default=True,
        timed=True,
    )
)

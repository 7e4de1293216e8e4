"""DifferentHostFilter and SameHostFilter: away from servers, or beside them."""

from kilonova.cloud.host import Host
from kilonova.hosts.filters import hints
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def passes_different(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host holds none of the servers of hint ``different_host``."""
    return host.instances.isdisjoint(hints.listed(spec, "different_host"))


def passes_same(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host holds one of the servers of hint ``same_host``."""
    uuids = hints.listed(spec, "same_host")
    return not any(uuids) or not host.instances.isdisjoint(uuids)


DIFFERENT_HOST = register(
    Filter(
        name="DifferentHostFilter",
        passes=passes_different,
        asks=lambda spec, options: hints.listed(spec, "different_host") or None,
        reads=frozenset({"instances"}),
        once=True,
    )
)
SAME_HOST = register(
    Filter(
        name="SameHostFilter",
        passes=passes_same,
        asks=lambda spec, options: hints.listed(spec, "same_host") or None,
        reads=frozenset({"instances"}),
        once=True,
    )
)

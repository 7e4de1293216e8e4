"""Filters of server groups: members together on one host, or apart."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def passes_anti_affinity(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host holds fewer members of the group than its rule allows.

    A host that holds the server itself passes: moves ask about their source too.
    """
    group = spec.server_group
    if group is None or group.policy != "anti-affinity":
        return True
    if spec.instance_uuid in host.instances:
        return True
    return len(host.instances & group.members) < group.max_server_per_host


def asks_anti_affinity(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give group and server, None unless the policy is anti-affinity."""
    group = spec.server_group
    if group is None or group.policy != "anti-affinity":
        return None
    return group.members, group.max_server_per_host, spec.instance_uuid


def passes_affinity(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host is one of the group's, or the group has none yet."""
    group = spec.server_group
    if group is None or group.policy != "affinity" or not group.hosts:
        return True
    return host.host in group.hosts


def asks_affinity(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the hosts of the group, None unless the policy is affinity."""
    group = spec.server_group
    if group is None or group.policy != "affinity":
        return None
    return group.hosts or None


ANTI_AFFINITY = register(
    Filter(
        name="ServerGroupAntiAffinityFilter",
        passes=passes_anti_affinity,
        asks=asks_anti_affinity,
        reads=frozenset({"instances"}),
        default=True,
    )
)
AFFINITY = register(
    Filter(
        name="ServerGroupAffinityFilter",
        passes=passes_affinity,
        asks=asks_affinity,
        reads=frozenset({"host"}),
        default=True,
    )
)

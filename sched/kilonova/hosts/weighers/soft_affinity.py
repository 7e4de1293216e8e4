"""Weighers of server groups: members together if possible, or apart if possible."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec


def raw_affinity(host: Host, spec: ServerSpec, options: Options) -> float:
    """Count the members of a soft-affinity group on a host."""
    group = spec.server_group
    if group is None or group.policy != "soft-affinity":
        return 0
    return len(host.instances & group.members)


def raw_anti_affinity(host: Host, spec: ServerSpec, options: Options) -> float:
    """Count the members of a soft-anti-affinity group on a host, negative."""
    group = spec.server_group
    if group is None or group.policy != "soft-anti-affinity":
        return 0
    return -len(host.instances & group.members)


def _members(spec: ServerSpec, policy: str) -> Hashable | None:
    group = spec.server_group
    if group is None or group.policy != policy:
        return None
    return group.members or None


SOFT_AFFINITY_WEIGHER = register(
    Weigher(
        name="ServerGroupSoftAffinityWeigher",
        raw=raw_affinity,
        asks=lambda spec, options: _members(spec, "soft-affinity"),
        reads=frozenset({"instances"}),
        multiplier=lambda options: (
            options.filter_scheduler.soft_affinity_weight_multiplier
        ),
        key="soft_affinity_weight_multiplier",
    )
)
SOFT_ANTI_AFFINITY_WEIGHER = register(
    Weigher(
        name="ServerGroupSoftAntiAffinityWeigher",
        raw=raw_anti_affinity,
        asks=lambda spec, options: _members(spec, "soft-anti-affinity"),
        reads=frozenset({"instances"}),
        multiplier=lambda options: (
            options.filter_scheduler.soft_anti_affinity_weight_multiplier
        ),
        key="soft_anti_affinity_weight_multiplier",
    )
)

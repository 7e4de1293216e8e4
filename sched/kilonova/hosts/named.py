"""Hosts that a spec names: where it must go, may not go, is forced to."""

from collections.abc import Sequence

from kilonova.cloud.host import Host
from kilonova.request.server import ServerSpec


def named(hosts: Sequence[Host], spec: ServerSpec) -> list[Host]:
    """Keep the hosts that requested destination, ignored and forced names leave.

    Names of hosts compare without case, except that of the destination; names of nodes
    compare as they are.

    Notes
    -----
    What ``get_filtered_hosts`` in Nova's ``scheduler/host_manager.py`` does before its
    filters.
    """
    left = list(hosts)
    destination = spec.destination
    if destination is not None and destination.host is not None:
        left = [
            host
            for host in left
            if host.host == destination.host
            and (not destination.node or host.nodename == destination.node)
        ]
    if spec.ignore_hosts:
        ignored = {name.lower() for name in spec.ignore_hosts}
        left = [host for host in left if host.host.lower() not in ignored]
    if spec.force_hosts:
        forced = {name.lower() for name in spec.force_hosts}
        left = [host for host in left if host.host.lower() in forced]
    if spec.force_nodes:
        left = [host for host in left if host.nodename in spec.force_nodes]
    return left


def skips_filters(spec: ServerSpec) -> bool:
    """Say whether forced hosts or nodes go past all filters."""
    forced = bool(spec.force_hosts or spec.force_nodes)
    return forced and "_nova_check_type" not in spec.hints

"""Hosts that a spec names: where it must go, may not go, is forced to."""

from collections.abc import Sequence

from kilonova.cloud.host import Host
from kilonova.request.server import Destination, ServerSpec


def named(hosts: Sequence[Host], spec: ServerSpec) -> list[Host]:
    """Keep the hosts that requested destination, ignored and forced names leave.

    Names of hosts compare without case, except that of the destination; names of nodes
    compare as they are. A first name that one node has leaves that one alone.

    Notes
    -----
    What ``resources_from_request_spec`` in Nova's ``scheduler/utils.py`` looks up, and
    ``get_filtered_hosts`` in its ``scheduler/host_manager.py`` does before filters.
    """
    left = _targeted(list(hosts), spec)
    if spec.ignore_hosts:
        ignored = {name.lower() for name in spec.ignore_hosts}
        left = [host for host in left if host.host.lower() not in ignored]
    if spec.force_hosts:
        forced = {name.lower() for name in spec.force_hosts}
        left = [host for host in left if host.host.lower() in forced]
    if spec.force_nodes:
        left = [host for host in left if host.nodename in spec.force_nodes]
    return left


def _targeted(hosts: list[Host], spec: ServerSpec) -> list[Host]:
    destination = spec.destination or Destination()
    found = hosts
    if destination.host:
        found = [host for host in found if host.host == destination.host]
    elif spec.force_hosts:
        first = spec.force_hosts[0].lower()
        found = [host for host in found if host.host.lower() == first]
    node = destination.node or next(iter(spec.force_nodes), None)
    if node:
        found = [host for host in found if host.nodename == node]
    is_destined = destination.host or destination.node
    return found if len(found) < 2 or is_destined else hosts

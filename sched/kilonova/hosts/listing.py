"""Which hosts a server names: the only ones it may have, or those that it may not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State
from kilonova.errors import NoValidHost
from kilonova.hosts.filters.hints import listed
from kilonova.request.server import ServerSpec
from kilonova.request.translate import TargetNode, target

NOTHING = 0
ONLY = 1
EXCEPT = 2


class Listing(NamedTuple):
    """Hosts that a server names.

    Attributes
    ----------
    kind
        ``NOTHING``, ``ONLY`` these, or all ``EXCEPT`` these.
    rows
        Rows of the hosts, ascending, (D,) int32.
    """

    kind: int = NOTHING
    rows: NDArray[np.int32] = np.zeros(0, np.int32)


_NONE = Listing()


def listed_hosts(
    state: State, spec: ServerSpec, enabled: frozenset[str], near: frozenset[str]
) -> Listing:
    """List the hosts that a spec names by name or through other servers.

    Parameters
    ----------
    state
        The cloud.
    spec
        What is asked.
    enabled
        Names of the filters that are enabled.
    near
        Names of hosts of which one must be taken, of a server group that only the spec
        knows; empty for any.

    Notes
    -----
    As ``get_filtered_hosts`` in Nova's ``scheduler/host_manager.py``: names of hosts to
    ignore or to force are compared without case, nodes with it.
    """
    if not near and not _names_hosts(spec):
        return _NONE
    table = state.hosts.table
    allowed = [_rows(state, set(names)) for names in (spec.force_hosts, near) if names]
    wanted = target_rows(state, spec)
    if wanted is not None and len(wanted) < 2:
        allowed.append(set(wanted))
    destination = spec.destination
    if destination is not None and destination.host:
        allowed.append(_rows(state, {destination.host}, exact=True))
    if destination is not None and destination.node:
        allowed.append({state.hosts.names.find(destination.node)} - {-1})
    if spec.force_nodes:
        found = {state.hosts.names.find(name) for name in spec.force_nodes}
        allowed.append(found - {-1})
    beside = listed(spec, "same_host") if "SameHostFilter" in enabled else ()
    if any(beside):
        allowed.append(_hosts_of(state, beside))
    never = _rows(state, set(spec.ignore_hosts))
    if "DifferentHostFilter" in enabled:
        never |= _hosts_of(state, listed(spec, "different_host"))
    if allowed:
        rows = set(range(table.count)).intersection(*allowed) - never
        return Listing(ONLY, np.array(sorted(rows), np.int32))
    return Listing(EXCEPT, np.array(sorted(never), np.int32)) if never else _NONE


def target_rows(state: State, spec: ServerSpec) -> list[int] | None:
    """Find the hosts that have the names a spec goes to, None where it names none.

    With one of them, that one alone is allowed, whatever further names are forced;
    several nodes of one host are all allowed. The name of a forced host is compared
    without case, as MySQL does for Nova.

    Notes
    -----
    As ``get_compute_nodes_by_host_or_node`` in Nova's ``scheduler/host_manager.py``.
    """
    names = target(spec)
    if names is None:
        return None
    service, node = names
    hosts, table = state.hosts, state.hosts.table
    found = table["provider"] >= 0
    if service:
        destined = spec.destination is not None and spec.destination.host == service
        named = _rows(state, {service}, exact=destined)
        found &= np.isin(np.arange(table.count), list(named))
    if node:
        found &= np.arange(table.count) == hosts.names.find(node)
    if spec.destination is not None and spec.destination.cell:
        found &= table["cell"] == hosts.cells.find(spec.destination.cell)
    return [int(row) for row in np.flatnonzero(found)]


def check_target(state: State, spec: ServerSpec) -> None:
    """Raise NoValidHost if a spec goes to a host that there is not, in Nova's words."""
    if not _names_hosts(spec) or target_rows(state, spec) != []:
        return
    service, node = target(spec) or (None, None)
    raise NoValidHost(f"No such host - host: {service} node: {node} ")


def sole_target(state: State, spec: ServerSpec) -> TargetNode | None:
    """Give the one node that a spec goes to, if it goes to one."""
    rows = target_rows(state, spec) if _names_hosts(spec) else None
    if rows is None or len(rows) != 1:
        return None
    hosts, row = state.hosts, rows[0]
    return TargetNode(
        uuid=state.provider_identity(int(hosts.table["provider"][row])),
        host=hosts.services[int(hosts.table["service"][row])],
        nodename=hosts.names[row],
    )


def _names_hosts(spec: ServerSpec) -> bool:
    """Say whether a spec may name hosts at all."""
    return bool(
        spec.hints
        or spec.ignore_hosts
        or spec.force_hosts
        or spec.force_nodes
        or spec.destination
    )


def _rows(state: State, names: set[str], *, exact: bool = False) -> set[int]:
    """Find the rows of hosts by the names of their services."""
    if not names:
        return set()
    services = state.hosts.services
    if exact:
        numbers = [services.find(name) for name in names]
    else:
        numbers = [number for name in names for number in services.find_alike(name)]
    service = state.hosts.table["service"]
    # A live migration names one host, for which a set takes far too long.
    found = service == numbers[0] if len(numbers) == 1 else np.isin(service, numbers)
    return set(np.flatnonzero(found).tolist())


def _hosts_of(state: State, servers: tuple[str, ...]) -> set[int]:
    """Find the hosts of servers by UUID; those of unknown servers are left out."""
    rows = [state.consumer_uuids.find(server) for server in servers]
    hosts = [int(state.tables.consumer["host"][row]) for row in rows if row >= 0]
    return {host for host in hosts if host >= 0}

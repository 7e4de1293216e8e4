"""How many servers of failed hosts any plan can place, solved by HiGHS to the end.

Each kind of server and each host make a whole number. Nothing here knows how plans or
their bounds are made: what is left is read from the cloud, provider by provider.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from kilonova.candidates.cloud import Cloud
from kilonova.records.records import Records
from kilonova.records.server import Server

_PHYSNET = "CUSTOM_PHYSNET_PHYSNET"


class Kind(NamedTuple):
    """What a server asks: amounts by class, by the end of a provider's name."""

    asked: tuple[tuple[str, str, int], ...]
    group: str | None


def most(
    cloud: Cloud, records: Records, failed: Sequence[str], seconds: float = 20.0
) -> int | None:
    """Give how many servers the best plan places; None where HiGHS needs longer.

    For clouds of ``kilonova.bench.outage``, whose bridges are named by their physical
    network, and whose other hosts have no servers.
    """
    count = Counter(
        _kind(cloud, records, server) for server in records.servers.values()
    )
    kinds = list(count)
    hosts = [name for name in cloud.state.hosts.names.to_list() if name not in failed]
    pairs = [
        (t, host)
        for host in hosts
        for t, kind in enumerate(kinds)
        if all(amount <= _left(cloud, host, *at) for *at, amount in kind.asked)
    ]
    rows: dict[Any, dict[int, int]] = defaultdict(dict)
    limit: dict[Any, int] = {}
    for column, (t, host) in enumerate(pairs):
        kind = kinds[t]
        rows[t][column], limit[t] = 1, count[kind]
        for end, name, amount in kind.asked:
            rows[host, end, name][column] = amount
            limit[host, end, name] = _left(cloud, host, end, name)
        if kind.group:
            rows[host, kind.group][column] = limit[host, kind.group] = 1
    return _solved(len(pairs), rows, limit, seconds)


def _solved(
    columns: int, rows: dict[Any, dict[int, int]], limit: dict[Any, int], seconds: float
) -> int | None:
    entries = [
        (n, column, factor)
        for n, key in enumerate(rows)
        for column, factor in rows[key].items()
    ]
    if not entries:
        return 0
    row, column, factor = (np.array(each) for each in zip(*entries, strict=True))
    matrix = coo_array((factor.astype(float), (row, column)), (len(rows), columns))
    found = milp(
        -np.ones(columns),
        integrality=np.ones(columns),
        bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(matrix.tocsr(), ub=[limit[key] for key in rows]),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    return round(-found.fun) if found.status == 0 else None


def _kind(cloud: Cloud, records: Records, server: Server) -> Kind:
    flavor = server.flavor
    asked = [
        ("", "VCPU", flavor.vcpus),
        ("", "MEMORY_MB", flavor.memory_mb),
        ("", "DISK_GB", flavor.root_gb),
    ]
    for uuid in server.ports:
        request: Any = records.ports[uuid]["resource_request"]
        (net,) = (t for t in request["required"] if t.startswith(_PHYSNET))
        end = f":Open vSwitch agent:br-physnet{net.removeprefix(_PHYSNET)}"
        asked += [(end, name, n) for name, n in request["resources"].items()]
    groups = cloud.state.groups
    group = server.server_group
    apart = group and groups[groups.find(group)].policy == "anti-affinity"
    return Kind(tuple(asked), group if apart else None)


def _left(cloud: Cloud, host: str, end: str, name: str) -> int:
    """Give what a provider of a host has left of a class."""
    state = cloud.state
    row = state.provider_row(host + end)
    number = state.resource_classes.find(name)
    for at in state.inventory_rows(row):
        if state.tables.inventory["resource_class"][at] == number:
            used = int(state.tables.inventory["used"][at])
            return int(state.inventory_of(at).capacity) - used
    return 0

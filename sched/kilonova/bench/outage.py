"""Clouds some hosts of which fail, and the records of the servers on these."""

from typing import NamedTuple

import numpy as np

from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.document import uuid_of
from kilonova.bench.ports import port as port_of
from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.cloud.server_groups import Group
from kilonova.records.records import Port, Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor

# Weights of the flavors: most servers are small.
_FLAVORS = (
    (Flavor(1, 2048, 10, name="tiny"), 8),
    (Flavor(2, 4096, 20, name="small"), 6),
    (Flavor(2, 16384, 20, name="memory"), 2),
    (Flavor(4, 8192, 40, name="medium"), 3),
    (Flavor(8, 32768, 80, name="large"), 1),
)
_GROUPS = ("anti-affinity", "soft-anti-affinity", "soft-affinity")
_KILOBITS = (100_000, 500_000)


class Outage(NamedTuple):
    """A cloud, its records, and the hosts that failed."""

    cloud: Cloud
    records: Records
    failed: tuple[str, ...]


def outage(hosts: int, failed: int, each: int, fill: float, seed: int = 0) -> Outage:
    """Make a cloud of nested hosts, some of which fail with all their servers.

    Parameters
    ----------
    hosts, failed
        Hosts in all, and those that fail, spread over the cloud.
    each
        Servers of a failed host: of five flavors, a third with a port that asks for
        bandwidth, a tenth in server groups of about eight members.
    fill
        Share of the other hosts that is in use.
    seed
        Of all draws.
    """
    cloud = busy_cloud(hosts, "nested", fill, seed)
    state = cloud.state
    rng = np.random.default_rng([seed, 1])
    lost = np.sort(rng.choice(hosts, failed, replace=False)).tolist()
    count = failed * each
    groups = [
        Group(uuid_of(f"group {n}"), _GROUPS[n % len(_GROUPS)])
        for n in range(count // 80 + 1)
    ]
    for each_group in groups:
        state.groups.add(each_group)
    records = Records()
    weights = np.array([weight for _, weight in _FLAVORS], float)
    flavors = rng.choice(len(_FLAVORS), count, p=weights / weights.sum())
    ports, grouped = rng.random(count) < 1 / 3, rng.random(count) < 0.1
    first = claims.add_consumers(state, [uuid_of(f"server {n}") for n in range(count)])
    for n in range(count):
        host = lost[n // each]
        flavor = _FLAVORS[flavors[n]][0]
        group = groups[int(rng.integers(len(groups)))] if grouped[n] else None
        port = (
            port_of(f"port {n}", n % 2, int(rng.choice(_KILOBITS)))
            if ports[n]
            else None
        )
        server = Server(
            uuid_of(f"server {n}"),
            flavor,
            host=state.hosts.names[host],
            node=state.hosts.names[host],
            server_group=group.uuid if group else None,
            ports=(str(port["id"]),) if port else (),
            project_id=f"project {n % 50}",
            created_at=float(n),
        )
        records.servers[server.uuid] = server
        if port:
            records.ports[str(port["id"])] = port
        _lay(cloud, first + n, host, server, port)
    state.rows_moved()
    names = tuple(state.hosts.names[host] for host in lost)
    return Outage(cloud, records, names)


def _lay(cloud: Cloud, row: int, host: int, server: Server, port: Port | None) -> None:
    """Put a server on its host, whether or not there is room."""
    from kilonova_kernels.claims import add_usage, write_rows

    state = cloud.state
    name, flavor = state.hosts.names[host], server.flavor
    allocations = {
        name: {
            "VCPU": flavor.vcpus,
            "MEMORY_MB": flavor.memory_mb,
            "DISK_GB": flavor.root_gb,
        }
    }
    if port:
        request = port["resource_request"]
        assert isinstance(request, dict)
        number = request["required"][1][-1]
        bridge = f"{name}:Open vSwitch agent:br-physnet{number}"
        allocations[bridge] = request["resources"]
    inventories, amounts = claims.resolve(state, allocations)
    columns = state.columns(spare_allocations=len(inventories))
    write_rows(columns, row, inventories, amounts)
    add_usage(columns, row, 1)
    state.tables.allocation.count = int(state.counters[1])
    table = state.tables.consumer
    table["host"][row] = host
    table["vcpus"][row] = flavor.vcpus
    table["memory_mb"][row] = flavor.memory_mb
    table["disk_mb"][row] = flavor.root_gb * 1024
    if server.server_group:
        table["group"][row] = state.groups.find(server.server_group)

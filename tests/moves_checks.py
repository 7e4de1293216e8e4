"""What must be true of cloud and records after each step of any operation."""

from collections import Counter
from collections.abc import Collection

import numpy as np

from kilonova.candidates.cloud import Cloud
from kilonova.cloud.claims import holdings
from kilonova.moves.ports import port_allocation
from kilonova.records.migration import EVACUATION
from kilonova.records.records import Records
from kilonova.records.server import Server

_SETTLED = ("active", "stopped", "resized", "paused", "shelved")


def check_step(cloud: Cloud, records: Records, leaked: Collection[str] = ()) -> None:
    """Check what is true after each step.

    Parameters
    ----------
    cloud
        Whose hosts counted nothing at first.
    records
        Servers and migrations.
    leaked
        Migrations that are over and hold their source yet, as Nova leaves them.
    """
    check_usages(cloud)
    check_consumers(cloud, records, leaked)
    check_host_counts(cloud)
    check_groups(cloud)


def check_rest(
    cloud: Cloud,
    records: Records,
    leaky: Collection[str] = (),
    left: Collection[str] = (),
) -> None:
    """Check what is true between operations.

    ``leaky`` servers are not looked at: Nova leaves ports unbound after an offload that
    failed, and forgets what it claimed for ports and accelerators that it cannot bind.
    ``left`` are the accelerator requests that it leaves bound where nothing is held.
    """
    for server in records.servers.values():
        if server.uuid not in leaky:
            check_server(cloud, records, server)
            check_ports(cloud, records, server)
    check_parked(cloud, records)
    check_accelerators(cloud, records, left)
    for migration in records.migrations.values():
        if not migration.is_over and migration.kind != EVACUATION:
            waiting = migration.status == "finished"
            assert waiting, f"{migration.uuid} is {migration.status} at rest"
            assert records.servers[migration.server].vm_state == "resized"


def check_usages(cloud: Cloud) -> None:
    """No provider is over its capacity, and each use is some consumer's."""
    state = cloud.state
    used = state.tables.inventory["used"]
    counted = np.zeros_like(used)
    for row in range(state.tables.consumer.count):
        for inventory, amount in holdings(state, row):
            counted[inventory] += amount
    np.testing.assert_array_equal(used, counted)
    for row in range(len(used)):
        assert used[row] <= state.inventory_of(row).capacity


def check_consumers(cloud: Cloud, records: Records, leaked: Collection[str]) -> None:
    """Each consumer is a server, or a migration that is in progress."""
    state = cloud.state
    for row in np.flatnonzero(state.tables.consumer["first"] >= 0).tolist():
        uuid = state.consumer_uuids[row]
        if uuid in records.servers or uuid in leaked:
            continue
        migration = records.migrations.get(uuid)
        assert migration is not None, f"nobody knows {uuid}"
        assert not migration.is_over, f"{uuid} is {migration.status}, and holds"
        assert migration.kind != EVACUATION


def check_host_counts(cloud: Cloud) -> None:
    """Check that hosts count what their servers are counted for."""
    state = cloud.state
    consumer, hosts = state.tables.consumer, state.hosts.table
    there = np.flatnonzero(consumer["host"] >= 0)
    at = consumer["host"][there]
    for count, column, sign in (
        ("vcpus_used", "vcpus", 1),
        ("free_ram_mb", "memory_mb", -1),
        ("free_disk_mb", "disk_mb", -1),
        ("num_io_ops", "building", 1),
        ("num_instances", None, 1),
    ):
        values = np.ones(len(there)) if column is None else consumer[column][there]
        sums = np.bincount(at, values, len(hosts["provider"]))
        total = {
            "free_ram_mb": hosts["total_usable_ram_mb"],
            "free_disk_mb": hosts["total_usable_disk_gb"] * 1024,
        }.get(count, 0)
        np.testing.assert_array_equal(hosts[count], total + sign * sums, count)


def check_groups(cloud: Cloud) -> None:
    """Members of server groups are counted where they are."""
    state = cloud.state
    table = state.tables.consumer
    wanted = Counter(zip(table["group"].tolist(), table["host"].tolist(), strict=True))
    columns = state.groups.columns()
    found: Counter[tuple[int, int]] = Counter()
    for number in range(len(state.groups)):
        entry = int(columns.first[number])
        while entry >= 0:
            found[number, int(columns.host[entry])] += int(columns.members[entry])
            entry = int(columns.next[entry])
    assert +found == Counter(
        {key: n for key, n in wanted.items() if key[0] >= 0 and key[1] >= 0}
    )


def check_server(cloud: Cloud, records: Records, server: Server) -> None:
    """Check that a server that is well holds what its flavor asks where it is."""
    held = cloud.allocations(server.uuid)
    if server.vm_state == "shelved_offloaded" and server.fault is None:
        assert not held
    if server.vm_state == "error" and server.host is None:
        assert not held
    if server.vm_state not in _SETTLED or server.task_state is not None:
        return
    assert server.host is not None
    state = cloud.state
    row = state.consumer_uuids.find(server.uuid)
    number = int(state.tables.consumer["group"][row])
    wanted = state.groups.find(server.server_group) if server.server_group else -1
    assert number == wanted, "the server is no member of its group"
    flavor = server.flavor
    asked = {
        "VCPU": flavor.vcpus,
        "MEMORY_MB": flavor.memory_mb,
        "DISK_GB": flavor.root_gb,
    }
    assert held[server.host] == asked
    elsewhere = {provider.partition(":")[0] for provider in held} - {server.host}
    # Where it was evacuated from, even after that host returned: a migration may have
    # held the part of the dead host meanwhile, which Nova does not look at.
    dead = {
        migration.source_host
        for migration in records.migrations.values()
        if migration.server == server.uuid and migration.kind == EVACUATION
    }
    assert elsewhere <= dead


def check_ports(cloud: Cloud, records: Records, server: Server) -> None:
    """Ports of a server that is well are on its host, and hold what they say."""
    if server.vm_state not in _SETTLED or server.task_state is not None:
        return
    held = cloud.allocations(server.uuid)
    for name in server.ports:
        port = records.ports[name]
        assert port["device_id"] == server.uuid
        assert port["binding:host_id"] == server.host
        named = port_allocation(port)
        assert bool(named) == bool(port.get("resource_request"))
        for provider, amounts in named.items():
            for resource_class, amount in amounts.items():
                held[provider][resource_class] -= amount
    traffic = {p: a for p, a in held.items() if p.partition(":")[0] == server.host}
    for provider, amounts in traffic.items():
        for resource_class, amount in amounts.items():
            if resource_class.startswith("NET_"):
                assert amount == 0, f"{provider} gives {amount} that no port names"


def check_parked(cloud: Cloud, records: Records) -> None:
    """Check what hosts count beside the servers that hold something.

    Dead hosts count what was evacuated from them; sources what waits for confirmation,
    which is no member of a server group there.
    """
    state = cloud.state
    consumer = state.tables.consumer
    for row in np.flatnonzero(consumer["host"] >= 0).tolist():
        uuid = state.consumer_uuids[row]
        if uuid in records.migrations:
            migration = records.migrations[uuid]
            if consumer["first"][row] < 0:
                assert migration.kind == EVACUATION
                assert migration.status in ("accepted", "pre-migrating", "done")
            if migration.status in ("finished", "done"):
                assert consumer["group"][row] < 0
        else:
            assert consumer["first"][row] >= 0


def check_accelerators(cloud: Cloud, records: Records, left: Collection[str]) -> None:
    """Accelerator requests are bound to providers that their server holds."""
    bound: Counter[tuple[str, str]] = Counter()
    for request in records.accelerator_requests.values():
        assert request.server in records.servers
        assert request.device_rp_uuid is not None
        if request.uuid not in left:
            bound[request.server, request.device_rp_uuid] += 1
    for (server, provider), count in bound.items():
        record = records.servers[server]
        if record.vm_state in _SETTLED and record.task_state is None:
            assert cloud.allocations(server)[provider]["FPGA"] == count

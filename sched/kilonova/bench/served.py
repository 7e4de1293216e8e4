"""Clouds whose hosts have many servers, and the records of these servers.

The rows of allocations are written at once: a claim each would take longer than what is
to be measured.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kilonova.bench.bulk_cloud import lay_cloud
from kilonova.bench.document import Inventory, provider
from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.cloud.hosts import derive_hosts
from kilonova.cloud.state import State
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor

AMOUNTS = {"VCPU": 1, "MEMORY_MB": 1_024, "DISK_GB": 10}
FLAVOR = Flavor(1, 1_024, 10)


def random_uuids(count: int, seed: int = 0) -> list[str]:
    """Give UUIDs, of a fixed seed."""
    raw = np.random.default_rng(seed).bytes(16 * count).hex()
    return [
        f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"
        for x in (raw[at : at + 32] for at in range(0, len(raw), 32))
    ]


def served_cloud(hosts: int, servers: Sequence[str], classes: int) -> Cloud:
    """Make flat hosts, and servers on them in turn, with amounts of some classes."""
    offers: dict[str, Inventory] = {name: {"total": 1_000_000} for name in AMOUNTS}
    cloud = lay_cloud([provider("host00000", None, offers)], hosts)
    state = cloud.state
    first = claims.add_consumers(state, list(servers))
    host = np.arange(len(servers)) % hosts
    rows = host[:, None] * len(AMOUNTS) + np.arange(classes)
    amounts = np.array(list(AMOUNTS.values())[:classes])
    lay_allocations(state, first, rows, amounts)
    derive_hosts(state)
    return cloud


def lay_allocations(
    state: State, first: int, inventories: NDArray[np.int64], amounts: NDArray[np.int64]
) -> None:
    """Let consumers without allocations hold amounts, whether or not there is room.

    Parameters
    ----------
    state
        No row of its allocations is free.
    first
        Row of the first consumer; the others follow.
    inventories
        What each of them holds of, ascending, (S, K).
    amounts
        How much of each, (K,).
    """
    count, each = inventories.shape
    table, consumers = state.tables.allocation, slice(first, first + count)
    start = table.append(count * each)
    rows = np.arange(start, start + count * each).reshape(count, each)
    last = np.full((count, 1), -1)
    table["consumer"][start:] = np.repeat(np.arange(first, first + count), each)
    table["inventory"][start:] = inventories.reshape(-1)
    table["amount"][start:] = np.tile(amounts, count)
    table["next"][start:] = np.hstack([rows[:, 1:], last]).reshape(-1)
    state.tables.consumer["first"][consumers] = rows[:, 0]
    used = state.tables.inventory["used"]
    for place, amount in enumerate(amounts.tolist()):
        used += amount * np.bincount(inventories[:, place], minlength=len(used))
    state.counters[1] = table.count
    state.counters[3] += count * each
    state.rows_moved()


def records_of(cloud: Cloud, servers: Sequence[str]) -> Records:
    """Make the records of servers that are on the hosts of a cloud in turn."""
    names = cloud.state.host_names.to_list()
    return Records(
        servers={
            uuid: Server(uuid, FLAVOR, host=name, node=name, created_at=float(number))
            for number, uuid in enumerate(servers)
            for name in (names[number % len(names)],)
        }
    )

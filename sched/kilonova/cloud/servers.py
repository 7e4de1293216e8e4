"""What hosts count for servers: a consumer with a host is a server there."""

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State

# What a consumer says of the server that its host counts.
COLUMNS = ("host", "vcpus", "memory_mb", "disk_mb", "building", "group")


def join_host(
    state: State, row: int, host: int, takes: tuple[int, int, int], group: int
) -> None:
    """Count a server among those of a host, as being built.

    Parameters
    ----------
    state
        The columns.
    row, host
        Rows of its consumer, which is on no host, and of the host.
    takes
        CPUs, MiB of memory and MiB of disk.
    group
        Number of its server group, -1 for none.
    """
    table, hosts = state.tables.consumer, state.hosts.table
    for column, value in zip(COLUMNS, (host, *takes, 1, group), strict=True):
        table[column][row] = value
    hosts["vcpus_used"][host] += takes[0]
    hosts["free_ram_mb"][host] -= takes[1]
    hosts["free_disk_mb"][host] -= takes[2]
    hosts["num_instances"][host] += 1
    hosts["num_io_ops"][host] += 1
    if group >= 0:
        state.groups.join(group, host)
    note_host(state, host)


def leave_host(state: State, row: int) -> None:
    """Give back what a server takes of its host, and leave its server group."""
    table, hosts = state.tables.consumer, state.hosts.table
    host = int(table["host"][row])
    if host < 0:
        return
    hosts["vcpus_used"][host] -= table["vcpus"][row]
    hosts["free_ram_mb"][host] += table["memory_mb"][row]
    hosts["free_disk_mb"][host] += table["disk_mb"][row]
    hosts["num_instances"][host] -= 1
    hosts["num_io_ops"][host] -= table["building"][row]
    state.hosts.give_back(row, host)
    if (group := int(table["group"][row])) >= 0:
        state.groups.leave(group, host)
    for column in ("host", "group"):
        table[column][row] = -1
    table["building"][row] = 0
    note_host(state, host)


def hand_server(state: State, source: int, target: int) -> None:
    """Let the target be what its host counts, in place of the source."""
    leave_host(state, target)
    for column in COLUMNS:
        values = state.tables.consumer[column]
        values[target] = values[source]
    for column in ("host", "group"):
        state.tables.consumer[column][source] = -1
    state.tables.consumer["building"][source] = 0
    if source in state.hosts.uses:
        state.hosts.uses[target] = state.hosts.uses.pop(source)


def note_host(state: State, host: int) -> None:
    """Enter the tree of a host in the journal: the host is not what it was."""
    provider = int(state.hosts.table["provider"][host])
    if provider >= 0:
        state.note(provider)


def note_hosts(state: State, hosts: NDArray[np.int32]) -> None:
    """Do what ``note_host`` does for each of some hosts."""
    from kilonova_kernels.claims import record_changes

    providers = state.hosts.table["provider"][hosts]
    record_changes(state.columns(), providers[providers >= 0])

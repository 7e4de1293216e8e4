"""What a server takes of its host, as the host counts it, and its server group."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.host_columns import GroupColumns, HostColumns, ShapeColumns
from kilonova_kernels.wide import wide


@part
def join_host(
    hosts: HostColumns, shapes: ShapeColumns, shape: int, consumer: int, host: int
) -> None:
    """Count a server of some shape among those of a host, and as being built.

    Notes
    -----
    As ``HostState.consume_from_request`` in Nova's ``scheduler/host_manager.py``.
    """
    hosts.consumer_host[consumer] = host
    hosts.consumer_vcpus[consumer] = shapes.vcpus[shape]
    hosts.consumer_memory_mb[consumer] = shapes.memory_mb[shape]
    hosts.consumer_disk_mb[consumer] = shapes.disk_mb[shape]
    hosts.consumer_building[consumer] = 1
    count_server(hosts, consumer, 1)


@part
def count_server(hosts: HostColumns, consumer: int, sign: int) -> None:
    """Add (``sign`` 1) a server to what its host counts, or take it away (-1)."""
    host = hosts.consumer_host[consumer]
    hosts.host_vcpus_used[host] += sign * hosts.consumer_vcpus[consumer]
    hosts.host_free_ram_mb[host] -= sign * hosts.consumer_memory_mb[consumer]
    hosts.host_free_disk_mb[host] -= sign * hosts.consumer_disk_mb[consumer]
    hosts.host_num_instances[host] += sign
    hosts.host_num_io_ops[host] += sign * wide(hosts.consumer_building[consumer])


@part
def leave_host(hosts: HostColumns, consumer: int) -> int:
    """Give back what a server takes of its host; give that host, or -1."""
    host = hosts.consumer_host[consumer]
    if host >= 0:
        count_server(hosts, consumer, -1)
        hosts.consumer_host[consumer] = -1
        hosts.consumer_building[consumer] = 0
    return int(host)


@kernel
def add_member(groups: GroupColumns, group: int, host: int, sign: int) -> None:
    """Count one member more (``sign`` 1) or less (-1) of a group on a host.

    There is room for one more entry.
    """
    free = -1
    entry = groups.first[group]
    while entry >= 0:
        if groups.host[entry] == host and groups.members[entry] > 0:
            groups.members[entry] += sign
            return
        if groups.members[entry] == 0:
            free = entry
        entry = groups.next[entry]
    if free < 0:
        free = groups.used[0]
        groups.used[0] += 1
        groups.next[free] = groups.first[group]
        groups.first[group] = free
    groups.host[free] = host
    groups.members[free] = sign


@part
def members_on(groups: GroupColumns, group: int, host: int) -> int:
    """Count the members of a group on one host."""
    entry = groups.first[group]
    while entry >= 0:
        if groups.host[entry] == host and groups.members[entry] > 0:
            return int(groups.members[entry])
        entry = groups.next[entry]
    return 0

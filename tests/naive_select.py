"""What the oracle of selection says of a cloud as it is now, for one server."""

from dataclasses import replace

from kilonova import Cloud
from kilonova.cloud.host import Host
from kilonova.cloud.host_view import host_view
from kilonova.cloud.hosts import servers_of
from kilonova.hosts.rooms import rooms_of
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.server import ServerGroup, ServerSpec
from oracle.select import Best, selected


def naive(cloud: Cloud, scheduler: Scheduler, spec: ServerSpec) -> Best:
    """Filter and weigh all hosts one by one; a server group is as the cloud has it."""
    hosts = [_viewed(cloud, row) for row in range(len(cloud.state.hosts))]
    candidates = cloud.allocation_candidates(scheduler.shape(spec).request)
    fitting = {uuid for found in candidates for uuid in found.allocations}
    room = {host.nodename: host.uuid in fitting for host in hosts}
    group = spec.server_group
    if group is not None:
        group = _group_now(cloud, group)
    return selected(hosts, room, spec, scheduler.options, group)


def _viewed(cloud: Cloud, row: int) -> Host:
    host = host_view(cloud.state, row)
    host.instances = servers_of(cloud.state, row)
    host.rooms = rooms_of(cloud.state, row)
    return host


def _group_now(cloud: Cloud, group: ServerGroup) -> ServerGroup:
    state = cloud.state
    consumer, names = state.tables.consumer, state.consumer_uuids
    number = state.groups.find(group.uuid)
    rows = [
        row
        for row in range(consumer.count)
        if consumer["group"][row] == number >= 0 and consumer["host"][row] >= 0
    ]
    return replace(
        group,
        members=frozenset(names[row] for row in rows),
        hosts=frozenset(state.hosts.names[consumer["host"][row]] for row in rows),
    )

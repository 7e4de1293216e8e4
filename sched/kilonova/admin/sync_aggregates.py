"""Host aggregates mirrored to Placement's aggregates."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kilonova.cloud.cloud import BaseCloud
from kilonova.cloud.inventories import set_aggregates
from kilonova.cloud.state import State
from kilonova.errors import KilonovaError, UnknownAggregate
from kilonova.records.records import Records

SYNCED = 0
SEVERAL_NODES = 1
NOT_READ = 2
NOT_UPDATED = 3
NO_HOST_MAPPING = 4
NO_COMPUTE_NODE = 5
NO_PROVIDER = 6

Hook = Callable[[str], None]
"""Takes the name of a host, and raises KilonovaError where its turn is to fail."""


@dataclass(slots=True)
class SyncResult:
    """What came of it.

    Attributes
    ----------
    code
        Exit status, one of the constants of this module: the last of those that apply.
    message
        Why it ended at once, or empty.
    added
        Pairs of host and UUID of the aggregate to which its provider was added.
    unmapped, without_node, without_provider
        Hosts of aggregates that no cell is known of, that have no compute node, and
        whose compute node has no provider; by name.
    """

    code: int = SYNCED
    message: str = ""
    added: list[tuple[str, str]] = field(default_factory=list)
    unmapped: set[str] = field(default_factory=set)
    without_node: set[str] = field(default_factory=set)
    without_provider: set[str] = field(default_factory=set)

    def lines(self) -> list[str]:
        """Give a line for each kind of trouble."""
        found = [self.message] if self.message else []
        for hosts, what in (
            (self.unmapped, "are in host aggregates and mapped to no cell"),
            (self.without_node, "are in host aggregates and have no compute node"),
            (self.without_provider, "have a compute node without resource provider"),
        ):
            if hosts:
                found.append(f"These hosts {what}: {', '.join(sorted(hosts))}.")
        return found


def sync_aggregates(
    cloud: BaseCloud,
    records: Records | None = None,
    *,
    read: Hook | None = None,
    update: Hook | None = None,
    tell: Callable[[str], None] | None = None,
) -> SyncResult:
    """Add the provider of each host to the aggregates of its host aggregates.

    Nothing is ever taken away: an aggregate of Placement may have other members.

    Parameters
    ----------
    cloud
        Changed as it goes; what was added before a failure stays.
    records
        Its ``host_mappings`` and ``aggregate_hosts`` count.
    read, update
        Called before the aggregates of a host's provider are read, and replaced.
    tell
        Takes a line for each thing that is done.

    Raises
    ------
    UnknownAggregate
        ``aggregate_hosts`` names one that is not there; nothing was done.

    Notes
    -----
    As ``nova-manage placement sync_aggregates``. Of a provider that is in the aggregate
    already nothing is written, so that its generation stays.
    """
    sync = _Sync(
        cloud.state,
        records or Records(),
        read or _nothing,
        update or _nothing,
        tell or _nothing,
    )
    with cloud.state.lock:
        for uuid, name, hosts in sync.members():
            sync.tell(f"Aggregate {name or uuid}:")
            for host in hosts:
                if not sync.add(uuid, host):
                    return sync.result
    return sync.result


def _nothing(text: str) -> None:
    """Take a text and do nothing."""


@dataclass(slots=True)
class _Sync:
    """One call of ``sync_aggregates``."""

    state: State
    records: Records
    read: Hook
    update: Hook
    tell: Callable[[str], None]
    result: SyncResult = field(default_factory=SyncResult)

    def members(self) -> list[tuple[str, str, list[str]]]:
        """Give UUID, name and services of each host aggregate."""
        hosts = self.state.hosts
        more = self.records.aggregate_hosts
        if unknown := more.keys() - {each.uuid for each in hosts.aggregates}:
            raise UnknownAggregate(
                f"Records: aggregate_hosts has {min(unknown)!r}, which is no host "
                f"aggregate of this cloud; it has {len(hosts.aggregates)}."
            )
        listed: list[dict[str, None]] = [{} for _ in hosts.aggregates]
        services = hosts.table["service"].tolist()
        for row, members in enumerate(hosts.table["aggregate_set"].tolist()):
            for number in hosts.aggregate_sets[members]:
                listed[number][hosts.services[services[row]]] = None
        return [
            (
                each.uuid,
                each.name,
                list(dict.fromkeys([*mine, *more.get(each.uuid, ())])),
            )
            for each, mine in zip(hosts.aggregates, listed, strict=True)
        ]

    def add(self, aggregate: str, host: str) -> bool:
        """Add one host's provider to an aggregate; say whether to go on."""
        nodes = self._nodes(host)
        if nodes is None:
            return self._missing(NO_HOST_MAPPING, self.result.unmapped, host)
        if not len(nodes):
            return self._missing(NO_COMPUTE_NODE, self.result.without_node, host)
        if len(nodes) > 1:
            why = f"Host {host!r} has {len(nodes)} compute nodes, not one."
            return self._stop(SEVERAL_NODES, why)
        provider = int(self.state.hosts.table["provider"][nodes[0]])
        what = f"Aggregate {aggregate}, provider of host {host!r}"
        try:
            self.read(host)
        except KilonovaError as error:
            return self._stop(NOT_READ, f"{what}: not read: {error}")
        if provider < 0:
            return self._missing(NO_PROVIDER, self.result.without_provider, host)
        there = self._aggregates(provider)
        if aggregate not in there:
            try:
                self.update(host)
                set_aggregates(self.state, provider, [*there, aggregate], None)
            except KilonovaError as error:
                return self._stop(NOT_UPDATED, f"{what}: not updated: {error}")
            self.result.added.append((host, aggregate))
        self.tell(f"Host {host}: its provider is in aggregate {aggregate}.")
        return True

    def _nodes(self, host: str) -> list[int] | None:
        """Give the rows of a service's compute nodes, None if no cell has it."""
        hosts, mappings = self.state.hosts, self.records.host_mappings
        number = hosts.services.find(host)
        rows = np.flatnonzero(hosts.table["service"] == number).tolist()
        if not mappings:
            return rows or None
        if host not in mappings:
            return None
        cells = (-1, hosts.cells.find(mappings[host]))
        return [row for row in rows if int(hosts.table["cell"][row]) in cells]

    def _aggregates(self, provider: int) -> list[str]:
        number = int(self.state.tables.provider["aggregate_set"][provider])
        members = sorted(self.state.aggregate_sets[number])
        return [self.state.aggregates[i] for i in members]

    def _missing(self, code: int, hosts: set[str], host: str) -> bool:
        hosts.add(host)
        self.result.code = max(self.result.code, code)
        return True

    def _stop(self, code: int, message: str) -> bool:
        self.result.code, self.result.message = code, message
        return False

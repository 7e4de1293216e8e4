"""Audit of allocations: which belong to no server and to no migration in progress."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilonova.admin.audit_homes import NOWHERE, migration_homes, server_homes
from kilonova.admin.audit_names import names_of
from kilonova.admin.audit_orphans import Orphan, Orphans
from kilonova.cloud import claims
from kilonova.cloud.claims import Owner
from kilonova.cloud.cloud import BaseCloud
from kilonova.cloud.hosts import derive_hosts
from kilonova.cloud.state import State
from kilonova.errors import KilonovaError
from kilonova.records.records import Records

NOVA_CLASSES = (
    "VCPU",
    "MEMORY_MB",
    "DISK_GB",
    "VGPU",
    "NET_BW_EGR_KILOBIT_PER_SEC",
    "NET_BW_IGR_KILOBIT_PER_SEC",
    "PCPU",
    "MEM_ENCRYPTION_CONTEXT",
)
"""A consumer that holds none of these at a provider is not looked at by Nova."""

CLEAN, FAILED, FOUND, DELETED = 0, 1, 3, 4


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What is audited, and what becomes of what is found.

    Attributes
    ----------
    provider
        UUID or name of the one provider that is looked at; None: all.
    delete
        Whether orphans are deleted.
    all_classes
        Whether all resource classes count, and not only ``NOVA_CLASSES``.
    hosts_only
        Whether trees without a compute node are left out, as those of sharing
        providers are. Nova takes every consumer there for an orphan.
    """

    provider: str | None = None
    delete: bool = False
    all_classes: bool = False
    hosts_only: bool = False


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found.

    Attributes
    ----------
    options
        What was asked for.
    orphans
        In the order of providers and then of consumers; those at providers after one
        with a failure are not among them, if they were to be deleted.
    without_compute_node
        Providers that were looked at and whose root is no compute node.
    unnamed
        Consumers without UUID, which nobody can look for; they are left alone.
    """

    options: AuditOptions
    orphans: Orphans
    without_compute_node: tuple[str, ...] = ()
    unnamed: int = 0

    @property
    def failures(self) -> tuple[Orphan, ...]:
        """Those that could not be deleted."""
        return tuple(self.orphans[i] for i in sorted(self.orphans.failures))

    @property
    def code(self) -> int:
        """Exit status: 0 none found, 1 a failure, 3 found, 4 found and deleted."""
        if not self.orphans:
            return CLEAN
        if self.orphans.failures:
            return FAILED
        return DELETED if self.options.delete else FOUND


@dataclass(frozen=True, slots=True)
class _Rows:
    """Allocations that are looked at: provider, consumer and class of each, (A,)."""

    at: NDArray[np.int64]
    provider: NDArray[np.int32]
    consumer: NDArray[np.int32]
    resource_class: NDArray[np.int16]

    def where(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "_Rows":
        """Give those of a mask, or those at some places in their order."""
        return _Rows(
            self.at[which],
            self.provider[which],
            self.consumer[which],
            self.resource_class[which],
        )


def audit(
    cloud: BaseCloud, records: Records, options: AuditOptions | None = None
) -> AuditResult:
    """Find allocations of consumers that are not where they hold something.

    A consumer belongs at a provider if the compute node of the provider's tree has the
    server, or is source or destination of the migration in progress, of that UUID.

    Parameters
    ----------
    cloud
        With its hosts; one without any has one for each tree that offers CPUs, as for
        a ``Scheduler``. Otherwise changed only where orphans are to be deleted.
    records
        Servers and migrations.
    options
        Left out: all providers, and nothing is deleted.

    Raises
    ------
    UnknownProvider
        There is no such provider.

    Notes
    -----
    Same orphans, in the same order of work, as ``nova-manage placement audit``. A
    consumer that holds something elsewhere keeps that: its allocations are replaced by
    the rest, which bumps generations; else it is deleted, which does not. At the first
    provider with a failure the run ends after the consumers of that provider.
    """
    asked = options or AuditOptions()
    state = cloud.state
    with state.lock:
        if not len(state.hosts):
            derive_hosts(state)
        only = None if asked.provider is None else state.provider_row(asked.provider)
        node = _compute_nodes(state)
        rows = _rows(state, only)
        if asked.hosts_only:
            rows = rows.where(node[rows.provider] >= 0)
        named = state.consumer_uuids.named()
        is_named = named[rows.consumer]
        unnamed = len(np.unique(rows.consumer[~is_named]))
        rows = rows.where(is_named) if unnamed else rows
        away = ~_is_home(state, records, rows, node)
        lost = _looked_at(state, rows.where(away), asked.all_classes)
        orphans = _orphans(state, lost)
        last = _delete_all(state, orphans) if asked.delete else None
        looked = np.arange(len(node)) if only is None else np.array([only])
        if last is not None:
            looked = looked[looked <= last]
        bare = [] if asked.hosts_only else looked[node[looked] < 0].tolist()
        without = tuple(state.provider_identity(row) for row in bare)
        return AuditResult(asked, orphans, without, unnamed)


def _compute_nodes(state: State) -> NDArray[np.int32]:
    """Give the host row of each provider's tree, (P,) int32; -1 for none."""
    found = np.full(state.tables.provider.count, NOWHERE, np.int32)
    providers = state.hosts.table["provider"]
    known = np.flatnonzero(providers >= 0)
    found[providers[known]] = known
    nodes: NDArray[np.int32] = found[state.tables.provider["root"]]
    return nodes


def _rows(state: State, only: int | None) -> _Rows:
    """Give the allocations of all providers, or of one."""
    allocation, inventory = state.tables.allocation, state.tables.inventory
    at = np.flatnonzero(allocation["consumer"] >= 0)
    inventories = allocation["inventory"][at]
    providers = inventory["provider"][inventories]
    if only is not None:
        there = providers == only
        at, inventories, providers = at[there], inventories[there], providers[there]
    classes = inventory["resource_class"][inventories]
    return _Rows(at, providers, allocation["consumer"][at], classes)


def _is_home(
    state: State, records: Records, rows: _Rows, node: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the allocations whose consumer belongs there, (A,) bool."""
    here = node[rows.provider]
    homes = server_homes(state, records, rows.consumer)
    found: NDArray[np.bool_] = homes[rows.consumer] == here
    consumers, hosts = migration_homes(state, records)
    if len(consumers):
        # One number for a consumer at a host, so that pairs can be looked for.
        size = len(state.hosts)
        pairs = rows.consumer.astype(np.int64) * size + here
        found |= np.isin(pairs, consumers * size + hosts)
    return found & (here >= 0)


def _looked_at(state: State, rows: _Rows, all_classes: bool) -> _Rows:
    """Keep consumers that hold a class that counts, provider by provider, in order."""
    order = np.lexsort((rows.resource_class, rows.consumer, rows.provider))
    rows = rows.where(order)
    if all_classes or not len(order):
        return rows
    numbers = [state.resource_classes.find(name) for name in NOVA_CLASSES]
    counts = np.isin(rows.resource_class, [n for n in numbers if n >= 0])
    starts = _starts(rows)
    any_counts = np.logical_or.reduceat(counts, starts)
    return rows.where(np.repeat(any_counts, np.diff([*starts, len(order)])))


def _starts(rows: _Rows) -> NDArray[np.int64]:
    """Give where each pair of provider and consumer starts."""
    differs = np.diff(rows.provider) != 0
    differs |= np.diff(rows.consumer) != 0
    return np.concatenate(([0], np.flatnonzero(differs) + 1))


def _orphans(state: State, rows: _Rows) -> Orphans:
    starts = _starts(rows) if len(rows.at) else np.zeros(0, np.int64)
    providers = rows.provider[starts]
    return Orphans(
        providers=providers,
        consumers=names_of(
            state.consumer_uuids, rows.consumer[starts].astype(np.int64)
        ),
        starts=np.concatenate((starts, [len(rows.at)])),
        classes=rows.resource_class,
        amounts=state.tables.allocation["amount"][rows.at],
        provider_names={
            row: state.provider_identity(row) for row in np.unique(providers).tolist()
        },
        class_names={
            number: state.resource_classes[number]
            for number in np.unique(rows.resource_class).tolist()
        },
    )


def _delete_all(state: State, orphans: Orphans) -> int | None:
    """Delete orphans in their order; give the provider that was the last, or None.

    After a provider with a failure nothing more is done, and the orphans end there.
    """
    last = None
    for number, row in enumerate(orphans.providers.tolist()):
        if last is not None and row > last:
            orphans.cut(number)
            break
        failure = _delete(state, row, orphans.consumers[number])
        if failure is not None:
            orphans.failures[number] = failure
            last = row
    return last


def _delete(state: State, row: int, consumer: str) -> str | None:
    """Take away what a consumer holds at a provider; give why not, or None.

    Notes
    -----
    As ``_delete_allocations_from_consumer`` in Nova's ``cmd/manage.py``.
    """
    kept = claims.amounts(state, consumer)
    kept.pop(state.provider_identity(row), None)
    try:
        if kept:
            claims.claim(state, consumer, kept, Owner())
        else:
            claims.release(state, consumer)
    except KilonovaError as error:
        return str(error)
    return None

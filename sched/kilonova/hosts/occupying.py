"""A server takes NUMA cells and PCI devices of the host that it was given."""

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from kilonova.cloud.host_use import HostUse, use_between
from kilonova.cloud.host_values import Pools
from kilonova.cloud.host_view import cells_view
from kilonova.cloud.hosts import Hosts, ratios_of
from kilonova.cloud.servers import note_host
from kilonova.cloud.state import State
from kilonova.hosts.consume import occupied
from kilonova.hosts.device_candidates import maps_devices
from kilonova.hosts.numa_fit import Limits, limits_of
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

Mappings = Mapping[str, Sequence[str]]


class Change(NamedTuple):
    """Numbers of a host's cells and pools then, what was taken, and why not all."""

    numa: int
    pci: int
    use: HostUse
    conflict: str | None


def needs_occupying(spec: ServerSpec) -> bool:
    """Say whether a server takes NUMA cells or PCI devices."""
    return bool(spec.topology and spec.topology.cells) or bool(spec.pci_requests)


def occupy(
    state: State,
    consumer: int,
    spec: ServerSpec,
    options: Options,
    mappings: Mappings,
) -> str | None:
    """Put a server's guest into the cells of its host, and take its devices.

    Parameters
    ----------
    state
        The cloud; the amounts of the server were counted already.
    consumer
        Row of the server's consumer.
    spec, options
        What it asks, and how cells are chosen.
    mappings
        Providers of its groups, by suffix.

    Returns
    -------
    str | None
        Why cells or devices could not be taken; None where they were. Nova logs that
        and goes on.

    Raises
    ------
    NotReported
        The host has NUMA cells and no allocation ratio.
    """
    hosts = state.hosts
    row = int(state.tables.consumer["host"][consumer])
    outside = {group.suffix: mappings.get(group.suffix, ()) for group in spec.groups}
    if maps_devices(spec):
        # Providers are of one host alone: this will hardly come again.
        change = _changed(hosts, row, spec, options, outside)
    else:
        key = _asked(hosts, row, spec, options, bool(outside))
        change = hosts.changes.get(key) or hosts.changes.keep(
            key, _changed(hosts, row, spec, options, outside)
        )
    hosts.renumber(row, change.numa, change.pci)
    hosts.uses[consumer] = change.use
    note_host(state, row)
    return change.conflict


def _asked(
    hosts: Hosts, row: int, spec: ServerSpec, options: Options, mapped: bool
) -> Hashable:
    """Give all that decides on what becomes of a host's cells and pools."""
    return (
        hosts.numbers_of(row),
        ratios_of(hosts, row),
        spec.topology,
        spec.pci_requests,
        spec.networks,
        mapped,
        options.compute.packing_host_numa_cells_allocation_strategy,
        _is_fitted(options.filter_scheduler.enabled_filters),
    )


@lru_cache(maxsize=64)
def _is_fitted(enabled: tuple[str, ...]) -> bool:
    """Say whether hosts are filtered by their NUMA cells."""
    return any(name.rpartition(".")[2] == "NUMATopologyFilter" for name in enabled)


def _changed(
    hosts: Hosts, row: int, spec: ServerSpec, options: Options, mapping: Mappings
) -> Change:
    numa, pci = hosts.numbers_of(row)
    before = (
        hosts.numa[numa] if numa >= 0 else None,
        hosts.pci[pci].values() if pci >= 0 else None,
    )
    limits = None
    if before[0] and _is_fitted(options.filter_scheduler.enabled_filters):
        limits = _limits(hosts, row, spec)
    left = occupied(before, spec, options, mapping=mapping, limits=limits)
    use = use_between(before, (left.cells, left.pools))
    if left.cells is not None and left.cells is not before[0]:
        numa = hosts.numa.number(left.cells)
    if left.pools is not None and left.pools is not before[1]:
        pci = hosts.pci.number(Pools.of(left.pools))
    return Change(numa, pci, use, left.conflict)


def _limits(hosts: Hosts, row: int, spec: ServerSpec) -> Limits:
    cpu, ram = ratios_of(hosts, row)
    if cpu is None or ram is None:
        # It says what is missing of which host.
        return limits_of(cells_view(hosts, row), spec)
    return Limits(cpu, ram, spec.networks)

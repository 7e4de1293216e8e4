"""A server takes NUMA cells and PCI devices of the host that it was given."""

from collections.abc import Mapping, Sequence

from kilonova.cloud.host_use import use_between
from kilonova.cloud.hosts import host_view
from kilonova.cloud.servers import note_host
from kilonova.cloud.state import State
from kilonova.hosts.consume import consumed
from kilonova.hosts.numa_fit import limits_of
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def needs_occupying(spec: ServerSpec) -> bool:
    """Say whether a server takes NUMA cells or PCI devices."""
    return bool(spec.topology and spec.topology.cells) or bool(spec.pci_requests)


def occupy(
    state: State,
    consumer: int,
    spec: ServerSpec,
    options: Options,
    mappings: Mapping[str, Sequence[str]],
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
    """
    hosts = state.hosts
    row = int(state.tables.consumer["host"][consumer])
    host = host_view(state, row)
    enabled = options.filter_scheduler.enabled_filters
    fitted = "NUMATopologyFilter" in {name.rpartition(".")[2] for name in enabled}
    outside = {group.suffix: mappings.get(group.suffix, ()) for group in spec.groups}
    taken = consumed(
        host,
        spec,
        options,
        mapping=outside,
        limits=limits_of(host, spec) if fitted and host.numa_cells else None,
    )
    use = use_between(
        (host.numa_cells, host.pci_pools), (taken.numa_cells, taken.pci_pools)
    )
    if taken.numa_cells is not None:
        hosts.set_cells(row, tuple(taken.numa_cells))
    if taken.pci_pools is not None:
        hosts.set_pools(row, taken.pci_pools)
    hosts.uses[consumer] = use
    note_host(state, row)
    return taken.conflict

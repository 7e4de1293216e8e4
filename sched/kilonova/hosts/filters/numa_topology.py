"""NUMATopologyFilter: the guest's NUMA cells fit into cells of the host."""

from collections.abc import Hashable, Sequence

from kilonova.cloud.host import Host, HostCell
from kilonova.hosts.filters.register import Candidates, Filter, OfCells, register
from kilonova.hosts.numa_fit import Devices, Guests, limits_of, one_cell
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def narrow(host: Host, spec: ServerSpec, options: Options) -> Candidates | None:
    """Give the allocation candidates with which the guest fits, None without any.

    Raises
    ------
    NotReported
        The host has NUMA cells and no allocation ratio.
    """
    if host.numa_cells and _needs_threads(spec) and not _has_threads(host.numa_cells):
        return None
    topology = spec.topology
    if topology is None or not topology.cells:
        return host.candidates
    if not host.numa_cells:
        return None
    limits = limits_of(host, spec)
    pack = options.compute.packing_host_numa_cells_allocation_strategy
    guests = Guests(topology)
    pools = host.pci_pools if _minds_devices(spec) else None
    kept = []
    for candidate in host.candidates:
        devices = Devices(pools, spec.pci_requests, candidate)
        if guests.fit(host.numa_cells, limits=limits, devices=devices, pack=pack):
            kept.append(candidate)
    return tuple(kept) or None


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether the guest fits with one of the allocation candidates.

    Raises
    ------
    NotReported
        The host has NUMA cells and no allocation ratio.
    """
    return narrow(host, spec, options) is not None


def of_cells(spec: ServerSpec, options: Options) -> OfCells | None:
    """Give the rule for a guest with one cell, None for others.

    Nothing is kept of a trial then, and host CPUs need not be chosen.
    """
    topology = spec.topology
    if topology is None or len(topology.cells) != 1 or _minds_devices(spec):
        return None
    holds = one_cell(topology, spec.networks)
    if not _needs_threads(spec):
        return holds
    return lambda cells, cpu, ram: _has_threads(cells) and holds(cells, cpu, ram)


def _needs_threads(spec: ServerSpec) -> bool:
    """Say whether flavor or image ask for pinned CPUs in pairs of threads."""
    extra_specs, properties = spec.flavor.extra_specs, spec.image.properties
    return "dedicated" in (
        extra_specs.get("hw:cpu_policy"),
        properties.get("hw_cpu_policy"),
    ) and "require" in (
        extra_specs.get("hw:cpu_thread_policy"),
        properties.get("hw_cpu_thread_policy"),
    )


def _has_threads(cells: Sequence[HostCell]) -> bool:
    return any(len(core) > 1 for cell in cells for core in cell.siblings)


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give all that a fit looks at, None for a guest without cells."""
    threads = _needs_threads(spec)
    if not spec.topology and not threads:
        return None
    pack = options.compute.packing_host_numa_cells_allocation_strategy
    return spec.topology, spec.networks, spec.pci_requests, threads, pack


def _minds_devices(spec: ServerSpec) -> bool:
    """Say whether devices decide on a guest that has cells."""
    if spec.pci_requests or spec.topology is None:
        return bool(spec.pci_requests)
    # They change the order in which cells are tried. That matters to guests that keep
    # something of a trial that failed: a page size, or which of several cells it was.
    cells = spec.topology.cells
    return len(cells) > 1 or any((cell.pagesize_kb or 0) < 0 for cell in cells)


_READS = frozenset(
    {
        "numa_cells",
        "pci_pools",
        "candidates",
        "cpu_allocation_ratio",
        "ram_allocation_ratio",
    }
)

NUMA_TOPOLOGY = register(
    Filter(
        name="NUMATopologyFilter",
        passes=passes,
        asks=asks,
        reads=_READS,
        reads_for=lambda spec, options: (
            _READS if _minds_devices(spec) else _READS - {"pci_pools"}
        ),
        narrow=narrow,
        of_cells=of_cells,
        counts_cpus=True,
    )
)

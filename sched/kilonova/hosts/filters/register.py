"""What a filter is, and which there are."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kilonova.cloud.host import Host, HostAggregate, HostCell
from kilonova.errors import UnknownFilter
from kilonova.hosts.options import Options
from kilonova.hosts.registers import Register
from kilonova.request.server import ServerSpec

GROUP = "kilonova.filters"
ALL = "nova.scheduler.filters.all_filters"

# Says whether a host passes by its NUMA cells, and its ratios of CPUs and memory.
OfCells = Callable[[Sequence[HostCell], float, float], bool]
# What the filters of one host narrow: its allocation candidates, as mappings of
# suffixes to provider UUIDs.
Candidates = tuple[Mapping[str, Sequence[str]], ...]


class Threshold(NamedTuple):
    """A filter that is ``column < limit``.

    Attributes
    ----------
    column
        Attribute of a host.
    limit
        The limit by the aggregates of a host and the options.
    """

    column: str
    limit: Callable[[tuple[HostAggregate, ...], Options], float]


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule that hosts must pass.

    Attributes
    ----------
    name
        As options name it: that of Nova's class.
    passes
        The whole meaning, for one host; changes nothing.
    asks
        What of spec and options decides: with equal keys, hosts that are equal in what
        is read get equal answers. None: every host passes, whatever it is.
    reads
        Attributes of a host that ``passes`` looks at, at most.
    reads_for
        The same for one spec, where that is fewer.
    once
        Whether a multi-create runs it for its first server only.
    on_rebuild
        Whether a rebuild runs it; all other filters pass then.
    default
        Whether options enable it unless they say otherwise.
    timed
        Whether the answer changes with the clock too.
    threshold
        The same rule as a comparison of one column, where it is one.
    narrow
        For filters of allocation candidates: those of a host that are left, None where
        the host fails. ``passes`` says whether it is None.
    of_cells
        For some specs a quicker way to say the same of hosts that have NUMA cells and
        report their ratios, and of which no other attribute decides.
    counts_cpus
        Whether it does not matter which CPUs of NUMA cells are pinned, only how many
        of how many cores.
    """

    name: str
    passes: Callable[[Host, ServerSpec, Options], bool]
    asks: Callable[[ServerSpec, Options], Hashable | None]
    reads: frozenset[str] = frozenset()
    reads_for: Callable[[ServerSpec, Options], frozenset[str]] | None = None
    once: bool = False
    on_rebuild: bool = False
    default: bool = False
    timed: bool = False
    threshold: Threshold | None = None
    narrow: Callable[[Host, ServerSpec, Options], Candidates | None] | None = None
    of_cells: Callable[[ServerSpec, Options], OfCells | None] | None = None
    counts_cpus: bool = False

    def looks_at(self, spec: ServerSpec, options: Options) -> frozenset[str]:
        """Give the attributes of a host that decide for this spec."""
        return self.reads_for(spec, options) if self.reads_for else self.reads


_FOLDER = "kilonova.hosts.filters"
_REGISTER: Register[Filter] = Register(
    "filter",
    [
        f"{_FOLDER}.{name}"
        for name in (
            "all_hosts",
            "compute",
            "compute_capabilities",
            "image_properties",
            "server_groups",
            "instances",
            "simple_cidr",
            "numa_topology",
            "pci_passthrough",
            "io_ops",
            "num_instances",
            "metrics",
            "json_query",
            "aggregate_extra_specs",
            "aggregate_image_properties",
            "aggregate_tenants",
            "aggregate_types",
            "isolated_hosts",
        )
    ],
    GROUP,
    UnknownFilter,
)


def register(new: Filter) -> Filter:
    """Make a filter known by its name; the last one of a name stays."""
    return _REGISTER.add(new)


def registered() -> tuple[Filter, ...]:
    """Give all filters that there are."""
    return _REGISTER.all()


def find(name: str) -> Filter:
    """Give the filter of a name or of a class path.

    Raises
    ------
    UnknownFilter
        No filter has it; the message names the nearest.
    """
    return _REGISTER.find(name)


def available(options: Options) -> tuple[Filter, ...]:
    """Give the filters that ``available_filters`` allows.

    Raises
    ------
    UnknownFilter
        The option names a filter that there is not.
    """
    allowed: dict[str, Filter] = {}
    for name in options.filter_scheduler.available_filters:
        some = registered() if name.strip() == ALL else (find(name),)
        allowed |= {each.name: each for each in some}
    return tuple(allowed.values())


def enabled(options: Options) -> tuple[Filter, ...]:
    """Give the filters of ``enabled_filters``, in their order.

    Raises
    ------
    UnknownFilter
        One of them is not among the available; the message names all of these.
    """
    allowed = {each.name: each for each in available(options)}
    names = options.filter_scheduler.enabled_filters
    wrong = [name for name in names if name.rpartition(".")[2] not in allowed]
    if wrong:
        raise _REGISTER.missing(wrong)
    return tuple(allowed[name.rpartition(".")[2]] for name in names)

"""Options of the scheduler, with Nova's sections, names and defaults."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SchedulerSection:
    """Section ``[scheduler]``."""

    max_attempts: int = 3
    max_placement_results: int = 1000
    limit_tenants_to_placement_aggregate: bool = False
    placement_aggregate_required_for_tenants: bool = False
    query_placement_for_image_type_support: bool = False
    query_placement_for_routed_network_aggregates: bool = False
    enable_isolated_aggregate_filtering: bool = False
    image_metadata_prefilter: bool = False


@dataclass(frozen=True, slots=True)
class FilterSchedulerSection:
    """Section ``[filter_scheduler]``."""

    enabled_filters: tuple[str, ...] = (
        "ComputeFilter",
        "ComputeCapabilitiesFilter",
        "ImagePropertiesFilter",
        "ServerGroupAntiAffinityFilter",
        "ServerGroupAffinityFilter",
    )
    available_filters: tuple[str, ...] = ("nova.scheduler.filters.all_filters",)
    weight_classes: tuple[str, ...] = ("nova.scheduler.weights.all_weighers",)
    host_subset_size: int = 1
    shuffle_best_same_weighed_hosts: bool = False
    track_instance_changes: bool = True
    pci_in_placement: bool = False
    max_io_ops_per_host: int = 8
    max_instances_per_host: int = 50
    image_properties_default_architecture: str | None = None
    isolated_images: tuple[str, ...] = ()
    isolated_hosts: tuple[str, ...] = ()
    restrict_isolated_hosts_to_isolated_images: bool = True
    aggregate_image_properties_isolation_namespace: str | None = None
    aggregate_image_properties_isolation_separator: str = "."
    ram_weight_multiplier: float = 1.0
    cpu_weight_multiplier: float = 1.0
    disk_weight_multiplier: float = 1.0
    io_ops_weight_multiplier: float = -1.0
    pci_weight_multiplier: float = 1.0
    soft_affinity_weight_multiplier: float = 1.0
    soft_anti_affinity_weight_multiplier: float = 1.0
    build_failure_weight_multiplier: float = 1_000_000.0
    cross_cell_move_weight_multiplier: float = 1_000_000.0
    hypervisor_version_weight_multiplier: float = 1.0
    num_instances_weight_multiplier: float = 0.0
    image_props_weight_multiplier: float = 0.0
    image_props_weight_setting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricsSection:
    """Section ``[metrics]``."""

    weight_multiplier: float = 1.0
    weight_setting: tuple[str, ...] = ()
    required: bool = True
    weight_of_unavailable: float = -10000.0


@dataclass(frozen=True, slots=True)
class PciSection:
    """Section ``[pci]``: aliases as JSON texts."""

    alias: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComputeSection:
    """Section ``[compute]``."""

    packing_host_numa_cells_allocation_strategy: bool = False


@dataclass(frozen=True, slots=True)
class WorkaroundsSection:
    """Section ``[workarounds]``."""

    disable_fallback_pcpu_query: bool = False


@dataclass(frozen=True, slots=True)
class DefaultSection:
    """Section ``[DEFAULT]``."""

    service_down_time: int = 60
    default_schedule_zone: str | None = None


@dataclass(frozen=True, slots=True)
class KilonovaSection:
    """Section ``[kilonova]``: options of the weighers that Nova has not.

    Which units of devices are wasted follows from the servers that come: entries
    ``units[xdevices][@cpus]=share`` of ``fragmentation_workload``.
    """

    ram_share_weight_multiplier: float = 1.0
    cpu_share_weight_multiplier: float = 1.0
    disk_share_weight_multiplier: float = 1.0
    dominant_share_weight_multiplier: float = 1.0
    image_locality_weight_multiplier: float = 1.0
    fragmentation_weight_multiplier: float = 1.0
    fragmentation_resource_class: str = "VGPU"
    fragmentation_workload: tuple[str, ...] = ()
    stranded_bandwidth_weight_multiplier: float = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """All options that decide where a server goes."""

    default: DefaultSection = field(default_factory=DefaultSection)
    scheduler: SchedulerSection = field(default_factory=SchedulerSection)
    filter_scheduler: FilterSchedulerSection = field(
        default_factory=FilterSchedulerSection
    )
    metrics: MetricsSection = field(default_factory=MetricsSection)
    pci: PciSection = field(default_factory=PciSection)
    compute: ComputeSection = field(default_factory=ComputeSection)
    workarounds: WorkaroundsSection = field(default_factory=WorkaroundsSection)
    kilonova: KilonovaSection = field(default_factory=KilonovaSection)

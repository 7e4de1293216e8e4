"""All pre-filters, in Nova's order, and how more of them come in.

A package brings its own by an entry point of group ``kilonova.prefilters``::

    [project.entry-points."kilonova.prefilters"]
    office_hours = "my_package.prefilters:office_hours"

where ``office_hours(spec, context)`` gives a narrower spec, or the same. They run
after Nova's, by name.
"""

from collections.abc import Container, Sequence
from functools import cache
from importlib.metadata import entry_points

from kilonova.cloud.host import HostAggregate
from kilonova.hosts.options import Options
from kilonova.hosts.prefilters.accelerators import accelerators_filter
from kilonova.hosts.prefilters.availability_zone import map_az_to_placement_aggregate
from kilonova.hosts.prefilters.compute_status import compute_status_filter
from kilonova.hosts.prefilters.context import Context, PreFilter
from kilonova.hosts.prefilters.ephemeral_encryption import ephemeral_encryption_filter
from kilonova.hosts.prefilters.image_metadata import transform_image_metadata
from kilonova.hosts.prefilters.image_type import require_image_type_support
from kilonova.hosts.prefilters.isolated_aggregates import isolate_aggregates
from kilonova.hosts.prefilters.owner import owner_nova_filter
from kilonova.hosts.prefilters.packed_virtqueue import packed_virtqueue_filter
from kilonova.hosts.prefilters.remote_managed_ports import remote_managed_ports_filter
from kilonova.hosts.prefilters.routed_networks import routed_networks_filter
from kilonova.hosts.prefilters.tenant_aggregates import require_tenant_aggregate
from kilonova.hosts.prefilters.tpm_secret_security import tpm_secret_security_filter
from kilonova.hosts.prefilters.virtio_sound import virtio_sound_filter
from kilonova.request.server import ServerSpec

ENTRY_POINTS = "kilonova.prefilters"

NOVA_PREFILTERS: tuple[PreFilter, ...] = (
    require_tenant_aggregate,
    map_az_to_placement_aggregate,
    require_image_type_support,
    compute_status_filter,
    isolate_aggregates,
    transform_image_metadata,
    accelerators_filter,
    packed_virtqueue_filter,
    routed_networks_filter,
    remote_managed_ports_filter,
    ephemeral_encryption_filter,
    virtio_sound_filter,
    tpm_secret_security_filter,
    owner_nova_filter,
)


@cache
def prefilters() -> tuple[PreFilter, ...]:
    """Return Nova's pre-filters and those of other packages, in the order they run."""
    found = sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    return (*NOVA_PREFILTERS, *(point.load() for point in found))


def run(
    spec: ServerSpec,
    aggregates: Sequence[HostAggregate],
    options: Options,
    known_traits: Container[str] | None = None,
    service_version: int = 0,
) -> ServerSpec:
    """Narrow a spec by all pre-filters that are switched on.

    Parameters
    ----------
    spec
        What the server asks for; it is not changed.
    aggregates
        All host aggregates.
    options
        Those of ``[scheduler]`` hold the switches.
    known_traits
        Traits that may be asked for; None for OpenStack's own.
    service_version
        Lowest version of all nova-compute services; 0 where it is unknown.

    Raises
    ------
    RequestFilterFailed
        If a pre-filter finds that no host can take the server.
    BadServerSpec
        If flavor and image contradict each other.

    Notes
    -----
    Same order as ``ALL_REQUEST_FILTERS`` in Nova's ``scheduler/request_filter.py``.
    """
    context = Context(aggregates, options, service_version=service_version)
    if known_traits is not None:
        context = Context(aggregates, options, known_traits, service_version)
    for prefilter in prefilters():
        spec = prefilter(spec, context)
    return spec

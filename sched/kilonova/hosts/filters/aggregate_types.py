"""AggregateTypeAffinityFilter: aggregates that take flavors by name."""

from kilonova.cloud.host import Host
from kilonova.hosts.aggregates import values
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_KEY = "instance_type"


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether metadata ``instance_type`` names the flavor, if there is any."""
    listed = values(host.aggregates, _KEY)
    return not listed or any(
        spec.flavor.name in [name.strip() for name in value.split(",")]
        for value in listed
    )


AGGREGATE_TYPES = register(
    Filter(
        name="AggregateTypeAffinityFilter",
        passes=passes,
        asks=lambda spec, options: ("flavor", spec.flavor.name),
        reads=frozenset({"aggregates"}),
        once=True,
    )
)

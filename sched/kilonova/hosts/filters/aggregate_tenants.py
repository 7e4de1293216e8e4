"""AggregateMultiTenancyIsolation: aggregates that belong to some projects."""

from kilonova.cloud.host import Host
from kilonova.hosts.aggregates import split_values
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_PREFIX = "filter_tenant_id"


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether the aggregates of a host admit the project.

    All values of all keys that begin with ``filter_tenant_id`` count together; a host
    without such a key admits everybody.
    """
    admitted: set[str] = set()
    for key, values in split_values(host.aggregates).items():
        if key.startswith(_PREFIX):
            admitted |= values
    return not admitted or spec.project_id in admitted


AGGREGATE_TENANTS = register(
    Filter(
        name="AggregateMultiTenancyIsolation",
        passes=passes,
        asks=lambda spec, options: ("project", spec.project_id),
        reads=frozenset({"aggregates"}),
        once=True,
    )
)

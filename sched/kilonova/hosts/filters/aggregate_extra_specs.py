"""AggregateInstanceExtraSpecsFilter: extra specs compare with aggregate metadata."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.aggregates import split_values
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.operators import match
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_SCOPE = "aggregate_instance_extra_specs"


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether the aggregates of a host match all extra specs that are theirs.

    Those are the ones without a scope and those of the scope
    ``aggregate_instance_extra_specs``. The key must be there, and one of its values
    must match.

    Raises
    ------
    BadServerSpec
        A numeric operator meets what is no number.
    """
    wanted = _requirements(spec)
    if not wanted:
        return True
    metadata = split_values(host.aggregates)
    return all(
        any(
            match(value, requirement, f"extra spec {key!r}")
            # Sorted, so that the same values meet an operator in each run.
            for value in sorted(metadata.get(name, ()))
        )
        for name, key, requirement in wanted
    )


def _requirements(spec: ServerSpec) -> list[tuple[str, str, str]]:
    found = []
    for key, requirement in spec.flavor.extra_specs.items():
        scope, colon, name = key.partition(":")
        if not colon:
            found.append((key, key, requirement))
        elif scope == _SCOPE:
            found.append((name, key, requirement))
    return found


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the extra specs that count, in their order."""
    return tuple(_requirements(spec)) or None


AGGREGATE_EXTRA_SPECS = register(
    Filter(
        name="AggregateInstanceExtraSpecsFilter",
        passes=passes,
        asks=asks,
        reads=frozenset({"aggregates"}),
        once=True,
    )
)

"""A cloud as a document; the benchmarks share it, so it ships with the package."""

from kilonova.bench.document import (
    MAX_INT,
    Allocations,
    Consumer,
    Document,
    Inventory,
    Limits,
    NamedConsumer,
    Provider,
    consumers_of,
    limits_of,
    parents_first,
    provider_uuid,
    root_names,
    usages_of,
    uuid_of,
)

__all__ = [
    "MAX_INT",
    "Allocations",
    "Consumer",
    "Document",
    "Inventory",
    "Limits",
    "NamedConsumer",
    "Provider",
    "consumers_of",
    "limits_of",
    "parents_first",
    "provider_uuid",
    "root_names",
    "usages_of",
    "uuid_of",
]

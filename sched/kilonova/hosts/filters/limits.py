"""Filters that are ``column < limit``: for all hosts, or as their aggregates say."""

from collections.abc import Callable
from typing import NamedTuple

from kilonova.cloud.host import Host, HostAggregate
from kilonova.hosts.aggregates import smallest
from kilonova.hosts.filters.register import Filter, Threshold, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


class Limits(NamedTuple):
    """Two filters: by the option alone, and by the least limit of the aggregates."""

    plain: Filter
    aggregate: Filter


def register_limits(name: str, column: str, option: Callable[[Options], int]) -> Limits:
    """Make two filters known that compare a column with an option.

    Parameters
    ----------
    name
        Of the filter, without ``Filter``; the other one has ``Aggregate`` before it.
    column
        Attribute of a host, which must be below the limit.
    option
        Gives the limit; metadata of aggregates have it under ``max_`` and the part of
        ``column`` after ``num_``, ``_per_host``.
    """
    key = f"max_{column.removeprefix('num_')}_per_host"

    def limit(aggregates: tuple[HostAggregate, ...], options: Options) -> float:
        return option(options)

    def least(aggregates: tuple[HostAggregate, ...], options: Options) -> float:
        return smallest(aggregates, key, option(options), int)

    def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
        return bool(getattr(host, column) < option(options))

    def aggregate_passes(host: Host, spec: ServerSpec, options: Options) -> bool:
        return bool(getattr(host, column) < least(host.aggregates, options))

    plain = Filter(
        name=f"{name}Filter",
        passes=passes,
        asks=lambda spec, options: option(options),
        reads=frozenset({column}),
        threshold=Threshold(column, limit),
    )
    aggregate = Filter(
        name=f"Aggregate{name}Filter",
        passes=aggregate_passes,
        asks=lambda spec, options: option(options),
        reads=frozenset({column, "aggregates"}),
        threshold=Threshold(column, least),
    )
    return Limits(register(plain), register(aggregate))

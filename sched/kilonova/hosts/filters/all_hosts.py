"""AllHostsFilter: every host passes."""

from kilonova.hosts.filters.register import Filter, register

ALL_HOSTS = register(
    Filter(
        name="AllHostsFilter",
        passes=lambda host, spec, options: True,
        asks=lambda spec, options: None,
        once=True,
    )
)

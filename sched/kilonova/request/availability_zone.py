"""Availability zones, which may name a host too: ``zone:host:node``."""

from typing import NamedTuple

from kilonova.errors import BadServerSpec


class Zone(NamedTuple):
    """A zone, a host and a node, each None where none is named."""

    name: str | None = None
    host: str | None = None
    node: str | None = None


def parse_zone(text: str | None) -> Zone:
    """Read ``zone``, ``zone:host``, ``zone:host:node`` or ``zone::node``.

    Raises
    ------
    BadServerSpec
        As InvalidInput, if there are more parts.

    Notes
    -----
    Same parts as ``API.parse_availability_zone`` in Nova's ``compute/api.py``.
    """
    parts = (text or "").split(":")
    if len(parts) > 3:
        raise BadServerSpec(
            f"availability_zone must be like 'zone:host:node', got {text!r}.",
            "InvalidInput",
        )
    return Zone(*(part or None for part in parts))

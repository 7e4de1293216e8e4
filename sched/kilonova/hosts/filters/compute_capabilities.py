"""ComputeCapabilitiesFilter: extra specs compare with what a host is and reports."""

import json
from collections.abc import Hashable
from typing import Any

from kilonova.cloud.host import Host
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.operators import match
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_SCOPE = "capabilities"
_BITS = "hw:maxphysaddr_bits"
_BITS_PATH = "capabilities:cpu_info:maxphysaddr:bits"
_ATTRIBUTES = frozenset(Host.__dataclass_fields__) - {"rooms"}


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host matches all extra specs that are about hosts.

    An extra spec without a scope counts where the host has an attribute or statistic
    of its name; with the scope ``capabilities`` it always counts, and what a host does
    not have does not match.

    Raises
    ------
    BadServerSpec
        A numeric operator meets what is no number.
    """
    for path, key, requirement in _requirements(spec):
        if len(path) == 1 and key == path[0] and not _has(host, key):
            continue
        found = _capability(host, path)
        if found is None or not match(str(found), requirement, f"extra spec {key!r}"):
            return False
    return True


def _requirements(spec: ServerSpec) -> list[tuple[list[str], str, str]]:
    """List path, key and requirement of the extra specs that may count."""
    extra_specs = dict(spec.flavor.extra_specs)
    bits = extra_specs.pop(_BITS, None)
    if bits is not None:
        extra_specs[_BITS_PATH] = f">= {bits}"
    found = []
    for key, requirement in extra_specs.items():
        scope, *path = key.split(":")
        if not path:
            found.append(([scope], key, requirement))
        elif scope == _SCOPE:
            found.append((path, key, requirement))
    return found


def _has(host: Host, name: str) -> bool:
    return name in _ATTRIBUTES or name in host.stats


def _capability(host: Host, path: list[str]) -> Any:
    """Follow a path from a host; JSON text on the way is decoded."""
    found: Any = host
    for name in path:
        if isinstance(found, str):
            try:
                found = json.loads(found)
            except ValueError:
                return None
        found = _step(found, name)
        if found is None:
            return None
    return found


def _step(thing: Any, name: str) -> Any:
    if isinstance(thing, dict):
        return thing.get(name)
    value = getattr(thing, name, None)
    if value is None and isinstance(thing, Host):
        return thing.stats.get(name)
    return value


def reads_for(spec: ServerSpec, options: Options) -> frozenset[str]:
    """Name the attributes that the extra specs of this spec lead to."""
    first = {path[0] for path, _, _ in _requirements(spec)}
    return frozenset({"stats"} | (first & _ATTRIBUTES)) if first else frozenset()


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the extra specs that may count, in their order."""
    return tuple((key, text) for _, key, text in _requirements(spec)) or None


COMPUTE_CAPABILITIES = register(
    Filter(
        name="ComputeCapabilitiesFilter",
        passes=passes,
        asks=asks,
        reads=_ATTRIBUTES,
        reads_for=reads_for,
        once=True,
        default=True,
    )
)

"""ImagePropertiesFilter: the host runs what the image needs."""

import json
import operator
import re
from collections.abc import Hashable
from typing import NamedTuple

from kilonova.cloud.host import Host
from kilonova.errors import BadServerSpec
from kilonova.hosts.filters.machine_names import architecture, hypervisor, vm_mode
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_PREDICATE = re.compile(r"\s*(<=|>=|<|>|!=|==)\s*(\d+(?:\.\d+)*)\s*")
_COMPARED = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
}


class _Wanted(NamedTuple):
    """What an image needs; None or empty where it does not say."""

    machine: tuple[str | None, ...]
    version: str | None
    physical_address_bits: int | None


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host runs the machine that the image asks for.

    Some supported triple must hold every given one of architecture, hypervisor type and
    mode, whatever their places in it; then version and address bits must suffice.
    Without these three nothing is looked at.

    Raises
    ------
    BadServerSpec
        A name is none that Nova knows, or the version is no list of comparisons.

    Notes
    -----
    Nova 34 fails on ``hw_maxphysaddr_bits`` where a host reports ``cpu_info`` as text,
    as compute services do. Here the text is decoded.
    """
    wanted = _wanted(spec, options)
    if wanted is None:
        return True
    needed = {name for name in wanted.machine if name}
    if not any(needed.issubset(triple) for triple in host.supported_instances or ()):
        return False
    return _suits_version(host, wanted) and _suits_bits(host, wanted)


def _wanted(spec: ServerSpec, options: Options) -> _Wanted | None:
    properties = spec.image.properties
    if not properties:
        default = options.filter_scheduler.image_properties_default_architecture
        return _Wanted((architecture(default),), None, None) if default else None
    machine = (
        architecture(
            properties.get(
                "hw_architecture",
                options.filter_scheduler.image_properties_default_architecture,
            )
        ),
        hypervisor(properties.get("img_hv_type")),
        vm_mode(properties.get("hw_vm_mode")),
    )
    if not any(machine):
        return None
    version = properties.get("img_hv_requested_version")
    bits = properties.get("hw_maxphysaddr_bits")
    return _Wanted(
        machine,
        str(version) if version else None,
        int(str(bits)) if bits else None,
    )


def _suits_version(host: Host, wanted: _Wanted) -> bool:
    """Compare the hypervisor's version with all that the image says of it."""
    if not host.hypervisor_version or not wanted.version:
        return True
    version = _trimmed(_parts(host.hypervisor_version))
    for predicate in wanted.version.split(","):
        found = _PREDICATE.fullmatch(predicate)
        if found is None:
            raise BadServerSpec(
                "Image property 'img_hv_requested_version' must be comparisons such "
                f"as '>=6.0', got {wanted.version!r}.",
                "ValueError",
            )
        name, text = found.groups()
        if not _COMPARED[name](version, _trimmed([int(p) for p in text.split(".")])):
            return False
    return True


def _parts(version: int) -> list[int]:
    """Take a version such as 6002001 apart: three digits for each part."""
    found: list[int] = []
    while version:
        version, part = divmod(version, 1000)
        found.insert(0, part)
    return found


def _trimmed(version: list[int]) -> list[int]:
    """Drop zeros at the end: 6.2 and 6.2.0 are the same version."""
    while version and version[-1] == 0:
        version = version[:-1]
    return version


def _suits_bits(host: Host, wanted: _Wanted) -> bool:
    """Compare address bits; a host that reports none has enough."""
    if wanted.physical_address_bits is None:
        return True
    cpu_info = host.cpu_info
    if isinstance(cpu_info, str):
        try:
            cpu_info = json.loads(cpu_info)
        except ValueError:
            return True
    if not isinstance(cpu_info, dict):
        return True
    bits = (cpu_info.get("maxphysaddr") or {}).get("bits")
    return not bits or int(bits) >= wanted.physical_address_bits


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give what the image needs, None where it needs no certain machine."""
    return _wanted(spec, options)


IMAGE_PROPERTIES = register(
    Filter(
        name="ImagePropertiesFilter",
        passes=passes,
        asks=asks,
        reads=frozenset({"supported_instances", "hypervisor_version", "cpu_info"}),
        once=True,
        on_rebuild=True,
        default=True,
    )
)

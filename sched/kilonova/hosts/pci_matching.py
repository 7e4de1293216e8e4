"""Whether a pool of PCI devices is of the kind that a request describes."""

from collections.abc import Mapping
from typing import Any

from kilonova.request.pci import PciRequest

# Placement has matched these already; pools do not show them alike.
_ELSEWHERE = frozenset({"resource_class", "traits", "rp_uuids", "rp_uuid"})
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})


def matches(pool: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Say whether a pool has all properties of a spec; the case of texts is no matter.

    Notes
    -----
    ``pci_device_prop_match`` in Nova's ``pci/utils.py``.
    """
    for key, wanted in spec.items():
        if key in _ELSEWHERE:
            continue
        found = pool.get(key)
        if isinstance(wanted, list) and isinstance(found, list):
            if not all(each in found for each in wanted):
                return False
        elif _lower(found) != _lower(wanted):
            return False
    return True


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def may_give(pool: Mapping[str, Any], request: PciRequest) -> bool:
    """Say whether a pool is of a type that is only given where it is asked for.

    Physical functions, vdpa devices and remote-managed devices go to nobody who does
    not name them.
    """
    device_type = pool.get("dev_type")
    if device_type in ("type-PF", "vdpa") and not any(
        spec.get("dev_type") == device_type for spec in request.spec
    ):
        return False
    return not is_remote_managed(pool) or any(map(is_remote_managed, request.spec))


def is_remote_managed(properties: Mapping[str, Any]) -> bool:
    """Say whether devices are, or should be, managed by a SmartNIC."""
    return str(properties.get("remote_managed")).strip().lower() in _TRUE


def is_live_migratable(request: PciRequest) -> str | None:
    """Give ``true`` or ``false`` where all specs agree on it, else None."""
    wanted = {spec.get("live_migratable") for spec in request.spec}
    for answer in ("true", "false"):
        if wanted == {answer}:
            return answer
    return None

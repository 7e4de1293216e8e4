"""Devices of a host that can be divided: what it reports of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kilonova.errors import BadInput
from kilonova.textfiles import plainly, read_json

_PCI = re.compile(r"[\da-fA-F]{4}:[\da-fA-F]{2}:[\da-fA-F]{2}.[0-7]")
_DEVICE_KEYS = {"address", "types"}
_TYPE_KEYS = {"existing", "available"}


@dataclass(frozen=True, slots=True)
class Instances:
    """Mediated devices of one type on one device.

    Attributes
    ----------
    existing
        How many there are, used by a server or not.
    available
        How many more can be made; None where the device does not offer the type.
    """

    existing: int = 0
    available: int | None = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A device that can be divided.

    Attributes
    ----------
    address
        PCI address as ``0000:84:00.0``, or the name of a virtual device.
    types
        By type.
    """

    address: str
    types: Mapping[str, Instances] = field(default_factory=dict)

    @property
    def is_virtual(self) -> bool:
        """Whether it has no PCI address."""
        return not is_pci_address(self.address)

    @property
    def libvirt_name(self) -> str:
        """Its name in libvirt, of which the name of its provider is made."""
        if self.is_virtual:
            return self.address
        return "pci_" + re.sub("[:.]", "_", self.address)


def is_pci_address(address: str) -> bool:
    """Say whether this is a PCI address, complete with domain and function.

    Notes
    -----
    As ``parse_address`` in Nova's ``pci/utils.py``, which takes any character before
    the function.
    """
    return _PCI.fullmatch(address) is not None


def read_devices(path: str | Path) -> tuple[Device, ...]:
    """Read the devices of a host from a JSON file; raises BadInput."""
    path = Path(path)
    return devices(read_json(path, plainly("Devices: ")), path.name)


def devices(given: Any, where: str = "devices") -> tuple[Device, ...]:
    """Read the devices of a host from JSON.

    Parameters
    ----------
    given
        A list of ``{"address": A, "types": {TYPE: {"existing": n, "available": n}}}``.
    where
        What it is called in errors.

    Raises
    ------
    BadInput
        It has another form, or an address comes twice.
    """
    if not isinstance(given, list):
        raise BadInput(f"{where} must be a list of devices, got {given!r:.80}.")
    found: dict[str, Device] = {}
    for i, each in enumerate(given):
        device = _device(f"{where}[{i}]", each)
        if device.address in found:
            raise BadInput(f"{where}[{i}]: {device.address!r} is there already.")
        found[device.address] = device
    return tuple(found.values())


def _device(where: str, given: Any) -> Device:
    if not isinstance(given, Mapping) or set(given) - _DEVICE_KEYS:
        raise BadInput(
            f"{where} must be an object with address, types, got {given!r:.80}."
        )
    address, types = given.get("address"), given.get("types", {})
    if not isinstance(address, str) or not address or not address.isascii():
        raise BadInput(f"{where}: address must be a text, got {address!r:.80}.")
    if not isinstance(types, Mapping):
        raise BadInput(f"{where}: types must be an object, got {types!r:.80}.")
    return Device(
        address,
        {name: _instances(f"{where}: {name}", each) for name, each in types.items()},
    )


def _instances(where: str, given: Any) -> Instances:
    if not isinstance(given, Mapping) or set(given) - _TYPE_KEYS:
        raise BadInput(
            f"{where} must be an object with existing, available, got {given!r:.80}."
        )
    for key, value in given.items():
        if key == "available" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BadInput(
                f"{where}: {key} must be a whole number from 0, got {value!r:.80}."
            )
    return Instances(**given)

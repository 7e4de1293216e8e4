"""Which type each device of a host gets, as nova-compute settles it when it starts."""

from collections.abc import Collection
from dataclasses import dataclass, field

from kilonova.admin.mdev_devices import Device, is_pci_address
from kilonova.admin.mdev_options import MdevOptions
from kilonova.errors import BadInput, BadMdevConfig

RELEASES = ("ussuri", "current")
_REFUSED = {
    "ussuri": ("InvalidLibvirtGPUConfig", "GPU devices", "PCI address"),
    "current": (
        "InvalidLibvirtMdevConfig",
        "mdev-capable devices",
        "device address",
    ),
}


@dataclass(slots=True)
class Types:
    """What was settled.

    Attributes
    ----------
    enabled
        Types that count, in their order.
    by_address
        Type of each device that options name.
    classes
        Resource class of each device that options name.
    default
        Type of all other devices, or None.
    release
        Of Nova.
    warnings
        What an operator will not have meant.
    """

    enabled: list[str] = field(default_factory=list)
    by_address: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    default: str | None = None
    release: str = "current"
    warnings: list[str] = field(default_factory=list)

    def type_of(self, device: Device) -> str | None:
        """Give the type that a device has, or None."""
        if device.address in self.by_address:
            return self.by_address[device.address]
        if device.is_virtual and self.release == "current":
            # Only by its name does Nova know that it is one.
            return None
        return self.default

    def class_of(self, device: Device) -> str:
        """Give the resource class of what a device offers."""
        return self.classes.get(device.address, "VGPU")


def settle(
    options: MdevOptions, virtual: Collection[str] = (), release: str = "current"
) -> Types:
    """Settle the types of devices, in the order of the options.

    Parameters
    ----------
    options
        Of this host.
    virtual
        Names of its devices that have no PCI address.
    release
        ``ussuri`` or ``current``: how a type without addresses is understood.

    Raises
    ------
    BadMdevConfig
        A device has two types, or an address is malformed: in Nova's words.
    BadInput
        There is no such release.

    Notes
    -----
    As ``_get_supported_vgpu_types`` in Nova's ``virt/libvirt/driver.py``.
    """
    if release not in RELEASES:
        raise BadInput(f"release must be one of {RELEASES}, got {release!r}.")
    found = Types(release=release, warnings=list(options.warnings))
    for name in options.enabled_mdev_types:
        given = options.types[name]
        found.enabled.append(name)
        if given.device_addresses:
            for address in given.device_addresses:
                _name(found, address, name, virtual, release)
                if release == "current":
                    found.classes[address] = given.mdev_class
        elif release == "ussuri":
            return _first_only(found, options, name)
        else:
            _take_rest(found, options, name)
    if release == "ussuri" and len(found.enabled) == 1:
        # One type alone was for every device, whatever addresses it had.
        found.default = found.enabled[0]
    return found


def _name(
    found: Types, address: str, name: str, virtual: Collection[str], release: str
) -> None:
    if address in found.by_address:
        raise _refused(release, f"duplicate types for PCI ID {address}")
    if not is_pci_address(address) and (release == "ussuri" or address not in virtual):
        raise _refused(release, f"incorrect {_REFUSED[release][2]}: {address}")
    found.by_address[address] = name


def _refused(release: str, reason: str) -> BadMdevConfig:
    nova, what, _ = _REFUSED[release]
    return BadMdevConfig(f"Invalid configuration for {what}: {reason}", nova)


def _take_rest(found: Types, options: MdevOptions, name: str) -> None:
    """Make a type that of all devices that none names, or drop it."""
    if found.default is not None:
        # The first of that name goes, as a list of Python does it.
        found.enabled.remove(name)
        found.warnings.append(
            f"Type {name!r} has no device_addresses and is left out: {found.default!r} "
            "is for all other devices already."
        )
        return
    found.default = name
    if options.types[name].mdev_class != "VGPU":
        found.warnings.append(
            f"[mdev_{name}] mdev_class has no effect without device_addresses: Nova "
            "gives such devices VGPU."
        )


def _first_only(found: Types, options: MdevOptions, name: str) -> Types:
    first = options.enabled_mdev_types[0]
    if len(options.enabled_mdev_types) > 1:
        found.warnings.append(
            f"Type {name!r} has no device_addresses: all devices have the first type, "
            f"{first!r}."
        )
    return Types([first], default=first, release=found.release, warnings=found.warnings)

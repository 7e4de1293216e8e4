"""Where the disks of a server are while it is rescued."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kilonova.admin.rescue import Disk, RescueServer, is_stable
from kilonova.errors import Refused

_BUSES = {
    "qemu": ("virtio", "scsi", "ide", "usb", "fdc", "sata"),
    "kvm": ("virtio", "scsi", "ide", "usb", "fdc", "sata"),
    "lxc": ("lxc",),
    "parallels": ("ide", "scsi"),
}
_TYPES = ("disk", "cdrom", "floppy", "lun")
_PREFIXES = {
    "ide": "hd",
    "virtio": "vd",
    "scsi": "sd",
    "usb": "sd",
    "sata": "sd",
    "fdc": "fd",
    "lxc": None,
}
_IDE_MOST = 4
# Where a CD-ROM is on the SCSI bus.
_SCSI_ARCHITECTURES = frozenset(
    ("ppc", "ppc64", "ppcle", "ppc64le", "s390", "s390x", "aarch64")
)


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """What of a host's options decides where disks are.

    Attributes
    ----------
    virt_type
        ``kvm``, ``qemu``, ``lxc`` or ``parallels``.
    architecture, machine_type
        Of guests whose image does not say.
    max_disk_devices
        Most disks of a server on a bus, -1 for no limit; four on IDE anyway.
    config_drive_type
        ``cdrom`` or ``disk``.
    """

    virt_type: str = "kvm"
    architecture: str = "x86_64"
    machine_type: str | None = "pc"
    max_disk_devices: int = -1
    config_drive_type: str = "cdrom"


@dataclass(frozen=True, slots=True)
class RescuePlan:
    """The disks of a server while it is rescued.

    Attributes
    ----------
    is_stable
        Whether all of its own disks are there, where they were.
    disks
        In their order, the one to boot from among them.
    boot
        Device that it boots from.
    """

    is_stable: bool
    disks: tuple[Disk, ...]
    boot: Disk


def plan_rescue(
    server: RescueServer,
    properties: Mapping[str, Any],
    hypervisor: Hypervisor | None = None,
) -> RescuePlan:
    """Plan the disks for a rescue that the API let pass.

    Parameters
    ----------
    server
        With its disks as they are.
    properties
        Of the image to rescue with, as ``check_rescue`` gave them.
    hypervisor
        Of its host.

    Raises
    ------
    Refused
        The host cannot do it. Nova's API had answered 200 before; the server is then
        in state error, and the message is that of its fault.

    Notes
    -----
    As ``get_disk_info`` in Nova's ``virt/libvirt/blockinfo.py``. A bus is filled from
    its first free device, so that the disk to boot from may come between others.
    """
    host = hypervisor or Hypervisor()
    if not is_stable(properties):
        return _plain(server, properties, host)
    if host.virt_type == "lxc":
        reason = "Stable device rescue is not supported by virt_type 'lxc'"
        failed = f"Instance {server.uuid} cannot be rescued: {reason}"
        raise _failed(server, failed, "InstanceNotRescuable")
    for usual in ("disk", "cdrom"):
        # Nova works these out first, of the server's own image.
        _default_bus(server, server.image_properties, host, usual)
    device_type = str(properties.get("hw_rescue_device", "disk"))
    if device_type not in _TYPES:
        failed = f"Requested rescue device '{device_type}' is not supported"
        raise _failed(server, failed, "UnsupportedRescueDevice")
    bus = properties.get("hw_rescue_bus")
    if bus is not None and bus not in _buses(server, host):
        failed = (
            f"Requested rescue bus '{bus}' is not supported by the "
            f"'{host.virt_type}' virt driver"
        )
        raise _failed(server, failed, "UnsupportedRescueBus")
    if bus is None:
        bus = _default_bus(server, properties, host, device_type)
    rescue = _next(server, host, "disk.rescue", bus, server.disks, device_type)
    return RescuePlan(True, (*server.disks, rescue), rescue)


def _plain(
    server: RescueServer, properties: Mapping[str, Any], host: Hypervisor
) -> RescuePlan:
    """Boot from the first disk, with the root disk behind it and all others away."""
    bus = _default_bus(server, properties, host, "disk")
    _default_bus(server, properties, host, "cdrom")
    rescue = _next(server, host, "disk.rescue", bus, ())
    disks = [rescue, _next(server, host, "disk", bus, [rescue])]
    if any(disk.name == "disk.config" for disk in server.disks):
        kind = host.config_drive_type
        bus = _default_bus(server, properties, host, kind)
        disks.append(_next(server, host, "disk.config.rescue", bus, disks, kind))
    return RescuePlan(False, tuple(disks), rescue)


def _next(
    server: RescueServer,
    host: Hypervisor,
    name: str,
    bus: str | None,
    taken: Sequence[Disk],
    device_type: str = "disk",
) -> Disk:
    """Attach a disk to the first free device of a bus."""
    if bus not in _PREFIXES:
        raise _failed(
            server, f"Unable to determine disk prefix for {bus}", "InternalError"
        )
    prefix = _PREFIXES[bus]
    if prefix is None:
        return Disk(name, bus, None, device_type)
    names = {disk.dev for disk in taken}
    most = _IDE_MOST if bus == "ide" else host.max_disk_devices
    number = 0
    while most < 0 or number < most:
        if (dev := prefix + letters(number)) not in names:
            return Disk(name, bus, dev, device_type)
        number += 1
    raise _failed(
        server,
        f"The maximum allowed number of disk devices ({most}) to attach to a single "
        "instance has been exceeded.",
        "TooManyDiskDevices",
    )


def letters(number: int) -> str:
    """Give the letters of a device by its number: a to z, then aa.

    Notes
    -----
    As ``generate_device_letter`` in Nova's ``block_device.py``.
    """
    found = ""
    while number >= 0:
        found = chr(ord("a") + number % 26) + found
        number = number // 26 - 1
    return found


def _default_bus(
    server: RescueServer,
    properties: Mapping[str, Any],
    host: Hypervisor,
    device_type: str,
) -> str | None:
    """Give the bus that an image names for devices of a type, or the usual one."""
    if device_type == "lun":
        # Images have no such property, and Nova stumbles over it.
        error = "ImageMetaProps object has no attribute 'hw_lun_bus'"
        raise _failed(server, error, "AttributeError")
    bus = properties.get(f"hw_{device_type}_bus")
    if bus is not None:
        if bus not in _buses(server, host):
            raise _failed(
                server,
                f"Requested hardware '{bus}' is not supported by the "
                f"'{host.virt_type}' virt driver",
                "UnsupportedHardware",
            )
        return str(bus)
    if host.virt_type == "lxc":
        return "lxc"
    if host.virt_type == "parallels":
        return {"cdrom": "ide", "disk": "scsi"}.get(device_type)
    _buses(server, host)
    if device_type == "cdrom":
        if properties.get("hw_architecture", host.architecture) in _SCSI_ARCHITECTURES:
            return "scsi"
        machine = properties.get("hw_machine_type", host.machine_type) or ""
        return "sata" if "q35" in machine else "ide"
    return {"disk": "virtio", "floppy": "fdc"}.get(device_type)


def _buses(server: RescueServer, host: Hypervisor) -> Collection[str]:
    if host.virt_type not in _BUSES:
        raise _failed(
            server,
            f"Virtualization type '{host.virt_type}' is not supported by this "
            "compute driver",
            "UnsupportedVirtType",
        )
    return _BUSES[host.virt_type]


def _failed(server: RescueServer, error: str, nova: str) -> Refused:
    """Tell it as the compute manager puts it into the server's fault."""
    whole = f"Instance {server.uuid} cannot be rescued: Driver Error: {error}"
    return Refused(whole, 200, nova)

"""Whether a server can be rescued, as Nova's API decides it before anything happens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kilonova.errors import Refused

BFV_TRAIT = "COMPUTE_RESCUE_BFV"
# From this one on servers that boot from a volume can be rescued.
_BFV_MICROVERSION = (2, 87)
_STATES = ("active", "stopped", "error")


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of a server, where it is attached.

    Attributes
    ----------
    name
        ``root``, ``disk.eph0``, ``disk.swap``, ``disk.config``, or a volume's device.
    bus, dev
        As ``virtio`` and ``vda``; ``dev`` is None on a bus that names none.
    device_type
        ``disk``, ``cdrom``, ``floppy`` or ``lun``.
    volume_id, volume_status
        Of a volume, otherwise None.
    """

    name: str
    bus: str
    dev: str | None
    device_type: str = "disk"
    volume_id: str | None = None
    volume_status: str | None = None


@dataclass(frozen=True, slots=True)
class RescueServer:
    """What is asked of a server that is to be rescued.

    Attributes
    ----------
    uuid
        Its identity.
    disks
        In the order in which it has them, the root disk first.
    vm_state, task_state
        As Nova has them.
    launched, locked
        Whether it was ever started, and whether its owner locked it.
    has_vtpm
        Whether its flavor or image asks for a virtual TPM.
    image_properties
        Of the image that it was made of.
    """

    uuid: str
    disks: Sequence[Disk]
    vm_state: str = "active"
    task_state: str | None = None
    launched: bool = True
    locked: bool = False
    has_vtpm: bool = False
    image_properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_volume_backed(self) -> bool:
        """Whether its root disk is a volume."""
        return bool(self.disks) and self.disks[0].volume_id is not None


@dataclass(frozen=True, slots=True)
class RescueImage:
    """The image to boot from.

    Attributes
    ----------
    uuid
        Its identity.
    properties
        Its properties, or None where there is no such image.
    """

    uuid: str
    properties: Mapping[str, Any] | None = field(default_factory=dict)


def is_stable(properties: Mapping[str, Any]) -> bool:
    """Say whether an image asks for a rescue that leaves all disks where they are."""
    return "hw_rescue_device" in properties or "hw_rescue_bus" in properties


def check_rescue(
    server: RescueServer,
    image: RescueImage | None = None,
    *,
    microversion: tuple[int, int] = (2, 87),
    traits: Collection[str] = (),
    is_admin: bool = False,
) -> Mapping[str, Any]:
    """Give the properties of the image to rescue with, if the API would go on.

    Parameters
    ----------
    server
        As it is now.
    image
        Left out, that of the server.
    microversion
        Of the call.
    traits
        Of the provider of the server's host.
    is_admin
        Whether a lock does not stop the caller.

    Raises
    ------
    Refused
        With status and words of Nova, of several reasons the one that it names.

    Notes
    -----
    As ``API.rescue`` in Nova's ``compute/api.py`` with its decorators, and
    ``RescueController`` for statuses.
    """
    _check_server(server, is_admin)
    properties = server.image_properties
    if image is not None:
        mapped = (image.properties or {}).get("img_block_device_mapping")
        if image.properties is None or mapped:
            raise Refused(
                f"Requested rescue image '{image.uuid}' is not supported",
                400,
                "UnsupportedRescueImage",
            )
        properties = image.properties
    _check_volumes(server)
    if server.is_volume_backed:
        both = "hw_rescue_bus" in properties and "hw_rescue_device" in properties
        if microversion < _BFV_MICROVERSION or not both:
            raise _not_rescuable(server, "Cannot rescue a volume-backed instance")
        if BFV_TRAIT not in traits:
            reason = "Host unable to rescue a volume-backed instance"
            raise _not_rescuable(server, reason)
    return properties


def _check_server(server: RescueServer, is_admin: bool) -> None:
    if server.has_vtpm:
        raise Refused(
            "Operation 'rescue' not supported for vTPM-enabled instance "
            f"({server.uuid}).",
            400,
            "OperationNotSupportedForVTPM",
        )
    if server.locked and not is_admin:
        raise Refused(f"Instance {server.uuid} is locked", 409, "InstanceIsLocked")
    if server.vm_state not in _STATES:
        raise _wrong_state(server, f"vm_state {server.vm_state}")
    if server.task_state is not None:
        raise _wrong_state(server, f"task_state {server.task_state}")
    if not server.launched:
        raise Refused(
            f"Instance {server.uuid} is in an invalid state for 'rescue'",
            409,
            "InstanceInvalidState",
        )


def _wrong_state(server: RescueServer, state: str) -> Refused:
    return Refused(
        f"Cannot 'rescue' instance {server.uuid} while it is in {state}",
        409,
        "InstanceInvalidState",
    )


def _check_volumes(server: RescueServer) -> None:
    for disk in server.disks:
        if disk.volume_id is not None and disk.volume_status != "in-use":
            raise Refused(
                f"Invalid volume: volume '{disk.volume_id}' status must be 'in-use'. "
                f"Currently in '{disk.volume_status}' status",
                409,
                "InvalidVolume",
            )


def _not_rescuable(server: RescueServer, reason: str) -> Refused:
    return Refused(
        f"Instance {server.uuid} cannot be rescued: {reason}",
        400,
        "InstanceNotRescuable",
    )

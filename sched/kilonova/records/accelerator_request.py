"""An accelerator request, as Cyborg knows it."""

from dataclasses import dataclass


@dataclass(slots=True)
class AcceleratorRequest:
    """One device that a server asks for through a device profile.

    Attributes
    ----------
    uuid
        UUID.
    device_profile
        Name of the profile.
    group
        Number of the profile's group that asks for it.
    server
        UUID of the server that it is bound to, or None.
    port
        UUID of the port whose profile asks; None where the flavor's does.
    hostname
        Node that it is bound to, or None.
    device_rp_uuid
        Provider that it is bound to, or None.
    """

    uuid: str
    device_profile: str
    group: int
    server: str | None = None
    port: str | None = None
    hostname: str | None = None
    device_rp_uuid: str | None = None

"""Device profiles of Cyborg as request groups."""

from collections.abc import Mapping, Sequence

from kilonova.errors import BadServerSpec
from kilonova.request.draft import Draft
from kilonova.request.extra_specs import read_profile_group
from kilonova.request.group import RequestGroup

DeviceProfiles = Mapping[str, Sequence[Mapping[str, str]]]
"""Groups by the name of the profile, each like ``{"resources:FPGA": "1"}``."""


def profile_groups(
    name: str, profiles: DeviceProfiles, port_id: str = ""
) -> tuple[tuple[RequestGroup, ...], tuple[str, ...]]:
    """Return a group for each group of a device profile, and what was ignored.

    Parameters
    ----------
    name
        As in ``accel:device_profile`` of the flavor, or of the port.
    profiles
        All profiles.
    port_id
        The port that asks; empty for the flavor. It may ask for one device.

    Raises
    ------
    BadServerSpec
        As DeviceProfileError for an unknown profile, a group that asks for nothing, or
        a port that asks for more than one device.

    Notes
    -----
    Same groups as ``get_device_request_groups`` in Nova's ``accelerator/cyborg.py``.
    """
    if name not in profiles:
        raise _error(f"must be one of {sorted(profiles)}", name)
    draft = Draft()
    for number, entries in enumerate(profiles[name]):
        group = draft.group(f"device_profile_{number}{port_id}")
        read_profile_group(draft, group, entries)
        if group.is_empty:
            raise _error(f"must ask for resources in each group, see {number}", name)
    devices = sum(sum(group.resources.values()) for group in draft.groups.values())
    if port_id and devices > 1:
        raise _error(f"must ask for one device for port {port_id}, not {devices}", name)
    notes = tuple(f"Device profile {name!r}: {note}" for note in draft.notes)
    return draft.finished(), notes


def _error(what: str, name: str) -> BadServerSpec:
    return BadServerSpec(f"Device profile {what}, got {name!r}.", "DeviceProfileError")

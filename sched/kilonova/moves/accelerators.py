"""Accelerator requests: one for each device, bound to the provider of its group."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from kilonova.errors import StepFailed
from kilonova.moves.context import Context
from kilonova.moves.ports import ACCELERATOR_TYPES, binding_profile
from kilonova.moves.specs import ports_of
from kilonova.records.accelerator_request import AcceleratorRequest
from kilonova.records.server import Server
from kilonova.request.device_profile import profile_groups


def device_profile(server: Server) -> str | None:
    """Give the name of the device profile of a server's flavor, or None."""
    return server.flavor.extra_specs.get("accel:device_profile") or None


def bind_accelerators(
    context: Context,
    server: Server,
    host: str,
    nodename: str,
    mappings: Mapping[str, Sequence[str]],
) -> None:
    """Make the accelerator requests of a server, and bind them to what was claimed.

    Several requests of one group get the same provider.

    Raises
    ------
    StepFailed
        Cyborg does not bind them; they are deleted.

    Notes
    -----
    As ``_create_and_bind_arq_for_instance`` in Nova's ``conductor/manager.py``.
    """
    made = _requests(context, server)
    if not made:
        return
    known = context.records.accelerator_requests
    for request in made:
        known[request.uuid] = request
    try:
        context.driver.run("bind_accelerators", server, host)
    except StepFailed:
        for request in made:
            del known[request.uuid]
        raise
    for request in made:
        suffix = f"device_profile_{request.group}{request.port or ''}"
        request.hostname = nodename
        request.device_rp_uuid = mappings[suffix][0]
        request.server = server.uuid
        if request.port is not None:
            port = context.records.ports[request.port]
            port["binding:profile"] = {
                **binding_profile(port),
                "arq_uuid": request.uuid,
            }
    context.see("bind_accelerators", server)


def delete_accelerators(
    context: Context, server: Server, *, of_ports: bool = False
) -> None:
    """Delete the accelerator requests of a server that its flavor asks for.

    ``of_ports`` deletes those of its ports too, as after a failed build.
    """
    known = context.records.accelerator_requests
    for uuid, request in list(known.items()):
        if request.server == server.uuid and (of_ports or request.port is None):
            del known[uuid]


def _requests(context: Context, server: Server) -> list[AcceleratorRequest]:
    found: list[AcceleratorRequest] = []
    profiles = context.records.device_profiles
    if (name := device_profile(server)) is not None:
        found += _of_profile(name, profiles, None)
    for port in ports_of(context, server):
        if port.get("binding:vnic_type") in ACCELERATOR_TYPES:
            name = str(port["device_profile"])
            found += _of_profile(name, profiles, str(port["id"]))
    return found


def _of_profile(
    name: str,
    profiles: Mapping[str, Sequence[Mapping[str, str]]],
    port: str | None,
) -> list[AcceleratorRequest]:
    """Make a request for each device that each group of a profile asks for."""
    groups, _ = profile_groups(name, profiles, port or "")
    return [
        AcceleratorRequest(str(uuid4()), name, _number(group.suffix, port), port=port)
        for group in groups
        for _ in range(sum(group.resources.values()))
    ]


def _number(suffix: str, port: str | None) -> int:
    return int(suffix.removeprefix("device_profile_").removesuffix(port or ""))

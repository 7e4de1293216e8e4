"""Bindings of ports on two hosts at once: one is active, the others are kept beside.

A port shows its active binding, as Neutron does; ``bindings`` has what Neutron lists of
the others: ``host``, ``profile`` and ``status``, which is ``INACTIVE``.
"""

from collections.abc import Mapping
from typing import Any, cast

from kilonova.moves.context import Context, failed
from kilonova.moves.ports import Mappings, binding_profile, new_profile
from kilonova.moves.specs import ports_of
from kilonova.records.records import Port
from kilonova.records.server import Server

_INACTIVE = "bindings"


def check_new_bindings(
    context: Context, server: Server, host: str, mappings: Mappings
) -> None:
    """Raise StepFailed unless ``add_bindings`` can add a binding to each port.

    Neutron answers 409 for a port with one on that host, left by an earlier move.
    """
    for port in ports_of(context, server):
        new_profile(port, mappings)
        if any(each["host"] == host for each in _others(port)):
            raise failed(
                f"Port {port['id']} must have no binding on {host!r} yet.",
                "PortBindingFailed",
            )


def add_bindings(
    context: Context, server: Server, host: str, mappings: Mappings
) -> None:
    """Add an inactive binding to each port of a server, which names what it will hold.

    Notes
    -----
    As ``bind_ports_to_host`` in Nova's ``network/neutron.py``, which leaves the profile
    as it is: no port that asks for resources gets here in Nova.
    """
    for port in ports_of(context, server):
        _keep(port, [*_others(port), _binding(host, new_profile(port, mappings))])


def activate_bindings(context: Context, server: Server, host: str) -> None:
    """Let the bindings on a host be the active ones; those until now are kept.

    Notes
    -----
    As ``migrate_instance_start`` in Nova's ``network/neutron.py``: from the first port
    without a binding on that host on, ports are left as they are.
    """
    for port in ports_of(context, server):
        if port.get("binding:host_id") == host:
            continue
        others = _others(port)
        found = next((each for each in others if each["host"] == host), None)
        if found is None:
            return
        others.remove(found)
        if before := port.get("binding:host_id"):
            others.append(_binding(str(before), binding_profile(port)))
        port["binding:host_id"] = host
        port["binding:profile"] = dict(found["profile"])
        _keep(port, others)


def delete_bindings(context: Context, server: Server, host: str) -> None:
    """Take the bindings on a host off the ports of a server.

    Neutron makes no other binding active: a port whose active one goes is unbound.
    """
    for port in ports_of(context, server):
        _keep(port, [each for each in _others(port) if each["host"] != host])
        if port.get("binding:host_id") == host:
            port["binding:host_id"] = None
            port["binding:profile"] = {}


def _others(port: Port) -> list[dict[str, Any]]:
    return list(cast(list[dict[str, Any]], port.get(_INACTIVE) or ()))


def _keep(port: Port, others: list[dict[str, Any]]) -> None:
    if others:
        port[_INACTIVE] = others
    else:
        port.pop(_INACTIVE, None)


def _binding(host: str, profile: Mapping[str, object]) -> dict[str, Any]:
    return {"host": host, "profile": dict(profile), "status": "INACTIVE"}

"""Ports of a server: their binding follows it, and so does what they hold."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from kilonova.errors import BadInput
from kilonova.moves.context import Context, failed
from kilonova.moves.specs import ports_of
from kilonova.records.records import Port
from kilonova.records.server import Server
from kilonova.request.group import RequestGroup
from kilonova.request.port import binding_allocation, port_groups

Mappings = Mapping[str, Sequence[str]]
Allocations = dict[str, dict[str, int]]

# What an unbound port loses of its binding profile.
_BOUND_KEYS = frozenset(
    {
        "allocation",
        "arq_uuid",
        "card_serial_number",
        "device_mac_address",
        "pci_slot",
        "pci_vendor_info",
        "pf_mac_address",
        "physical_network",
        "vf_num",
    }
)
ACCELERATOR_TYPES = frozenset({"accelerator-direct", "accelerator-direct-physical"})


def bind_ports(
    context: Context, server: Server, host: str, mappings: Mappings | None
) -> None:
    """Let the ports of a server be on a host, and name what they hold there.

    Parameters
    ----------
    context, server
        The ports are those that the server has now.
    host
        Name of the compute service.
    mappings
        Providers by suffix of group; None keeps what the profiles say.

    Raises
    ------
    StepFailed
        A port asks for resources, and the mappings do not say who gives them: it was
        changed while the server moved. No port was changed.

    Notes
    -----
    As ``_update_port_binding_for_instance`` in Nova's ``network/neutron.py``.
    """
    profiles = [new_profile(port, mappings) for port in ports_of(context, server)]
    for port, profile in zip(ports_of(context, server), profiles, strict=True):
        port["device_id"] = server.uuid
        port["device_owner"] = f"compute:{server.availability_zone or 'nova'}"
        port["binding:host_id"] = host
        port["binding:profile"] = profile


def check_bindings(context: Context, server: Server, mappings: Mappings) -> None:
    """Raise StepFailed unless ``bind_ports`` can name what each port holds."""
    for port in ports_of(context, server):
        new_profile(port, mappings)


def unbind_ports(
    context: Context, server: Server, ports: Sequence[str], *, detach: bool = True
) -> None:
    """Let ports be on no host; detached, they are no server's either.

    Notes
    -----
    As ``_unbind_ports`` in Nova's ``network/neutron.py``.
    """
    for name in ports:
        port = context.records.ports.get(name)
        if port is None:
            continue
        arq = binding_profile(port).get("arq_uuid")
        context.records.accelerator_requests.pop(str(arq), None)
        port["binding:host_id"] = None
        port["binding:profile"] = {
            key: value
            for key, value in binding_profile(port).items()
            if key not in _BOUND_KEYS
        }
        if detach:
            port["device_id"] = port["device_owner"] = ""


def binding_profile(port: Port) -> dict[str, Any]:
    """Give a copy of a port's binding profile, empty where it has none."""
    profile = port.get("binding:profile")
    return dict(profile) if isinstance(profile, Mapping) else {}


def new_profile(port: Port, mappings: Mappings | None) -> dict[str, object]:
    """Give the binding profile that a port has on another host.

    Raises
    ------
    StepFailed
        The mappings do not say who gives what the port asks for.
    """
    profile = binding_profile(port)
    if mappings is None:
        return profile
    try:
        allocation = binding_allocation(port, mappings)
    except BadInput as error:
        raise failed(str(error), "PortUpdateFailed") from error
    if allocation is not None:
        profile["allocation"] = allocation
    return profile


def port_allocation(port: Port) -> Allocations:
    """Give what a port holds, by its request and its binding profile.

    Notes
    -----
    As ``deallocate_port_for_instance`` in Nova's ``network/neutron.py``, but for two
    groups of a port at one provider, of which Nova forgets one.
    """
    named = binding_profile(port).get("allocation")
    held: Allocations = {}
    for group in port_groups(port).groups if named else ():
        found = named[group.suffix] if isinstance(named, Mapping) else named
        provider = str(found)
        amounts = held.setdefault(provider, {})
        for name, amount in group.resources.items():
            amounts[name] = amounts.get(name, 0) + amount
    return held


def has_allocation(ports: Sequence[Port]) -> bool:
    """Say whether the profile of any port names providers."""
    return any(binding_profile(port).get("allocation") for port in ports)


def mappings_of(
    groups: Sequence[RequestGroup],
    allocations: Mapping[str, Mapping[str, int]],
    traits: Mapping[str, frozenset[str]],
) -> dict[str, tuple[str, ...]]:
    """Find out which provider gives each group, from allocations alone.

    A revert has no candidate that would tell. The first assignment of providers to
    groups that fits by traits, and uses all that is held of the classes of the last
    group, is taken; where there are several, ports do not care.

    Raises
    ------
    StepFailed
        No assignment fits: the ports' requests were changed meanwhile.

    Notes
    -----
    As ``map_requested_resources_to_providers`` in Nova's ``objects/request_spec.py``,
    in its order, but depth first: what cannot begin an answer is not gone through.
    """
    if not groups:
        return {}
    left = {provider: dict(amounts) for provider, amounts in allocations.items()}
    found = _assign(groups, 0, left, traits, [])
    if found is None:
        raise failed(
            f"No provider of {sorted(allocations)} for each of the groups "
            f"{[group.suffix for group in groups]}.",
            "ValueError",
        )
    return {group.suffix: (p,) for group, p in zip(groups, found, strict=True)}


def _assign(
    groups: Sequence[RequestGroup],
    first: int,
    left: Allocations,
    traits: Mapping[str, frozenset[str]],
    taken: list[str],
) -> list[str] | None:
    if first == len(groups):
        asked = groups[-1].resources
        spent = not any(
            amounts.get(name) for amounts, name in product(left.values(), asked)
        )
        return taken if spent else None
    group = groups[first]
    needed = frozenset().union(*group.required)
    for provider, amounts in left.items():
        if not needed <= traits[provider] or any(
            amounts.get(name, -1) < amount for name, amount in group.resources.items()
        ):
            continue
        rest = {n: a - group.resources.get(n, 0) for n, a in amounts.items()}
        found = _assign(
            groups, first + 1, {**left, provider: rest}, traits, [*taken, provider]
        )
        if found is not None:
            return found
    return None

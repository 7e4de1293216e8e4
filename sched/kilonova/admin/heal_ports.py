"""Ports of servers whose resource request nothing was allocated for."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kilonova.admin.heal_steps import (
    NO_PORTS,
    NOT_WRITTEN,
    PORTS_NOT_ROLLED_BACK,
    PORTS_NOT_UPDATED,
    Amounts,
    Stop,
)
from kilonova.candidates.candidates import Candidate
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadRequest, Conflict, KilonovaError
from kilonova.moves.ports import binding_profile
from kilonova.records.records import Port, Records
from kilonova.records.server import Server
from kilonova.request.group import Request
from kilonova.request.port import binding_allocation, port_groups

PROFILE = "binding:profile"

WritePort = Callable[[str, dict[str, Any]], None]
"""Gives a port, by id, another binding profile, or raises KilonovaError."""


@dataclass(frozen=True, slots=True)
class PortNeeds:
    """What the ports of one server lack.

    Attributes
    ----------
    amounts
        To be added to what the server holds.
    allocations
        What is to stand under ``allocation`` in the profile of each port, by id.
    """

    amounts: Amounts = field(default_factory=dict)
    allocations: dict[str, str | dict[str, str]] = field(default_factory=dict)


class RecordedPorts:
    """Writes profiles into records; what cannot be written may be told beforehand.

    Parameters
    ----------
    records
        Whose ports are written.
    failing
        Ports that take no allocation.
    sticking
        Ports from which an allocation cannot be taken away again.
    """

    def __init__(
        self,
        records: Records,
        failing: Collection[str] = (),
        sticking: Collection[str] = (),
    ) -> None:
        self._records = records
        self._failing = frozenset(failing)
        self._sticking = frozenset(sticking)

    def __call__(self, port: str, profile: dict[str, Any]) -> None:
        """Give a port another profile; raises Conflict where it is to fail."""
        adds = "allocation" in profile
        if port in (self._failing if adds else self._sticking):
            raise Conflict(f"Port {port} cannot be updated.")
        self._records.ports[port][PROFILE] = profile


class ServerPorts:
    """The ports of servers: those that a record names, and those that name the server.

    Parameters
    ----------
    records
        Of which ports are looked through once.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._by_server: dict[object, list[str]] = {}
        for identity, port in records.ports.items():
            self._by_server.setdefault(port.get("device_id"), []).append(identity)

    def of(self, server: Server) -> dict[str, Port] | Stop:
        """Give ports by id, or stop where there is no record of one."""
        found = {}
        for identity in (*server.ports, *self._by_server.get(server.uuid, ())):
            if identity not in self._records.ports:
                return Stop(
                    NO_PORTS,
                    f"Server {server.uuid}: its ports cannot be told; there is no "
                    f"port {identity!r} in the records.",
                )
            found[identity] = self._records.ports[identity]
        return found


def ports_lacking(ports: Mapping[str, Port]) -> dict[str, Port]:
    """Give the ports that ask for resources and have no allocation; raises BadRequest.

    Notes
    -----
    As ``_has_request_but_no_allocation`` in Nova's ``cmd/manage.py``.
    """
    return {
        identity: port
        for identity, port in ports.items()
        if not binding_profile(port).get("allocation")
        and port_groups({**port, "id": identity}).groups
    }


def port_needs(
    cloud: Cloud, server: Server, node: str, ports: Mapping[str, Port]
) -> PortNeeds | Stop:
    """Say what ports lack, if there is one way only to allocate it.

    Parameters
    ----------
    cloud
        Asked for candidates.
    server
        Whose ports these are; the group policy of its flavor counts.
    node
        UUID of its compute node, in whose tree everything must be.
    ports
        By id, each with a resource request.

    Notes
    -----
    As ``_get_port_allocations_to_heal`` in Nova's ``cmd/manage.py``.
    """
    whole = {identity: {**port, "id": identity} for identity, port in ports.items()}
    request = _request(server, node, whole)
    found: list[Candidate] = []
    why = "there is no candidate."
    try:
        found = list(cloud.allocation_candidates(request, limit=2))
    except BadRequest as error:
        why = f"Placement refuses to look for candidates: {error}"
    if len(found) > 1:
        why = "there is more than one candidate, and which is meant cannot be told."
    if len(found) != 1:
        listed = ", ".join(ports)
        return Stop(
            NOT_WRITTEN,
            f"Server {server.uuid}: nothing was allocated for what its ports "
            f"{listed} ask for: {why}",
        )
    allocations = {}
    for identity, port in whole.items():
        allocation = binding_allocation(port, found[0].mappings)
        assert allocation is not None
        allocations[identity] = allocation
    amounts = {p: dict(held) for p, held in found[0].allocations.items()}
    return PortNeeds(amounts, allocations)


def write_ports(
    needs: PortNeeds, ports: Mapping[str, Port], write: WritePort
) -> Stop | None:
    """Put allocations into profiles; those of a server all, or none.

    Notes
    -----
    As ``_update_ports`` in Nova's ``cmd/manage.py``.
    """
    done: list[str] = []
    for identity, allocation in needs.allocations.items():
        profile = binding_profile(ports[identity]) | {"allocation": allocation}
        try:
            write(identity, profile)
        except KilonovaError as error:
            why = f"Port {identity} was not given its allocation: {error}"
            return roll_back(done, ports, write) or Stop(PORTS_NOT_UPDATED, why)
        done.append(identity)
    return None


def roll_back(
    done: Collection[str], ports: Mapping[str, Port], write: WritePort
) -> Stop | None:
    """Take allocations out of profiles again; all are tried.

    Notes
    -----
    As ``_rollback_port_updates`` in Nova's ``cmd/manage.py``.
    """
    left, why = [], ""
    for identity in done:
        profile = binding_profile(ports[identity])
        profile.pop("allocation", None)
        try:
            write(identity, profile)
        except KilonovaError as error:
            left.append(identity)
            why = str(error)
    if not left:
        return None
    return Stop(
        PORTS_NOT_ROLLED_BACK,
        f"Ports {', '.join(left)} have an allocation in their profile that was never "
        f"made; take it out by hand: {why}",
    )


def _request(server: Server, node: str, ports: Mapping[str, Port]) -> Request:
    asked = [port_groups(port) for port in ports.values()]
    return Request(
        groups=tuple(
            replace(group, in_tree=node) for each in asked for group in each.groups
        ),
        group_policy=server.flavor.extra_specs.get("group_policy", "none"),
        same_subtree=tuple(each.same_subtree for each in asked if each.same_subtree),
    )

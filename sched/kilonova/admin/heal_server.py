"""Healing of one server: what it lacks, and writing that."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from kilonova.admin.audit_homes import host_row
from kilonova.admin.heal_ports import (
    PortNeeds,
    ServerPorts,
    WritePort,
    port_needs,
    ports_lacking,
    roll_back,
    write_ports,
)
from kilonova.admin.heal_steps import (
    NO_COMPUTE_NODE,
    NO_PORTS,
    NOT_WRITTEN,
    UNSUPPORTED,
    Amounts,
    HealOptions,
    HealStep,
    Stop,
)
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadRequest, BadServerSpec, KilonovaError
from kilonova.records.records import Port
from kilonova.records.server import Server
from kilonova.request.server import ServerSpec
from kilonova.request.translate import drafted

Tell = Callable[[str], None]
"""Takes a line about what is being done."""


@dataclass(slots=True)
class HealRun:
    """One call of ``heal``: what it works on, and the steps so far."""

    cloud: Cloud
    options: HealOptions
    write: WritePort
    tell: Tell
    ports: ServerPorts
    steps: list[HealStep] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """What is to be written for one server; no action: nothing."""

    action: str = ""
    allocations: Amounts = field(default_factory=dict)
    needs: PortNeeds = field(default_factory=PortNeeds)
    ports: dict[str, Port] = field(default_factory=dict)


def heal_server(run: HealRun, server: Server) -> bool | Stop:
    """Heal one server; say whether something was written.

    Notes
    -----
    As ``_heal_allocations_for_instance`` in Nova's ``cmd/manage.py``.
    """
    who = f"Server {server.uuid}"
    if server.task_state is not None:
        run.tell(f"{who} is left alone: its task state is {server.task_state}.")
        return False
    if server.node is None:
        run.tell(f"{who} is left alone: it is on no host.")
        return False
    for key, what in (
        ("resources:VGPU", "vGPUs"),
        ("accel:device_profile", "accelerators"),
    ):
        if server.flavor.extra_specs.get(key):
            why = f"its flavor asks for {what}, whose providers are not known"
            return Stop(UNSUPPORTED, f"{who} cannot be healed: {why}.")
    plan = _planned(run, server)
    if isinstance(plan, Stop):
        return plan
    if not plan.action:
        run.tell(f"{who} lacks nothing.")
        return False
    step = HealStep(
        server.uuid, plan.action, plan.allocations, dict(plan.needs.allocations)
    )
    if run.options.dry_run:
        text = json.dumps(plan.allocations)
        run.tell(f"{who}: would {plan.action} allocations: {text}")
        run.steps.append(step)
        return False
    stop = _write(run, server, plan)
    if stop is not None:
        return stop
    run.tell(f"{who}: {plan.action}d allocations.")
    run.steps.append(step)
    return True


def _planned(run: HealRun, server: Server) -> _Plan | Stop:
    """Say what a server lacks."""
    held, plan = run.cloud.allocations(server.uuid), _Plan()
    plan.allocations = held
    if not held or run.options.force:
        amounts = _default(run, server)
        if isinstance(amounts, Stop):
            return amounts
        plan.action, plan.allocations = "create", amounts
    if held and not _is_owned(run.cloud, server):
        plan.action = "update"
    if run.options.force:
        run.tell(f"Server {server.uuid}: what it holds is replaced.")
        plan.action = "update"
    if run.options.skip_ports:
        return plan
    stop = _add_ports(run, server, plan)
    return stop or plan


def _add_ports(run: HealRun, server: Server, plan: _Plan) -> Stop | None:
    ports = run.ports.of(server)
    if isinstance(ports, Stop):
        return ports
    try:
        lacking = ports_lacking(ports)
    except BadRequest as error:
        why = f"Server {server.uuid}: its ports cannot be told; {error}"
        return Stop(NO_PORTS, why)
    if not lacking:
        return None
    node = _node(run, server)
    if isinstance(node, Stop):
        return node
    needs = port_needs(run.cloud, server, node, lacking)
    if isinstance(needs, Stop):
        return needs
    plan.needs, plan.ports = needs, lacking
    plan.action = plan.action or "update"
    merged = {provider: dict(held) for provider, held in plan.allocations.items()}
    for provider, amounts in needs.amounts.items():
        held = merged.setdefault(provider, {})
        for name, amount in amounts.items():
            held[name] = held.get(name, 0) + amount
    plan.allocations = merged
    return None


def _write(run: HealRun, server: Server, plan: _Plan) -> Stop | None:
    """Write ports, then allocations; ports are rolled back if those are refused."""
    stop = write_ports(plan.needs, plan.ports, run.write)
    if stop is not None:
        return stop
    try:
        run.cloud.claim(
            server.uuid,
            plan.allocations,
            project=server.project_id or None,
            user=server.user_id or None,
        )
    except KilonovaError as error:
        stuck = roll_back(list(plan.needs.allocations), plan.ports, run.write)
        why = f"Server {server.uuid}: allocations were not written: {error}"
        return stuck or Stop(NOT_WRITTEN, why)
    return None


def _default(run: HealRun, server: Server) -> Amounts | Stop:
    """Give what the flavor asks for, all of it from the compute node itself."""
    node = _node(run, server)
    if isinstance(node, Stop):
        return node
    try:
        return {node: flavor_amounts(server)}
    except BadServerSpec as error:
        why = f"Server {server.uuid}: allocations were not written: {error}"
        return Stop(NOT_WRITTEN, why)


def _node(run: HealRun, server: Server) -> str | Stop:
    """Give the provider of a server's compute node."""
    state = run.cloud.state
    row = host_row(state, server.host, server.node, server.cell)
    if row < 0:
        return Stop(
            NO_COMPUTE_NODE,
            f"Server {server.uuid}: service {server.host!r} has no compute node "
            f"{server.node!r}.",
        )
    provider = int(state.hosts.table["provider"][row])
    # Of a provider that is gone nothing is left but the name of its node.
    return (
        state.provider_identity(provider) if provider >= 0 else state.hosts.names[row]
    )


def _is_owned(cloud: Cloud, server: Server) -> bool:
    """Say whether what a server holds is under its project and user, if it has any."""
    state = cloud.state
    table, row = state.tables.consumer, state.consumer_uuids.find(server.uuid)
    return all(
        not wanted or int(table[column][row]) == names.find(wanted)
        for column, names, wanted in (
            ("project", state.projects, server.project_id),
            ("user", state.users, server.user_id),
        )
    )


def flavor_amounts(server: Server) -> dict[str, int]:
    """Give the amounts that a flavor asks for, of all its groups together.

    Raises
    ------
    BadServerSpec
        The flavor contradicts itself.

    Notes
    -----
    As ``resources_from_flavor`` in Nova's ``scheduler/utils.py``.
    """
    spec = ServerSpec(server.flavor, is_volume_backed=server.is_volume_backed)
    found: dict[str, int] = {}
    for group in drafted(spec).groups.values():
        for name, amount in group.resources.items():
            found[name] = found.get(name, 0) + amount
    return found

"""Carry a plan out: server after server, each wholly or not at all.

What was done is read from the cloud itself: a server that holds exactly what its step
says is done, whether or not the plan's file says so. So an interrupted run can be run
again, and ends as one run would have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid5

import numpy as np

from kilonova.cloud import claims
from kilonova.cloud.claims import Owner
from kilonova.cloud.state import State
from kilonova.errors import BadInput, Conflict, NotFound, NoValidHost
from kilonova.hosts.changing import SlowFilters
from kilonova.hosts.claiming import (
    count_server,
    join_group,
    park,
    park_under,
    settle,
)
from kilonova.hosts.occupying import needs_occupying, occupy
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.accelerators import (
    bind_accelerators,
    delete_accelerators,
    device_profile,
)
from kilonova.moves.context import Context
from kilonova.moves.driver import SimulatedDriver
from kilonova.moves.ports import binding_profile
from kilonova.plan.mapping import mappings_of
from kilonova.plan.plan import CONFLICT, DONE, PLANNED, Amounts, Plan, Step
from kilonova.plan.specs import Specs
from kilonova.records.migration import EVACUATION, Migration
from kilonova.records.records import Port, Records
from kilonova.records.server import Server
from kilonova.request.port import binding_allocation
from kilonova.request.server import ServerSpec
from kilonova.request.server_ports import read_ports

_MIGRATIONS = UUID("7a3f8a0e-5f55-5d0c-9d0b-3d1c6d0f7e51")


class _Moved(Exception):
    """What a step was planned for is not so any more."""


def apply(
    scheduler: Scheduler,
    records: Records,
    plan: Plan,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Step], None] = lambda step: None,
) -> int:
    """Carry out the steps of a plan that are not done yet.

    A server whose consumer, records or target are not what the plan was made for is
    left as it is: its step gets the status ``conflict`` and the reason.

    Parameters
    ----------
    scheduler
        With the cloud, which is changed, and its options.
    records
        Servers, ports and migrations, which are changed.
    plan
        Statuses and reasons of its steps are changed.
    stop
        Is asked before each step whether to end here.
    progress
        Is told each step after it was done or left.

    Returns
    -------
    int
        Steps that are planned and were not looked at.

    Notes
    -----
    A server holds what it had at its source and what it takes at its target together,
    as ``rebuild_instance`` in Nova's ``conductor/manager.py`` leaves it: the source's
    part goes when the source comes back, or the placement audit finds it.
    """
    specs = Specs(scheduler.state, records, scheduler.options)
    waiting = [step for step in plan.steps if step.status == PLANNED]
    for n, step in enumerate(waiting):
        if stop():
            return len(waiting) - n
        with scheduler.state.lock:
            try:
                _carry_out(scheduler, records, specs, plan, step)
                step.status = DONE
            except (_Moved, BadInput, Conflict, NotFound) as error:
                step.status, step.reason = CONFLICT, str(error)
        progress(step)
    return 0


def _carry_out(
    scheduler: Scheduler, records: Records, specs: Specs, plan: Plan, step: Step
) -> None:
    """Check all of a step, and only then write it; raises where it cannot be done."""
    state = scheduler.state
    server = records.servers.get(step.server)
    if server is None:
        raise _Moved("The server is not in the records any more.")
    source, target = state.hosts.row(step.source), state.hosts.row(step.target or "")
    whole = _together(step.held, step.allocations)
    held = claims.amounts(state, step.server)
    done = held == _by_uuid(state, whole) and _host(state, step.server) == target
    spec = specs.exact(server, source)
    if not done:
        if server.node not in (step.source, None):
            raise _Moved(f"It is on {server.node!r} now, not on {step.source!r}.")
        _check_consumer(state, step, held)
        _check_target(scheduler, spec, target, plan.hosts)
    mappings = mappings_of(state, spec.groups, step.allocations)
    if mappings is None:
        raise _Moved("Its ports ask for something else now than what was planned.")
    # From here on nothing refuses but the claim, which writes all or nothing.
    bindings = _bindings(state, records, server, spec, mappings, target)
    if not done:
        claims.claim(state, step.server, whole, Owner(), step.generation)
        _join(state, _migration(plan, step), server, spec, target)
        row = state.consumer_uuids.find(step.server)
        if needs_occupying(spec):
            occupy(state, row, spec, scheduler.options, mappings)
    for uuid, changes in bindings.items():
        records.ports[uuid].update(changes)
    _bind_accelerators(scheduler, records, server, step, mappings)
    _note(state, records, plan, step, server)


def _together(held: Amounts, taken: Amounts) -> Amounts:
    """Double what a server holds; of a provider that it has nothing is added."""
    return {**taken, **held}


def _by_uuid(state: State, amounts: Mapping[str, Mapping[str, int]]) -> Amounts:
    return {
        state.provider_identity(state.provider_row(provider)): dict(each)
        for provider, each in amounts.items()
    }


def _host(state: State, server: str) -> int:
    row = state.consumer_uuids.find(server)
    return int(state.tables.consumer["host"][row]) if row >= 0 else -1


def _check_consumer(state: State, step: Step, held: Amounts) -> None:
    row = state.consumer_uuids.find(step.server)
    now = int(state.tables.consumer["generation"][row]) if held else None
    if now != step.generation:
        raise _Moved(
            f"Its consumer is at generation {now}; the plan was made at "
            f"{step.generation}."
        )
    if held != _by_uuid(state, step.held):
        raise _Moved("It holds something else than when the plan was made.")


def _check_target(
    scheduler: Scheduler, spec: ServerSpec, target: int, failed: Sequence[str]
) -> None:
    """Raise unless the target still passes the filters, server groups included."""
    state = scheduler.state
    shape = scheduler.shape(spec)
    rows = np.array([target])
    passes = bool(SlowFilters(state, shape, scheduler.options).marks(rows)[0])
    name = state.hosts.names[target]
    if not passes:
        raise NoValidHost(f"{name!r} does not pass the filters any more.")
    _check_group(state, spec, target, failed)


def _check_group(
    state: State, spec: ServerSpec, target: int, failed: Sequence[str]
) -> None:
    """Raise unless the hard server group of a server still allows its target."""
    group = spec.server_group
    if group is None or group.policy not in ("affinity", "anti-affinity"):
        return
    table = state.tables.consumer
    hosts = table["host"][table["group"] == state.groups.find(group.uuid)]
    name = state.hosts.names[target]
    there = int((hosts == target).sum())
    if group.policy == "anti-affinity" and there >= group.max_server_per_host:
        raise NoValidHost(f"{name!r} has {there} of server group {group.uuid} now.")
    lost = [state.hosts.row(host) for host in failed]
    others = np.setdiff1d(hosts[hosts >= 0], lost)
    if group.policy == "affinity" and len(others) and not there:
        raise NoValidHost(
            f"Server group {group.uuid} is on {state.hosts.names[int(others[0])]!r} "
            f"now, not on {name!r}."
        )


def _join(
    state: State, migration: str, server: Server, spec: ServerSpec, target: int
) -> None:
    """Let a server be what its target counts.

    Its source counts it until it comes back, but not as a member of its server group.
    """
    row = state.consumer_uuids.find(server.uuid)
    park_under(state, migration, park(state, row))
    if (aside := state.consumer_uuids.find(migration)) >= 0:
        join_group(state, aside, None)
    count_server(state, row, target, spec)
    settle(state, row)
    join_group(state, row, server.server_group)


def _bindings(
    state: State,
    records: Records,
    server: Server,
    spec: ServerSpec,
    mappings: Mapping[str, tuple[str, ...]],
    target: int,
) -> dict[str, Port]:
    """Give what changes of each port: its host, and who serves it there."""
    hosts = state.hosts
    service = hosts.services[int(hosts.table["service"][target])]
    found: dict[str, Port] = {}
    for uuid in server.ports:
        port = records.ports[uuid]
        found[uuid] = {"binding:host_id": service}
        asked = read_ports([port], records.networks, records.device_profiles)
        if not any(group.resources for group in asked.groups):
            continue
        request = {"id": uuid, "resource_request": port.get("resource_request")}
        profile = binding_profile(port)
        profile["allocation"] = (
            binding_allocation(request, mappings)
            if request["resource_request"]
            else {group.suffix: mappings[group.suffix][0] for group in asked.groups}
        )
        found[uuid]["binding:profile"] = profile
    return found


def _bind_accelerators(
    scheduler: Scheduler,
    records: Records,
    server: Server,
    step: Step,
    mappings: Mapping[str, tuple[str, ...]],
) -> None:
    """Make the accelerator requests of a server anew, bound to those of its target."""
    if device_profile(server) is not None:
        context = Context(scheduler, records, SimulatedDriver())
        host = _service(scheduler.state, step.target)
        delete_accelerators(context, server)
        bind_accelerators(context, server, host, step.target or "", mappings)


def _note(
    state: State, records: Records, plan: Plan, step: Step, server: Server
) -> None:
    """Write down where the server is, and that it was evacuated."""
    source, target = _service(state, step.source), _service(state, step.target)
    uuid = _migration(plan, step)
    records.migrations[uuid] = Migration(
        uuid,
        step.server,
        EVACUATION,
        status="done",
        source_host=source,
        source_node=step.source,
        dest_host=target,
        dest_node=step.target,
        source_cell=server.cell,
        dest_cell=server.cell,
        created_at=plan.created_at,
    )
    stopped = server.vm_state == "stopped"
    records.servers[step.server] = replace(
        server,
        host=target,
        node=step.target,
        vm_state="stopped" if stopped else "active",
        power_state="shutdown" if stopped else "running",
    )


def _migration(plan: Plan, step: Step) -> str:
    """Give the UUID of the migration of a step: the same however often it is done."""
    return str(uuid5(_MIGRATIONS, f"{step.server} {step.source} {plan.created_at}"))


def _service(state: State, node: str | None) -> str:
    """Give the name of the compute service of a node."""
    hosts = state.hosts
    return hosts.services[int(hosts.table["service"][hosts.row(node or "")])]

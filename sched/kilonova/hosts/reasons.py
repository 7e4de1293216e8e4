"""Why a server goes where it goes: what each filter removed, what each weigher said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kilonova.candidates.marking import marking_of
from kilonova.cloud.host import Host
from kilonova.cloud.host_view import host_views
from kilonova.cloud.identities import provider_identities
from kilonova.cloud.state import State
from kilonova.hosts import filtering, weighing
from kilonova.hosts.rooms import rooms_of
from kilonova.request.server import ServerGroup, ServerSpec

if TYPE_CHECKING:
    from kilonova.hosts.scheduler import Scheduler

NO_CANDIDATE = "allocation candidates"
NAMED = "named hosts"


@dataclass(frozen=True, slots=True)
class Removed:
    """What one step removed.

    Attributes
    ----------
    step
        Name of the filter; ``NO_CANDIDATE`` for hosts without room or traits.
    before, after
        Hosts that came to it, and that passed.
    hosts
        Names of the hosts that did not pass.
    """

    step: str
    before: int
    after: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What one weigher gave one host: raw value, normalised, times the multiplier."""

    weigher: str
    raw: float
    normalised: float
    multiplier: float
    weighted: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A host that passed, with its weight and where that comes from."""

    host: str
    weight: float
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a server would go where it would go now.

    Attributes
    ----------
    hosts
        Hosts of the cloud.
    steps
        What removed hosts, in the order in which it does.
    ranked
        The first hosts of those that passed, best first.
    notes
        What was ignored in the spec, a line each.
    """

    hosts: int
    steps: tuple[Removed, ...]
    ranked: tuple[Ranked, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """Say in one line what removed how many."""
        parts = [f"{self.hosts} hosts"]
        parts += [
            f"{step.step} removed {step.before - step.after}"
            for step in self.steps
            if step.before > step.after
        ]
        return ", ".join(parts)


def reasons(scheduler: "Scheduler", spec: ServerSpec, first: int = 10) -> Reasons:
    """Follow one server through candidates, filters and weighers; nothing is claimed.

    Parameters
    ----------
    scheduler
        With its cloud and options.
    spec
        What the server asks.
    first
        How many hosts to rank.

    Raises
    ------
    NoValidHost, BadInput
        As ``Scheduler.select``, before any host is looked at.
    """
    state = scheduler.state
    with state.lock:
        shape = scheduler.shape(spec)
        wanted = replace(shape.spec, hints=spec.hints, server_group=_group(state, spec))
        wanted = replace(
            wanted,
            ignore_hosts=spec.ignore_hosts,
            force_hosts=spec.force_hosts,
            force_nodes=spec.force_nodes,
        )
        known = hosts_with_servers(state)
        steps = []
        fits = marking_of(state, shape.request, True).fits(state)
        if shape.fallback is not None:
            fits = fits | marking_of(state, shape.fallback, True).fits(state)
        rooted = set(provider_identities(state, state.index().roots[fits]))
        left = [host for host in known if host.uuid in rooted]
        steps.append(_removed(NO_CANDIDATE, known, left))
        named = scheduler.named_rows(spec)
        if named is not None:
            allowed = {state.hosts.names[row] for row in named.tolist()}
            kept = [host for host in left if host.nodename in allowed]
            steps.append(_removed(NAMED, left, kept))
            left = kept
        if not spec.force_hosts and not spec.force_nodes:
            filtered = filtering.run(left, wanted, scheduler.options)
            steps += [
                Removed(
                    step.filter,
                    step.before,
                    step.after,
                    tuple(host.nodename for host in step.removed),
                )
                for step in filtered.steps
            ]
            left = list(filtered.hosts)
        if any("rooms" in each.reads for each in shape.weighers):
            for host in left:
                host.rooms = rooms_of(state, state.hosts.row(host.nodename))
        ranked = _ranked(left, wanted, scheduler, first)
    return Reasons(len(known), tuple(steps), ranked, scheduler.notes(spec))


def _removed(step: str, before: list[Host], after: list[Host]) -> Removed:
    kept = {host.nodename for host in after}
    gone = tuple(host.nodename for host in before if host.nodename not in kept)
    return Removed(step, len(before), len(after), gone)


def hosts_with_servers(state: State) -> list[Host]:
    """Give all hosts as filters see them, with their servers."""
    servers = _servers(state)
    found = []
    rows = np.flatnonzero(state.hosts.table["provider"] >= 0)
    for row, host in zip(rows.tolist(), host_views(state, rows), strict=True):
        host.instances = frozenset(servers.get(row, ()))
        host.candidates = ({},)
        found.append(host)
    return found


def _servers(state: State) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    hosts = state.tables.consumer["host"]
    rows = np.flatnonzero(hosts >= 0)
    servers = state.consumer_uuids.of(rows)
    for host, server in zip(hosts[rows].tolist(), servers, strict=True):
        found.setdefault(host, []).append(server)
    return found


def _group(state: State, spec: ServerSpec) -> ServerGroup | None:
    """Give the server's group with the members and hosts that it has now."""
    group = spec.server_group
    number = -1 if group is None else state.groups.find(group.uuid)
    if group is None or number < 0:
        return group
    table = state.tables.consumer
    rows = np.flatnonzero((table["group"] == number) & (table["host"] >= 0)).tolist()
    services = state.hosts.table["service"]
    return replace(
        group,
        members=group.members | {state.consumer_uuids[row] for row in rows},
        hosts=group.hosts
        | {state.hosts.services[int(services[table["host"][row]])] for row in rows},
    )


def _ranked(
    hosts: list[Host], spec: ServerSpec, scheduler: "Scheduler", first: int
) -> tuple[Ranked, ...]:
    weighed = weighing.weigh(hosts, spec, scheduler.options)
    return tuple(
        Ranked(
            hosts[i].nodename,
            float(weighed.weights[i]),
            tuple(
                Share(
                    part.weigher,
                    float(part.raw[i]),
                    float(part.normalised[i]),
                    float(part.multiplier[i]),
                    float(part.weighted[i]),
                )
                for part in weighed.parts
            ),
        )
        for i in weighed.order[:first].tolist()
    )

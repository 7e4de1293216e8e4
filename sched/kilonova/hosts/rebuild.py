"""Rebuild in place: whether a server may have another image on its host."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kilonova.cloud.host_view import host_view
from kilonova.cloud.hosts import servers_of
from kilonova.cloud.state import State
from kilonova.errors import NoValidHost
from kilonova.hosts import filtering
from kilonova.request.frozen import FrozenMapping
from kilonova.request.server import ServerSpec

if TYPE_CHECKING:
    from kilonova.hosts.scheduler import Scheduler

_CHECK_TYPE = "_nova_check_type"


def check_rebuild(
    scheduler: "Scheduler",
    spec: ServerSpec,
    host: str,
    allocations: Mapping[str, Mapping[str, int]],
) -> None:
    """Refuse a rebuild that the host of a server does not allow; nothing is claimed.

    Parameters
    ----------
    scheduler
        With its cloud and options.
    spec
        What the server asks, with the new image.
    host
        Name of the node that it is on.
    allocations
        What it holds, by provider.

    Raises
    ------
    NoValidHost
        The flavor forbids a trait that the image requires, no provider that the server
        holds something of has it, or a filter that rebuilds run removes the host.
    UnknownHost, UnknownProvider
        A name is unknown.
    UnknownFilter
        Options enable one that there is not.

    Notes
    -----
    As ``rebuild_instance`` in Nova's ``conductor/manager.py``, which then asks the
    scheduler for this one host, without pre-filters, Placement, or a claim. Nova asks
    nothing at all where the image stays the same.
    """
    state = scheduler.state
    with state.lock:
        row = state.hosts.row(host)
        _check_traits(state, spec, allocations)
        known = host_view(state, row)
        known.instances = servers_of(state, row)
        found = filtering.run([known], _marked(spec), scheduler.options)
    if not found.hosts:
        last = found.steps[-1].filter
        raise NoValidHost(
            f"No valid host was found. {last} removes host {host!r}, on which the "
            "server is to be rebuilt."
        )


def _marked(spec: ServerSpec) -> ServerSpec:
    """Mark a spec as that of a rebuild, as Nova's API does."""
    hints = FrozenMapping({**spec.hints, _CHECK_TYPE: ("rebuild",)})
    return replace(spec, hints=hints)


def _check_traits(
    state: State, spec: ServerSpec, allocations: Mapping[str, Mapping[str, int]]
) -> None:
    given = spec.image.properties.get("traits_required", ())
    wanted = set(given) if isinstance(given, tuple) else set()
    forbidden = wanted & _forbidden(spec)
    if forbidden:
        raise NoValidHost(
            "Traits that the image requires must not be forbidden by the flavor, got "
            f"{sorted(forbidden)}."
        )
    held: set[str] = set()
    for identity in allocations:
        number = state.tables.provider["trait_set"][state.provider_row(identity)]
        held |= {state.traits[each] for each in state.trait_sets[int(number)]}
    missing = wanted - held
    if missing:
        raise NoValidHost(
            "Traits that the image requires must be on providers that the server "
            f"holds resources of, which lack {sorted(missing)}."
        )


def _forbidden(spec: ServerSpec) -> set[str]:
    """Give the traits that the flavor forbids in any of its groups."""
    return {
        key.partition(":")[2]
        for key, value in spec.flavor.extra_specs.items()
        if key.startswith("trait") and value == "forbidden"
    }

"""Why no host takes a server, counted quickly: one line for the error."""

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.marking import marking_of
from kilonova.hosts.engine import Engine
from kilonova.request.group import Request


def refusal(engine: Engine, shape: int, count: int) -> str:
    """Count the hosts that are left after each stage; ``Scheduler.explain`` says more.

    Parameters
    ----------
    engine
        What is kept of hosts, after all claims of the call were undone.
    shape
        Number of the shape.
    count
        Servers that were to be placed.
    """
    asked, second = engine.shapes[shape].request, engine.shapes[shape].fallback
    room = _room(engine, asked)
    having = f"{int(room.sum())} have an allocation candidate"
    if second is not None:
        instead = _room(engine, second)
        having += (
            f" with PCPU ({_failing(engine, asked)}), {int(instead.sum())} with VCPU "
            f"in its place ({_failing(engine, second)})"
        )
        room |= instead
    passing = room & engine.kept.allowed[shape]
    many = f" for all of {count} servers" if count > 1 else ""
    return (
        f"No valid host was found. There are not enough hosts available{many}: of "
        f"{len(room)} hosts {having}, and {int(passing.sum())} of these pass the "
        "filters that look at no other server."
    )


def _room(engine: Engine, request: Request) -> NDArray[np.bool_]:
    """Mark the hosts that have a candidate for a request."""
    tree = engine.host_tree
    fits = marking_of(engine.state, request, True).fits(engine.state)
    found = np.zeros(len(tree), np.bool_)
    found[tree >= 0] = fits[tree[tree >= 0]]
    return found


def _failing(engine: Engine, request: Request) -> str:
    """Say how many hosts offer the CPUs that a request asks for at all."""
    state = engine.state
    names = {
        name
        for group in request.groups
        for name in group.resources
        if name in ("PCPU", "VCPU")
    }
    inventory, provider = state.tables.inventory, state.tables.provider
    offering = np.ones(len(engine.host_tree), np.bool_)
    roots = state.hosts.table["provider"]
    for name in names:
        number = state.resource_classes.find(name)
        own = inventory["resource_class"] == number
        offering &= np.isin(roots, provider["root"][inventory["provider"][own]])
    return f"{int(offering.sum())} offer {' and '.join(sorted(names)) or 'it'}"

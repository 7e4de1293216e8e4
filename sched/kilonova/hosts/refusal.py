"""Why no host takes a server, counted quickly: one line for the error."""

import numpy as np

from kilonova.candidates.marking import marking_of
from kilonova.hosts.engine import Engine


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
    state = engine.state
    tree = engine.host_tree
    fits = marking_of(state, engine.shapes[shape].request, True).fits(state)
    room = np.zeros(len(tree), np.bool_)
    room[tree >= 0] = fits[tree[tree >= 0]]
    passing = room & engine.kept.allowed[shape]
    many = f" for all of {count} servers" if count > 1 else ""
    return (
        f"No valid host was found. There are not enough hosts available{many}: of "
        f"{len(tree)} hosts {int(room.sum())} have an allocation candidate, and "
        f"{int(passing.sum())} of these pass the filters that look at no other server."
    )

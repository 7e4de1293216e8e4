"""Why servers of a replay found no host, one row for each flavor of a step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.hosts.reasons import NO_CANDIDATE
from kilonova.hosts.scheduler import Scheduler
from kilonova.replay.servers import Window


class Refusal(NamedTuple):
    """What was refused of one flavor and rule in one step.

    Attributes
    ----------
    first
        Number of the first server for which there was no host.
    flavor, rule
        What it asks.
    calls, servers
        Calls that failed at such a server, and all servers that came with them.
    placed_before
        Servers of the first such call that had a host until then.
    hosts, room
        Hosts there are; those that had room for one more after the step.
    passed
        Hosts that would take one more after the step: more than none where a call asked
        for more than there was, or where servers left.
    steps
        What removed how many hosts, after the step.
    """

    first: int
    flavor: str
    rule: str
    calls: int
    servers: int
    placed_before: int
    hosts: int
    room: int
    passed: int
    steps: str


def refusals_of(
    scheduler: Scheduler,
    window: Window,
    coming: NDArray[np.int64],
    host: NDArray[np.int32],
    stuck: NDArray[np.bool_],
) -> list[Refusal]:
    """Explain what a step refused: the first server of each flavor and rule.

    Parameters
    ----------
    scheduler
        As it is after the step.
    window
        What is played.
    coming
        Servers of the step, in their order.
    host, stuck
        What became of all servers so far.
    """
    found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    refused = coming[host[coming] < 0]
    edges = np.flatnonzero(np.diff(window.call[refused])) + 1
    for call in np.split(refused, edges):
        first = next((n for n in call.tolist() if stuck[n]), int(call[-1]))
        kind = window.kinds[window.kind[first]]
        before = int(np.searchsorted(call, first))
        found.setdefault((kind.flavor, kind.rule), []).append(
            (first, before, len(call))
        )
    rows = []
    for (flavor, rule), calls in found.items():
        first, before, _ = calls[0]
        why = scheduler.explain(window.kinds[window.kind[first]].spec, 0)
        room = next(step.after for step in why.steps if step.step == NO_CANDIDATE)
        rows.append(
            Refusal(
                first=first,
                flavor=flavor,
                rule=rule,
                calls=len(calls),
                servers=sum(size for *_, size in calls),
                placed_before=before,
                hosts=why.hosts,
                room=room,
                passed=why.steps[-1].after,
                steps=why.text(),
            )
        )
    return rows

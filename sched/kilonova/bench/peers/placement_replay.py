"""Placement is asked for each request of the GPU cluster in turn, and told each claim.

Which of the hosts is taken, says our policy: Placement has none. For each request it
gives all hosts that have a candidate, one candidate each, and is written what was
claimed.
"""

import json
import statistics
import time
from typing import Any

from kilonova.bench.beside import Finished
from kilonova.bench.document import uuid_of
from kilonova.bench.peers.loading import load_rows
from kilonova.bench.peers.same_cloud import documented
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.bench.workload import WrongResult
from kilonova.candidates.cloud import Cloud
from kilonova.replay import cluster
from kilonova.replay.openb import GpuGame
from kilonova.replay.run import Workload
from kilonova.request.rendering import render_query

# More than Placement finishes.
_MOST = 2_000
_TURNS = 3
COMPARED = "each host that is taken has a candidate, and none where none is"
_OWNER = {"project_id": "project", "user_id": "user", "consumer_type": "INSTANCE"}


def finished(game: GpuGame, budget_s: float) -> Finished:
    """Let both place the first requests of a run.

    Parameters
    ----------
    game
        The run.
    budget_s
        Seconds after which Placement gets no further request; it gets one at least.

    Raises
    ------
    WrongResult
        Placement has no candidate where ours takes a host, or the other way round.
    """
    workload = Workload(game.trace, game.run.workload)
    cloud, placed = _placed(workload, game, _MOST)[1:]
    # One candidate of each host, in rounds over the hosts; combinations of GPUs that
    # exceed what is free are not tried.
    options: dict[str, object] = {
        "placement__max_allocation_candidates": len(game.trace.machines),
        "placement__allocation_candidates_generation_strategy": "breadth-first",
        "workarounds__optimize_for_wide_provider_trees": True,
    }
    theirs, events = 0.0, 0
    with PlacementApplication(**options) as placement:
        with placement.writer() as own:
            load_rows(own, documented(cluster.build_cloud(game.trace.machines)))
        for number, host in zip(workload.numbers[game.run.order], placed, strict=False):
            if events and theirs > budget_s:
                break
            query = render_query(workload.requests[number])
            begin = time.perf_counter()
            found = _candidates(placement, query)
            theirs += time.perf_counter() - begin
            check(found, host, query)
            server = f"{game.run.workload}-{events}"
            if host is not None:
                begin = time.perf_counter()
                _claim(placement, server, cloud.allocations(server))
                theirs += time.perf_counter() - begin
            events += 1
    ours = statistics.median(_placed(workload, game, events)[0] for _ in range(_TURNS))
    return Finished(len(game.trace.machines), events, theirs, ours, COMPARED)


def _placed(
    workload: Workload, game: GpuGame, count: int
) -> tuple[float, Cloud, list[str | None]]:
    """Place the first requests on an empty cluster; give seconds, it, and the hosts."""
    placer, requests, consumers = workload.prepare(game.run, game.weigher)
    begin = time.perf_counter()
    trees = placer.place(requests[:count], consumers[:count]).tree
    seconds = time.perf_counter() - begin
    names = [machine.name for machine in game.trace.machines]
    hosts = [names[tree] if tree >= 0 else None for tree in trees.tolist()]
    cloud = Cloud()
    cloud.state = placer.state
    return seconds, cloud, hosts


def _candidates(placement: PlacementApplication, query: str) -> dict[str, Any]:
    status, body = placement.call("GET", "/allocation_candidates", query=query)
    if status != 200:
        raise WrongResult(f"Placement must answer 200, got {status}.")
    found: dict[str, Any] = json.loads(body)
    return found


def check(found: dict[str, Any], host: str | None, query: str) -> None:
    """Look for a candidate of a host, or for none; raises WrongResult."""
    summaries = found["provider_summaries"]
    roots = {
        summaries[uuid]["root_provider_uuid"]
        for each in found["allocation_requests"]
        for uuid in each["allocations"]
    }
    if (uuid_of(host) not in roots) if host is not None else roots:
        raise WrongResult(f"Placement's hosts for {query!r} are not those of {host}.")


def _claim(
    placement: PlacementApplication, server: str, held: dict[str, dict[str, int]]
) -> None:
    body = {
        "allocations": {
            uuid_of(name): {"resources": amounts} for name, amounts in held.items()
        },
        "consumer_generation": None,
        **_OWNER,
    }
    status, _ = placement.call("PUT", f"/allocations/{uuid_of(server)}", body=body)
    if status != 204:
        raise WrongResult(f"Placement must take claims with 204, got {status}.")

"""Put one random server to Kilonova and to Nova, and tell where they differ.

Four questions each: the NUMA cells, the query for candidates with its fallback, the
requests and groups of PCI aliases, and what the pre-filters change. Errors are compared
by name. Nova sends queries that Placement refuses; we say so at once, rightly.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from generators import servers
from kilonova.bench.peers import nova_requests as nova
from kilonova.errors import BadRequest, BadServerSpec, NoValidHost
from kilonova.hosts.options import Options
from kilonova.hosts.prefilters.register import run
from kilonova.request.flavor import Flavor
from kilonova.request.nova_query import nova_query
from kilonova.request.numa_constraints import numa_constraints
from kilonova.request.pci_alias import alias_groups, flavor_pci_requests, parse_aliases
from kilonova.request.query import parse_query
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.translate import TargetNode, translate


def play(seed: int, tally: Counter[str]) -> list[str]:
    """Return the differences over one random server, a text each.

    Parameters
    ----------
    seed
        Of the server; the same one again gives the same server.
    tally
        Counts, per question, of how Nova answered: with something, or an exception.
    """
    rng = random.Random(seed)
    spec, options = servers.random_spec(rng), servers.random_options(rng)
    faults = []
    for question in (_numa_cells, _queries, _aliases, _narrowed):
        ours, theirs = question(spec, options, rng)
        name = question.__name__.strip("_")
        refused = isinstance(theirs, tuple) and theirs[0] == "raises"
        tally[f"{name}: {theirs[1] if refused else 'answered'}"] += 1
        if ours != theirs:
            faults.append(f"{name}, seed {seed}\n{ours}\n{theirs}\n{spec}\n{options}")
    return faults


def outcome(ask: Callable[[], Any]) -> Any:
    """Return what we answer, in the form of `nova_requests.outcome`."""
    try:
        return ask()
    except BadServerSpec as error:
        return "raises", error.nova
    except NoValidHost as error:
        return "raises", type(error).__name__


def _numa_cells(spec: ServerSpec, _: Options, __: random.Random) -> tuple[Any, Any]:
    flavor, image = spec.flavor, spec.image
    return outcome(lambda: _our_cells(spec)), nova.outcome(
        lambda: nova.numa_cells(flavor, image)
    )


def _our_cells(spec: ServerSpec) -> dict[str, Any] | None:
    found = numa_constraints(spec.flavor, spec.image)
    if found is None:
        return None
    return {
        "emulator_threads_policy": found.emulator_threads_policy,
        "cells": [
            {
                "id": cell.number,
                "memory": cell.memory_mb,
                "pagesize": cell.pagesize_kb,
                "cpu_policy": cell.cpu_policy,
                "cpu_thread_policy": cell.cpu_thread_policy,
                "cpuset": cell.cpuset,
                "pcpuset": cell.pcpuset,
            }
            for cell in found.cells
        ],
    }


def _queries(spec: ServerSpec, options: Options, rng: random.Random) -> tuple[Any, Any]:
    nodes = [
        TargetNode(servers.UUIDS[number], f"host{number}", f"node{number}")
        for number in range(rng.choice([0, 1, 1, 1, 1, 2]))
    ]
    theirs = nova.outcome(lambda: nova.queries(spec, options, nodes))
    try:
        found = translate(spec, options, nodes)
    except BadServerSpec as error:
        return ("raises", error.nova), theirs
    except NoValidHost as error:
        if "Placement refuses" in str(error) and _is_refused(theirs[0]):
            return theirs, theirs
        return ("raises", "NoValidHost"), theirs
    second = found.fallback and nova_query(found.fallback)
    text = nova_query(found.request)
    # Also what Placement reads in it is what we look for, order included.
    if parse_query(text) != found.request:
        return found.request, parse_query(text)
    return (text, second), theirs


def _is_refused(query: str) -> bool:
    try:
        parse_query(query)
    except BadRequest:
        return True
    return False


def _aliases(spec: ServerSpec, options: Options, rng: random.Random) -> tuple[Any, Any]:
    policy = rng.choice([None, "required"])
    ours = outcome(lambda: our_aliases(spec.flavor, options, policy))
    theirs = nova.outcome(lambda: nova.alias_requests(spec.flavor, options, policy))
    return ours, theirs


def our_aliases(flavor: Flavor, options: Options, policy: str | None) -> Any:
    """Return requests and groups in the form of `nova_requests.alias_requests`."""
    in_placement = options.filter_scheduler.pci_in_placement
    aliases = parse_aliases(options.pci.alias, in_placement)
    found = flavor_pci_requests(flavor, aliases, policy)
    requests = [
        (each.count, each.alias_name, each.numa_policy, list(map(dict, each.spec)))
        for each in found
    ]
    groups = [
        (dict(each.resources), set().union(*each.required))
        for each in (alias_groups(found) if in_placement else ())
    ]
    return [("requests", requests), ("groups", groups)]


def _narrowed(
    spec: ServerSpec, options: Options, rng: random.Random
) -> tuple[Any, Any]:
    aggregates = servers.random_aggregates(rng)
    version = rng.choice([72, 73])

    def ours() -> dict[str, Any]:
        found = run(spec, aggregates, options, service_version=version)
        destination = found.destination or Destination()
        return {
            "root_required": set(found.root_required),
            "root_forbidden": set(found.root_forbidden),
            "aggregates": list(map(set, destination.aggregates)),
            "forbidden_aggregates": set(destination.forbidden_aggregates),
            "groups": [set().union(*group.required) for group in found.groups],
        }

    return outcome(ours), nova.outcome(
        lambda: nova.narrowed(spec, aggregates, options, version)
    )

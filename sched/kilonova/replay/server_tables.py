"""The tables that a replay of servers leaves: runs, use over time, refusals, places."""

from collections.abc import Sequence

import pyarrow as pa

from kilonova.replay.metrics import column
from kilonova.replay.server_play import ServerOutcome, Use

_KEY = [
    column("workload", pa.string(), "", "list of servers that was replayed"),
    column("policy", pa.string(), "", "options of the scheduler"),
    column("seed", pa.int64(), "", "seed of the scheduler's draws"),
]
_USE = [
    column("events", pa.int64(), "events", "played so far"),
    column("time_s", pa.int64(), "s", "of the last of them; without times: servers"),
    column("servers", pa.int64(), "servers", "that have a host"),
    column("vcpus", pa.int64(), "vCPU", "held by them"),
    column("memory_mb", pa.int64(), "MiB", "held by them"),
    column(
        "stranded_memory_mb",
        pa.int64(),
        "MiB",
        "free on places without a CPU for the smallest request",
    ),
    column(
        "stranded_vcpus",
        pa.int64(),
        "vCPU",
        "free on places without memory for the smallest request",
    ),
]

RUNS = pa.schema(
    [
        *_KEY,
        column("arrivals", pa.int64(), "servers", "that came"),
        column("departures", pa.int64(), "servers", "that left before the last came"),
        column("placed", pa.int64(), "servers", "that found a host"),
        column("refused", pa.int64(), "servers", "that found none, or whose call did"),
        column("calls_refused", pa.int64(), "calls", "of one server or of many"),
        column("hosts", pa.int64(), "hosts", "of the cloud"),
        column("places", pa.int64(), "", "hosts, or NUMA cells of hosts"),
        column("vcpus_total", pa.int64(), "vCPU", "of all hosts"),
        column("memory_mb_total", pa.int64(), "MiB", "of all hosts"),
        column("vcpus_most", pa.int64(), "vCPU", "held when most were"),
        column("memory_mb_then", pa.int64(), "MiB", "held at that moment"),
        column("stranded_memory_mb_then", pa.int64(), "MiB", "at that moment"),
        column("stranded_vcpus_then", pa.int64(), "vCPU", "at that moment"),
        column("seconds", pa.float64(), "s", "in the scheduler, after the first step"),
        column("events_per_second", pa.float64(), "1/s", "in these seconds"),
        column("first_decision_s", pa.float64(), "s", "cloud, events and first step"),
    ]
)
"""One row per run: what it was and how it went."""

USES = pa.schema([*_KEY, *_USE])
"""One row per run and moment."""

REFUSALS = pa.schema(
    [
        *_KEY,
        column("request", pa.int64(), "", "number of the first server without a host"),
        column("flavor", pa.string(), "", "what it asks"),
        column("rule", pa.string(), "", "policy of its group, or its zone"),
        column(
            "calls", pa.int64(), "calls", "of the step that failed at such a server"
        ),
        column("servers", pa.int64(), "servers", "of these calls"),
        column("placed_before", pa.int64(), "servers", "of the first call had a host"),
        column("hosts", pa.int64(), "hosts", "of the cloud"),
        column("room", pa.int64(), "hosts", "had room for one more after the step"),
        column("passed", pa.int64(), "hosts", "would take one more after the step"),
        column("steps", pa.string(), "", "what removed how many, after the step"),
    ]
)
"""One row per run, step, flavor and rule that was refused."""

PLACES = pa.schema(
    [
        *_KEY,
        column("place", pa.string(), "", "resource provider: a host or a NUMA cell"),
        column("host", pa.string(), "", "host that it belongs to"),
        column("rack", pa.int64(), "", "rack of the host; -1 without racks"),
        column("vcpus_total", pa.int64(), "vCPU", "offered"),
        column("vcpus", pa.int64(), "vCPU", "held when most were"),
        column("memory_mb_total", pa.int64(), "MiB", "offered"),
        column("memory_mb", pa.int64(), "MiB", "held at that moment"),
    ]
)
"""One row per run and place, at the moment at which most vCPUs were held."""


def runs_table(outcomes: Sequence[ServerOutcome]) -> pa.Table:
    """Give ``RUNS``."""
    return pa.Table.from_pylist([_run(outcome) for outcome in outcomes], RUNS)


def tables_of(outcomes: Sequence[ServerOutcome]) -> dict[str, pa.Table]:
    """Give all tables by the names of their files."""
    return {
        "runs": runs_table(outcomes),
        "uses": pa.Table.from_pylist(
            [_key(o) | use._asdict() for o in outcomes for use in o.uses], USES
        ),
        "refusals": pa.Table.from_pylist(
            [
                _key(outcome) | refusal._asdict() | {"request": refusal.first}
                for outcome in outcomes
                for refusal in outcome.refusals
            ],
            REFUSALS,
        ),
        "places": pa.concat_tables([_places(outcome) for outcome in outcomes]),
    }


def fullest(outcome: ServerOutcome) -> Use:
    """Give the moment at which most vCPUs were held."""
    return outcome.uses[outcome.fullest]


def _key(outcome: ServerOutcome) -> dict[str, object]:
    return {
        "workload": outcome.window.name,
        "policy": outcome.policy,
        "seed": outcome.seed,
    }


def _run(outcome: ServerOutcome) -> dict[str, object]:
    places, then = outcome.fleet.places, fullest(outcome)
    arrivals = len(outcome.host)
    return {
        **_key(outcome),
        "arrivals": arrivals,
        "departures": len(outcome.events.server) - arrivals,
        "placed": outcome.placed,
        "refused": arrivals - outcome.placed,
        "calls_refused": sum(refusal.calls for refusal in outcome.refusals),
        "hosts": len({place.host for place in places}),
        "places": len(places),
        "vcpus_total": sum(place.vcpus for place in places),
        "memory_mb_total": sum(place.memory_mb for place in places),
        "vcpus_most": then.vcpus,
        "memory_mb_then": then.memory_mb,
        "stranded_memory_mb_then": then.stranded_memory_mb,
        "stranded_vcpus_then": then.stranded_vcpus,
        "seconds": outcome.seconds,
        "events_per_second": outcome.rate,
        "first_decision_s": outcome.first_decision_s,
    }


def _places(outcome: ServerOutcome) -> pa.Table:
    places = outcome.fleet.places
    columns: dict[str, object] = {
        name: [value] * len(places) for name, value in _key(outcome).items()
    }
    columns |= {
        "place": [place.provider for place in places],
        "host": [place.host for place in places],
        "rack": [place.rack for place in places],
        "vcpus_total": [place.vcpus for place in places],
        "vcpus": outcome.vcpus,
        "memory_mb_total": [place.memory_mb for place in places],
        "memory_mb": outcome.memory_mb,
    }
    return pa.table(columns, schema=PLACES)

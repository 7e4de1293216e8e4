"""The report of a replay of servers: finding, facts and tables of the page."""

from collections.abc import Sequence
from html import escape
from typing import Any

from kilonova.replay.contents import Contents
from kilonova.replay.report_about import counted, written
from kilonova.replay.server_play import ServerOutcome
from kilonova.replay.server_tables import fullest, tables_of
from kilonova.replay.servers import ServerTrace
from kilonova.replay.source import Summary

_MOST_REFUSALS = 60


def contents_of(trace: ServerTrace, outcomes: Sequence[ServerOutcome]) -> Contents:
    """Give the report of some runs."""

    def draw(interactive: bool) -> Any:
        from kilonova.replay.server_pictures import pictures

        return pictures(trace, outcomes, interactive)

    place = "NUMA cell" if trace.cells else "host"
    return Contents(
        tables=tables_of(outcomes),
        finding=finding(outcomes),
        facts=_facts(trace, outcomes),
        sections=[
            (
                "All runs",
                f"Held and stranded: at the moment at which most vCPUs were held. "
                f"Stranded memory is free on a {place} without a vCPU for the smallest "
                "request, stranded vCPUs on one without memory for it. Seconds are of "
                "the scheduler; compiling, cloud and events apart.",
                _table(*_runs(outcomes)),
            ),
            (
                "Refusals",
                "One row for each flavor and rule that a step refused, explained by "
                "the cloud as it was after the step. All servers of a call find "
                "their hosts, or none of them keeps one."
                + _cut(sum(len(outcome.refusals) for outcome in outcomes)),
                _table(*_refusals(outcomes)),
            ),
        ],
        draw=draw,
    )


def _cut(count: int) -> str:
    if count <= _MOST_REFUSALS:
        return ""
    return f" The first {_MOST_REFUSALS} of {count}; all are in refusals.parquet."


def finding(outcomes: Sequence[ServerOutcome]) -> str:
    """Say in a sentence how many servers found a host, and how full it was."""
    arrivals = sum(len(outcome.host) for outcome in outcomes)
    refused = arrivals - sum(outcome.placed for outcome in outcomes)
    best = max(outcomes, key=vcpu_share)
    none = "all" if not refused else f"all but {written(refused)}"
    runs = f" in {len(outcomes)} runs" if len(outcomes) > 1 else ""
    return (
        f"Of {written(arrivals)} servers{runs} {none} found a host; at most "
        f"{vcpu_share(best):.2f} % of the vCPUs and then {memory_share(best):.2f} % of "
        "the memory were held."
    )


def vcpu_share(outcome: ServerOutcome) -> float:
    """Give the most vCPUs that were held, in per cent of all."""
    total = sum(place.vcpus for place in outcome.fleet.places)
    return 100 * fullest(outcome).vcpus / total


def memory_share(outcome: ServerOutcome) -> float:
    """Give the memory that was held when most vCPUs were, in per cent of all."""
    total = sum(place.memory_mb for place in outcome.fleet.places)
    return 100 * fullest(outcome).memory_mb / total


def _facts(
    trace: ServerTrace, outcomes: Sequence[ServerOutcome]
) -> list[tuple[str, str]]:
    workloads = list(dict.fromkeys(outcome.window.name for outcome in outcomes))
    policies = list(dict.fromkeys(outcome.policy for outcome in outcomes))
    events = sum(len(outcome.events.server) for outcome in outcomes)
    rates = [outcome.rate for outcome in outcomes]
    return [
        (counted("workload", workloads), ", ".join(workloads)),
        (counted("policy", policies), ", ".join(policies)),
        ("Runs", written(len(outcomes))),
        ("Hosts", trace.about),
        ("Events", written(events)),
        ("Events a second", f"{written(min(rates))} or more in each run"),
    ]


def _runs(outcomes: Sequence[ServerOutcome]) -> tuple[list[str], list[list[str]]]:
    heads = [
        "Run",
        "Servers",
        "Refused",
        "Departed",
        "vCPUs held,<br>most, %",
        "Memory<br>then, %",
        "Stranded<br>memory, GiB",
        "Stranded<br>vCPUs",
        "Scheduler,<br>s",
        "Events<br>a second",
    ]
    rows = []
    for outcome in outcomes:
        then = fullest(outcome)
        arrivals = len(outcome.host)
        rows.append(
            [
                escape(run_name(outcome)),
                written(arrivals),
                written(arrivals - outcome.placed),
                written(len(outcome.events.server) - arrivals),
                f"{vcpu_share(outcome):.2f}",
                f"{memory_share(outcome):.2f}",
                written(then.stranded_memory_mb / 1024),
                written(then.stranded_vcpus),
                f"{outcome.seconds:.2f}",
                written(outcome.rate),
            ]
        )
    return heads, rows


def run_name(outcome: ServerOutcome) -> str:
    """Name a run as all tables and pictures do."""
    seed = f", seed {outcome.seed}" if outcome.seed else ""
    return f"{outcome.window.name}, {outcome.policy}{seed}"


def _refusals(outcomes: Sequence[ServerOutcome]) -> tuple[list[str], list[list[str]]]:
    heads = [
        "Run",
        "First<br>server",
        "Flavor",
        "Rule",
        "Calls",
        "Servers",
        "Had<br>room",
        "What removed hosts",
    ]
    rows = [
        [
            escape(run_name(outcome)),
            written(each.first),
            escape(each.flavor),
            escape(each.rule or "none"),
            written(each.calls),
            written(each.servers),
            written(each.room),
            escape(each.steps),
        ]
        for outcome in outcomes
        for each in outcome.refusals
    ]
    return heads, rows[:_MOST_REFUSALS]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th scope=col>{text}</th>" for text in heads)
    lines = [f"<table class=runs><thead><tr>{head}</tr></thead><tbody>"]
    for first, *others in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        lines.append(f"<tr><th scope=row>{first}</th>{cells}</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def summary_of(outcomes: Sequence[ServerOutcome]) -> Summary:
    """Give a row per run for the terminal."""
    rows = []
    for outcome in outcomes:
        then = fullest(outcome)
        rows.append(
            [
                outcome.window.name,
                outcome.policy,
                str(outcome.placed),
                str(len(outcome.host) - outcome.placed),
                f"{vcpu_share(outcome):.2f}",
                f"{memory_share(outcome):.2f}",
                f"{then.stranded_memory_mb / 1024:.0f}",
                str(then.stranded_vcpus),
                f"{outcome.seconds:.2f}",
                f"{outcome.rate:.0f}",
            ]
        )
    return Summary(
        title="Servers that came and went",
        caption="vCPU %, mem %: held when most vCPUs were, of all; GiB, vCPU: stranded "
        "then\ns, /s: seconds in the scheduler, and events a second",
        texts=("workload", "policy"),
        numbers=(
            "placed",
            "refused",
            "vCPU %",
            "mem %",
            "GiB",
            "vCPU",
            "s",
            "/s",
        ),
        rows=rows,
    )

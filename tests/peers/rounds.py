"""What filters, weighers and consumption came to, in plain lists for comparison."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

RECORDED = Path(__file__).parents[2] / "data" / "conformance" / "nova_hosts.jsonl.gz"

# Nova takes the first thread of a core in the order of a set, and lays its sets out
# anew with each server that it puts on a host. Threads of one core are alike, so only
# the first server's are compared one by one.
_OF_ORDER = "cpus", "pinning"


class Round(NamedTuple):
    """What one server of a multi-create met.

    Attributes
    ----------
    steps
        Name of each filter that ran, and the hosts that passed it with the mappings of
        their candidates.
    weights
        Name and weight of each host, the best first, as hexadecimal text.
    chosen
        What the best host has left, None without a host.
    error
        Name of the exception that ended the round, None without.
    """

    steps: list[Any]
    weights: list[Any]
    chosen: dict[str, Any] | None = None
    error: str | None = None


def plain(rounds: Iterable[Round]) -> list[Round]:
    """Give rounds as they are once written and read."""
    return [Round(*json.loads(json.dumps(each))) for each in rounds]


class Kept(NamedTuple):
    """Nova's answers to what some seeds draw.

    Attributes
    ----------
    selections
        Rounds by seed.
    fits
        What NUMA fits and PCI pools came to, by seed.
    """

    selections: dict[int, list[Round]]
    fits: dict[int, list[Any]]


def write(kept: Kept) -> None:
    """Keep answers for test runs without Nova."""
    with gzip.GzipFile(RECORDED, "wb", mtime=0) as file:
        for kind, answers in kept._asdict().items():
            for seed, answer in answers.items():
                row = {"kind": kind, "seed": seed, "answer": answer}
                file.write(f"{json.dumps(row, separators=(',', ':'))}\n".encode())


def read() -> Kept:
    """Read the answers that were kept."""
    kept = Kept({}, {})
    with gzip.open(RECORDED, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            answer = row["answer"]
            if row["kind"] == "selections":
                answer = [Round(*each) for each in answer]
            getattr(kept, row["kind"])[row["seed"]] = answer
    return kept


def differences(ours: list[Round], novas: list[Round]) -> list[str]:
    """Describe where two plays of a case differ, one line each."""
    ours, novas = plain(ours), plain(novas)
    found = []
    if len(ours) != len(novas):
        found.append(f"rounds: ours {len(ours)}, Nova's {len(novas)}")
    for number, (our, nova) in enumerate(zip(ours, novas, strict=False)):
        for name in Round._fields:
            mine, its = getattr(our, name), getattr(nova, name)
            if number and isinstance(mine, dict) and isinstance(its, dict):
                mine, its = _without_order(mine), _without_order(its)
            if mine != its:
                found.append(f"round {number}, {name}: {_first(mine, its)}")
    return found


def chose_other_threads(ours: list[Round], novas: list[Round]) -> bool:
    """Say whether equal plays took other threads of the same cores."""
    return not differences(ours, novas) and plain(ours) != plain(novas)


def _without_order(left: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in left.items() if key not in _OF_ORDER}


def _first(ours: Any, novas: Any) -> str:
    """Show the first part that differs."""
    if isinstance(ours, Mapping) and isinstance(novas, Mapping):
        for key, value in novas.items():
            if ours.get(key) != value:
                return f"{key}: ours {ours.get(key)}, Nova's {value}"
    if isinstance(ours, list) and isinstance(novas, list):
        for mine, its in zip(ours, novas, strict=False):
            if mine != its:
                return f"ours {mine}, Nova's {its}"
    return f"ours {ours}, Nova's {novas}"

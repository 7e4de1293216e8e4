"""What Nova was seen to do in scenarios of moves, as it is kept in the repository."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moves_scenarios import Scenario

FILE = Path(__file__).parent.parent / "data/conformance/nova_moves.jsonl.gz"
Seen = list[dict[str, Any]]


def read() -> list[tuple[Scenario, Seen]]:
    """Give the scenarios and what was seen after each of their steps."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [(each["scenario"], each["seen"]) for each in found]


def write(played: Iterable[tuple[Scenario, Seen]]) -> None:
    """Keep scenarios; the same ones make the same bytes."""
    lines = [
        json.dumps({"scenario": scenario, "seen": seen}, sort_keys=True)
        for scenario, seen in played
    ]
    text = "".join(f"{line}\n" for line in lines)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


def differences(scenario: Scenario, ours: Seen, novas: Seen) -> list[str]:
    """Say in which step, where and how the answers differ; nothing: they do not."""
    for number, (step, mine, nova) in enumerate(
        zip(scenario["steps"], ours, novas, strict=True)
    ):
        if step["do"] == "delete" and nova["refused"] == 500:
            # It went as far as it went; Kilonova tells it by what it leaves.
            nova = {**nova, "refused": None}
        if mine != nova:
            where = f"{scenario['id']}, step {number} {json.dumps(step)}"
            return [where, *_differ("", mine, nova)]
    return []


def _differ(path: str, mine: Any, nova: Any) -> list[str]:
    if mine == nova:
        return []
    if isinstance(mine, dict) and isinstance(nova, dict):
        keys = [*mine, *(key for key in nova if key not in mine)]
        return [
            line
            for key in keys
            for line in _differ(f"{path}.{key}", mine.get(key), nova.get(key))
        ]
    if isinstance(mine, list) and isinstance(nova, list) and len(mine) == len(nova):
        return [
            line
            for n, (one, other) in enumerate(zip(mine, nova, strict=True))
            for line in _differ(f"{path}[{n}]", one, other)
        ]
    return [f"  {path}: ours {json.dumps(mine)}, Nova's {json.dumps(nova)}"]

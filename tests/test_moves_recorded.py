"""Moves leave what Nova left: the recorded scenarios, played again.

``data/conformance/nova_moves.jsonl.gz`` has what all of Nova, in one process, did in
each scenario: servers, migrations, ports and who holds what, after each operation and
at each step on the way. ``scripts/differential_moves.py`` writes it.
"""

from typing import Any

import pytest

import moves_play
import moves_recorded
from moves_named import named

RECORDED = moves_recorded.read()


@pytest.mark.parametrize(
    ("scenario", "seen"), RECORDED, ids=[scenario["id"] for scenario, _ in RECORDED]
)
def test_same_as_nova(scenario: dict[str, Any], seen: list[dict[str, Any]]) -> None:
    differing = moves_recorded.differences(scenario, moves_play.play(scenario), seen)
    assert not differing, "\n".join(differing)


def test_all_named_scenarios_are_recorded() -> None:
    recorded = {scenario["id"]: scenario for scenario, _ in RECORDED}
    assert {each["id"]: each for each in named()}.items() <= recorded.items()


def test_each_fault_of_a_named_scenario_came_to_pass() -> None:
    for scenario, seen in RECORDED:
        if not scenario["id"].startswith("random"):
            missed = [
                row for step in seen for row in step["trace"] if row[0] == "never"
            ]
            assert not missed, scenario["id"]


def test_a_difference_is_told() -> None:
    scenario, seen = RECORDED[0]
    wrong = [dict(step) for step in seen]
    wrong[0] = {**wrong[0], "refused": 409}
    [where, what] = moves_recorded.differences(scenario, wrong, seen)
    assert "step 0" in where
    assert what == "  .refused: ours 409, Nova's null"

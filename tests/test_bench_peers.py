"""Peers answer the same before they are timed, and turns are counted.

Method: Placement on a small cloud, in process; changed answers must be refused.
"""

import copy
import json
import math
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from kilonova.bench.peers import placement_pairs, sites
from kilonova.bench.peers.available import POSTGRESQL, database, peers
from kilonova.bench.peers.pairs import Pair, Turn, compared
from kilonova.bench.peers.same_cloud import same_cloud
from kilonova.bench.questions import PLAIN
from kilonova.errors import BadInput


def test_medians_of_turns() -> None:
    both = [Turn(4.0 * n, {"all": 2.0, "part": 1.0}) for n in range(1, 21)]
    turns = iter([Turn(9.0, {"all": 9.0, "part": 9.0}), *both])
    where = ("peer", "question", 1, "flat")
    first, second = compared(where, lambda: next(turns), math.inf)
    # The first turn warms up.
    assert (first.theirs, first.ours, first.ratio, first.turns) == (42.0, 2.0, 21.0, 20)
    assert (second.doing, second.ours, second.ratio) == ("part", 1.0, 42.0)


def test_a_long_first_turn_counts() -> None:
    where = ("peer", "question", 1, "flat")

    def of(budget_s: float) -> Pair:
        turns = (Turn(4.0 / n, {"all": 1.0}) for n in count(1))
        (found,) = compared(where, lambda: next(turns), budget_s)
        return found

    for budget_s, theirs, turns in ((0.0, 4.0, 1), (4.0, 4.0, 1), (4.1, 3.0, 2)):
        found = of(budget_s)
        assert (found.theirs, found.ratio, found.turns) == (theirs, theirs, turns)
    # Less than a fifth of the budget warms up.
    assert of(30.0).theirs < 4.0


@pytest.mark.jit
def test_placement_beside_ours() -> None:
    where = [(40, "flat"), (40, "nested")]
    found = list(sites.pairs(["placement"], where, 0.0, None, lambda _: None))
    assert [each.shape for each in found] == ["flat"] * 8 + ["nested"] * 24
    assert {each.hosts for each in found} == {40}
    ways = ("", ", after an edit", ", nothing kept")
    doing = {"trees marked", *(f"body written{way}" for way in ways)}
    assert {each.doing for each in found} == doing
    assert {each.peer for each in found} == {"Placement, SQLite"}
    assert all(each.turns == 1 and each.ratio > 0 for each in found)


def test_nova_is_not_asked_of_flat_clouds() -> None:
    assert not list(sites.pairs(["nova"], [(40, "flat")], 0.0, None, lambda _: None))


@pytest.mark.jit
def test_other_answers_are_refused() -> None:
    _, cloud = same_cloud(30, "flat")
    whole = json.loads(cloud.allocation_candidates(PLAIN).to_json())
    some = json.loads(cloud.allocation_candidates(PLAIN, 5).to_json())
    assert placement_pairs.is_same(whole, whole, None)
    assert placement_pairs.is_same(some, whole, 5)
    assert not placement_pairs.is_same(some, whole, None)
    assert not placement_pairs.is_same(some, whole, 6)
    changed = copy.deepcopy(some)
    held = changed["allocation_requests"][0]["allocations"]
    next(iter(held.values()))["resources"]["VCPU"] += 1
    assert not placement_pairs.is_same(changed, whole, 5)
    changed = copy.deepcopy(some)
    summary = next(iter(changed["provider_summaries"].values()))
    summary["resources"]["VCPU"]["used"] += 1
    assert not placement_pairs.is_same(changed, whole, 5)


def test_a_database_with_tables_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "others.db"
    with closing(sqlite3.connect(path)) as others:
        others.execute("CREATE TABLE theirs (id INTEGER)")
    monkeypatch.setenv(POSTGRESQL, f"sqlite:///{path}")
    with pytest.raises(BadInput, match="must be empty, got 1 tables"):
        database()
    monkeypatch.setenv(POSTGRESQL, f"sqlite:///{tmp_path}/none/none.db")
    with pytest.raises(BadInput, match="cannot be used: OperationalError"):
        database()
    monkeypatch.setenv(POSTGRESQL, "")
    assert database() is None


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ("", f"; on SQLite, {POSTGRESQL} names no PostgreSQL"),
        ("postgresql://here/bench", "; on SQLite and PostgreSQL"),
    ],
)
def test_databases_are_said(
    given: str, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRESQL, given)
    (found,) = peers(["placement"])
    assert found.note.endswith(note)


def test_unknown_peer() -> None:
    with pytest.raises(BadInput, match="--peers must be of placement, nova"):
        peers(["keystone"])

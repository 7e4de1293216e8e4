"""The first events of replays are the same for peers and for ours, and compared.

Method: parts of small recordings, made by hand; Placement is asked for real, Nova where
it is installed; answers that differ must be refused.
"""

import math
from typing import Any

import pytest

from kilonova.bench import beside
from kilonova.bench.churn import opening
from kilonova.bench.document import uuid_of
from kilonova.bench.part import Move, part_of, played, together
from kilonova.bench.peers import placement_replay
from kilonova.bench.peers.available import Peer
from kilonova.bench.workload import WrongResult
from kilonova.hosts.events import Boot, Delete
from kilonova.replay.source import Choice, open_source

pytestmark = pytest.mark.jit


@pytest.fixture(scope="module")
def azure() -> Any:
    return open_source("azure", None, Choice(workloads=("dev",))).games()[0]


@pytest.fixture(scope="module")
def openb() -> Any:
    choice = Choice(policies=("BestFit",), workloads=("default",), seeds=(42,))
    return open_source("openb", None, choice).games()[0]


def test_a_part_is_the_beginning(azure: Any) -> None:
    part = part_of(azure, 700)
    assert sum(map(len, part.steps)) == 700
    assert len(part.steps) > 1
    less = part.first(len(part.steps[0]) + 3)
    assert [len(step) for step in less.steps] == [len(part.steps[0]), 3]
    assert less.steps[1] == part.steps[1][:3]
    _, hosts = played(less)
    outcome = azure.play(lambda _: None)
    names = outcome.fleet.cloud.state.hosts.names
    first = outcome.events.server[: len(part.steps[0])].tolist()
    chosen = [names[outcome.host[server]] for server in first]
    # Servers that stay are where the whole replay has them.
    assert list(hosts.values())[: len(first)] == chosen


def test_calls_of_one_flavor_come_together(azure: Any) -> None:
    for step in part_of(azure, 2_000).steps:
        calls = together(step)
        assert [each for call in calls for each in call] == list(step)
        for call in calls:
            assert len(call) == 1 or len({id(boot.spec) for boot in call}) == 1  # type: ignore[union-attr]
    sizes = {len(call) for step in part_of(azure).steps for call in together(step)}
    assert max(sizes) > 1


def test_the_synthetic_part_has_all_kinds_of_events() -> None:
    part = opening(60)
    kinds = [type(each) for step in part.steps for each in step]
    assert len(kinds) == 2_000
    assert min(map(kinds.count, (Boot, Delete, Move))) > 50
    _, hosts = played(part)
    boots = {e.server for step in part.steps for e in step if isinstance(e, Boot)}
    assert hosts.keys() == boots


def test_placement_is_asked_in_sequence(openb: Any) -> None:
    done = placement_replay.finished(openb, 0.0)
    assert (done.hosts, done.events) == (1213, 1)
    assert done.theirs > done.ours > 0


def test_another_host_than_placements_is_refused() -> None:
    found: dict[str, Any] = {
        "allocation_requests": [{"allocations": {"a": {}}}],
        "provider_summaries": {"a": {"root_provider_uuid": uuid_of("host")}},
    }
    placement_replay.check(found, "host", "")
    for wrong in ("other", None):
        with pytest.raises(WrongResult, match="not those of"):
            placement_replay.check(found, wrong, "")
    empty: dict[str, Any] = {"allocation_requests": [], "provider_summaries": {}}
    placement_replay.check(empty, None, "")


def test_missing_peers_are_said(openb: Any, azure: Any) -> None:
    games = [("openb", openb), ("azure", azure), ("azure", azure)]
    missing = [Peer(name, None, "not installed") for name in ("placement", "nova")]
    found = list(beside.besides(games, (60, 100), missing, math.inf, print))
    assert [(each.replay.partition(":")[0], each.peer) for each in found] == [
        ("openb", "Placement"),
        ("azure", "Nova with Placement"),
        ("synthetic", "Nova with Placement"),
    ]
    for row in (each.row() for each in found):
        assert row["note"] == "not installed"
        assert row["events"] is row["ratio"] is None
    assert not list(beside.besides(games, (60, 100), [], math.inf, print))


def test_rates() -> None:
    done = beside.Finished(10, 50, 5.0, 0.01, "the same hosts")
    row = beside.Beside("openb", "Placement", done, done.compared).row()
    assert (row["their_rate"], row["our_rate"], row["ratio"]) == (10.0, 5000.0, 500.0)
    assert row["note"] == "the same hosts"

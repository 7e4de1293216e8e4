"""``kilonova bench``: JSON, tables, gates, and one line for input that is wrong.

Method: the command runs in this process on small clouds; exit status 0, 1 where a gate
is breached, 2 for input that cannot be right.
"""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kilonova.cli import main
from kilonova.cli.bench import SLOW

pytestmark = pytest.mark.jit

GATE = """
[[gate]]
workload = "claims: claim"
against = "hosts"
of = 100
hosts = 200
at_most = 6
"""


class Said(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


def say(*arguments: str) -> Said:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(["bench", *arguments])
    return Said(int(end.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    said = say("--only", "claims", "--hosts", "100,200", "--quick", "--json")
    assert said.status == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_json(document: dict[str, Any]) -> None:
    assert document["bandwidth"] > 1e8
    assert document["machine"]["cpus"] >= 1
    assert {row["hosts"] for row in document["cases"]} == {100, 200}
    assert {row["shape"] for row in document["cases"]} == {"flat", "nested"}
    for row in document["cases"]:
        assert row["workload"].startswith("claims: ")
        assert 0 < row["least"] <= row["p50"] <= row["p99"]
        assert row["per_host_ns"] == pytest.approx(row["p50"] / row["hosts"] * 1e9)
        assert row["allocated"] > 0
        assert row["kernels"]
        assert 0 < row["within"]["least"] <= row["within"]["p50"]
        for kernel in row["kernels"].values():
            assert 0 < kernel["p50"] <= kernel["p99"]
            assert kernel["calls"] >= 1
            # One call is traced, which comes not to all kernels.
            assert (kernel["allocated"] or 0) >= 0
        assert any(kernel["allocated"] for kernel in row["kernels"].values())
    assert len(document["growths"]) == len(document["cases"]) / 2
    assert document["pairs"] == document["replays"] == []
    # Of a part of the suite there is nothing to say.
    assert document["kernels_not_reached"] == []
    assert list(document["phases"]) == ["memory bandwidth", "100 hosts", "200 hosts"]
    assert all(seconds > 0 for seconds in document["phases"].values())


def test_tables() -> None:
    said = say("--only", "claims: claim", "--hosts", "100", "--quick")
    assert said.status == 0, said.err
    assert "claims" in said.out
    assert "claims.claim" in said.out
    assert "No peers were asked for" in said.out


@pytest.mark.parametrize("terminal", ["", "1"])
def test_no_word_is_cut(monkeypatch: pytest.MonkeyPatch, terminal: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    said = say("--only", "claims: claim", "--hosts", "100", "--quick")
    assert said.status == 0, said.err
    assert "…" not in said.out
    for words in ("nested, 70 %", "ns a host", "times limit"):
        assert words in said.out


def test_missing_peers_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kilonova.bench.peers.available.find_spec", lambda _: None)
    peers = ("--peers", "placement,nova")
    said = say("--only", "claims: claim", "--hosts", "100", "--quick", *peers)
    assert said.status == 0, said.err
    assert "Peer placement: not installed; pip install 'kilonova[peers]'" in said.out
    assert "Peer nova: not installed" in said.out


@pytest.mark.parametrize("slow", ["", "claims: claim=40"])
def test_gates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(GATE)
    monkeypatch.setenv(SLOW, slow)
    said = say("--gates", str(path))
    lines = said.out.splitlines()
    if slow:
        assert said.status == 1
        assert lines[0].startswith("BREACH: 'claims: claim' against itself on 100")
        assert lines[1:] == ["1 gates, 1 breached"]
    else:
        assert (said.status, lines) == (0, ["1 gates, 0 breached"])
    as_json = json.loads(say("--gates", str(path), "--json").out)
    assert as_json["gates"][0]["holds"] is not bool(slow)


@pytest.mark.parametrize(
    ("slow", "message"),
    [
        (
            "nosuch=10",
            "must name a workload of the gates, one of ['claims: claim'], "
            "got 'nosuch'.",
        ),
        ("claims: claim=0", "must be NAME=TIMES, got 'claims: claim=0'."),
    ],
)
def test_bad_slowdowns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str, message: str
) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(GATE)
    monkeypatch.setenv(SLOW, slow)
    said = say("--gates", str(path))
    assert (said.status, said.out) == (2, "")
    assert said.err == f"kilonova: {SLOW} {message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hosts", "10"], "--hosts must be in 100..1000000, got 10."),
        (["--hosts", "x"], "--hosts must be whole numbers, got 'x'."),
        (["--hosts", "100,"], "--hosts must be whole numbers, got ''."),
        (["--only", "nothing"], "No workload begins with 'nothing'"),
        (["--peers", "heat"], "--peers must be of placement, nova, got 'heat'."),
        (["--gates", "none.toml"], "none.toml cannot be read"),
        (["--gates", "none.toml", "--quick"], "give it alone"),
    ],
)
def test_bad_input(arguments: list[str], message: str) -> None:
    said = say(*arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("kilonova: ")
    assert message in said.err
    assert said.err.count("\n") == 1

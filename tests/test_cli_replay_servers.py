"""``kilonova replay azure`` and ``huawei`` as a user meets them, on small folders."""

import json
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kilonova.replay import server_play
from replay_small import code, files, refuse, small_cluster
from server_samples import write_azure, write_huawei


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_cluster(tmp_path, monkeypatch)
    return write_azure(tmp_path / "mine")


def test_report(azure: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--like", "azure", "--hosts", "1", "--window", "test"]
    assert code(azure, *options, "--policy", "spread", "--policy", "pack") == 0
    out = capsys.readouterr().out
    rows = [line.split()[:4] for line in out.splitlines() if line.startswith("test ")]
    assert rows == [["test", "spread", "3", "1"], ["test", "pack", "3", "1"]]
    assert out.endswith("report: out/mine/report.html\n")
    assert files(Path("out/mine")) == [
        "places-test-pack-0.png",
        "places-test-spread-0.png",
        "places.parquet",
        "refusals.parquet",
        "refused.png",
        "report.html",
        "runs.parquet",
        "stranded.png",
        "use.png",
        "uses.parquet",
    ]
    refusals = pq.read_table("out/mine/refusals.parquet").to_pylist()
    assert [(row["policy"], row["request"], row["room"]) for row in refusals] == [
        ("spread", 2, 0),
        ("pack", 2, 0),
    ]
    page = Path("out/mine/report.html").read_text()
    for told in ("All runs", "Refusals", "allocation candidates removed 1", "33 vCPU"):
        assert told in page, told


def test_json(azure: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code(azure, "--like", "azure", "--json", "--out", "o") == 0
    found = json.loads(capsys.readouterr().out)
    (run,) = found["runs"]
    assert (run["workload"], run["arrivals"], run["departures"]) == ("test", 4, 1)
    assert (run["placed"], run["refused"], run["hosts"]) == (4, 0, 1100)
    assert run["events_per_second"] > 0
    assert found["files"][0] == "o/report.html"


def test_huawei(
    azure: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_huawei(tmp_path / "cells")
    assert code(folder, "--like", "huawei", "--json") == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["arrivals"], run["hosts"], run["places"]) == (6, 2, 4)
    places = pq.read_table("out/cells/places.parquet").to_pylist()
    assert [row["vcpus"] for row in places] == [4, 4, 4, 0]


def test_options_of_nova(azure: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tight.conf").write_text("[filter_scheduler]\nram_weight_multiplier = -1\n")
    options = ["--like", "azure", "--config-file", "tight.conf", "--json"]
    assert code(azure, *options) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["policy"] == "tight"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            ["--like", "azure", "--window", "tset"],
            "Unknown workload 'tset'. Known: test, dev. Did you mean 'test'?",
            id="window",
        ),
        pytest.param(
            ["--like", "azure", "--hosts", "0"],
            "--hosts must be in 1..1000000, got 0.",
            id="hosts",
        ),
        pytest.param(
            ["--like", "azure", "--policy", "FGD"],
            "Unknown policy 'FGD'. Known: spread, pack.",
            id="policy",
        ),
        pytest.param(
            ["--like", "azure", "--check-published"],
            "--check-published is not for azure.",
            id="nothing published",
        ),
        pytest.param(["--hosts", "3"], "--hosts is not for openb.", id="openb"),
        pytest.param(
            ["--like", "aws"],
            "--like must be one of openb, azure, huawei, got 'aws'.",
            id="form",
        ),
        pytest.param(
            ["--like", "huawei"], "machines.parquet: no such file", id="no machines"
        ),
        pytest.param(
            ["--like", "azure", "--config-file", "no.conf"],
            "no.conf cannot be read",
            id="no configuration",
        ),
    ],
)
def test_refused(
    azure: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert message in refuse(capsys, azure, *options)


def test_interrupted(
    azure: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the second step: it says how many events were played."""
    looked = server_play.Player._look

    def pressing(player: server_play.Player, stop: int) -> None:
        if stop == 5:
            signal.raise_signal(signal.SIGINT)
        looked(player, stop)

    monkeypatch.setattr(server_play.Player, "_look", pressing)
    assert code(azure, "--like", "azure", "--window", "test") == 130
    error = capsys.readouterr().err
    assert "after 0 of 1 runs and 5 of 5 events; nothing was written" in error
    assert files(Path.cwd()) == []

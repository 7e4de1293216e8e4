"""``kilonova replay`` as a user meets it: what it prints, writes and refuses.

What is refused is one line on stderr with exit code 2, and leaves no file. The command
runs in this process, except where the matter is what a process loads.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kilonova.cli import replay as command
from kilonova.cli.console import print_json
from kilonova.hosts import policies
from kilonova.replay import openb
from kilonova.replay.source import find_folder
from replay_small import Columns, code, files, refuse, small_cluster, write


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_cluster(tmp_path, monkeypatch)


def test_report_of_a_small_cluster(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither orders nor ranks nor published series are needed."""
    assert code(cluster, "--workload", "w", "--policy", "BestFit") == 0
    out, error = capsys.readouterr()
    assert error == ""
    assert re.search(r"^w +BestFit +1 +2 +1 +50.00 ", out, re.MULTILINE), out
    assert out.endswith("report: out/recorded/report.html\n")
    runs = pq.read_table("out/recorded/runs.parquet").to_pylist()
    assert [(r["workload"], r["policy"], r["seed"]) for r in runs] == [
        ("w", "BestFit", 0)
    ]
    machines = pq.read_table("out/recorded/machines.parquet").to_pylist()
    # The share and the whole GPU fit on the smaller machine only one at a time.
    assert {row["name"]: row["gpu_free"] for row in machines} == {
        "a": [0, 1000],
        "b": [500],
    }
    assert [row["mem_mib_free"] for row in machines] == [1023, 1023]
    assert [row["cpu_milli_free"] for row in machines] == [7000, 3000]


def test_json_is_all_there_is_on_stdout(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = ["--policy", "FGD", "--policy", "Random", "--policy", "FGD"]
    seeds = ["--seed", "0", "--seed", "0"]
    assert code(cluster, "--json", *policies, *seeds, "--out", "deep/er") == 0
    out, error = capsys.readouterr()
    assert error == ""
    found = json.loads(out)
    assert set(found) == {"runs", "files"}
    assert [(r["workload"], r["policy"]) for r in found["runs"]] == [
        (w, p) for p in ("FGD", "Random") for w in ("w", "v")
    ]
    assert found["runs"][0]["first_decision_s"] > 0
    assert found["files"][0] == "deep/er/report.html"
    assert sorted(found["files"]) == [
        f"deep/er/{name}" for name in files(Path("deep/er"))
    ]


def test_all_policies_without_options(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(cluster, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["runs"]
    assert len(rows) == 2 * len(policies.registered())


def test_numbers_that_json_cannot_write(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [float("nan"), (float("inf"), 1.5)], "b": {"c": -1}})
    assert json.loads(capsys.readouterr().out) == {
        "a": [None, [None, 1.5]],
        "b": {"c": -1},
    }


def test_second_run_replaces_the_report(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--workload", "w", "--policy"]
    assert code(cluster, *options, "BestFit") == 0
    Path("out/recorded/note.txt").write_text("of somebody else")
    before = files(Path("out/recorded"))
    assert code(cluster, *options, "FGD") == 0
    assert files(Path("out/recorded")) == before
    assert pq.read_table("out/recorded/runs.parquet")["policy"].to_pylist() == ["FGD"]
    assert "FGD" in Path("out/recorded/report.html").read_text()


def test_folder_here_gives_its_name(
    cluster: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cluster)
    assert code(".", "--policy", "BestFit", "--workload", "v") == 0
    assert "report: out/recorded/report.html" in capsys.readouterr().out
    assert "Replay of recorded" in Path("out/recorded/report.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            ["--policy", "bestfit"],
            "Unknown policy 'bestfit'. Known: Random, DotProd, GpuClustering, "
            "GpuPacking, BestFit, FGD. Did you mean 'BestFit'?",
            id="policy",
        ),
        pytest.param(
            ["--workload", "w", "--workload", "W"],
            "Unknown workload 'W'. Known: w, v.",
            id="workload",
        ),
        pytest.param(["--seed", "7"], "Unknown seed 7. Known: 0.", id="seed"),
        pytest.param(
            ["--check-published"], "has no published.parquet", id="nothing published"
        ),
    ],
)
def test_unknown_names(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert message in refuse(capsys, cluster, *options)


def test_known_workload_and_seed_but_not_together(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = {"workload": ["w", "v"], "seed": [1, 2], "request": [0, 0]}
    write(cluster, "order", order)
    line = refuse(capsys, cluster, "--workload", "w", "--seed", "2")
    assert "No run has that workload and that seed. Known: w 1, v 2." in line


def test_out_on_a_file_is_refused_before_anything_is_played(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "_play", None)
    for out in (cluster / "machines.parquet", cluster / "machines.parquet/deeper"):
        line = refuse(capsys, cluster, "--out", out)
        assert f"{cluster}/machines.parquet is a file; --out must be a folder" in line


def test_out_without_a_report_is_refused(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refuse(capsys, cluster, "--check-published", "--out", "somewhere")
    assert "writes no report; give no --out with it" in line
    assert not Path("somewhere").exists()


def published(policy: str, value: float) -> Columns:
    """Give one published value, of when nothing had arrived."""
    return {
        "workload": ["v"],
        "policy": [policy],
        "seed": [0],
        "arrived_pct": [0],
        "gpu_allocated_pct": [value],
        "gpu_fragment_pct": [100.0],
        "fragment_of_idle_pct": [100.0],
    }


@pytest.mark.parametrize(
    ("value", "exit_code", "word"), [(0.0, 0, "agrees"), (0.01, 1, "differs")]
)
def test_check_published(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    value: float,
    exit_code: int,
    word: str,
) -> None:
    """The only request asks for no GPU: all of them are idle, and of no use to it."""
    write(cluster, "published", published("FGD", value))
    assert code(cluster, "--check-published") == exit_code
    out, error = capsys.readouterr()
    assert error == ""
    assert re.search(rf"^v +FGD .* {word} +$", out, re.MULTILINE), out
    assert "BestFit" not in out
    assert files(Path.cwd()) == []


def test_check_published_as_json(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a run has no value at a per cent that was published, JSON has null."""
    write(cluster, "published", {**published("FGD", 0.0), "arrived_pct": [3]})
    assert code(cluster, "--check-published", "--json") == 1
    rows = json.loads(capsys.readouterr().out)["published"]
    assert [(r["agrees"], r["largest"], r["ours"]) for r in rows] == [
        (False, None, None)
    ] * 3


def test_check_published_without_a_published_run(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(cluster, "published", published("Nope", 0.0))
    assert "None of these runs was published" in refuse(
        capsys, cluster, "--check-published"
    )


@pytest.mark.parametrize("columns", [30, 60, 80, 200])
def test_no_number_is_cut_off_at_a_narrow_terminal(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    assert code(cluster, "--policy", "GpuClustering", "--workload", "w") == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert "\x1b" not in out
    row = next(line for line in out.splitlines() if "GpuClustering" in line)
    assert re.search(r"\b2\b.*\b50\.00\b", row), row
    assert ("refused" in out) == (columns >= 80)


def test_start_is_light() -> None:
    """Help and wrong options need neither numba nor pyarrow."""
    script = (
        "import sys\n"
        "from kilonova.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as stop: print(stop.code, file=sys.stderr)\n"
        "print({'numba', 'pyarrow'} & set(sys.modules), file=sys.stderr)"
    )
    for arguments, exit_code in ((["--help"], 0), (["replay", "--no"], 2)):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr.splitlines()[-2:] == [str(exit_code), "set()"]


def test_empty_cache_is_told(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Compiling takes long: what is waited for is said before, and counted."""
    said: list[str] = []
    monkeypatch.setattr("kilonova_kernels._jit.is_compiled", lambda _: False)
    monkeypatch.setattr(openb, "warm_up", lambda: said.append(capsys.readouterr().err))
    assert code(cluster, "--policy", "BestFit", "--json") == 0
    assert said == ["kilonova: compiling kernels, once\n"]
    assert json.loads(capsys.readouterr().out)["runs"][0]["compile_s"] > 0


def test_recorded_cluster_by_name() -> None:
    assert files(find_folder("openb")) == [
        "NOTICE",
        "machines.parquet",
        "order.parquet",
        "published.parquet",
        "rank.parquet",
        "requests.parquet",
    ]

"""A recorded cluster that cannot be right is refused: which file, column, row, value.

Every case is run by the command: one line on stderr, exit code 2, and no file.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from replay_small import MACHINES, REQUESTS, Columns, refuse, small_cluster, write

NO_TEXT = pa.array([], pa.string())
NO_NUMBER = pa.array([], pa.int64())


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_cluster(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("name", "column", "values", "message"),
    [
        pytest.param(
            "machines", "cpu_milli", [8000, -1],
            "row 1: cpu_milli must be in 1..2147483647, got -1.", id="negative",
        ),
        pytest.param(
            "machines", "gpu", ["two", "one"],
            "column 'gpu' must be a whole number, found string.", id="type",
        ),
        pytest.param(
            "machines", "gpu", [2.0, 1.0],
            "column 'gpu' must be a whole number, found double.", id="real",
        ),
        pytest.param(
            "machines", "gpu", None,
            "column 'gpu' (whole number) is missing; found machine, name,", id="column",
        ),
        pytest.param(
            "machines", "mem_mib", pa.array([1, 2**63], pa.uint64()),
            "row 1: mem_mib must be at most 9223372036854775807, got 92233720368547758",
            id="beyond int64",
        ),
        pytest.param(
            "machines", "machine", [4, None],
            "row 1: machine must be in 0..2147483647, got None.", id="null",
        ),
        pytest.param(
            "machines", "machine", pa.nulls(2), "row 0: machine must be", id="no type"
        ),
        pytest.param(
            "machines", "machine", [4, 4], "row 1: machine must be unique", id="number"
        ),
        pytest.param(
            "machines", "name", ["a", "a"], "row 1: name must be unique, got 'a'.",
            id="name",
        ),
        pytest.param(
            "machines", "name", ["a", "a:gpu1"], "machine 'a' has a GPU 'a:gpu1'",
            id="name of a GPU",
        ),
        pytest.param(
            "machines", "name", ["a", "b" * 181], "row 1: name must be text of 1",
            id="long name",
        ),
        pytest.param(
            "machines", "gpu_model", ["T4", None], "row 1: gpu_model must be text of 1",
            id="model",
        ),
        pytest.param("machines", "gpu", [0, 0], "no machine has a GPU", id="no GPU"),
        pytest.param(
            "requests", "gpu", [1, 1, 500, 0], "row 2: gpu must be in 0..62, got 500.",
            id="impossible",
        ),
        pytest.param(
            "requests", "gpu_milli", [500, 1001, 1000, 0],
            "row 1: gpu_milli must be in 0..1000, got 1001.", id="more than a GPU",
        ),
        pytest.param(
            "requests", "gpu_milli", [500, 1000, 500, 0],
            "row 2: 2 GPUs of 500 milli each", id="parts of two",
        ),
        pytest.param(
            "requests", "gpu_milli", [0, 1000, 1000, 0],
            "row 0: 1 GPUs of 0 milli each", id="nothing of one",
        ),
        pytest.param(
            "requests", "request", [0, 2, 1, 0],
            "row 1: request must count from 0 in its workload, expected 1, got 2.",
            id="count",
        ),
        pytest.param(
            "requests", "workload", ["w", "w", "w", None],
            "row 3: workload must be there, got None.", id="no workload",
        ),
        pytest.param(
            "requests", "cpu_milli", [1000, 1000, 0, 1], "row 2: neither CPU nor",
            id="nothing asked",
        ),
    ],
)  # fmt: skip
def test_wrong_tables(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    column: str,
    values: Any,
    message: str,
) -> None:
    columns = dict(MACHINES if name == "machines" else REQUESTS)
    columns[column] = values
    if values is None:
        del columns[column]
    write(cluster, name, columns)
    line = refuse(capsys, cluster)
    assert f"{cluster}/{name}.parquet: " in line
    assert message in line


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        pytest.param(
            "order", {"workload": ["w", "w"], "seed": [1, 1], "request": [0, 3]},
            "workload 'w', seed 1: request 3 is not among the 3 of requests.parquet.",
            id="request",
        ),
        pytest.param(
            "order", {"workload": ["w"], "seed": [1], "request": [-1]},
            "row 0: request must be in 0..", id="negative",
        ),
        pytest.param(
            "order", {"workload": ["z"], "seed": [1], "request": [0]},
            "workload 'z' is not in requests.parquet.", id="workload",
        ),
        pytest.param(
            "order", {"workload": ["w", "w"], "seed": [1, None], "request": [0, 0]},
            "row 1: seed must be in 0..", id="no seed",
        ),
        pytest.param(
            "order", {"workload": ["w"], "seed": [-5], "request": [0]},
            "row 0: seed must be in 0..9223372036854775807, got -5.", id="seed",
        ),
        pytest.param(
            "order", {"workload": NO_TEXT, "seed": NO_NUMBER, "request": NO_NUMBER},
            "no requests.", id="empty",
        ),
        pytest.param(
            "rank",
            {"workload": ["w"], "seed": [0], "machine": [4], "rank": [0]},
            "workload 'w', seed 0: machine 7 has no rank.", id="machine",
        ),
        pytest.param(
            "rank",
            {"workload": ["w"], "seed": [0], "machine": [4], "rank": pa.nulls(1)},
            "row 0: rank must be in 0..2147483647, got None.", id="no rank",
        ),
        pytest.param(
            "rank", {"workload": ["w"], "seed": [0], "machine": [4], "rank": [-1]},
            "row 0: rank must be in 0..2147483647, got -1.", id="negative rank",
        ),
        pytest.param(
            "published",
            {"workload": ["w"], "policy": ["FGD"], "seed": ["x"]},
            "column 'seed' must be a whole number, found string.", id="published",
        ),
    ],
)  # fmt: skip
def test_wrong_further_tables(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    columns: Columns,
    message: str,
) -> None:
    write(cluster, name, columns)
    line = refuse(capsys, cluster, "--policy", "BestFit")
    assert f"{cluster}/{name}.parquet: " in line
    assert message in line


def test_column_that_is_there_twice(
    cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pa.table(dict(MACHINES))
    table = table.append_column("gpu", table["gpu"])
    pq.write_table(table, cluster / "machines.parquet")
    assert "column 'gpu' must be there once." in refuse(capsys, cluster)


@pytest.mark.parametrize("content", [b"", b"hello", b"PAR1" + bytes(100) + b"PAR1"])
def test_not_parquet(
    cluster: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (cluster / "requests.parquet").write_bytes(content)
    line = refuse(capsys, cluster)
    assert f"{cluster}/requests.parquet: not a readable Parquet file: " in line


def test_cut_off_parquet(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cluster / "machines.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    assert "not a readable Parquet file" in refuse(capsys, cluster)


@pytest.mark.parametrize("name", ["machines", "requests"])
def test_missing_file(
    cluster: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (cluster / f"{name}.parquet").unlink()
    line = refuse(capsys, cluster)
    assert f"{cluster}/{name}.parquet: no such file; a recorded cluster has it." in line


def test_missing_folder(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "'openbb' is neither a folder nor a recorded" in refuse(capsys, "openbb")
    assert f"{cluster}/no: no such folder." in refuse(capsys, cluster / "no")
    file = cluster / "machines.parquet"
    assert f"{file} is a file; a recorded" in refuse(capsys, file)


@pytest.mark.parametrize("method", ["iterdir", "is_file"])
def test_unreadable_folder(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    """Root may read everything: so the system's answer is put in its place."""
    original = getattr(Path, method)

    def denied(path: Path) -> Any:
        if path == cluster or path.parent == cluster:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(Path, method, denied)
    line = refuse(capsys, cluster)
    assert f"{cluster}" in line
    assert "cannot be read: Permission denied." in line

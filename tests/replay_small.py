"""A small recorded cluster as Parquet, and ``kilonova replay`` run on it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import vl_convert

from kilonova.cli import main
from kilonova.replay import report_png

Columns = Mapping[str, Any]

MACHINES: Columns = {
    "machine": [4, 7],
    "name": ["a", "b"],
    "cpu_milli": [8000, 4000],
    "mem_mib": [1024, 1024],
    "gpu": [2, 1],
    "gpu_model": ["T4", "G2"],
}
REQUESTS: Columns = {
    "workload": ["w", "w", "w", "v"],
    "request": [0, 1, 2, 0],
    "cpu_milli": [1000, 1000, 1000, 1],
    "mem_mib": [1, 1, 0, 1],
    "gpu": [1, 1, 2, 0],
    "gpu_milli": [500, 1000, 1000, 0],
    "gpu_models": [None, "T4|G2", None, None],
}


def write(folder: Path, name: str, columns: Columns) -> None:
    pq.write_table(pa.table(dict(columns)), folder / f"{name}.parquet")


def small_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the least that is a recorded cluster, and work in an empty folder.

    Pictures are not drawn, which takes seconds; that is for the tests of reports.
    """
    monkeypatch.setattr(report_png, "png", lambda _: b"a picture")
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda *_, **__: "a library")
    folder, work = tmp_path / "recorded", tmp_path / "work"
    folder.mkdir()
    write(folder, "machines", MACHINES)
    write(folder, "requests", REQUESTS)
    work.mkdir()
    monkeypatch.chdir(work)
    return folder


def code(*arguments: str | Path) -> int:
    """Run the command in this process; give its exit code."""
    with pytest.raises(SystemExit) as stopped:
        main(["replay", *map(str, arguments)])
    return int(stopped.value.code or 0)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run what must be refused, and give the one line that says why."""
    assert code(*arguments) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"kilonova: [^\n]+\n", error), error
    assert files(Path.cwd()) == []
    return error

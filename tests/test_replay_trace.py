"""What is read of a recorded cluster: machines, requests, orders, ranks; a choice."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kilonova.errors import BadInput
from kilonova.replay.source import find_folder
from kilonova.replay.trace import Asked, Machine, Trace, read_trace
from replay_small import MACHINES, REQUESTS, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "machines", MACHINES)
    write(tmp_path, "requests", REQUESTS)
    return tmp_path


def runs(trace: Trace) -> list[tuple[str, int, list[int], list[int]]]:
    return [(r.workload, r.seed, r.order.tolist(), r.rank.tolist()) for r in trace.runs]


def test_machines_and_requests(folder: Path) -> None:
    trace = read_trace(folder)
    assert trace.machines == (
        Machine(4, "a", 8000, 1024, 2, "T4"),
        Machine(7, "b", 4000, 1024, 1, "G2"),
    )
    assert trace.gpu_milli == 3000
    assert trace.workloads == {
        "w": (
            Asked(1000, 1, 1, 500, ""),
            Asked(1000, 1, 1, 1000, "T4|G2"),
            Asked(1000, 0, 2, 1000, ""),
        ),
        "v": (Asked(1, 1, 0, 0, ""),),
    }
    assert trace.published is None


def test_without_orders_each_request_comes_once(folder: Path) -> None:
    found = runs(read_trace(folder))
    assert found == [("w", 0, [0, 1, 2], [0, 1]), ("v", 0, [0], [0, 1])]


def test_orders_and_ranks(folder: Path) -> None:
    """Ranks are by the machine's number; a run without ranks has the file's order."""
    order = {"workload": ["w", "v", "w"], "seed": [5, 6, 5], "request": [2, 0, 2]}
    rank: dict[str, list[str] | list[int]] = {
        "workload": ["w"] * 3,
        "seed": [5] * 3,
        "machine": [7, 9, 4],
    }
    rank["rank"] = [3, 0, 8]
    write(folder, "order", order)
    write(folder, "rank", rank)
    found = runs(read_trace(folder))
    assert found == [("w", 5, [2, 2], [8, 3]), ("v", 6, [0], [0, 1])]


def test_machines_without_gpus_are_left_out(folder: Path) -> None:
    columns = {**MACHINES, "gpu": [0, 1], "gpu_model": [None, "G2"]}
    write(folder, "machines", columns)
    assert [m.name for m in read_trace(folder).machines] == ["b"]


def test_narrow_types_and_dictionaries(folder: Path) -> None:
    """A file may hold numbers in few bits, and text by number."""
    wide = read_trace(folder)
    for name in ("machines", "requests"):
        table = pq.read_table(folder / f"{name}.parquet")
        for place, field in enumerate(table.schema):
            narrow = (
                pa.uint16() if pa.types.is_integer(field.type) else pa.large_string()
            )
            column = table[field.name].cast(narrow).dictionary_encode()
            table = table.set_column(place, field.name, column)
        pq.write_table(table, folder / f"{name}.parquet")
    narrow_trace = read_trace(folder)
    assert narrow_trace.machines == wide.machines
    assert narrow_trace.workloads == wide.workloads


def test_choice() -> None:
    trace = read_trace(find_folder("openb"))
    assert len(trace.choose()) == 20
    chosen = trace.choose(["cpu250", "default", "cpu250"], [46, 42])
    assert sorted((run.workload, run.seed) for run in chosen) == [
        (workload, seed) for workload in ("cpu250", "default") for seed in (42, 46)
    ]
    assert {run.seed for run in trace.choose(seeds=[43])} == {43}
    assert all(len(run.rank) == len(trace.machines) == 1213 for run in chosen)
    assert chosen[0].order.dtype == np.int64


def test_choice_of_nothing_there_is() -> None:
    trace = read_trace(find_folder("openb"))
    with pytest.raises(BadInput, match=r"Unknown workload 'cpu25'\. .*'cpu250'\?"):
        trace.choose(["cpu25"])
    with pytest.raises(BadInput, match=r"Unknown seed 4\. Known: 42, 43, 44, 45, 46\."):
        trace.choose(seeds=[4])


def test_folder_goes_before_a_name_only_with_a_slash(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "openb"
    own.mkdir()
    monkeypatch.chdir(folder)
    assert find_folder("./openb") == Path("openb")
    assert (find_folder("openb") / "published.parquet").is_file()

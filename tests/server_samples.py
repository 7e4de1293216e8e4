"""Small lists of servers: cut out of the recorded ones, and written by hand."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kilonova.replay.servers import Window
from replay_small import Columns

AZURE: Columns = {
    "workload": ["test", "test", "test", "test", "dev"],
    "request": [0, 1, 2, 3, 0],
    "time_s": [0, 0, 0, 300, 5],
    "end_s": [300, 450, None, None, None],
    "cpu_milli": [32000, 32000, 33000, 32000, 1000],
    "mem_mib": [1024, 1024, 1024, 2048, 1024],
    "group": [0, 0, 1, 2, 0],
}
MACHINES: Columns = {
    "machine": [0, 0, 1, 1],
    "name": ["a", "a", "b", "b"],
    "rack": [0, 0, 1, 1],
    "numa": [0, 1, 0, 1],
    "cpu_milli": [4000, 4000, 4000, 0],
    "mem_mib": [4096, 4096, 4096, 0],
}
REQUESTS: Columns = {
    "workload": ["C1"] * 6,
    "request": [0, 1, 2, 3, 4, 5],
    "cpu_milli": [8000, 2000, 2000, 1000, 1000, 1000],
    "mem_mib": [4096, 1024, 1024, 1024, 1024, 1024],
    "numa": [2, 1, 1, 1, 1, 1],
    "group": [None, 0, 0, 1, 1, 2],
    "group_policy": [
        None,
        "affinity",
        "affinity",
        "anti-affinity",
        "anti-affinity",
        "fault-domain",
    ],
    "domain": [None, None, None, None, None, 2],
}


def write_table(folder: Path, name: str, columns: Columns) -> None:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(dict(columns)), folder / f"{name}.parquet")


def write_azure(folder: Path) -> Path:
    write_table(folder, "requests", AZURE)
    return folder


def write_huawei(folder: Path) -> Path:
    write_table(folder, "machines", MACHINES)
    write_table(folder, "requests", REQUESTS)
    return folder


def first(window: Window, count: int) -> Window:
    """Cut the first requests out of a list."""
    return replace(
        window,
        kind=window.kind[:count],
        call=window.call[:count],
        start=window.start[:count],
        end=window.end[:count],
    )

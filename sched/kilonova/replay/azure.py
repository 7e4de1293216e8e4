"""The Azure trace of 2017: servers that come in batches and leave, on equal hosts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadTable
from kilonova.replay import tables
from kilonova.replay.servers import (
    STAYS,
    Fleet,
    Kind,
    Place,
    ServerTrace,
    Window,
    checked_hosts,
    distinct,
)
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

HOSTS = 1100
VCPUS = 64
MEMORY_MB = 192 * 1024

_COLUMNS = {
    "workload": tables.TEXT,
    "request": tables.WHOLE,
    "time_s": tables.WHOLE,
    "end_s": tables.WHOLE,
    "cpu_milli": tables.WHOLE,
    "mem_mib": tables.WHOLE,
    "group": tables.WHOLE,
}
_MOST = 2**31 - 1


def read_azure(folder: Path, hosts: int = HOSTS) -> ServerTrace:
    """Read the trace; the hosts are not part of it.

    Parameters
    ----------
    folder
        Holds ``requests.parquet``.
    hosts
        How many hosts of 64 vCPUs and 192 GiB there are.

    Raises
    ------
    BadTable
        The file, a column or an amount cannot be right; the message names it.
    BadInput
        ``hosts`` is out of range.
    """
    checked_hosts(hosts)
    path = folder / "requests.parquet"
    table = tables.read_table(path, _COLUMNS)
    tables.check_text(path, table, "workload")
    for name, low in (("time_s", 0), ("group", 0), ("cpu_milli", 1), ("mem_mib", 1)):
        tables.check_range(path, table, name, low, _MOST)
    tables.check_whole_cpus(path, table)
    _check_times(path, table)
    names = pc.unique(table["workload"]).to_pylist()
    if not names:
        raise BadTable(f"{path}: no requests.")
    windows = {
        name: _window(name, table.filter(pc.field("workload") == name))
        for name in names
    }
    about = f"{hosts} hosts of {VCPUS} vCPUs and {MEMORY_MB // 1024} GiB"
    return ServerTrace(folder, about, lambda: build_fleet(hosts), windows, False)


def _check_times(path: Path, table: pa.Table) -> None:
    """Refuse servers that leave before they come, and arrivals out of order."""
    end = table["end_s"]
    early = pc.index(pc.less(end, table["time_s"]), True).as_py()
    if early >= 0:
        raise BadTable(
            f"{path}: row {early}: end_s must be at least time_s "
            f"{table['time_s'][early].as_py()}, got {end[early].as_py()}."
        )
    for name in pc.unique(table["workload"]).to_pylist():
        rows = np.flatnonzero(pc.equal(table["workload"], name).to_numpy())
        times = table["time_s"].to_numpy()[rows]
        wrong = np.flatnonzero(np.diff(times) < 0)
        if len(wrong):
            row = rows[wrong[0] + 1]
            raise BadTable(
                f"{path}: row {row}: time_s must not fall in its workload, got "
                f"{table['time_s'][row].as_py()} after {times[wrong[0]]}."
            )


def _window(name: str, table: pa.Table) -> Window:
    amounts = [table[column].to_pylist() for column in ("cpu_milli", "mem_mib")]
    first, numbers = distinct(list(zip(*amounts, strict=True)))
    return Window(
        name=name,
        kinds=tuple(_kind(amounts[0][row] // 1000, amounts[1][row]) for row in first),
        kind=np.array(numbers, np.int32),
        call=table["group"].to_numpy(),
        start=table["time_s"].to_numpy(),
        end=pc.fill_null(table["end_s"], STAYS).to_numpy(),
        timed=True,
    )


def _kind(vcpus: int, memory_mb: int) -> Kind:
    flavor = f"{vcpus} vCPU, {memory_mb / 1024:g} GiB"
    spec = ServerSpec(Flavor(vcpus, memory_mb, name=flavor))
    return Kind(spec, flavor, "", vcpus, memory_mb)


def build_fleet(hosts: int) -> Fleet:
    """Make equal hosts: a root provider each, VCPU and MEMORY_MB without overcommit."""
    names = [f"host-{number:04d}" for number in range(hosts)]
    inventories = {"VCPU": {"total": VCPUS}, "MEMORY_MB": {"total": MEMORY_MB}}
    providers = [{"name": name, "inventories": inventories} for name in names]
    places = tuple(Place(name, name, -1, VCPUS, MEMORY_MB) for name in names)
    return Fleet(Cloud.from_document({"providers": providers}), places)

"""A recorded cluster: its machines, its lists of requests, and their orders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kilonova.errors import BadInput, BadTable
from kilonova.replay import tables

_MOST = 2**31 - 1
_MOST_SEED = 2**63 - 1
_WHOLE_GPU = 1000
# So that providers and traits named after machines and models have names that fit.
_LONGEST = 180


class Machine(NamedTuple):
    """One machine: CPU in milli-units, memory in MiB, GPUs and their model."""

    number: int
    name: str
    cpu_milli: int
    mem_mib: int
    gpu: int
    gpu_model: str


class Asked(NamedTuple):
    """What one request asks for; ``gpu_milli`` of each of ``gpu`` devices."""

    cpu_milli: int
    mem_mib: int
    gpu: int
    gpu_milli: int
    gpu_models: str


@dataclass(frozen=True, slots=True)
class Run:
    """One order of arrival of one workload.

    Attributes
    ----------
    workload, seed
        What is played.
    order
        Number of each request in its turn, (N,) int64; numbers repeat.
    rank
        Rank of each machine of the trace: of equals the lowest is taken, (T,) int64.
    """

    workload: str
    seed: int
    order: NDArray[np.int64]
    rank: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a folder of Parquet files says.

    Attributes
    ----------
    folder
        Where it was read.
    machines
        Those with GPUs, in the order of the file.
    workloads
        The list of requests of each workload.
    runs
        All orders of arrival.
    published
        Published series to compare with, or None.
    """

    folder: Path
    machines: tuple[Machine, ...]
    workloads: Mapping[str, tuple[Asked, ...]]
    runs: tuple[Run, ...]
    published: pa.Table | None = field(default=None, repr=False)

    @property
    def gpu_milli(self) -> int:
        """Milli-GPU of all machines."""
        return _WHOLE_GPU * sum(machine.gpu for machine in self.machines)

    def choose(
        self, workloads: Sequence[str] = (), seeds: Sequence[int] = ()
    ) -> list[Run]:
        """Give the runs of the named workloads and seeds; nothing named means all.

        Raises
        ------
        BadInput
            A workload or seed is not in the trace, and those that are, are listed; or
            none of the workloads named has any of the seeds.
        """
        known = list(dict.fromkeys(run.workload for run in self.runs))
        refuse_unknown("workload", workloads, known)
        refuse_unknown("seed", seeds, sorted({run.seed for run in self.runs}))
        chosen = [
            run
            for run in self.runs
            if (not workloads or run.workload in workloads)
            and (not seeds or run.seed in seeds)
        ]
        if not chosen:
            pairs = ", ".join(f"{run.workload} {run.seed}" for run in self.runs)
            raise BadInput(f"No run has that workload and that seed. Known: {pairs}.")
        return chosen


def refuse_unknown(what: str, given: Iterable[object], known: Sequence[object]) -> None:
    """Refuse a name that is not known, and say which are; raises BadInput."""
    for value in given:
        if value not in known:
            near = get_close_matches(str(value), [str(k) for k in known], n=1)
            hint = f" Did you mean {near[0]!r}?" if near and what != "seed" else ""
            raise BadInput(
                f"Unknown {what} {value!r}. Known: {', '.join(map(str, known))}.{hint}"
            )


def read_trace(folder: Path) -> Trace:
    """Read and check a recorded cluster.

    ``machines.parquet`` and ``requests.parquet`` must be there. Without
    ``order.parquet`` the requests come once each, in the order of the file, as seed 0;
    without ``rank.parquet`` the first of equal machines is taken.

    Raises
    ------
    BadTable
        A file, column, type or amount cannot be right; the message names it.
    """
    machines = _machines(folder / "machines.parquet")
    workloads = _workloads(folder / "requests.parquet")
    orders = _orders(folder / "order.parquet", workloads)
    ranks = _ranks(folder / "rank.parquet", machines)
    even = np.arange(len(machines), dtype=np.int64)
    runs = tuple(
        Run(workload, seed, order, ranks.get((workload, seed), even))
        for (workload, seed), order in orders.items()
    )
    path = folder / "published.parquet"
    there = tables.is_there(path)
    published = tables.read_table(path, tables.PUBLISHED) if there else None
    return Trace(folder, machines, workloads, runs, published)


def _machines(path: Path) -> tuple[Machine, ...]:
    table = tables.read_table(path, tables.MACHINES)
    tables.check_range(path, table, "machine", 0, _MOST)
    tables.check_range(path, table, "cpu_milli", 1, _MOST)
    tables.check_range(path, table, "mem_mib", 1, _MOST)
    tables.check_range(path, table, "gpu", 0, 1024)
    found: list[Machine] = []
    names: set[str] = set()
    numbers: set[int] = set()
    for row, values in enumerate(table.to_pylist()):
        machine = Machine(*values.values())
        where = f"{path}: row {row}:"
        _check_name(where, "name", machine.name)
        if machine.name in names:
            raise BadTable(f"{where} name must be unique, got {machine.name!r}.")
        if machine.number in numbers:
            raise BadTable(f"{where} machine must be unique, got {machine.number}.")
        if machine.gpu:
            _check_name(where, "gpu_model", machine.gpu_model)
        names.add(machine.name)
        numbers.add(machine.number)
        found.append(machine)
    _check_device_names(path, found, names)
    with_gpus = tuple(machine for machine in found if machine.gpu)
    if not with_gpus:
        raise BadTable(f"{path}: no machine has a GPU; a replay needs one at least.")
    return with_gpus


def _check_name(where: str, column: str, value: str | None) -> None:
    if not value or len(value) > _LONGEST:
        raise BadTable(
            f"{where} {column} must be text of 1 to {_LONGEST} characters, "
            f"got {value!r:.80}."
        )


def _check_device_names(
    path: Path, machines: Sequence[Machine], names: Collection[str]
) -> None:
    """Refuse a machine that is called as a GPU of another one will be."""
    for machine in machines:
        for device in range(machine.gpu):
            if device_name(machine.name, device) in names:
                raise BadTable(
                    f"{path}: machine {machine.name!r} has a GPU "
                    f"{device_name(machine.name, device)!r}, which is a machine, too."
                )


def device_name(machine: str, device: int) -> str:
    """Give the name of the provider of one GPU of a machine."""
    return f"{machine}:gpu{device}"


def _workloads(path: Path) -> dict[str, tuple[Asked, ...]]:
    table = tables.read_table(path, tables.REQUESTS)
    tables.check_text(path, table, "workload")
    tables.check_range(path, table, "cpu_milli", 0, _MOST)
    tables.check_range(path, table, "mem_mib", 0, _MOST)
    tables.check_range(path, table, "gpu", 0, 62)
    tables.check_range(path, table, "gpu_milli", 0, _WHOLE_GPU)
    found: dict[str, list[Asked]] = {}
    for row, values in enumerate(table.to_pylist()):
        gpu, milli = values["gpu"], values["gpu_milli"]
        if (gpu == 0) != (milli == 0) or (gpu > 1 and milli != _WHOLE_GPU):
            raise BadTable(
                f"{path}: row {row}: {gpu} GPUs of {milli} milli each: must be none of "
                f"0, one of 1..{_WHOLE_GPU}, or several of {_WHOLE_GPU}."
            )
        if not values["cpu_milli"] and not values["mem_mib"]:
            raise BadTable(f"{path}: row {row}: neither CPU nor memory is asked for.")
        requests = found.setdefault(values["workload"], [])
        if values["request"] != len(requests):
            raise BadTable(
                f"{path}: row {row}: request must count from 0 in its workload, "
                f"expected {len(requests)}, got {values['request']}."
            )
        models = values["gpu_models"] or ""
        asked = Asked(values["cpu_milli"], values["mem_mib"], gpu, milli, models)
        requests.append(asked)
    if not found:
        raise BadTable(f"{path}: no requests.")
    return {workload: tuple(requests) for workload, requests in found.items()}


_Key = tuple[str, int]


def _orders(
    path: Path, workloads: Mapping[str, Sequence[Asked]]
) -> dict[_Key, NDArray[np.int64]]:
    if not tables.is_there(path):
        return {
            (name, 0): np.arange(len(requests)) for name, requests in workloads.items()
        }
    table = tables.read_table(path, tables.ORDER)
    _check_keys(path, table)
    tables.check_range(path, table, "request", 0, _MOST)
    orders = _by_run(table, "request")
    if not orders:
        raise BadTable(f"{path}: no requests.")
    for (workload, seed), order in orders.items():
        if workload not in workloads:
            raise BadTable(f"{path}: workload {workload!r} is not in requests.parquet.")
        count = len(workloads[workload])
        wrong = np.flatnonzero(order >= count)
        if len(wrong):
            raise BadTable(
                f"{path}: workload {workload!r}, seed {seed}: request "
                f"{order[wrong[0]]} is not among the {count} of requests.parquet."
            )
    return orders


def _ranks(path: Path, machines: Sequence[Machine]) -> dict[_Key, NDArray[np.int64]]:
    if not tables.is_there(path):
        return {}
    table = tables.read_table(path, tables.RANK)
    _check_keys(path, table)
    tables.check_range(path, table, "machine", 0, _MOST)
    tables.check_range(path, table, "rank", 0, _MOST)
    ranks = _by_run(table, "rank")
    numbers = _by_run(table, "machine")
    wanted = np.array([machine.number for machine in machines])
    found = {}
    for key, rank in ranks.items():
        order = np.argsort(numbers[key], kind="stable")
        at = np.searchsorted(numbers[key][order], wanted)
        there = np.minimum(at, len(order) - 1)
        missing = np.flatnonzero(numbers[key][order][there] != wanted)
        if len(missing):
            raise BadTable(
                f"{path}: workload {key[0]!r}, seed {key[1]}: machine "
                f"{wanted[missing[0]]} has no rank."
            )
        found[key] = rank[order][at]
    return found


def _check_keys(path: Path, table: pa.Table) -> None:
    """Refuse a row without workload or seed; raises BadTable."""
    tables.check_text(path, table, "workload")
    tables.check_range(path, table, "seed", 0, _MOST_SEED)


def _by_run(table: pa.Table, column: str) -> dict[_Key, NDArray[np.int64]]:
    """Split a column by workload and seed, in the order of the file."""
    pairs = zip(table["workload"].to_pylist(), table["seed"].to_pylist(), strict=True)
    keys = list(pairs)
    values = table[column].to_numpy()
    names = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    numbers = np.array([names[key] for key in keys], np.int64)
    return {key: values[numbers == i] for key, i in names.items()}

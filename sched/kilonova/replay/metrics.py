"""The tables that a replay produces: one schema per table, one row type each.

Every column carries its unit and its meaning as field metadata, which Parquet keeps:
a file explains itself. GPU amounts are in milli-GPU, 1000 for a whole device.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kilonova.errors import BadTable


def column(name: str, type_: pa.DataType, unit: str, meaning: str) -> pa.Field:
    """Describe one column; no column may hold a null."""
    metadata = {"unit": unit, "meaning": meaning}
    return pa.field(name, type_, nullable=False, metadata=metadata)


_RUN_KEY = [
    column("workload", pa.string(), "", "list of requests that was replayed"),
    column("policy", pa.string(), "", "rule that chose among the feasible machines"),
    column("seed", pa.int64(), "", "seed of the order of arrival"),
]

_ALLOCATED = column(
    "gpu_allocated_pct", pa.float64(), "% of all GPUs", "held by placed requests"
)
_FRAGMENT = column(
    "gpu_fragment_pct",
    pa.float64(),
    "% of all GPUs",
    "idle, but of no use to a typical request",
)

RUNS = pa.schema(
    [
        *_RUN_KEY,
        column("requests", pa.int64(), "requests", "arrived in the run"),
        column("placed", pa.int64(), "requests", "given a machine"),
        column("refused", pa.int64(), "requests", "dropped: no machine was feasible"),
        column("gpu_total", pa.int64(), "milli-GPU", "of all machines"),
        column("gpu_allocated", pa.int64(), "milli-GPU", "held at the end"),
        _ALLOCATED.with_metadata({**_ALLOCATED.metadata, "when": "at the end"}),
        _FRAGMENT.with_metadata({**_FRAGMENT.metadata, "when": "at the end"}),
        column("seconds", pa.float64(), "s", "wall clock from first to last decision"),
        column("first_decision_s", pa.float64(), "s", "wall clock to first decision"),
    ]
)
"""One row per run: what it was and how it ended. The key is the first three columns."""

SERIES = pa.schema(
    [
        *_RUN_KEY,
        column(
            "arrived_pct",
            pa.int32(),
            "% of all GPUs",
            "asked for by all requests that arrived so far; may pass 100",
        ),
        _ALLOCATED,
        _FRAGMENT,
        column(
            "fragment_of_idle_pct",
            pa.float64(),
            "% of idle GPUs",
            "the fragment as a share of what is idle; NaN when nothing is",
        ),
    ]
)
"""One row per run and whole per cent of arrived demand, in the order of arrival."""

MACHINES = pa.schema(
    [
        *_RUN_KEY,
        column("machine", pa.int64(), "", "row of the machine in the cluster"),
        column("name", pa.string(), "", "name of the machine"),
        column("gpu_model", pa.string(), "", "model of its GPUs; empty without any"),
        column("gpu_count", pa.int64(), "GPUs", "devices in the machine"),
        column("gpu_milli_free", pa.int64(), "milli-GPU", "free over all devices"),
        column("cpu_milli_total", pa.int64(), "milli-CPU", "of the machine"),
        column("cpu_milli_free", pa.int64(), "milli-CPU", "free"),
        column("mem_mib_total", pa.int64(), "MiB", "memory of the machine"),
        column("mem_mib_free", pa.int64(), "MiB", "free memory"),
        column(
            "gpu_idle_fragment",
            pa.float64(),
            "milli-GPU",
            "expected idle amount that a typical request cannot use",
        ),
        column("gpu_free", pa.list_(pa.int32()), "milli-GPU", "free, per device"),
    ]
)
"""One row per run and machine: the state at the end of the run."""

SCHEMAS: Mapping[str, pa.Schema] = {
    "runs": RUNS,
    "series": SERIES,
    "machines": MACHINES,
}


class ReplayTables(NamedTuple):
    """What a replay leaves behind; each table has the schema of its name.

    Attributes
    ----------
    runs
        ``RUNS``: one row per workload, policy and seed.
    series
        ``SERIES``: one row per run and whole per cent of arrived demand.
    machines
        ``MACHINES``: one row per run and machine, as it is at the end.
    """

    runs: pa.Table
    series: pa.Table
    machines: pa.Table


def checked(tables: ReplayTables) -> ReplayTables:
    """Bring tables to their schemas: pick, order and cast the columns.

    Raises
    ------
    BadTable
        When a table misses a column, has values that the type of a column cannot
        hold, holds a null, or has no row; when a share of all GPUs is not a number;
        or when series or machines have a run that the table of runs has not.
    """
    cast = ReplayTables(
        *(_cast(name, table, SCHEMAS[name]) for name, table in tables._asdict().items())
    )
    _check_shares(cast)
    known = _run_keys(cast.runs)
    for name in ("series", "machines"):
        extra = _run_keys(getattr(cast, name)) - known
        if extra:
            raise BadTable(
                f"Table {name!r} has the run {min(extra)}, which 'runs' has not."
            )
    return cast


def _cast(name: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    missing = [column for column in schema.names if column not in table.column_names]
    if missing:
        raise BadTable(f"Table {name!r} misses the columns {', '.join(missing)}.")
    if table.num_rows == 0:
        raise BadTable(f"Table {name!r} has no rows.")
    for column in schema.names:
        if table[column].null_count:
            row = pc.index(table[column].is_null(), True).as_py()
            raise BadTable(f"Table {name!r} has a null in {column!r}, row {row}.")
    try:
        return table.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadTable(f"Table {name!r}: {error}") from error


def _check_shares(tables: ReplayTables) -> None:
    """Refuse shares of no GPUs at all; all pictures are about shares."""
    for name in ("runs", "series"):
        for column in ("gpu_allocated_pct", "gpu_fragment_pct"):
            bad = pc.invert(pc.is_finite(getattr(tables, name)[column]))
            if pc.any(bad).as_py():
                row = pc.index(bad, True).as_py()
                raise BadTable(
                    f"Table {name!r} has no number in {column!r}, row {row}: "
                    "a report needs a cluster with GPUs."
                )


def _run_keys(table: pa.Table) -> set[tuple[str, str, int]]:
    keys = table.group_by([field.name for field in _RUN_KEY]).aggregate([])
    return {(row["workload"], row["policy"], row["seed"]) for row in keys.to_pylist()}

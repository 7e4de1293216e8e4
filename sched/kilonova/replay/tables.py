"""Read the Parquet files of a recorded cluster, with errors that name the place."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from kilonova.errors import BadInput, BadTable

# What a column holds, as messages name it.
WHOLE = "whole number"
TEXT = "text"
REAL = "real number"

_FITS = {
    WHOLE: pt.is_integer,
    TEXT: lambda t: pt.is_string(t) or pt.is_large_string(t),
    REAL: lambda t: pt.is_floating(t) or pt.is_integer(t),
}

MACHINES = {
    "machine": WHOLE,
    "name": TEXT,
    "cpu_milli": WHOLE,
    "mem_mib": WHOLE,
    "gpu": WHOLE,
    "gpu_model": TEXT,
}
REQUESTS = {
    "workload": TEXT,
    "request": WHOLE,
    "cpu_milli": WHOLE,
    "mem_mib": WHOLE,
    "gpu": WHOLE,
    "gpu_milli": WHOLE,
    "gpu_models": TEXT,
}
ORDER = {"workload": TEXT, "seed": WHOLE, "request": WHOLE}
RANK = {"workload": TEXT, "seed": WHOLE, "machine": WHOLE, "rank": WHOLE}
PUBLISHED = {
    "workload": TEXT,
    "policy": TEXT,
    "seed": WHOLE,
    "arrived_pct": WHOLE,
    "gpu_allocated_pct": REAL,
    "gpu_fragment_pct": REAL,
    "fragment_of_idle_pct": REAL,
}


# What columns are read as: a file may have narrower types, or a dictionary.
_READ_AS = {WHOLE: pa.int64(), TEXT: pa.string(), REAL: pa.float64()}
_LARGEST = 2**63 - 1


def read_table(path: Path, columns: Mapping[str, str]) -> pa.Table:
    """Read the given columns of a Parquet file as int64, string and float64.

    Raises
    ------
    BadTable
        The file is missing or malformed, a column is missing or of another type, or a
        whole number is beyond int64.
    """
    if not is_there(path):
        raise BadTable(f"{path}: no such file; a recorded cluster has it.")
    try:
        schema = pq.read_schema(path)
        _check(path, schema, columns)
        table = pq.read_table(path, columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadTable(f"{path}: not a readable Parquet file: {reason}") from error
    return pa.table(
        {name: _plain(path, table, name, kind) for name, kind in columns.items()}
    )


def is_there(path: Path) -> bool:
    """Say whether there is such a file.

    Raises
    ------
    BadTable
        Its folder may not be looked into.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise BadTable(f"{path} cannot be read: {error.strerror}.") from error


def _check(path: Path, schema: pa.Schema, columns: Mapping[str, str]) -> None:
    for name, expected in columns.items():
        if name not in schema.names:
            raise BadTable(
                f"{path}: column {name!r} ({expected}) is missing; "
                f"found {', '.join(schema.names)}."
            )
        if schema.names.count(name) > 1:
            raise BadTable(f"{path}: column {name!r} must be there once.")
        found = schema.field(name).type
        value = found.value_type if pt.is_dictionary(found) else found
        if not _FITS[expected](value) and not pt.is_null(value):
            raise BadTable(
                f"{path}: column {name!r} must be a {expected}, found {found}."
            )


def _plain(path: Path, table: pa.Table, name: str, kind: str) -> pa.ChunkedArray:
    column = table[name]
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        # A real number may be a whole one that has no exact form.
        return column.cast(_READ_AS[kind], safe=kind != REAL)
    except pa.ArrowInvalid as error:
        values = enumerate(column.to_pylist())
        row, value = next((r, v) for r, v in values if v and v > _LARGEST)
        raise BadTable(
            f"{path}: row {row}: {name} must be at most {_LARGEST}, got {value}."
        ) from error


def check_range(path: Path, table: pa.Table, name: str, low: int, high: int) -> None:
    """Refuse a table in which a value is null, or not in ``low..high``.

    Raises
    ------
    BadTable
        With the first such row and its value.
    """
    column = table[name]
    wrong = pc.or_kleene(
        pc.or_kleene(pc.less(column, low), pc.greater(column, high)),
        pc.is_null(column),
    )
    row = pc.index(wrong, True).as_py()
    if row >= 0:
        raise BadTable(
            f"{path}: row {row}: {name} must be in {low}..{high}, "
            f"got {column[row].as_py()}."
        )


def check_whole_cpus(path: Path, table: pa.Table) -> None:
    """Refuse parts of CPUs; raises BadTable."""
    odd = np.flatnonzero(table["cpu_milli"].to_numpy() % 1000)
    if len(odd):
        found = table["cpu_milli"][odd[0]].as_py()
        raise BadTable(
            f"{path}: row {odd[0]}: cpu_milli must be a multiple of 1000, got {found}."
        )


def check_text(path: Path, table: pa.Table, name: str) -> None:
    """Refuse a table in which a text is null; raises BadTable with the first row."""
    row = pc.index(pc.is_null(table[name]), True).as_py()
    if row >= 0:
        raise BadTable(f"{path}: row {row}: {name} must be there, got None.")


def require_folder(path: Path) -> Path:
    """Refuse what is not a readable folder.

    Raises
    ------
    BadInput
        It does not exist, is a file, or may not be listed.
    """
    try:
        next(path.iterdir(), None)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such folder.") from error
    except NotADirectoryError as error:
        raise BadInput(f"{path} is a file; a recorded cluster is a folder.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    return path

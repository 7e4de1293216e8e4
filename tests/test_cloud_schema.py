"""The register of columns says what is kept, and its documentation says the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

import write_columns
from kilonova.cloud.schema import COLUMNS, TABLES, columns_of, validate
from kilonova.cloud.tables import Tables
from kilonova.errors import BadTable

COLUMN = COLUMNS[0]


def test_documentation_is_up_to_date() -> None:
    written = write_columns.PATH.read_text(encoding="utf-8")
    assert written == write_columns.text(), "run scripts/write_columns.py"


def test_each_column_is_in_the_documentation() -> None:
    lines = write_columns.PATH.read_text(encoding="utf-8").splitlines()
    for column in COLUMNS:
        start = f"| {column.table} | `{column.name}` | {column.dtype} |"
        assert len([line for line in lines if line.startswith(start)]) == 1


def test_names_are_unique_and_references_lead_somewhere() -> None:
    names = [(column.table, column.name) for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert {column.table for column in COLUMNS} == set(TABLES)
    assert {column.refers for column in COLUMNS} <= {"", *TABLES}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3, np.int64), "'parent' must be int32, got int64"),
        (np.zeros((3, 2), np.int32), "one contiguous dimension"),
        (np.zeros(6, np.int32)[::2], "one contiguous dimension"),
    ],
)
def test_arrays_that_are_no_column(array: NDArray[np.generic], message: str) -> None:
    with pytest.raises(BadTable, match=message):
        validate(COLUMN, array)
    validate(COLUMN, np.zeros(3, np.int32))


def test_references_follow_their_rows() -> None:
    tables = Tables()
    for name in TABLES:
        tables[name].append(4)
        for column in columns_of(name):
            tables[name][column.name][:] = [0, 1, 2, -1] if column.refers else 7
    tables.insert("provider", 1, 2)
    tables.reorder("offer", np.array([2, 3, 0, 1]))
    assert tables.inventory["provider"].tolist() == [0, 3, 4, -1]
    assert tables.provider["parent"].tolist() == [0, 0, 0, 3, 4, -1]
    assert tables.inventory["offer"].tolist() == [2, 3, 0, -1]
    tables.remove("provider", 1, 2)
    assert tables.inventory["provider"].tolist() == [0, 1, 2, -1]


def test_spare_rows_are_clean() -> None:
    table = Tables().provider
    table.append(3)
    table["root"][:] = 5
    table.remove(1, 2)
    first = table.append(40)
    assert (first, table.count) == (1, 41)
    assert table["root"].tolist() == [5] + [0] * 40

"""Groups of columns that kernels get by address: copies, other types, empty columns."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from kilonova_kernels._jit import call
from kilonova_kernels._pointed import pointed
from kilonova_kernels.columns import Bool, Float64, Int32, Int64

pytestmark = pytest.mark.jit


@pointed
class Inner(NamedTuple):
    table: Int32
    marks: Bool


@pointed
class Outer(NamedTuple):
    total: Int64
    inner: Inner
    weight: Float64


def _sum_up(group: Outer) -> int:
    """Add the marked rows of a table up, each row times its weight, into ``total``."""
    rows, columns = group.inner.table.shape
    found = 0
    for i in range(rows):
        if group.inner.marks[i]:
            for j in range(columns):
                found += int(group.inner.table[i, j] * group.weight[j])
    group.total[0] += found
    return found


_njit: Any = njit
sum_up: Any = _njit(_nrt=False, nogil=True)(_sum_up)


def made(rows: int = 3, columns: int = 4) -> Outer:
    rng = np.random.default_rng(rows)
    return Outer(
        total=np.zeros(1, np.int64),
        inner=Inner(
            table=rng.integers(0, 99, (rows, columns)).astype(np.int32),
            marks=rng.random(rows) < 0.5,
        ),
        weight=np.arange(columns, dtype=np.float64),
    )


def right(group: Outer) -> int:
    return int((group.inner.table[group.inner.marks] * group.weight).sum())


@pytest.mark.parametrize("rows", [0, 1, 5, 64])
def test_by_address_as_by_numba(rows: int) -> None:
    group = made(rows)
    assert call(sum_up, group) == sum_up(group) == right(group)
    assert group.total[0] == 2 * right(group)


def test_other_layouts_are_other_types() -> None:
    group = made(6)
    turned = np.asfortranarray(group.inner.table)
    every_second = group.inner.table[::2]
    for table, marks in (
        (turned, group.inner.marks),
        (every_second, group.inner.marks[::2].copy()),
    ):
        other = group._replace(inner=Inner(table, marks))
        assert call(sum_up, other) == sum_up(other) == right(other)


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(copy.deepcopy, id="deep"),
        pytest.param(lambda group: pickle.loads(pickle.dumps(group)), id="pickled"),
        pytest.param(
            lambda group: group._replace(total=group.total.copy()), id="replaced"
        ),
    ],
)
def test_copies_have_columns_of_their_own(copied: Callable[[Outer], Outer]) -> None:
    group = made()
    call(sum_up, group)
    other = copied(group)
    before = int(group.total[0])
    assert call(sum_up, other) == right(group)
    assert group.total[0] == before
    assert other.total[0] == 2 * before

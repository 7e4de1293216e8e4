"""Rows for whole servers hold whatever fits, and say more than the amounts do.

Hosts are filled with whole servers in all ways there are; every row must hold for each.
"""

from itertools import product
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from kilonova.plan.rounding import rounded_rows


def fillings(
    amount: NDArray[np.int64], room: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Give all counts of servers of each kind that one host has room for."""
    most = [
        min(int(room[k] // each[k]) for k in np.flatnonzero(each)) for each in amount
    ]
    counts = (np.array(c) for c in product(*(range(n + 1) for n in most)))
    return [c for c in counts if (c @ amount <= room).all()]


@pytest.mark.parametrize("seed", range(40))
def test_rows_hold_for_all_that_fits(seed: int) -> None:
    random = Random(f"rounding {seed}")
    unit = random.choice([1, 1, 512, 2**30])
    drawn = [[random.randint(0, 6) for _ in range(3)] for _ in range(3)]
    amount = np.array([[max(1, a), b, unit * c] for a, b, c in drawn], np.int64)
    room = np.array([[random.randint(0, 9) for _ in range(4)] for _ in range(3)])
    room[2] = room[2] * unit + unit // 2
    rows = list(rounded_rows(amount, room))
    assert rows
    reached = 0
    for host in range(4):
        all_fillings = np.array(fillings(amount, room[:, host]))
        for factors, limits in rows:
            largest = int((all_fillings @ factors).max())
            assert largest <= limits[host], (factors, limits[host])
            reached += largest == limits[host]
    # Rows that nothing comes up to would say nothing.
    assert reached > len(rows) // 2


@pytest.mark.parametrize(
    ("amount", "room", "row"),
    [
        pytest.param([[4], [8]], [[7]], ([1, 2], [1]), id="half a server is none"),
        pytest.param(
            [[2, 1], [1, 2]], [[2], [2]], ([1, 1], [1]), id="one of two resources"
        ),
    ],
)
def test_what_amounts_alone_do_not_say(
    amount: list[list[int]], room: list[list[int]], row: tuple[list[int], list[int]]
) -> None:
    rows = rounded_rows(np.array(amount), np.array(room))
    assert row in [(a.tolist(), b.tolist()) for a, b in rows]


def test_amounts_too_large_to_weigh_are_left_out() -> None:
    huge = 2**40 + 1
    amount = np.array([[huge, 1], [1, huge]], np.int64)
    room = np.array([[3 * huge], [2 * huge]], np.int64)
    for factors, limits in rounded_rows(amount, room):
        assert (factors >= 0).all()
        assert (limits >= 0).all()

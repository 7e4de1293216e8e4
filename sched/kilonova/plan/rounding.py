"""Rows of the relaxed problem that hold for whole servers only.

Servers must fit into what a host has left, and so must weighed sums over its resources.
As servers are whole, the weighed amount of each may be rounded down if the weighed room
is: a host with 7 CPUs left has one place for servers of 4 CPUs, and none for those of
8. Known as the rounding of Chvátal and Gomory. Shares over many hosts lose nothing of
it, as the room of each host is rounded before hosts are added up.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Weights of two resources, in twelfths of the inverse of an amount that servers take.
_WEIGHTS = (
    (12, 12),
    (6, 6),
    (4, 8),
    (8, 4),
    (6, 3),
    (3, 6),
)
_TWELFTHS = 12
# Rows times hosts beyond which there are no more rows.
_MOST_WORK = 20_000_000
_MOST_INT = 2**62


class _Unit(NamedTuple):
    """A resource, and one of the amounts of it that servers take."""

    resource: int
    size: int


def rounded_rows(
    amount: NDArray[np.int64], room: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give rows that hold at each host for whole servers.

    Parameters
    ----------
    amount
        What one server of a kind takes of each resource, (T, K).
    room
        What each host has left for them, (K, H).

    Yields
    ------
    NDArray, NDArray
        Factors of the kinds, (T,) int64, and limits of the hosts, (H,) int64: first
        those of single resources, then those of two.
    """
    amount, room = _reduced(amount, room)
    units = [
        _Unit(k, size)
        for k in _distinct(amount, room)
        for size in np.unique(amount[:, k]).tolist()
        if size > 0
    ]
    left = _MOST_WORK // max(1, room.shape[1])
    for unit in units[:left]:
        yield amount[:, unit.resource] // unit.size, room[unit.resource] // unit.size
    left -= len(units)
    pairs = [p for p in combinations(units, 2) if p[0].resource != p[1].resource]
    for weights in _WEIGHTS:
        for first, second in pairs[: max(0, left)]:
            whole = _TWELFTHS * first.size * second.size
            factors = weights[0] * second.size, weights[1] * first.size
            rows = [first.resource, second.resource]
            if _is_large(room[rows].max(initial=0), amount[:, rows].max(), factors):
                continue
            factor = np.array(factors, np.int64)
            yield amount[:, rows] @ factor // whole, factor @ room[rows] // whole
        left -= len(pairs)


def _reduced(
    amount: NDArray[np.int64], room: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide each resource by what all amounts of it have in common."""
    divisor = np.maximum(np.gcd.reduce(amount, axis=0), 1)
    return amount // divisor, room // divisor[:, None]


def _distinct(amount: NDArray[np.int64], room: NDArray[np.int64]) -> list[int]:
    """List the resources, one of those that are taken and left alike."""
    known: dict[tuple[bytes, bytes], int] = {}
    for k in range(len(room)):
        known.setdefault((amount[:, k].tobytes(), room[k].tobytes()), k)
    return list(known.values())


def _is_large(room: int, amount: int, factors: tuple[int, int]) -> bool:
    """Say whether a weighed sum might pass what a column can hold."""
    return 2 * max(int(room), int(amount)) * max(factors) >= _MOST_INT

"""Numbers that are drawn for decisions: the same seed gives the same, in any batch."""

import numpy as np
from numpy.typing import NDArray

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15


def draws(seed: int, first: int, count: int) -> NDArray[np.float64]:
    """Give two numbers in [0, 1) for each of ``count`` decisions, (N, 2) float64.

    Parameters
    ----------
    seed
        Any whole number.
    first
        Number of the first decision, counted from 0.
    count
        Decisions.

    Notes
    -----
    SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), asked for its n-th value at once, so
    that a decision's numbers depend on its place alone.
    """
    place = np.arange(2 * first, 2 * (first + count), dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(seed & _MASK) + (place + np.uint64(1)) * np.uint64(_STEP)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    found: NDArray[np.float64] = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return found.reshape(count, 2)

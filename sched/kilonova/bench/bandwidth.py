"""How fast this machine moves memory: the limit of anything that must look at it."""

import time
from collections.abc import Callable

import numpy as np

# Far larger than any cache.
_BYTES = 256 << 20
_ROUNDS = 5


def bandwidth(size: int = _BYTES, rounds: int = _ROUNDS) -> float:
    """Give bytes a second of the faster of reading and copying a large array.

    Parameters
    ----------
    size
        Bytes of the array.
    rounds
        Times of each, of which the best counts.
    """
    source = np.ones(size // 8, np.int64)
    target = np.zeros_like(source)
    reading = min(_seconds(lambda: source.max()) for _ in range(rounds))
    # A copy reads one array and writes another.
    copying = min(_seconds(lambda: np.copyto(target, source)) for _ in range(rounds))
    return max(source.nbytes / reading, 2 * source.nbytes / copying)


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin

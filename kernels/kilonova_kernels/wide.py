"""Numbers with a sign, of columns that have none."""

import numpy as np

from kilonova_kernels._jit import inlined


@inlined
def wide(bits: int) -> int:
    """Give a number without a sign as 64 bits with one, to be subtracted or shifted."""
    return int(np.int64(bits))

"""Row numbers of one type, whatever the column they come from."""

import numpy as np

from kilonova_kernels._jit import inlined


@inlined
def wide(row: int) -> int:
    """Give a row number as 64 bits: a kernel is compiled again for each other type."""
    return int(np.int64(row))

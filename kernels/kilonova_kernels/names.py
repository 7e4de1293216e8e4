"""Hash tables from encoded names to row numbers."""

import numpy as np

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.columns import Int32, UInt8, UInt16, UInt32

# FNV-1a, cut to 62 bits so that the product needs no unsigned type.
_BITS = 2**62 - 1
_BASIS = 0xCBF29CE484222325 & _BITS
_PRIME = 0x100000001B3
EMPTY = -1
REMOVED = -2


@part
def slot_of(key: UInt8, mask: int) -> int:
    """Give the first slot to look in for ``key``, in a table of ``mask + 1`` slots."""
    h = np.int64(_BASIS)
    for i in range(key.shape[0]):
        h = ((h ^ np.int64(key[i])) * np.int64(_PRIME)) & np.int64(_BITS)
    # The low bits of FNV-1a mix badly for keys that differ in their last byte.
    return int((h ^ (h >> 29)) & mask)


@kernel
def find_name(
    text: UInt8, start: UInt32, length: UInt16, slots: Int32, key: UInt8
) -> int:
    """Find the row whose name is ``key``.

    Parameters
    ----------
    text
        Encoded names one after the other, (B,) uint8.
    start, length
        Where the name of each row lies in ``text``, (N,).
    slots
        Row number per slot, ``EMPTY`` or ``REMOVED``; its size is a power of two and
        at least one slot is empty.
    key
        Encoded name to look for.

    Returns
    -------
    int
        Row number, or -1.
    """
    mask = slots.shape[0] - 1
    slot = slot_of(key, mask)
    while slots[slot] != EMPTY:
        row = slots[slot]
        if row >= 0 and length[row] == key.shape[0]:
            same = True
            for i in range(key.shape[0]):
                if text[start[row] + i] != key[i]:
                    same = False
                    break
            if same:
                return int(row)
        slot = (slot + 1) & mask
    return -1


@kernel
def add_names(
    text: UInt8, start: UInt32, length: UInt16, rows: Int32, slots: Int32
) -> int:
    """Enter ``rows`` into ``slots``; a row without a name (length 0) is left out.

    Returns
    -------
    int
        -1, or the first row whose name was there already; rows before it were entered.
    """
    mask = slots.shape[0] - 1
    for i in range(rows.shape[0]):
        row = rows[i]
        if length[row] == 0:
            continue
        key = text[start[row] : start[row] + length[row]]
        if find_name(text, start, length, slots, key) >= 0:
            return int(row)
        slot = slot_of(key, mask)
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = row
    return -1


@kernel
def remove_name(
    text: UInt8, start: UInt32, length: UInt16, slots: Int32, row: int
) -> None:
    """Take ``row``, which must be entered, out of ``slots``."""
    mask = slots.shape[0] - 1
    slot = slot_of(text[start[row] : start[row] + length[row]], mask)
    while slots[slot] != row:
        slot = (slot + 1) & mask
    slots[slot] = REMOVED


@kernel
def copy_names(
    text: UInt8, start: UInt32, rows: Int32, offsets: Int32, out: UInt8
) -> None:
    """Copy the names of some rows, one after the other.

    Parameters
    ----------
    text, start
        As for ``find_name``.
    rows, offsets
        Rows, (M,), and where the name of each begins and the last one ends in ``out``,
        (M + 1,) int32.
    out
        Output, uint8.
    """
    for m in range(rows.shape[0]):
        first = int(start[rows[m]])
        for i in range(offsets[m], offsets[m + 1]):
            out[i] = text[first + i - offsets[m]]

"""How much memory of the machine a call makes the process hold, as Linux counts it.

It costs a call nothing, other than tracing each allocation, but tells less: room that
older objects left is used first, and does not count.
"""

import ctypes
from contextlib import suppress
from pathlib import Path

from kilonova.bench.timing import around, uncollected
from kilonova.bench.workload import Work

_SELF = Path("/proc/self")
# What, written there, makes the most that was held so far what is held now.
_FORGET_PEAK = "5"


def grown(work: Work) -> int | None:
    """Give by how many bytes a call makes the process grow; None where unknown."""
    if not forget_peak():
        return None
    with around(work), uncollected():
        _give_back()
        forget_peak()
        before = _held("VmRSS")
        work.call()
        return max(0, _held("VmHWM") - before)


def forget_peak() -> bool:
    """Let the system forget what was held at most so far; say whether it does."""
    try:
        (_SELF / "clear_refs").write_text(_FORGET_PEAK)
    except OSError:
        return False
    return True


def _give_back() -> None:
    """Give back what is free, as far as the C library does."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _held(what: str) -> int:
    lines = (_SELF / "status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"{what}:"))
    return int(found.split()[1]) * 1024

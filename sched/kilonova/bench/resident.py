"""How much memory of the machine a call makes the process hold, as Linux counts it.

It costs a call nothing, other than tracing each allocation, but counts whole pages, and
objects only where there was no room between older ones.
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
    """Give by how many bytes a call makes the process grow at most; None if unknown."""
    with around(work), uncollected():
        before = _begin()
        work.call()
        return None if before is None else _held("VmHWM") - before


def _begin() -> int | None:
    """Give free memory back, forget what was held at most, and say what is held."""
    with suppress(AttributeError):
        # Of glibc alone; elsewhere calls may use what is free but not given back.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        (_SELF / "clear_refs").write_text(_FORGET_PEAK)
    except OSError:
        return None
    return _held("VmRSS")


def _held(what: str) -> int:
    lines = (_SELF / "status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"{what}:"))
    return int(found.split()[1]) * 1024

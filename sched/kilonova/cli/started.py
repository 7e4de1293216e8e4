"""How long this process has been running, as the system counts it."""

import os
import time
from pathlib import Path

_LOADED = time.perf_counter()


def seconds_since_start() -> float:
    """Give the seconds since the process was started, to 10 ms.

    Where the system does not tell, since this module was loaded.
    """
    try:
        # Field 22 of stat, counted after the name, which may hold blanks: clock ticks
        # from the start of the system to that of the process.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.perf_counter() - _LOADED

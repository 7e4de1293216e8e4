"""From single events to one value per whole per cent of arrived demand."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Events(NamedTuple):
    """What a run counts after each request, dropped ones included, (N,) each.

    Attributes
    ----------
    arrived, allocated
        Milli-GPU asked for so far, and held.
    unusable
        Idle milli-GPU that a typical request cannot use, float64.
    """

    arrived: NDArray[np.int64]
    allocated: NDArray[np.int64]
    unusable: NDArray[np.float64]


class Series(NamedTuple):
    """One value per whole per cent, (K,) each; the fields are columns of the report."""

    arrived_pct: NDArray[np.int32]
    gpu_allocated_pct: NDArray[np.float64]
    gpu_fragment_pct: NDArray[np.float64]
    fragment_of_idle_pct: NDArray[np.float64]


def series_of(events: Events, gpu_milli: int) -> Series:
    """Reckon the series of a run as the published files have it.

    A value is the mean over the requests whose arrived share rounds to that per cent,
    or, where there is none, over those one per cent to either side too. The last digits
    are part of the protocol: single values are rounded as decimals, the mean adds in
    pairs and is rounded by way of 100 times itself, which is what numpy does.

    Parameters
    ----------
    events
        What a run counted.
    gpu_milli
        Milli-GPU of all machines.
    """
    gpus = gpu_milli / 1000
    idle = gpu_milli - events.allocated
    bucket = np.rint(events.arrived / gpus / 10).astype(np.int64)
    allocated = _rounded(events.allocated / gpus / 10)
    unusable = _rounded(events.unusable)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_idle = _rounded(100 * events.unusable / idle)
    rows = []
    for pct in range(int(bucket[-1]) + 1):
        chosen = bucket == pct
        if not chosen.any():
            chosen = abs(bucket - pct) <= 1
        if not chosen.any():
            continue
        some_idle = chosen & (idle > 0)
        rows.append(
            (
                pct,
                np.round(np.mean(allocated[chosen]), 2),
                np.round(100 * np.mean(unusable[chosen]) / 1000 / gpus, 2),
                np.mean(of_idle[some_idle]) if some_idle.any() else np.nan,
            )
        )
    columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
    return Series(columns[0].astype(np.int32), *columns[1:])


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to two decimals as Python does, by the decimal value: numpy differs."""
    return np.array([round(value, 2) for value in values.tolist()], np.float64)

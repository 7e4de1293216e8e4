"""The published series: one value per whole per cent of the GPUs asked for so far."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from oracle.openb import Step


class Point(NamedTuple):
    """The published values at one per cent of arrived GPU requests."""

    gpu_allocated_pct: float
    gpu_fragment_pct: float
    fragment_of_idle_pct: float


def series(steps: Sequence[Step], gpu_count: int) -> dict[int, Point]:
    """Return the published values, by whole per cent of arrived.

    A value is a mean over the requests whose arrived share rounds to that per cent;
    where there is none, over those one per cent to either side as well. The last is
    not a number where nothing is idle any more.

    Notes
    -----
    Gives every published value of the five deterministic policies, bit for bit. What
    matters: the values of single requests are rounded first, as decimals; numpy's
    mean adds in pairs; and numpy rounds a mean by way of ``100 * mean``, which is not
    the same as Python's ``round``.
    """
    arrived_pct = [round(step.arrived_gpu_milli / gpu_count / 10, 0) for step in steps]
    points: dict[int, Point] = {}
    for pct in range(int(max(arrived_pct)) + 1):
        chosen = [s for a, s in zip(arrived_pct, steps, strict=True) if a == pct]
        chosen = chosen or [
            s
            for a, s in zip(arrived_pct, steps, strict=True)
            if pct - 1 <= a <= pct + 1
        ]
        if chosen:
            points[pct] = _point(chosen, gpu_count)
    return points


def _point(steps: Sequence[Step], gpu_count: int) -> Point:
    allocated_pct = [
        round(step.allocated_gpu_milli / gpu_count / 10, 2) for step in steps
    ]
    fragment_milli = [round(step.fragment_gpu_milli, 2) for step in steps]
    of_idle_pct = [
        round(100 * step.fragment_gpu_milli / idle, 2)
        for step in steps
        if (idle := gpu_count * 1000 - step.allocated_gpu_milli)
    ]
    return Point(
        float(np.round(np.mean(allocated_pct), 2)),
        float(np.round(100 * np.mean(fragment_milli) / 1000 / gpu_count, 2)),
        float(np.mean(of_idle_pct)) if of_idle_pct else math.nan,
    )

"""From single events to the published series: its rounding, against the oracle's.

Shares are drawn at and beside halves of a per cent, where rounding decides which value
they count for; sums of fragments at and beside halves of a hundredth.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kilonova.replay.series import Events, Series, series_of
from oracle import openb_series
from oracle.openb import Decision, Step


def of(steps: list[tuple[int, int, float]], gpus: int) -> Series:
    arrived, allocated, unusable = zip(*steps, strict=True)
    events = Events(
        arrived=np.array(arrived, np.int64),
        allocated=np.array(allocated, np.int64),
        unusable=np.array(unusable, np.float64),
    )
    return series_of(events, 1000 * gpus)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[tuple[int, int, float]], int]:
    """Draw arrived, allocated and unusable amounts after each request."""
    gpus = draw(st.sampled_from([1, 2, 3, 7, 100, 6212]))
    arrived, allocated = 0, 0
    steps = []
    for _ in range(draw(st.integers(1, 40))):
        # Half a per cent of all GPUs is 5 milli-GPU of each.
        asked = draw(st.sampled_from([0, 1, 5 * gpus, 5 * gpus + 1, 10 * gpus, 250]))
        arrived += asked
        if draw(st.booleans()):
            allocated = min(allocated + asked, 1000 * gpus)
        idle = 1000 * gpus - allocated
        fragment = draw(
            st.floats(0, idle)
            | st.integers(0, 100 * idle).map(lambda n: n / 100 + 0.005)
        )
        steps.append((arrived, allocated, min(fragment, float(idle))))
    return steps, gpus


@given(runs())
def test_same_as_the_oracle(run: tuple[list[tuple[int, int, float]], int]) -> None:
    steps, gpus = run
    series = of(steps, gpus)
    wanted = openb_series.series(
        [Step(Decision(None, ()), *step) for step in steps], gpus
    )
    assert series.arrived_pct.tolist() == list(wanted)
    got = np.stack(series[1:]).T
    assert np.array_equal(got, np.array(list(wanted.values())), equal_nan=True)


def test_gaps_are_filled_from_both_sides() -> None:
    """At 1 and 3 per cent arrived; at 7 nothing is near but itself, 6 and 8."""
    series = of([(1000, 10, 0), (3000, 30, 0), (7000, 70, 0)], 100)
    assert series.arrived_pct.tolist() == [0, 1, 2, 3, 4, 6, 7]
    assert series.gpu_allocated_pct.tolist() == [
        0.01,
        0.01,
        0.02,
        0.03,
        0.03,
        0.07,
        0.07,
    ]


def test_nothing_idle_is_not_a_number() -> None:
    series = of([(1000, 1000, 0)], 1)
    assert np.isnan(series.fragment_of_idle_pct[-1])
    assert series.gpu_allocated_pct[-1] == 100


def test_far_more_is_asked_for_than_there_is() -> None:
    """One GPU, and 1000 requests for eight: 800 000 per cent."""
    series = of([(8000 * n, 1000, 0) for n in range(1, 1001)], 1)
    assert series.arrived_pct[-1] == 800_000
    assert len(set(series.arrived_pct.tolist())) == len(series.arrived_pct)

"""What compiling takes counts for the kernel that Python called.

Method: numba's own events are sent by hand, some inside others, with work in between.
"""

import time

import pytest
from numba.core import event

from kilonova.bench.cold import listening
from kilonova_kernels.claims import claim, release

pytestmark = pytest.mark.jit

_WORK_S = 0.02


def work() -> None:
    until = time.process_time() + _WORK_S
    while time.process_time() < until:
        pass


def test_the_first_one_counts_for_all() -> None:
    with listening() as found:
        for _ in range(2):
            with event.trigger_event("numba:compile", {"dispatcher": claim}):
                work()
                with event.trigger_event("numba:compile", {"dispatcher": release}):
                    work()
        with event.trigger_event("numba:compile", {"dispatcher": release}):
            work()
    assert list(found.seconds) == ["claims.claim", "claims.release"]
    first, second = found.seconds.values()
    assert first >= 4 * _WORK_S > second >= _WORK_S
    row = found.row()
    assert row["compile_cpu_s"] == pytest.approx(first + second)
    assert list(row["kernels"]) == ["claims.claim", "claims.release"]


def test_nothing_is_heard_outside() -> None:
    with listening() as found:
        pass
    with event.trigger_event("numba:compile", {"dispatcher": claim}):
        work()
    assert not found.seconds

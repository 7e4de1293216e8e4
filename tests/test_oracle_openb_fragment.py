"""The fragment of a machine and the typical requests it is measured with, by hand.

Each row of the rule alone, then how the rows are weighed and added. Floats are compared
exactly: FGD decides ties by their last bits.
"""

from collections import Counter

import pytest

from oracle import openb_fragment
from oracle.openb_cluster import Machine, Request
from oracle.openb_fragment import TypicalRequest

SHARE = Request(1000, 512, 1, 250)
WHOLE = Request(1000, 512, 1, 1000)
PAIR = Request(1000, 512, 2, 1000)


def machine(*devices: int) -> Machine:
    return Machine(4000, 4096, "T4", list(devices))


@pytest.mark.parametrize(
    ("request_", "reason", "unusable"),
    [
        pytest.param(Request(4000), 3, 1700, id="no GPU, room"),
        pytest.param(Request(4001), 4, 1700, id="no GPU, no room"),
        pytest.param(Request(1, 0, 1, 200, "G2|P100"), 5, 1700, id="not allowed"),
        pytest.param(Request(4001, 0, 1, 200, "G2"), 5, 1700, id="nor any room"),
        pytest.param(Request(4000, 0, 1, 500), 1, 200, id="too small devices"),
        pytest.param(Request(4000, 0, 2, 500, "G2|T4"), 1, 200, id="both are needed"),
        pytest.param(Request(4000, 0, 1, 200), 1, 0, id="all devices"),
        pytest.param(Request(4001, 0, 1, 500), 2, 1700, id="devices, no room"),
        pytest.param(Request(4000, 0, 2, 1000), 1, 1700, id="no devices, room"),
        pytest.param(Request(4001, 0, 2, 1000), 0, 1700, id="neither"),
    ],
)
def test_fragment_rows(request_: Request, reason: int, unusable: int) -> None:
    host = machine(1000, 500, 200)
    sums = openb_fragment.partial_sums(host, [TypicalRequest(request_, 1.0)])
    assert sums == [float(unusable) if i == reason else 0.0 for i in range(6)]


def test_fragment_is_weighed_by_frequency() -> None:
    host = machine(1000, 500, 200)
    typical = [TypicalRequest(Request(1, 0, 1, 500), 0.75), TypicalRequest(PAIR, 0.25)]
    assert openb_fragment.partial_sums(host, typical) == [0, 150 + 425, 0, 0, 0, 0]
    assert openb_fragment.fragment(host, typical) == 575


def test_fragment_adds_the_sums_in_order() -> None:
    """All 4000 are lost; added from the last sum to the first it is a little less."""
    counts = {
        Request(4000, 0, 1, 1000): 2,
        Request(8000, 0, 1, 1000): 2,
        Request(8000): 3,
        Request(1, 0, 1, 500, "G2"): 4,
        Request(1): 1,
    }
    typical = openb_fragment.typical_requests(list(Counter(counts).elements()))
    host = machine(*[500] * 8)
    sums = openb_fragment.partial_sums(host, typical)
    assert [value > 0 for value in sums] == [True, True, False, True, True, True]
    assert openb_fragment.add_in_order(reversed(sums)) == 3999.9999999999995
    assert openb_fragment.fragment(host, typical) == 4000.0


def test_frequencies_are_divided_twice() -> None:
    """Fifteen of twenty kept are 0.75, but not by way of the share of all 21."""
    requests = [Request(3)] * 15 + [Request(2)] * 5 + [Request(1)]
    got = [frequency for _, frequency in openb_fragment.typical_requests(requests)]
    assert got == [0.7500000000000001, 0.25]


def test_typical_requests_stop_at_95_per_cent() -> None:
    assert openb_fragment.typical_requests([WHOLE] * 19 + [SHARE]) == [
        TypicalRequest(Request(1000, 0, 1, 1000), 1.0)
    ]
    assert [
        (one.request.gpu_milli, one.frequency)
        for one in openb_fragment.typical_requests([WHOLE] * 18 + [SHARE] * 2)
    ] == [(1000, 0.9), (250, 0.1)]


def test_typical_requests_of_equal_frequency() -> None:
    ordered = [
        Request(9, gpu=1, gpu_milli=100),
        Request(8, gpu=1, gpu_milli=900),
        Request(8, gpu=2, gpu_milli=500),
        Request(8, gpu=1, gpu_milli=500, gpu_models="T4|T4"),
        Request(8, gpu=1, gpu_milli=500, gpu_models="T4"),
        Request(8, gpu=1, gpu_milli=500),
    ]
    frequent = Request(7)
    got = openb_fragment.typical_requests([*reversed(ordered), frequent, frequent])
    assert [one.request for one in got] == [frequent, *ordered]


def test_typical_requests_do_not_differ_by_memory() -> None:
    got = openb_fragment.typical_requests([Request(1, 5), Request(1, 6)])
    assert got == [TypicalRequest(Request(1), 1.0)]

"""Servers whose search has no end in sight: refused aloud, and nobody else suffers.

Method: groups of amounts that do not pack into eight equal devices, with a bound of a
few steps; before and after them servers that fit.
"""

import numpy as np
import pytest

import kilonova.candidates.compile
from kilonova import Boot, Cloud, Flavor, Scheduler
from kilonova.errors import BadInput, SearchTooLong
from kilonova.hosts import policies
from kilonova.hosts.devices import Demand
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.request.group import Request, RequestGroup
from kilonova.request.server import ServerSpec

# All of it together has room for them: 113 sevens, where eight devices take 14 each.
SIZES = [42] * 10 + [35] * 5 + [28] * 4 + [21] * 4


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kilonova.candidates.compile, "MOST_STEPS", 20_000)


def bins() -> Cloud:
    cloud = Cloud()
    cloud.add_provider("cn", inventories={"VCPU": {"total": 8}})
    for n in range(8):
        total = 98 + n % 7
        cloud.add_provider(f"d{n}", "cn", inventories={"VGPU": {"total": total}})
    return cloud


def flavor(sizes: list[int]) -> Flavor:
    extra_specs = {f"resources{n}:VGPU": str(size) for n, size in enumerate(sizes, 1)}
    return Flavor(1, 0, extra_specs=extra_specs | {"group_policy": "none"})


def test_servers_before_are_placed_and_those_after_can_be() -> None:
    cloud = bins()
    scheduler = Scheduler(cloud)
    easy, hard = ServerSpec(flavor([1, 2])), ServerSpec(flavor(SIZES))
    assert scheduler.play([Boot("a", easy)]).host.tolist() == [0]
    with pytest.raises(SearchTooLong, match="20000 steps"):
        scheduler.play([Boot("b", easy), Boot("c", hard), Boot("d", easy)])
    assert cloud.usages("cn") == {"VCPU": 2}
    with pytest.raises(SearchTooLong):
        scheduler.select(hard)
    assert cloud.usages("cn") == {"VCPU": 2}
    assert scheduler.select(easy).hosts[0].host == "cn"
    assert scheduler.play([Boot("d", easy)]).host.tolist() == [0]


def test_a_placer_claims_nothing_for_them() -> None:
    cloud = bins()
    groups = [RequestGroup(f"_{n}", {"VGPU": size}) for n, size in enumerate(SIZES)]
    plain = RequestGroup(resources={"VCPU": 1})
    requests = [Request((plain,)), Request((plain, *groups), "none")]
    with pytest.raises(BadInput, match="one demand for each of 2 requests, got 0"):
        Placer(cloud, requests, policies.BEST_FIT, demands=[])
    demands = [Demand(1, 0, 0)] * 2
    placer = Placer(cloud, requests, policies.BEST_FIT, demands=demands)
    consumers = add_consumers(cloud, ["a", "b", "c"])
    with pytest.raises(SearchTooLong):
        placer.place(np.array([0, 1, 0], np.int32), consumers)
    assert cloud.usages("cn") == {"VCPU": 1}
    placer.place(np.array([0], np.int32), consumers[2:])
    assert cloud.usages("cn") == {"VCPU": 2}

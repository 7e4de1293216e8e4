"""Placing, case by case: hosts drawn by hand for what random ones seldom meet.

Each cloud is a handful of hosts, and the expected host or error is reckoned by hand.
"""

from typing import Any

import numpy as np
import pytest

from generators.clouds import SHARES
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput
from kilonova.hosts import policies
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.request.group import Request, RequestGroup


def host(cpu: int, devices: int = 0) -> dict[str, Any]:
    """Give a host with CPU and some devices.

    host            VCPU
    +-- host:0      CUSTOM_GPU_MILLI 1000
    +-- host:1      ...
    """
    return {
        "name": "host",
        "inventories": {"VCPU": {"total": cpu}},
        "children": devices,
    }


def cloud_with(*hosts: dict[str, Any]) -> Cloud:
    cloud = Cloud()
    cloud.add_resource_class("CUSTOM_GPU_MILLI")
    for number, each in enumerate(hosts):
        name = f"host{number}"
        cloud.add_provider(name, inventories=each["inventories"])
        for device in range(each["children"]):
            gpu = {"CUSTOM_GPU_MILLI": {"total": 1000}}
            cloud.add_provider(f"{name}:{device}", name, inventories=gpu)
    return cloud


def asking(cpu: int, gpu: int = 0, milli: int = 1000) -> Request:
    groups = [RequestGroup(resources={"VCPU": cpu})]
    groups += [RequestGroup(f"_G{i}", {"CUSTOM_GPU_MILLI": milli}) for i in range(gpu)]
    return Request(tuple(groups), "isolate" if gpu > 1 else None)


def test_consumer_that_holds_something_is_moved() -> None:
    """Placing it again gives back what it held, and both hosts are as they were."""
    cloud = cloud_with(host(8, 1), host(8, 1))
    placer = Placer(cloud, [asking(8), asking(1, 1, 500)], policies.GPU_CLUSTERING)
    consumers = add_consumers(cloud, ["a"])[[0, 0, 0]]
    placed = placer.place(np.array([1, 0, 1], np.int32), consumers)
    assert placed.tree.tolist() == [0, 1, 0]
    assert cloud.allocations("a") == {
        "host0": {"VCPU": 1},
        "host0:0": {"CUSTOM_GPU_MILLI": 500},
    }
    assert placer.devices.cpu_free.tolist() == [7, 8]
    assert placer.devices.host_kinds.tolist() == [[1, 0], [0, 0]]


def test_kinds_count_what_was_there_before() -> None:
    """GpuClustering goes to the host that holds a share, whoever put it there."""
    cloud = cloud_with(host(8, 2), host(8, 2), host(8, 2))
    cloud.claim("pair", {f"host0:{i}": {"CUSTOM_GPU_MILLI": 1000} for i in (0, 1)})
    cloud.claim("share", {"host1:0": {"CUSTOM_GPU_MILLI": 100}})
    placer = Placer(cloud, [asking(1, 1, 500)], policies.GPU_CLUSTERING)
    assert placer.devices.host_kinds.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    one, consumers = np.zeros(1, np.int32), add_consumers(cloud, ["a", "b"])
    assert placer.place(one, consumers[:1]).tree.tolist() == [1]
    for consumer in ("share", "a"):
        cloud.release(consumer)
    cloud.claim("other", {"host2:0": {"CUSTOM_GPU_MILLI": 999}})
    assert placer.place(one, consumers[1:]).tree.tolist() == [2]


def test_larger_host_changes_all_weights() -> None:
    """With a host of 80 the two others weigh alike, and the first is taken."""
    cloud = cloud_with(host(9), host(8), host(10))
    placer = Placer(cloud, [asking(1)], policies.BEST_FIT)
    one, consumers = np.zeros(1, np.int32), add_consumers(cloud, ["a", "b"])
    assert placer.place(one, consumers[:1]).tree.tolist() == [1]
    cloud.release("a")
    cloud.set_inventory("host2", "VCPU", {"total": 8000})
    assert placer.place(one, consumers[1:]).tree.tolist() == [0]


def test_sharing_pool_that_fills_up_is_seen_by_all_it_serves() -> None:
    cloud = Cloud()
    for number in range(3):
        cloud.add_provider(
            f"host{number}", inventories={"VCPU": {"total": 2}}, aggregates=["rack"]
        )
    pool = {"DISK_GB": {"total": 2}}
    cloud.add_provider("pool", inventories=pool, traits=[SHARES], aggregates=["rack"])
    request = Request((RequestGroup(resources={"VCPU": 1, "DISK_GB": 1}),))
    placer = Placer(cloud, [request], policies.DOT_PRODUCT)
    consumers = add_consumers(cloud, ["a", "b", "c", "d"])
    placed = placer.place(np.zeros(4, np.int32), consumers)
    assert (placed.tree >= 0).tolist() == [True, True, False, False]
    cloud.release("a")
    assert placer.place(np.zeros(1, np.int32), consumers[2:3]).tree[0] >= 0


def test_empty_cloud_takes_nothing() -> None:
    cloud = Cloud()
    placer = Placer(cloud, [asking(1)], policies.FGD)
    consumers = add_consumers(cloud, ["a"])
    assert placer.place(np.zeros(1, np.int32), consumers).tree.tolist() == [-1]
    cloud.add_provider("host", inventories={"VCPU": {"total": 1}})
    assert placer.place(np.zeros(1, np.int32), consumers).tree.tolist() == [0]


@pytest.mark.parametrize(
    ("requests", "consumers", "draws", "message"),
    [
        pytest.param(
            [1], [0], None, "request number must be in 0..0, got 1", id="over"
        ),
        pytest.param([-1], [0], None, "request number .* got -1", id="below"),
        pytest.param(
            [0], [2], None, "consumer number must be in 0..1, got 2", id="who"
        ),
        pytest.param([0, 0], [0], None, "2 consumer numbers", id="too few"),
        pytest.param([0], [0], [[0.5, 1.0]], r"in \[0, 1\)", id="draw of 1"),
        pytest.param([0], [0], [[0.5]], "1 pairs", id="one draw"),
    ],
)
def test_bad_numbers_are_refused(
    requests: list[int],
    consumers: list[int],
    draws: list[list[float]] | None,
    message: str,
) -> None:
    cloud = cloud_with(host(8))
    placer = Placer(cloud, [asking(1)], policies.RANDOM)
    add_consumers(cloud, ["a", "b"])
    given = None if draws is None else np.array(draws)
    with pytest.raises(BadInput, match=message):
        placer.place(np.array(requests, np.int32), np.array(consumers, np.int32), given)
    assert cloud.allocations("a") == {}

"""Pools of PCI devices serve the requests that Nova's serve, and give the same devices.

Named cases at the limits, the recorded answers of Nova, then taking and giving back.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from kilonova.cloud.host import HostCell
from kilonova.cloud.host_use import difference, give_back
from kilonova.errors import DevicesConflict
from kilonova.hosts.pci_pools import (
    Devices,
    Near,
    Pool,
    consume,
    supports,
)
from kilonova.request.pci import PciRequest
from nova_corpus import cases
from recorded_hosts import requests_of


def pool(count: int, cell: int | None = 0, **more: Any) -> Pool:
    return {"count": count, "numa_node": cell, "vendor_id": "8086", **more}


def ask(count: int = 1, policy: str | None = None, **spec: str) -> PciRequest:
    spec = spec or {"vendor_id": "8086"}
    return PciRequest(count, (spec,), "a", "r", policy)


CELLS = tuple(HostCell(number, socket=number // 2) for number in range(4))


@pytest.mark.parametrize(
    ("pools", "requests", "served"),
    [
        pytest.param([pool(2)], [ask(2)], True, id="all of them"),
        pytest.param([pool(2)], [ask(3)], False, id="one too many"),
        pytest.param([pool(2)], [ask(), ask(), ask()], False, id="one after the other"),
        pytest.param([pool(1), pool(1, 1)], [ask(2)], True, id="of two pools"),
        pytest.param([pool(1)], [ask(vendor_id="10DE")], False, id="of another vendor"),
        pytest.param(
            [pool(1, vendor_id="10de")], [ask(vendor_id="10DE")], True, id="any case"
        ),
        pytest.param([pool(1)], [ask(traits="A", vendor_id="8086")], True, id="traits"),
        pytest.param([pool(1, dev_type="type-PF")], [ask()], False, id="PF unasked"),
        pytest.param(
            [pool(1, dev_type="type-PF")], [ask(dev_type="type-PF")], True, id="PF"
        ),
        pytest.param([pool(1, dev_type="vdpa")], [ask()], False, id="vdpa unasked"),
        pytest.param([pool(1, remote_managed="TRUE")], [ask()], False, id="remote"),
        pytest.param(
            [pool(1)], [ask(live_migratable="false")], False, id="migration unknown"
        ),
    ],
)
def test_limits(pools: list[Pool], requests: list[PciRequest], served: bool) -> None:
    assert supports(pools, requests) is served


@pytest.mark.parametrize(
    ("policy", "cells"),
    [
        ("required", [0]),
        ("socket", [0, 1]),
        (None, [0, None]),
        ("legacy", [0, None]),
        ("preferred", [0, 1, 2, None]),
    ],
)
def test_numa_policies(policy: str | None, cells: list[int | None]) -> None:
    near = Near((0,), CELLS)
    for cell in (0, 1, 2, None):
        served = supports([pool(1, cell)], [ask(policy=policy)], None, near)
        assert served is (cell in cells)


def test_near_devices_are_taken_first() -> None:
    pools = [pool(1, 1), pool(1, None), pool(1, 0)]
    devices = Devices(pools)
    for left in ([1, None], [1], []):
        assert devices.take(ask(policy="preferred"), None, Near((0,), CELLS))
        assert [each["numa_node"] for each in devices.pools()] == left


def test_mapped_devices_come_from_their_providers() -> None:
    pools = [pool(2, rp_uuid="x"), pool(2, rp_uuid="y", more="1")]
    request = ask(3)
    mapping = {"r-0": ["y"], "r-1": ["x"], "r-2": ["y"], "s-0": ["x"]}
    devices = Devices(pools)
    assert devices.take(request, mapping)
    assert [(each["rp_uuid"], each["count"]) for each in devices.pools()] == [("x", 1)]
    assert not supports(pools, [request], {"r-0": ["z"]})
    # Two pools of one provider: nobody knows which one Placement meant.
    twins = [pool(2, rp_uuid="x"), pool(2, 1, rp_uuid="x")]
    assert not supports(twins, [ask()], {"r-0": ["x"]})
    port = PciRequest(1, ({"vendor_id": "8086"},), None, "r")
    assert supports(pools, [port], {"r-0": ["z"]})


@pytest.mark.parametrize(
    "case", cases("pci_support"), ids=lambda case: case["test"].rpartition(".")[2]
)
def test_same_as_nova(case: dict[str, Any]) -> None:
    arguments = case["args"]
    chosen = tuple(cell["id"] for cell in arguments.get("numa_cells") or ())
    served = supports(
        arguments["stats"]["pools"],
        requests_of(arguments["requests"]),
        arguments["provider_mapping"],
        Near(chosen),
    )
    assert served is case["result"]


def counted(pools: tuple[Pool, ...]) -> list[tuple[Mapping[str, Any], int]]:
    return [
        ({key: value for key, value in each.items() if key != "count"}, each["count"])
        for each in pools
    ]


def test_taken_is_given_back() -> None:
    before = (pool(2), pool(1, 1), pool(3, tag="x"))
    devices = Devices(before)
    consume(devices, [ask(3), ask(1, tag="x")])
    after = devices.pools()
    assert counted(after) == counted((pool(2, tag="x"),))
    taken = difference(before, after)
    assert counted(taken) == counted((pool(2), pool(1, 1), pool(1, tag="x")))
    assert sorted(map(str, give_back(after, taken))) == sorted(map(str, before))
    with pytest.raises(DevicesConflict, match="3 PCI devices of a") as raised:
        consume(devices, [ask(1), ask(3)])
    assert raised.value.nova == "PciDeviceRequestFailed"
    # Requests before the one that failed have their devices.
    assert counted(devices.pools()) == counted((pool(1, tag="x"),))

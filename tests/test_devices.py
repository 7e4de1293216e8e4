"""Free amounts and fragments of hosts with devices, to the last bit as the oracle's.

FGD decides ties by the last bit of a fragment, so that floats are compared with ``==``.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from called_parts import fragment
from generators.openb import (
    MODELS,
    Played,
    clusters,
    played,
    twin_machines,
    twin_requests,
)
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput
from kilonova.hosts.devices import (
    Demand,
    DeviceClasses,
    Typical,
    device_columns,
    refresh_devices,
)
from kilonova.replay import cluster
from kilonova.replay.trace import Machine
from kilonova.request.group import Request, RequestGroup
from kilonova_kernels.device_columns import DeviceColumns
from oracle import openb_fragment
from oracle.openb_cluster import Machine as TwinMachine

KNOWN = frozenset(map(cluster.model_trait, MODELS))


def columns_of(
    cloud: Cloud, typical: Typical, demands: Sequence[Demand] = ()
) -> DeviceColumns:
    return device_columns(cloud.state, demands, typical, cluster.CLASSES)


@given(
    played(most_requests=8),
    st.lists(st.integers(-2000, 9000), min_size=1, max_size=4),
    st.data(),
)
def test_fragment_is_the_oracles_to_the_last_bit(
    drawn: Played, cpus: list[int], data: st.DataObject
) -> None:
    """Of any free amounts, such as no claim would leave: even of less than none."""
    typical = cluster.typical_demands(drawn.requests, KNOWN)
    twins = openb_fragment.typical_requests(twin_requests(drawn.requests))
    cloud = cluster.build_cloud(drawn.machines)
    columns = columns_of(cloud, typical)
    limits = sorted({a for r in drawn.requests for a in (r.gpu_milli, 1000, 0, -1)})
    amounts = st.builds(
        lambda limit, off: limit + off,
        st.sampled_from(limits),
        st.sampled_from([-1, 0, 0, 1]),
    )
    have, low = np.zeros((2, len(columns.level_amount)), np.int64)
    state = cloud.state
    for cpu in cpus:
        free = data.draw(st.lists(amounts, max_size=4))
        tree = data.draw(st.integers(0, len(drawn.machines) - 1))
        root = state.index().roots[tree]
        traits = int(state.tables.provider["trait_set"][root])
        got = fragment(columns, cpu, np.array(free, np.int64), traits, have, low)
        twin = TwinMachine(cpu, 0, drawn.machines[tree].gpu_model, free)
        assert got == openb_fragment.fragment(twin, twins)


@given(played(most_requests=16))
def test_typical_demands_are_the_oracles(drawn: Played) -> None:
    typical = cluster.typical_demands(drawn.requests, KNOWN)
    twins = openb_fragment.typical_requests(twin_requests(drawn.requests))
    assert [(d.cpu, d.devices, d.amount, d.label) for d in typical.demands] == [
        (r.cpu_milli, r.gpu, r.gpu_milli, r.gpu_models) for r, _ in twins
    ]
    assert typical.frequencies().tolist() == [frequency for _, frequency in twins]
    assert typical.total == len(drawn.requests)


def test_nothing_is_typical_of_nothing() -> None:
    assert Typical.of([]) == Typical()
    assert Typical().frequencies().tolist() == []


def test_typical_ties_go_to_the_larger() -> None:
    """Of 20 demands that come once each, 19 are kept: the least one goes."""
    demands = [
        Demand(cpu, amount, devices, label=label)
        for cpu, amount, devices, label in [
            (1, 0, 0, ""),
            (1, 5, 1, ""),
            (1, 5, 2, ""),
            (1, 5, 2, "a"),
            *((cpu, 0, 0, "") for cpu in range(2, 18)),
        ]
    ]
    kept = Typical.of(demands).demands
    assert kept == (*reversed(demands[4:]), demands[3], demands[2], demands[1])


@given(clusters(), st.data())
def test_columns_hold_what_is_free(
    machines: tuple[Machine, ...], data: st.DataObject
) -> None:
    cloud = cluster.build_cloud(machines)
    twins = twin_machines(machines)
    columns = columns_of(cloud, Typical())
    stamp = int(cloud.state.counters[0])
    for number in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(machines) - 1))
        host, name = twins[at], machines[at].name
        cpu = data.draw(st.integers(0, host.cpu_milli))
        taken = [
            data.draw(st.sampled_from([0, min(1, free), free])) for free in host.devices
        ]
        allocations = {name: {"VCPU": cpu}} if cpu else {}
        for device, amount in enumerate(taken):
            if amount:
                allocations[f"{name}:gpu{device}"] = {"CUSTOM_GPU_MILLI": amount}
            host.devices[device] -= amount
        host.cpu_milli -= cpu
        if allocations:
            cloud.claim(f"c{number}", allocations)
    assert not refresh_devices(cloud.state, columns, stamp)
    fresh = columns_of(cloud, Typical())
    for found in (columns, fresh):
        assert found.cpu_free.tolist() == [host.cpu_milli for host in twins]
        assert found.device_count.tolist() == [len(host.devices) for host in twins]
        for row, host in zip(found.device_free.tolist(), twins, strict=True):
            assert row[: len(host.devices)] == host.devices
    assert columns.host_kinds.tolist() == fresh.host_kinds.tolist()
    assert fresh.normal.tolist() == [
        max(m.cpu_milli for m in machines),
        max(1000 * m.gpu for m in machines) or 1,
    ]


def test_columns_of_a_cloud_without_devices() -> None:
    cloud = Cloud()
    cloud.add_provider("host", inventories={"MEMORY_MB": {"total": 1}})
    columns = columns_of(cloud, Typical(), [Demand(1, 500, 3)])
    assert columns.normal.tolist() == [1, 1]
    assert columns.device_count.tolist() == [0]
    assert columns.host_kinds.shape == (1, 4)


def group(suffix: str, required: str = "", **resources: int) -> RequestGroup:
    clauses = tuple(frozenset(c.split("|")) for c in required.split() if c)
    return RequestGroup(suffix, resources, clauses)


@pytest.mark.parametrize(
    ("groups", "demand", "kind"),
    [
        pytest.param([group("", VCPU=4, MEMORY_MB=8)], Demand(4, 0, 0), -1, id="cpu"),
        pytest.param(
            [group("_A", CUSTOM_GPU_MILLI=999)], Demand(0, 999, 1), 0, id="a share"
        ),
        pytest.param(
            [group("_A", CUSTOM_GPU_MILLI=1000)],
            Demand(0, 1000, 1),
            1,
            id="a whole one",
        ),
        pytest.param(
            [group("_A", CUSTOM_GPU_MILLI=500), group("_B", CUSTOM_GPU_MILLI=500)],
            Demand(0, 500, 2),
            2,
            id="two halves",
        ),
        pytest.param(
            [group("", "A|B B|C", VCPU=1)],
            Demand(1, 0, 0, frozenset("B")),
            -1,
            id="any",
        ),
        pytest.param([group("", CUSTOM_GPU_MILLI=7)], Demand(0, 0, 0), -1, id="own"),
        pytest.param([group("_A", VCPU=7)], Demand(0, 0, 0), -1, id="cpu of a child"),
    ],
)
def test_demand(groups: list[RequestGroup], demand: Demand, kind: int) -> None:
    found = Demand.of(Request(tuple(groups)), DeviceClasses())
    assert found == demand
    assert found.kind(1000) == kind


def test_demand_of_different_amounts() -> None:
    groups = (group("_A", CUSTOM_GPU_MILLI=500), group("_B", CUSTOM_GPU_MILLI=400))
    with pytest.raises(BadInput, match=r"CUSTOM_GPU_MILLI, got \[400, 500\]"):
        Demand.of(Request(groups), DeviceClasses())

"""Weights of hosts with devices, against the rules of the published policies.

Named cases measure against the largest machine of the recorded cluster, by hand. Random
ones take hosts in any state, reached by claims that no policy would have made, and
weigh each of them for requests at the limits of what they have left.
"""

from collections.abc import Mapping
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.openb import Played, played, twin_machines, twin_requests
from kilonova.candidates.cloud import Cloud
from kilonova.hosts import policies
from kilonova.hosts.placer import Placer
from kilonova.replay import cluster
from kilonova.replay.trace import Asked, Machine
from oracle import openb, openb_fragment
from oracle.openb_cluster import claim, feasible

LARGEST = Machine(9, "largest", 128_000, 1, 8, "T4")
SCORED = [w.name for w in policies.registered() if not w.drawn]


def weights(
    cloud: Cloud,
    machines: tuple[Machine, ...],
    requests: tuple[Asked, ...],
    policy: str,
) -> Placer:
    """Weigh all machines for all requests; the weights are in the placer's marks."""
    from called_parts import refresh

    known = frozenset(cluster.model_trait(m.gpu_model) for m in machines)
    placer = Placer(
        cloud,
        [cluster.build_request(asked, known) for asked in requests],
        policies.find(policy),
        typical=cluster.typical_demands(requests, known),
        demands=[cluster.demand_of(asked, known) for asked in requests],
        classes=cluster.CLASSES,
    )
    for number in range(len(requests)):
        refresh(placer, number)
    return placer


def hold(cloud: Cloud, consumer: str, used: Mapping[int, int], cpu: int = 0) -> None:
    """Have a consumer use milli-GPU of devices of machine m, and CPU."""
    allocations = {
        f"m:gpu{device}": {"CUSTOM_GPU_MILLI": n} for device, n in used.items()
    }
    if cpu:
        allocations["m"] = {"VCPU": cpu}
    cloud.claim(consumer, allocations)


@pytest.mark.parametrize(
    ("policy", "used", "asked", "weight"),
    [
        # 1 - (0.5 * 24/128 + 0.5 * 1.75/8) = 0.796875
        pytest.param("BestFit", {}, Asked(8000, 0, 1, 250, ""), 79, id="best fit"),
        # 1 - (32/128 * 8/128 + 2/8 * 0.25/8) / 2 = 0.98828125
        pytest.param("DotProd", {}, Asked(8000, 0, 1, 250, ""), 98, id="product"),
        pytest.param("GpuPacking", {}, Asked(1, 0, 0, 0, ""), 0, id="packing, no GPU"),
        pytest.param("GpuPacking", {}, Asked(1, 0, 2, 1000, ""), 31, id="all idle"),
        pytest.param("GpuPacking", {0: 1}, Asked(1, 0, 1, 1000, ""), 49, id="opens"),
        # 999 div 10 = 99; 99 div 10 = 9
        pytest.param("GpuPacking", {0: 1}, Asked(1, 0, 1, 999, ""), 91, id="in use"),
        # 25 * 6000 div 8000 = 18, and 25 as it holds nothing
        pytest.param("GpuClustering", {}, Asked(1, 0, 1, 1, ""), 43, id="nothing"),
        # 25 * 6500 div 8000 = 20
        pytest.param("GpuClustering", {0: 500}, Asked(1, 0, 1, 1, ""), 95, id="same"),
        pytest.param(
            "GpuClustering", {0: 500}, Asked(1, 0, 1, 1000, ""), 20, id="other"
        ),
        # 25 * 8000 div 8000 = 25
        pytest.param(
            "GpuClustering", {0: 1000, 1: 999}, Asked(1, 0, 1, 1, ""), 24, id="a pair"
        ),
    ],
)  # fmt: skip
def test_weight(policy: str, used: dict[int, int], asked: Asked, weight: int) -> None:
    machines = (Machine(0, "m", 32_000, 4096, 2, "T4"), LARGEST)
    cloud = cluster.build_cloud(machines)
    if used:
        hold(cloud, "other", used)
    placer = weights(cloud, machines, (asked,), policy)
    assert placer.marks.weight[0, 0] == weight


def test_clustering_counts_kinds_and_not_requests() -> None:
    """Two shares are one kind: 75; a whole device beside them makes it 50."""
    machines = (Machine(0, "m", 32_000, 4096, 4, "T4"), LARGEST)
    share, found = Asked(1, 0, 1, 1, ""), []
    cloud = cluster.build_cloud(machines)
    for consumer, used in (("a", {0: 400}), ("b", {0: 600}), ("c", {1: 1000})):
        hold(cloud, consumer, used)
        placer = weights(cloud, machines, (share,), "GpuClustering")
        found.append(float(placer.marks.weight[0, 0]))
    # 25 * 4400 div 8000 = 13, then 15, then 18.
    assert found == [88, 90, 68]


def test_fgd_prefers_a_device_that_stays_useful() -> None:
    """Half devices are typical: a fifth is taken where it leaves a half, not of it."""
    machines = (Machine(0, "m", 32_000, 4096, 2, "T4"), LARGEST)
    cloud = cluster.build_cloud(machines)
    hold(cloud, "other", {0: 500, 1: 300})
    requests = (*[Asked(1, 0, 1, 500, "")] * 39, Asked(1, 0, 1, 200, ""))
    placer = weights(cloud, machines, requests, "FGD")
    assert placer.marks.weight[39, 0] == 50
    preferred = int(placer.marks.preferred[39, 0])
    assert cloud.state.provider_names[preferred] == "m:gpu1"


@given(played(most_requests=12), st.sampled_from(SCORED), st.data())
def test_same_as_the_oracle(drawn: Played, policy: str, data: st.DataObject) -> None:
    machines, requests = drawn.machines, drawn.requests
    cloud, twins = cluster.build_cloud(machines), twin_machines(machines)
    for number, request in enumerate(twin_requests(requests)):
        able = [i for i, host in enumerate(twins) if feasible(host, request)]
        if not able or data.draw(st.booleans()):
            continue
        at = data.draw(st.sampled_from(able))
        fitting = [
            d for d, free in enumerate(twins[at].devices) if free >= request.gpu_milli
        ]
        chosen: list[int] = data.draw(st.permutations(fitting))[: request.gpu]
        claim(twins[at], request, chosen)
        name = machines[at].name
        amounts = {"VCPU": request.cpu_milli, "MEMORY_MB": request.mem_mib}
        plain = {name: {c: n for c, n in amounts.items() if n}}
        taken = {
            f"{name}:gpu{d}": {"CUSTOM_GPU_MILLI": request.gpu_milli} for d in chosen
        }
        cloud.claim(f"c{number}", plain | taken)
    marks = weights(cloud, machines, requests, policy).marks
    typical = openb_fragment.typical_requests(twin_requests(requests))
    rules = openb.Rules(policy, drawn.rank, typical)
    patched = mock.patch.multiple(
        openb,
        CPU_MILLI_MAX=max(m.cpu_milli for m in machines),
        GPU_MILLI_MAX=max(1000 * m.gpu for m in machines) or 1,
    )
    with patched:
        for number, request in enumerate(twin_requests(requests)):
            for t, host in enumerate(twins):
                if not feasible(host, request):
                    assert marks.weight[number, t] == -np.inf
                    continue
                weight, devices = openb._weigh(host, request, rules)
                assert marks.weight[number, t] == weight
                preferred = int(marks.preferred[number, t])
                if policy == "FGD" and request.is_share:
                    wanted = f"{machines[t].name}:gpu{devices[0]}"
                    assert cloud.state.provider_names[preferred] == wanted
                else:
                    assert preferred == -1

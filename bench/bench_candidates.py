"""How long candidates take: the first of very many, all hosts with a port, rendering.

Each question is first put to the naive oracle in a size that it can do, which compiles
the kernels as well; then to the cloud of the benchmark, where the number is known.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from asking import answer_of, named_document
from generators.document import uuid_of
from kilonova import Cloud
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.compile import compile_requests
from kilonova.candidates.marking import marking_of
from kilonova.request.query import parse_query
from oracle import state
from oracle.summaries import answer

PLAIN = "resources=VCPU:1,MEMORY_MB:1024"
_PORT = (
    "&resources_{0}=NET_BW_EGR_KILOBIT_PER_SEC:1000,NET_BW_IGR_KILOBIT_PER_SEC:1000"
    "&required_{0}=CUSTOM_PHYSNET_PHYSNET{1},CUSTOM_VNIC_TYPE_NORMAL"
)
PORT = PLAIN + _PORT.format("p", 0)
APART = PORT + _PORT.format("q", 1) + "&group_policy="
ON_ONE = PORT + _PORT.format("q", 0) + "&group_policy=none"
SHARED = "resources=DISK_GB:1,SRIOV_NET_VF:1"
_POOL = {"traits": ["MISC_SHARES_VIA_AGGREGATE"], "aggregates": ["a"]}


def devices(count: int) -> dict[str, Any]:
    """Make a host with VCPU and ``count`` devices below it, room for all groups."""
    names = ["cn", *(f"d{number}" for number in range(count))]
    return {
        "providers": [
            {
                "name": name,
                "parent": "cn" if name != "cn" else None,
                "inventories": {"VGPU" if name != "cn" else "VCPU": {"total": 64}},
                "traits": [],
                "aggregates": [],
            }
            for name in names
        ],
        "consumers": [],
    }


def groups(count: int) -> str:
    each = "".join(f"&resources_{number}=VGPU:1" for number in range(count))
    return f"resources=VCPU:1{each}&group_policy=none"


def hosts(count: int) -> dict[str, Any]:
    document = synthetic_cloud(count, "nested", 0.6, seed=1)
    providers = [{**p, "uuid": uuid_of(p["name"])} for p in document["providers"]]
    return {**document, "providers": providers}


@cache
def cloud(count: int) -> Cloud:
    return Cloud.from_document(named_document(hosts(count)))


def check(document: dict[str, Any], query: str) -> None:
    """Compare the whole answer with the oracle's."""
    plain = named_document(document)
    names = {p["uuid"]: p["name"] for p in document["providers"] if "uuid" in p}
    got = answer_of(Cloud.from_document(plain).allocation_candidates(query), names)
    right = answer(state.from_document(document), parse_query(query))
    assert {c.key for c in got.candidates} == {c.key for c in right.candidates}
    assert len(got.candidates) == len(right.candidates) > 0
    assert got.summaries == right.summaries


@pytest.mark.parametrize(("device_count", "group_count"), [(8, 6), (64, 8)])
def test_first_thousand(
    benchmark: Callable[..., int], device_count: int, group_count: int
) -> None:
    check(devices(4), groups(3))
    one = Cloud.from_document(devices(device_count))
    query = groups(group_count)
    found = benchmark(lambda: one.allocation_candidates(query, 1000).count())
    assert found == 1000


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_mark_by_search(benchmark: Callable[..., int], count: int) -> None:
    from kilonova_kernels.fits import mark_fitting

    check(hosts(5), PORT)
    asked = cloud(count).state
    plans = compile_requests(asked, [parse_query(PORT)])
    search, columns = plans.search(asked.largest_pool()), asked.columns()
    fits = np.zeros(count, np.bool_)
    found = benchmark(mark_fitting, columns, plans.columns, 0, search, fits)
    assert found == count


@pytest.mark.parametrize(
    "query",
    [PLAIN, PORT, f"{APART}none", f"{APART}isolate", ON_ONE],
    ids=["plain", "port", "two apart", "two isolated", "two on one bridge"],
)
def test_mark_by_scan(benchmark: Callable[..., int], query: str) -> None:
    check(hosts(5), query)
    asked = cloud(10_000).state
    marking = marking_of(asked, parse_query(query), True)
    assert benchmark(lambda: marking.scan(asked)) == 10_000


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_find_thousand_with_a_port(benchmark: Callable[..., int], count: int) -> None:
    check(hosts(5), PORT)
    asked = cloud(count)
    assert benchmark(lambda: asked.allocation_candidates(PORT, 1000).count()) == 1000


@pytest.mark.parametrize("query", [PLAIN, PORT], ids=["plain", "port"])
def test_render_thousand(benchmark: Callable[..., dict[str, Any]], query: str) -> None:
    check(hosts(5), query)
    found = cloud(10_000).allocation_candidates(query, 1000)
    assert found.count() == 1000
    body = benchmark(found.to_placement)
    assert len(body["allocation_requests"]) == 1000
    assert len(body["provider_summaries"]) == 9000


@pytest.mark.parametrize("limit", [1_000, 10_000])
def test_text_with_a_port(benchmark: Callable[..., bytes], limit: int) -> None:
    check(hosts(5), PORT)
    asked = cloud(10_000)
    text = benchmark(lambda: asked.allocation_candidates(PORT, limit).to_json())
    assert len(json.loads(text)["allocation_requests"]) == limit


def test_count_all(benchmark: Callable[..., int]) -> None:
    check(devices(4), groups(3))
    one = Cloud.from_document(devices(8))
    found = benchmark(lambda: one.allocation_candidates(groups(6)).count())
    assert found == 8**6


def pools(count: int) -> dict[str, Any]:
    """Make two pools that the second half of all hosts shares, the first half one."""
    providers: list[dict[str, Any]] = [
        {"name": f"pool{n}", "inventories": {name: {"total": 2**31 - 1}}, **_POOL}
        for n, name in enumerate(("DISK_GB", "SRIOV_NET_VF"))
    ]
    providers[1] = {**providers[1], "aggregates": ["b"]}
    for number in range(count):
        own = {"SRIOV_NET_VF": {"total": 1}} if number < count // 2 else {}
        aggregates = ["a"] if own else ["a", "b"]
        providers.append(
            {
                "name": f"h{number}",
                "inventories": {"VCPU": {"total": 1}, **own},
                "traits": [],
                "aggregates": aggregates,
            }
        )
    for provider in providers:
        provider["parent"] = None
    return {"providers": providers, "consumers": []}


def test_one_candidate_of_many_trees(benchmark: Callable[..., int]) -> None:
    check(pools(6), SHARED)
    one = Cloud.from_document(pools(10_000))
    found = benchmark(lambda: one.allocation_candidates(SHARED).count())
    assert found == 5_001


def test_thousand_objects(benchmark: Callable[..., list[object]]) -> None:
    check(hosts(5), PORT)
    found = cloud(10_000).allocation_candidates(PORT, 1000)
    assert len(benchmark(lambda: list(found))) == 1000

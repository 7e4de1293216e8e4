"""Clouds of hundreds of trees: chunks of any size, few of each host, best hosts first.

The size of the chunks must not matter, and `per_host` and `hosts` must give what can be
picked out of the whole answer by hand.
"""

import random

import pytest

from asking import in_uuids, named_document, with_uuids
from generators.clouds import random_cloud
from generators.document import Document
from generators.queries import random_query
from kilonova import Cloud
from kilonova.candidates import enumeration
from kilonova.candidates.candidates import Candidate


def many_trees(seed: int, parts: int) -> Document:
    """Put random clouds side by side; their pools share across all of them."""
    whole: Document = {
        "resource_classes": ["CUSTOM_FPGA", "CUSTOM_LICENCE"],
        "custom_traits": [],
        "providers": [],
        "consumers": [],
    }
    for part in range(parts):
        one = random_cloud(100 * seed + part)
        whole["custom_traits"] = one["custom_traits"]
        for provider in one["providers"]:
            parent = provider["parent"]
            provider["name"] = f"{part}.{provider['name']}"
            provider["parent"] = parent and f"{part}.{parent}"
        whole["providers"] += one["providers"]
        whole["consumers"] += [
            {f"{part}.{name}": held for name, held in consumer.items()}  # type: ignore[misc]
            for consumer in one["consumers"]
        ]
    return whole


MANY = 12_000
QUERIES = [
    "resources=VCPU:1",
    "resources=VCPU:1,DISK_GB:1",
    "resources=DISK_GB:1",
    "resources=DISK_GB:1&resources_A=DISK_GB:1",
    "resources_A=VGPU:1&resources_B=VGPU:1&group_policy=isolate",
    "resources=DISK_GB:1&resources_A=VCPU:1&required=HW_CPU_X86_AVX2",
]


@pytest.fixture(scope="module", params=[1, 2])
def crowd(request: pytest.FixtureRequest) -> tuple[Cloud, list[str]]:
    document = many_trees(request.param, 100)
    few = many_trees(request.param, 3)
    drawn = [random_query(few, seed) for seed in range(20)]
    # A limit would cut what the whole answer is put together from.
    drawn = [query.partition("&limit=")[0] for query in drawn]
    cloud = Cloud.from_document(named_document(in_uuids(document)))
    assert len(cloud.state.index().roots) > 200
    return cloud, [*QUERIES, *(with_uuids(query) for query in drawn)]


def test_chunks_do_not_matter(
    crowd: tuple[Cloud, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, queries = crowd
    most = 0
    for query in queries:
        answers = []
        for chunk in (1, 2, 7, 64):
            monkeypatch.setattr(enumeration, "LARGEST_CHUNK", chunk)
            answers.append(list(cloud.allocation_candidates(query, 2000)))
        assert answers[0] == answers[1] == answers[2] == answers[3]
        first = list(cloud.allocation_candidates(query, 50))
        assert first == answers[0][:50]
        most = max(most, len(answers[0]))
    assert most > 200


def by_tree(cloud: Cloud, query: str) -> dict[str, list[Candidate]]:
    """Give all candidates of each tree, those of several trees in each of them."""
    found: dict[str, list[Candidate]] = {}
    for candidate in cloud.allocation_candidates(query, per_host=1 << 40):
        found.setdefault(candidate.root, []).append(candidate)
    return found


def key(candidate: Candidate) -> str:
    return f"{candidate.allocations} {candidate.mappings}"


def test_per_host_and_hosts(crowd: tuple[Cloud, list[str]]) -> None:
    cloud, queries = crowd
    state = cloud.state
    roots = [state.provider_identity(int(row)) for row in state.index().roots]
    rng = random.Random("hosts")
    shared = 0
    for query in queries:
        if cloud.allocation_candidates(query, MANY + 1, per_host=MANY).count() > MANY:
            # Too many to look at in plain Python.
            continue
        every = by_tree(cloud, query)
        for most in (1, 3):
            found = list(cloud.allocation_candidates(query, per_host=most))
            assert found == [c for root in roots for c in every.get(root, [])[:most]]
        hosts = rng.sample(roots, 40)
        found = list(cloud.allocation_candidates(query, per_host=2, hosts=hosts))
        assert found == [c for root in hosts for c in every.get(root, [])[:2]]
        once: list[Candidate] = []
        for root in hosts:
            before = set(map(key, once))
            own = [c for c in every.get(root, []) if key(c) not in before]
            shared += len(own) < len(every.get(root, []))
            once += own
        assert list(cloud.allocation_candidates(query, hosts=hosts)) == once
    assert shared > 10

"""The text of an answer says what its plain form says, kept parts included.

Random clouds and requests; the truth is ``to_placement``, which other tests compare
with the oracle and with Placement. Between questions usage, traits, names and rows
change, so that a text that is kept too long would show.
"""

import json
import random

import pytest

from generators.cases import random_case
from kilonova import Cloud, DoesNotFit
from kilonova.bench.synthetic import synthetic_cloud

QUERY = "resources=VCPU:1,MEMORY_MB:512"


@pytest.mark.parametrize("seed", range(60))
def test_same_as_plain(seed: int) -> None:
    for number in range(4):
        case = random_case(seed, number)
        cloud = Cloud.from_document(case.document)
        for version in ("1.39", "1.34", "1.33", "1.29"):
            found = cloud.allocation_candidates(case.request, microversion=version)
            assert json.loads(found.to_json()) == found.to_placement()


@pytest.mark.parametrize("seed", range(10))
def test_kept_text_follows_changes(seed: int) -> None:
    rng = random.Random(seed)
    cloud = Cloud.from_document(synthetic_cloud(6, "nested", 0.2, seed))
    hosts = [f"host{number:05}" for number in range(6)]
    for step in range(30):
        host = rng.choice(hosts)
        action = rng.randrange(4)
        if action == 0:
            try:
                cloud.claim(f"c{step}", {host: {"VCPU": rng.randint(1, 64)}})
            except DoesNotFit:
                continue
        elif action == 1:
            cloud.set_traits(host, rng.sample(["HW_CPU_X86_AVX2", "HW_CPU_X86_SSE"], 1))
        elif action == 2:
            cloud.set_inventory(host, "VCPU", {"total": rng.randint(1, 200)})
        else:
            cloud.rename_provider(f"{host}:NIC Switch agent:ens0", f'{host} "x" {step}')
            cloud.rename_provider(f'{host} "x" {step}', f"{host}:NIC Switch agent:ens0")
            cloud.rename_provider(host, f'{host}"%s{step}')
            cloud.rename_provider(f'{host}"%s{step}', host)
            if rng.random() < 0.3:
                cloud.add_provider(f"{host}:more {step}", host)
        found = cloud.allocation_candidates(QUERY)
        assert json.loads(found.to_json()) == found.to_placement()


def test_a_renamed_provider_has_its_new_name() -> None:
    cloud = Cloud.from_document(synthetic_cloud(2, "flat", 0.0, 1))
    cloud.allocation_candidates(QUERY).to_json()
    cloud.rename_provider("host00001", 'odd "%s" \\ näme')
    found = cloud.allocation_candidates(QUERY)
    assert json.loads(found.to_json()) == found.to_placement()
    assert 'odd "%s" \\ näme' in json.loads(found.to_json())["provider_summaries"]


def test_no_candidates() -> None:
    cloud = Cloud.from_document(synthetic_cloud(1, "flat", 0.0, 1))
    found = cloud.allocation_candidates("resources=VCPU:100000")
    assert json.loads(found.to_json()) == found.to_placement()


def test_candidates_of_several_forms() -> None:
    """Two ports on one bridge or on two: each form has a text of its own."""
    cloud = Cloud.from_document(synthetic_cloud(3, "nested", 0.0, 1))
    query = "resources=VCPU:1&group_policy=none"
    for name in ("_a", "_b", "_c"):
        query += f"&resources{name}=NET_BW_EGR_KILOBIT_PER_SEC:1"
        query += f"&required{name}=CUSTOM_VNIC_TYPE_NORMAL"
    for limit in (None, 1, 2, 5, 23):
        found = cloud.allocation_candidates(query, limit)
        assert json.loads(found.to_json()) == found.to_placement()
        assert len(found) == (limit or 24)


def test_texts_beyond_those_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kilonova.candidates.text._MOST_KEPT", 3)
    cloud = Cloud.from_document(synthetic_cloud(8, "nested", 0.0, 1))
    hosts = [f"host{number:05}" for number in range(8)]
    rng = random.Random(1)
    for step in range(40):
        chosen = rng.sample(hosts, rng.randint(1, 8))
        cloud.claim(f"c{step}", {rng.choice(hosts): {"VCPU": 1}})
        found = cloud.allocation_candidates(QUERY, hosts=chosen)
        assert json.loads(found.to_json()) == found.to_placement()
        assert len(found) == len(chosen)

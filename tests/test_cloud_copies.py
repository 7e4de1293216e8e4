"""A copy of a cloud's columns is equal, and goes its own way."""

import json
from random import Random

import pytest

from generators.evac_small import small
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.copies import copied
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

SPEC = ServerSpec(Flavor(1, 512, 1))


def twin_of(cloud: Cloud) -> Cloud:
    twin = Cloud()
    twin.state = copied(cloud.state)
    return twin


def change(cloud: Cloud, seed: int) -> None:
    """Change all kinds of tables: servers, providers, traits, names."""
    random = Random(f"changes {seed}")
    Scheduler(cloud).select(SPEC, servers=[f"new server {seed}"])
    cloud.add_provider(f"new {seed}", "h0" if random.random() < 0.5 else None)
    cloud.set_traits("h1", ["HW_CPU_X86_AVX2", "CUSTOM_PHYSNET_0"])
    cloud.set_aggregates("h1", [f"aggregate {seed}"])
    cloud.set_inventory("h1:br", "VGPU", {"total": 7})
    first = next(c["uuid"] for c in cloud.to_document()["consumers"] if c["uuid"])
    cloud.release(first)


@pytest.mark.parametrize("seed", range(8))
def test_neither_sees_what_is_written_to_the_other(seed: int) -> None:
    cloud = Cloud.from_document(small(seed).document)
    before = json.dumps(cloud.to_document())
    twin, other = twin_of(cloud), twin_of(cloud)
    assert json.dumps(twin.to_document()) == before
    change(twin, seed)
    changed = json.dumps(twin.to_document())
    assert changed != before
    assert json.dumps(cloud.to_document()) == before
    change(cloud, seed)
    assert json.dumps(cloud.to_document()) == changed
    assert json.dumps(other.to_document()) == before
    # It is as good a cloud as the one that it was copied from.
    change(other, seed)
    assert json.dumps(other.to_document()) == changed


def test_room_is_not_shared() -> None:
    cloud = Cloud.from_document(small(1).document)
    query = "resources=MEMORY_MB:512"
    before = len(cloud.allocation_candidates(query))
    twin = twin_of(cloud)
    for provider in ("h0", "h1", "h2"):
        left = twin.inventories(provider)["MEMORY_MB"].capacity
        left -= twin.usages(provider)["MEMORY_MB"]
        twin.claim(f"all of {provider}", {provider: {"MEMORY_MB": left}})
    assert len(cloud.allocation_candidates(query)) == before
    assert len(twin.allocation_candidates(query)) < before

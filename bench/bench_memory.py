"""Bytes per provider in a cloud of a million providers, flat and nested.

The time that is reported is that of building the cloud from names; the figure of
interest is ``bytes per provider`` beside it. Where benchmarks are off, the cloud is
small.
"""

from typing import Any

import pytest

from kilonova.bench.bulk_cloud import bulk_cloud, sizes
from kilonova.candidates.cloud import Cloud

MOST_BYTES = 200


@pytest.mark.parametrize(("shape", "per_host"), [("flat", 1), ("nested", 9)])
def test_memory(benchmark: Any, shape: str, per_host: int) -> None:
    providers = 1_000_000 if benchmark.enabled else 9_000
    hosts = -(-providers // per_host)
    made: list[Cloud] = []

    def build() -> None:
        made.append(bulk_cloud(hosts, shape))

    benchmark.pedantic(build, rounds=1)
    state = made[0].state
    found = sizes(state)
    count = state.tables.provider.count
    assert count >= providers
    last = state.provider_names[count - 1]
    assert state.find_provider(last) == count - 1
    assert state.index().inventory_start[-1] == state.tables.inventory.count
    each = {name: round(size / count, 1) for name, size in found.items()}
    benchmark.extra_info |= {"bytes per provider": sum(found.values()) / count, **each}
    print(f"\n{shape}: {count} providers, {sum(found.values()) / count:.1f} B, {each}")
    assert sum(found.values()) / count <= MOST_BYTES

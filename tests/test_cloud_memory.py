"""A provider takes at most 200 bytes; ``bench_memory.py`` shows it for a million.

The clouds that are measured are laid into the columns directly. Here they are small and
compared with those made of documents, so that what is measured is what is used.
"""

import tracemalloc

import numpy as np
import pytest

from kilonova.bench.bulk_cloud import bulk_cloud, sizes
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.schema import columns_of


@pytest.mark.parametrize("shape", ["flat", "nested"])
def test_laid_cloud_is_that_of_the_document(shape: str) -> None:
    document = synthetic_cloud(7, shape, 0, seed=0)
    expected, laid = Cloud.from_document(document), bulk_cloud(7, shape)
    found = laid.to_document()
    assert len({provider.pop("uuid") for provider in found["providers"]}) == len(
        document["providers"]
    )
    assert found == expected.to_document()
    for name in ("provider", "inventory"):
        for column in columns_of(name):
            one, other = (c.state.tables[name][column.name] for c in (laid, expected))
            assert np.array_equal(one, other), column


@pytest.mark.parametrize(
    ("hosts", "shape"),
    [
        (20_000, "flat"),
        # Just more names than five eighths of a power of two: the emptiest hash table.
        (20_485, "flat"),
        (2_500, "nested"),
    ],
)
def test_bytes_per_provider(hosts: int, shape: str) -> None:
    tracemalloc.start()
    state = bulk_cloud(hosts, shape).state
    found = sizes(state)
    live = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    count = state.tables.provider.count
    assert sum(found.values()) / count <= 200, found
    # What is alive is what was counted, and nothing of the same order beside it.
    assert live <= sum(found.values()) + 1_000_000

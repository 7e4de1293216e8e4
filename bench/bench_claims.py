"""Claims and releases of four rows inside a kernel loop."""

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from kilonova import Cloud
from kilonova.cloud import claims
from kilonova_kernels._jit import kernel
from kilonova_kernels.claims import claim, release
from kilonova_kernels.columns import CloudColumns, Int32, Int64

PAIRS = 10_000
HOSTS = 1_000
CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "VGPU")


@kernel
def claim_and_release(
    cloud: CloudColumns, rows: Int32, amounts: Int64, pairs: int, refused: Int64
) -> int:
    """Claim four rows of one host after the other, and release them; count claims."""
    made = 0
    for turn in range(pairs):
        host = turn % rows.shape[0]
        made += claim(cloud, 0, rows[host], amounts, refused) == 0
        release(cloud, 0)
    return made


def test_claim_and_release(benchmark: BenchmarkFixture) -> None:
    offers = {name: {"total": 64} for name in CLASSES}
    cloud = Cloud.from_document(
        {
            "providers": [
                {"name": f"host{number:04}", "inventories": offers}
                for number in range(HOSTS)
            ]
        }
    )
    state = cloud.state
    claims.add_consumers(state, ["server"])
    columns = state.columns(spare_allocations=8)
    rows = np.arange(4 * HOSTS, dtype=np.int32).reshape(HOSTS, 4)
    arguments = (columns, rows, np.full(4, 3, np.int64), PAIRS, np.zeros(1, np.int64))
    before = cloud.to_document()
    assert claim_and_release(*arguments) == PAIRS
    after = cloud.to_document()
    assert [p["inventories"] for p in after["providers"]] == [
        p["inventories"] for p in before["providers"]
    ]
    assert not state.tables.inventory["used"].any()
    # Each claim bumps the generation of its one provider, a release none.
    assert cloud.generation("host0000") == PAIRS // HOSTS
    benchmark.extra_info["claims and releases a round"] = 2 * PAIRS
    benchmark.extra_info["at_most_s"] = 5e-6 * 2 * PAIRS
    benchmark(claim_and_release, *arguments)

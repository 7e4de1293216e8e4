"""Nova's conductor gives the same results, summary and failures for the same hosts.

Without Nova, which is an extra of its own, this is skipped.
"""

import os
import random
from uuid import UUID

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

from kilonova import Cloud
from kilonova.admin.precache import STATUSES, PrecacheResult, run_precache
from kilonova.admin.precache_plan import plan_precache
from peers import nova_precache
from seeds import SEED

CASES = int(os.environ.get("NOVA_CASES") or 200)
IMAGES = [str(UUID(int=n + 1)) for n in range(3)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_same_as_nova() -> None:
    print(f"SEED={SEED}")
    for n in range(CASES):
        draw = random.Random(SEED + n)
        hosts = {
            f"h{i}": (draw.choice(("c1", "c2")), draw.random() < 0.8)
            for i in range(draw.randint(1, 6))
        }
        images = draw.sample(IMAGES, draw.randint(1, 3))
        fate = {
            host: {image: draw.choice(STATUSES[:4]) for image in images}
            for host in hosts
        }
        told, counts, failed = nova_precache.cache_images(hosts, fate)
        result = _ours(hosts, fate, images)
        assert result.hosts == told
        assert tuple(result.totals()[status] for status in STATUSES) == counts
        ours = {image: each["error"] for image, each in result.images().items()}
        assert {image: n for image, n in ours.items() if n} == failed


def _ours(
    hosts: dict[str, tuple[str, bool]],
    fate: dict[str, dict[str, str]],
    images: list[str],
) -> PrecacheResult:
    made = Cloud.from_document(
        {
            "providers": [{"name": name} for name in hosts],
            "host_aggregates": [{"uuid": "a1"}],
            "hosts": [
                {"host": h, "cell_uuid": c, "forced_down": not up, "aggregates": ["a1"]}
                for h, (c, up) in hosts.items()
            ],
        }
    )

    def fetch(host: str, image: str) -> bool:
        status = fate[host][image]
        if status == "unsupported":
            raise NotImplementedError
        if status == "error":
            raise OSError
        return status == "cached"

    return run_precache(made, plan_precache(made, "a1", images), fetch, concurrency=2)

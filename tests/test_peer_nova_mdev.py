"""Nova's libvirt driver plans the same providers from the same options and devices.

Without Nova, which is an extra of its own, this is skipped; the answers that it gave
are recorded, and tests/test_admin_mdev.py compares with those.
"""

import logging
import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

from mdev_answers import ours
from mdev_cases import case
from peers import nova_mdev

CASES = int(os.environ.get("NOVA_CASES") or 300)
SEED = int(os.environ.get("SEED") or random.randrange(1, 1 << 31))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_same_as_nova() -> None:
    print(f"SEED={SEED}")
    tally: Counter[str] = Counter()
    for n in range(CASES):
        given = case(SEED + n)
        truth = nova_mdev.answer(given)
        assert ours(given) == truth, given
        tally["refused" if "error" in truth else "planned"] += 1
    assert tally["planned"] > CASES // 2
    assert tally["refused"] or CASES < 100

"""Random cases, answered by us and by Nova in process: how many, and from which seed.

NOVA_CASES=n plays n cases, SEED=n those of that run again. A test module that imports
this is skipped where Nova, which is an extra of its own, is not installed.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

from seeds import SEED

CASES = int(os.environ.get("NOVA_CASES") or 300)

Answer = Callable[[Any], Any]


def compare(
    case: Callable[[int], Any], ours: Answer, theirs: Answer, refusal: str
) -> Counter[str]:
    """Compare all answers; count how many of Nova's are planned, and how many refused.

    Parameters
    ----------
    case
        Makes a case of a seed.
    ours, theirs
        Give our answer to a case, and Nova's.
    refusal
        The key that only the answers of Nova have in which it refuses.
    """
    print(f"SEED={SEED}")
    tally: Counter[str] = Counter()
    with _quiet():
        for n in range(CASES):
            given = case(SEED + n)
            truth = theirs(given)
            assert ours(given) == truth, given
            tally["refused" if refusal in truth else "planned"] += 1
    return tally


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Nova from logging what it refuses."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)

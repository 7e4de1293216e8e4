"""Nova refuses the same rescues in the same words, and plans the same disks.

Without Nova this is skipped; the answers that it gave are recorded, and
tests/test_admin_rescue.py compares with those.
"""

import pytest

from nova_cases import CASES, compare
from peers import nova_rescue
from rescue_answers import ours
from rescue_cases import case


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_same_as_nova() -> None:
    tally = compare(case, ours, nova_rescue.answer, refusal="message")
    assert tally["planned"] > CASES // 6
    assert tally["refused"] or CASES < 100

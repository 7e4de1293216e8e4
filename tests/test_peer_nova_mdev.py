"""Nova's libvirt driver plans the same providers from the same options and devices.

Without Nova this is skipped; the answers that it gave are recorded, and
tests/test_admin_mdev.py compares with those.
"""

import pytest

from mdev_answers import ours
from mdev_cases import case
from nova_cases import CASES, compare
from peers import nova_mdev


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_same_as_nova() -> None:
    tally = compare(case, ours, nova_mdev.answer, refusal="error")
    assert tally["planned"] > CASES // 2
    assert tally["refused"] or CASES < 100

"""Counting candidates finds as many as listing them does, and keeps none of them.

Random clouds and requests, sharing providers among them; the truth is the list.
"""

import pytest

from generators.cases import random_case
from kilonova import Cloud
from kilonova.candidates.candidates import Candidates

SHAPES = (None, None, "flat", None)


def devices(count: int) -> Cloud:
    cloud = Cloud()
    cloud.add_provider("h", inventories={"VCPU": {"total": 64}})
    for number in range(count):
        cloud.add_provider(f"d{number}", "h", inventories={"VGPU": {"total": 64}})
    return cloud


def groups(count: int) -> str:
    each = "".join(f"&resources_{number}=VGPU:1" for number in range(count))
    return f"resources=VCPU:1{each}&group_policy=none"


@pytest.mark.parametrize("seed", range(60))
def test_same_as_listed(seed: int) -> None:
    for number in range(4):
        case = random_case(seed, number, SHAPES[number])
        cloud = Cloud.from_document(case.document)
        for limit, per_host in ((None, None), (2, None), (None, 1), (3, 2)):
            found, listed = (
                cloud.allocation_candidates(case.request, limit, per_host=per_host)
                for _ in range(2)
            )
            assert found.count() == listed.found.find()
            assert found.found.found == 0 or found.found.found == len(found)
            assert list(found) == list(listed)


def test_none_is_stored() -> None:
    found = devices(8).allocation_candidates(groups(6))
    assert found.count() == len(found) == 8**6
    assert found.found.found == 0
    assert len(found.found.provider) == 0


def some(found: Candidates, count: int) -> None:
    found.found.find(count)
    assert found.found.found < found.count()


def test_those_found_before_are_counted_once() -> None:
    found = devices(4).allocation_candidates(groups(5))
    some(found, 100)
    assert len(found) == 4**5
    some(found, 300)
    assert len(found) == len(list(found)) == len(set(map(str, found))) == 4**5


def test_a_count_follows_claims() -> None:
    cloud = devices(3)
    found = cloud.allocation_candidates(groups(2))
    assert len(found) == 9
    cloud.claim("c", {"d0": {"VGPU": 64}})
    assert len(found) == 4
    cloud.claim("c", {"d0": {"VGPU": 63}})
    assert len(found) == len(list(found)) == 8


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (63, 63), (81, 81), (82, 81)])
def test_limits(limit: int, count: int) -> None:
    found = devices(3).allocation_candidates(groups(4), limit)
    assert found.count() == count
    found.found.find(2)
    assert found.count() == len(found.to_placement()["allocation_requests"]) == count

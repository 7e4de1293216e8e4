"""Counting candidates finds as many as listing them does, and keeps none of them.

Random clouds and requests, sharing providers among them, and groups that may want the
same devices; the truth is the list, and for the number of each tree the naive oracle.
"""

import random
from collections import Counter

import numpy as np
import pytest

from asking import named_document
from generators.cases import random_case
from generators.rivals import TRAITS, listed, random_document, random_groups
from kilonova import Cloud
from kilonova.candidates import enumeration
from kilonova.candidates.candidates import Candidates
from kilonova.candidates.counting import count_by_tables
from kilonova.candidates.marking import Marking
from kilonova.request.group import Request
from kilonova.request.query import parse_query
from kilonova_kernels.columns import Cursor
from oracle.candidates import anchored_candidates
from oracle.state import State, from_document

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


def tallied(cloud: Cloud, state: State, request: Request) -> Counter[str]:
    """Hold what tables say against the oracle; count what they came to."""
    truth = Counter(c.anchor for c in anchored_candidates(state, request))
    marking = Marking(cloud.state, request, True)
    roots = cloud.state.index().roots
    names = [cloud.state.provider_names[root] for root in roots.tolist()]
    trees = np.arange(len(roots), dtype=np.int32)
    tally: Counter[str] = Counter()
    for tree, name in enumerate(names):
        for per_host, most in ((0, 2**62), (2, 2**62), (0, 3), (1, 3)):
            alone = trees[tree : tree + 1]
            found, left = count_by_tables(cloud.state, marking, alone, per_host, most)
            assert found == (
                0 if len(left) else min(truth[name], per_host or most, most)
            )
        tally["searched" if len(left) else "several" if truth[name] > 1 else "few"] += 1
    found, left = count_by_tables(cloud.state, marking, trees, 0, 2**62)
    assert found == sum(truth.values()) - sum(truth[names[tree]] for tree in left)
    return tally


@pytest.mark.parametrize("part", range(6))
def test_tables_say_what_the_oracle_says(part: int) -> None:
    draw = random.Random(f"count {part}")
    tally: Counter[str] = Counter()
    for number in range(40):
        document = random_document(draw)
        state = from_document(document, TRAITS)
        cloud = Cloud.from_document(named_document(listed(document), TRAITS))
        for _ in range(5):
            tally += tallied(cloud, state, parse_query(random_groups(draw)))
        case = random_case(1000 * part + number)
        tally += tallied(Cloud.from_document(case.document), case.state, case.request)
    assert min(tally[kind] for kind in ("several", "few", "searched")) > 10


@pytest.mark.parametrize("part", range(6))
def test_same_as_listed_from_anywhere(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search may stand in the midst of a tree when the rest is counted."""
    monkeypatch.setattr(enumeration, "LARGEST_CHUNK", 1)
    draw = random.Random(f"midst {part}")
    for _ in range(40):
        document = random_document(draw)
        cloud = Cloud.from_document(named_document(listed(document), TRAITS))
        query = random_groups(draw)
        roots = [p["name"] for p in document["providers"] if p["parent"] is None]
        hosts = draw.choice([None, draw.sample(roots, draw.randint(1, len(roots)))])
        limit, per_host = draw.choice([None, 1, 7]), draw.choice([None, 1, 2])
        for known in (0, 1, 2, 5):
            found, whole = (
                cloud.allocation_candidates(
                    query, limit, per_host=per_host, hosts=hosts
                )
                for _ in range(2)
            )
            found.found.find(known)
            assert len(found) == len(list(whole))


def kinds(count: int, policy: str = "none") -> str:
    """Ask for ``count`` classes, a group each."""
    groups = "".join(f"&resources_{n}=CUSTOM_{n}:1" for n in range(count))
    return f"resources=VCPU:1{groups}&group_policy={policy}"


def boards(hosts: int, count: int) -> Cloud:
    """Make hosts with eight boards that offer ``count`` classes each."""
    cloud = Cloud()
    for number in range(count):
        cloud.add_resource_class(f"CUSTOM_{number}")
    offers = {f"CUSTOM_{number}": {"total": 1} for number in range(count)}
    for host in range(hosts):
        cloud.add_provider(f"h{host}", inventories={"VCPU": {"total": 1}})
        for board in range(8):
            cloud.add_provider(f"h{host}:b{board}", f"h{host}", inventories=offers)
    return cloud


@pytest.mark.parametrize(
    ("hosts", "classes", "count"),
    [(1, 20, 2**60), (4, 20, 2**62), (5, 20, 2**62), (1, 21, 2**62), (2, 22, 2**62)],
)
def test_no_number_is_too_large(hosts: int, classes: int, count: int) -> None:
    cloud = boards(hosts, classes)
    assert cloud.allocation_candidates(kinds(classes)).count() == count
    found = cloud.allocation_candidates(kinds(classes), 10**6, per_host=10**6)
    assert found.count() == 10**6


def test_groups_apart_that_are_alike_are_not_searched() -> None:
    cloud = devices(6)
    query = groups(3).replace("=none", "=isolate")
    found = cloud.allocation_candidates(query)
    assert found.count() == 6 * 5 * 4
    assert found.found.search is not None
    assert found.found.search.cursor[Cursor.STEPS] == 0
    assert len(list(found)) == 6 * 5 * 4
    assert cloud.allocation_candidates(query.replace("VGPU:1", "VGPU:65")).count() == 0


def test_few_of_many_trees_are_searched() -> None:
    cloud = boards(300, 2)
    for limit, searched in ((2, True), (3, False), (300 * 64, False)):
        found = cloud.allocation_candidates(kinds(2), limit)
        assert found.count() == limit
        assert found.found.search is not None
        assert (found.found.search.cursor[Cursor.STEPS] > 0) == searched


def test_odd_limits_after_the_question_are_seen() -> None:
    cloud = boards(2, 2)
    found = cloud.allocation_candidates(kinds(2))
    assert found.count() == 2 * 64
    cloud.set_inventory("h0:b0", "CUSTOM_0", {"total": 2, "min_unit": 2})
    assert found.count() == 64 + 56
    assert found.count() == cloud.allocation_candidates(kinds(2)).count()

"""The oracle cuts and renders an answer as Placement does.

Expected bodies are those of openstack-placement 16.0.0 at the microversions on both
sides of each change.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from kilonova.request.group import Request, RequestGroup
from oracle import limits, rendering
from oracle.summaries import Answer, answer, summaries
from oracle.text import cloud

VCPU = {"VCPU": 1}
VGPU = {"VGPU": 1}
TWO = "cn1 VCPU:8\n  k1\ncn2 VCPU:8/2 CUSTOM_T1"


def cut(full: Answer, kept: Iterable[int]) -> Answer:
    some = [full.candidates[number] for number in kept]
    return Answer(some, summaries(cloud(TWO), some))


def test_cuts_of_a_limit() -> None:
    full = answer(cloud(TWO), Request((RequestGroup("", VCPU),)))
    for allowed in (cut(full, [0]), cut(full, [1])):
        assert not limits.faults(full, allowed, 1)
    assert not limits.faults(full, cut(full, [0, 1]), 5)
    assert limits.faults(full, cut(full, [0]), 2)
    assert limits.faults(full, cut(full, [0, 1]), 1)
    assert limits.faults(full, cut(full, [0, 0]), 2)
    other = replace(full.candidates[0], allocations={("cn1", "VCPU"): 2})
    assert limits.faults(full, replace(cut(full, [0]), candidates=[other]), 1)
    assert limits.faults(full, replace(cut(full, [0]), summaries=full.summaries), 1)
    assert limits.faults(full, replace(cut(full, [0]), summaries={}), 1)


OLD_FORM = [{"resource_provider": {"uuid": "cn"}, "resources": VCPU}]
NEW_FORM = {"cn": {"resources": VCPU}}
ASKED = {"VCPU": {"capacity": 8, "used": 2}}
ALL = ASKED | {"DISK_GB": {"capacity": 9, "used": 0}}
TRAITS = {"traits": ["CUSTOM_T1"]}
ROOT = {"parent_provider_uuid": None, "root_provider_uuid": "cn"}
CHILD = {"parent_provider_uuid": "cn", "root_provider_uuid": "cn"}
TREE = {
    "cn": {"resources": ALL} | TRAITS | ROOT,
    "g0": {"resources": {}, "traits": []} | CHILD,
}


@pytest.mark.parametrize(
    ("microversion", "row", "provider_summaries"),
    [
        ((1, 11), {"allocations": OLD_FORM}, {"cn": {"resources": ASKED}}),
        ((1, 12), {"allocations": NEW_FORM}, {"cn": {"resources": ASKED}}),
        ((1, 16), {"allocations": NEW_FORM}, {"cn": {"resources": ASKED}}),
        ((1, 17), {"allocations": NEW_FORM}, {"cn": {"resources": ASKED} | TRAITS}),
        ((1, 26), {"allocations": NEW_FORM}, {"cn": {"resources": ASKED} | TRAITS}),
        ((1, 27), {"allocations": NEW_FORM}, {"cn": {"resources": ALL} | TRAITS}),
        ((1, 28), {"allocations": NEW_FORM}, {"cn": {"resources": ALL} | TRAITS}),
        ((1, 29), {"allocations": NEW_FORM}, TREE),
        ((1, 33), {"allocations": NEW_FORM}, TREE),
        ((1, 34), {"allocations": NEW_FORM, "mappings": {"": ["cn"]}}, TREE),
    ],
)
def test_body(
    microversion: tuple[int, int], row: object, provider_summaries: object
) -> None:
    state = cloud("cn VCPU:8/2 DISK_GB:9 CUSTOM_T1\n  g0")
    request = Request((RequestGroup("", VCPU),))
    full = answer(state, request, rendering.is_nested_aware(microversion))
    assert rendering.body(full, request, microversion) == {
        "allocation_requests": [row],
        "provider_summaries": provider_summaries,
    }


def test_equal_rows_are_repeated_before_mappings_are_shown() -> None:
    groups = RequestGroup("_A", VGPU), RequestGroup("_B", VGPU)
    full = answer(
        cloud("cn\n  g0 VGPU:4\n  g1 VGPU:4"), request := Request(groups, "isolate")
    )
    rows = rendering.body(full, request, (1, 33))["allocation_requests"]
    assert len(rows) == 2
    assert rows[0] == rows[1]

"""What a request may hold that was built as objects, and not read from a query.

Named cases at the limits, asked through the cloud, where requests are checked; what a
query may hold is in test_request_query.py.
"""

import copy
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from kilonova import Cloud
from kilonova.errors import BadInput, BadRequest
from kilonova.request.group import Request, RequestGroup

LARGEST = 2**31 - 1


def host(total: int = LARGEST) -> Cloud:
    cloud = Cloud()
    cloud.add_provider("h", inventories={"VCPU": {"total": total}})
    return cloud


def ask(*groups: RequestGroup, **fields: Any) -> int:
    fields.setdefault("group_policy", "none")
    return len(host().allocation_candidates(Request(groups, **fields)))


@pytest.mark.parametrize("amount", [1, LARGEST])
def test_amounts_at_the_limits(amount: int) -> None:
    assert ask(RequestGroup("", {"VCPU": amount})) == 1


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        pytest.param(0, "must be at least 1, got 0", id="nothing"),
        pytest.param(-1, "must be at least 1, got -1", id="less than nothing"),
        pytest.param(LARGEST + 1, f"at most {LARGEST}, got {LARGEST + 1}", id="more"),
        pytest.param(10**30, "at most", id="much more"),
        pytest.param(True, "whole number, got True", id="truth"),
        pytest.param(1.0, "whole number, got 1.0", id="real"),
        pytest.param("1", "whole number, got '1'", id="text"),
        pytest.param(None, "whole number, got None", id="none"),
    ],
)
def test_amounts_that_are_refused(amount: Any, message: str) -> None:
    for suffix in ("", "_a"):
        with pytest.raises(BadRequest, match=f"resources{suffix}: VCPU .*{message}"):
            ask(RequestGroup(suffix, {"VCPU": amount}))


@pytest.mark.parametrize("suffix", ["_", "-", "1", "a" * 64, "A-z_09"])
def test_suffixes(suffix: str) -> None:
    assert ask(RequestGroup(suffix, {"VCPU": 1})) == 1


@pytest.mark.parametrize(
    "suffix", ["a" * 65, " ", "a b", "é", "a\n", "_ä", "a.b", 5, b"_a", ("a",)]
)
def test_suffixes_that_are_refused(suffix: Any) -> None:
    with pytest.raises(BadRequest, match="A suffix must be 1 to 64 of"):
        ask(RequestGroup(suffix, {"VCPU": 1}))


@pytest.mark.parametrize("suffix", ["", "_a"])
def test_suffixes_must_differ(suffix: str) -> None:
    group = RequestGroup(suffix, {"VCPU": 1})
    with pytest.raises(BadRequest, match=f"differ, got '{suffix}' more than once"):
        ask(group, RequestGroup("_b", {"VCPU": 1}), group)


@pytest.mark.parametrize("resources", [["VCPU"], "VCPU:1", 4, None])
def test_resources_must_be_a_mapping(resources: Any) -> None:
    with pytest.raises(BadInput, match="resources must be a mapping"):
        RequestGroup("", resources)


def test_a_group_keeps_what_it_was_given() -> None:
    """Equal requests share compiled plans: one that changed would get another's."""
    amounts = {"VCPU": 4}
    cloud = host(8)
    request = Request((RequestGroup("", amounts),))
    assert len(cloud.allocation_candidates(request)) == 1
    amounts["VCPU"] = 9
    assert request.groups[0].resources == {"VCPU": 4}
    assert len(cloud.allocation_candidates(request)) == 1
    again = Request((RequestGroup("", amounts),))
    assert len(cloud.allocation_candidates(again)) == 0
    assert len(cloud.allocation_candidates(request)) == 1
    with pytest.raises(TypeError):
        request.groups[0].resources["VCPU"] = 1  # type: ignore[index]


def test_copies_of_a_group_are_equal() -> None:
    group = RequestGroup("_a", {"VCPU": 4}, (frozenset({"HW_CPU_X86_SSE"}),))
    for other in (
        copy.copy(group),
        copy.deepcopy(group),
        pickle.loads(pickle.dumps(group)),
        RequestGroup("_a", MappingProxyType({"VCPU": 4}), group.required),
    ):
        assert other == group
        assert hash(other) == hash(group)
    assert group != RequestGroup("_a", {"VCPU": 5}, group.required)

"""Explain says why there are no candidates, and what the smallest help would be.

Named cases for each kind of constraint, and of step; `test_explain_oracle.py` has the
comparison with an oracle.
"""

from typing import Any

import pytest

from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.candidates.explain import Explanation
from kilonova.errors import BadRequest, UnknownProvider, UnknownTrait
from kilonova.request.group import Request, RequestGroup

GOLD, SILVER = "CUSTOM_GOLD", "CUSTOM_SILVER"
VCPU, MEMORY, EGRESS = "VCPU", "MEMORY_MB", "NET_BW_EGR_KILOBIT_PER_SEC"


def provider(name: str, parent: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"name": name, "parent": parent, "inventories": {}, **rest}


def two_hosts() -> Cloud:
    """Make two hosts with ports.

    cn0            8 VCPU, CUSTOM_GOLD, in aggregate a
    +-- cn0:p0     100 of bandwidth, CUSTOM_SILVER
    +-- cn0:p1     60 of bandwidth
    cn1            4 VCPU in steps of 2, 2048 MEMORY_MB
    """
    return Cloud.from_document(
        {
            "providers": [
                provider(
                    "cn0",
                    inventories={VCPU: {"total": 8}},
                    traits=[GOLD],
                    aggregates=["a"],
                ),
                provider(
                    "cn0:p0",
                    "cn0",
                    inventories={EGRESS: {"total": 100}},
                    traits=[SILVER],
                ),
                provider("cn0:p1", "cn0", inventories={EGRESS: {"total": 60}}),
                provider(
                    "cn1",
                    inventories={
                        VCPU: {"total": 4, "step_size": 2, "max_unit": 4},
                        MEMORY: {"total": 2048, "min_unit": 512},
                    },
                ),
            ],
            "consumers": [],
        }
    )


def group(suffix: str = "", **rest: Any) -> RequestGroup:
    traits = rest.pop("required", ())
    words = {"VCPU": VCPU, "MEMORY_MB": MEMORY, "net": EGRESS}
    resources = {words[word]: rest.pop(word) for word in words if word in rest}
    return RequestGroup(
        suffix, resources, tuple(frozenset({trait}) for trait in traits), **rest
    )


def asked(*groups: RequestGroup, **rest: Any) -> Request:
    return Request(groups, **rest)


def first_kinds(found: Explanation) -> dict[str, str | None]:
    return {name: c.kind if c else None for name, c in found.trees.items()}


@pytest.mark.parametrize(
    ("request_", "cn0", "cn1"),
    [
        pytest.param(
            asked(group(VCPU=2), root_required=frozenset({SILVER})),
            "root_required",
            "root_required",
            id="root",
        ),
        pytest.param(
            asked(group(VCPU=2), root_forbidden=frozenset({GOLD})),
            "root_forbidden",
            None,
            id="forbidden root",
        ),
        pytest.param(
            asked(group(VCPU=9)), "capacity", "max_unit", id="capacity, max_unit"
        ),
        pytest.param(asked(group(VCPU=3)), None, "step_size", id="step_size"),
        pytest.param(
            asked(group(MEMORY_MB=511)), "resource_class", "min_unit", id="min_unit"
        ),
        pytest.param(
            asked(group(VCPU=2, required=[SILVER])), "required", "required", id="trait"
        ),
        pytest.param(
            asked(group(VCPU=2, forbidden=frozenset({GOLD}))),
            "forbidden",
            None,
            id="forbidden",
        ),
        pytest.param(
            asked(group(VCPU=2, member_of=(frozenset({"a"}),))),
            None,
            "member_of",
            id="aggregate",
        ),
        pytest.param(
            asked(group(VCPU=2, forbidden_aggregates=frozenset({"a"}))),
            "forbidden_aggregates",
            None,
            id="forbidden aggregate",
        ),
        pytest.param(
            asked(group(VCPU=2, in_tree="cn1")), "in_tree", None, id="in_tree"
        ),
        pytest.param(
            asked(group("_A", net=80, forbidden=frozenset({SILVER}))),
            "one_provider",
            "resource_class",
            id="one provider",
        ),
        pytest.param(
            asked(group(net=80, forbidden=frozenset({SILVER}))),
            "together",
            "resource_class",
            id="together",
        ),
        pytest.param(
            asked(group("_A", net=80), group("_B", net=70), group_policy="none"),
            "sums",
            "resource_class",
            id="sums",
        ),
        pytest.param(
            asked(group("_A", VCPU=1), group("_B", VCPU=2), group_policy="isolate"),
            "isolate",
            "step_size",
            id="isolate",
        ),
        pytest.param(
            asked(
                group("_A", net=100),
                group("_B", net=60),
                group_policy="isolate",
                same_subtree=(frozenset({"_A", "_B"}),),
            ),
            "same_subtree",
            "resource_class",
            id="same_subtree",
        ),
        pytest.param(
            asked(group(VCPU=2, net=80, required=[GOLD, SILVER])),
            None,
            "resource_class",
            id="traits of several providers",
        ),
    ],
)
def test_first_failing(request_: Request, cn0: str | None, cn1: str | None) -> None:
    found = two_hosts().explain(request_)
    assert first_kinds(found) == {"cn0": cn0, "cn1": cn1}
    failed = [kind for kind in (cn0, cn1) if kind]
    assert sum(each.trees for each in found.removed) == len(failed)
    assert found.fitting_count == 2 - len(failed)
    if len(failed) < 2:
        assert found.relaxations == ()


@pytest.mark.parametrize(
    ("request_", "lines"),
    [
        pytest.param(
            asked(group(VCPU=9)),
            [
                "1 host fits with VCPU 1 less (8 instead of 9) in unsuffixed group.",
            ],
            id="amount",
        ),
        pytest.param(
            asked(group(MEMORY_MB=511)),
            ["No single step and no pair of steps gives a candidate."],
            id="below min_unit",
        ),
        pytest.param(
            asked(group("_A", net=80, forbidden=frozenset({SILVER}))),
            [
                f"1 host fits with {EGRESS} 20 less (60 instead of 80) in group _A.",
                f"1 host fits with {SILVER} allowed in group _A.",
            ],
            id="amount or trait",
        ),
        pytest.param(
            asked(group("_A", VCPU=1), group("_B", VCPU=2), group_policy="isolate"),
            [
                "1 host fits with group_policy none.",
                "2 hosts fit without group _A.",
                "1 host fits without group _B.",
            ],
            id="isolate",
        ),
        pytest.param(
            asked(group(VCPU=10), group("_A", net=200)),
            [
                "1 host fits with VCPU 2 less (8 instead of 10) in unsuffixed group"
                f" and with {EGRESS} 100 less (100 instead of 200) in group _A.",
            ],
            id="two amounts",
        ),
        pytest.param(
            asked(group(VCPU=9, required=["CUSTOM_GOLD", "HW_CPU_X86_AVX2"])),
            [
                "1 host fits without HW_CPU_X86_AVX2 in unsuffixed group"
                " and with VCPU 1 less (8 instead of 9) in unsuffixed group.",
            ],
            id="amount and trait",
        ),
        pytest.param(asked(group(VCPU=1)), ["1 of 2 hosts fit; nothing to relax."]),
    ],
)
def test_advice(request_: Request, lines: list[str]) -> None:
    assert list(two_hosts().explain(request_).advice) == lines


def test_host_has_all_that_fails_with_amounts() -> None:
    query = f"resources=VCPU:9&resources_A={EGRESS}:200&required_A={GOLD}"
    found = two_hosts().explain(query, host="cn0:p1")
    assert (found.host, found.tree_count) == ("cn0", 1)
    assert [str(each) for each in found.failing] == [
        "not met: unsuffixed group: VCPU 9 is left (asked 9, room 8 on cn0)",
        f"not met: group _A: {EGRESS} 200 is left (asked 200, room 100 on cn0:p0)",
        f"not met: group _A: a provider of its classes has {GOLD}",
    ]
    assert first_kinds(found) == {"cn0": "capacity"}


def test_host_may_need_more_than_the_cloud() -> None:
    cloud = two_hosts()
    assert cloud.explain("resources=VCPU:8").relaxations == ()
    found = cloud.explain("resources=VCPU:8", host="cn1")
    assert [step.amount for each in found.relaxations for step in each.steps] == [4]
    limits = [(f.constraint.kind, f.asked, f.best) for f in found.failing]
    assert limits == [("max_unit", 8, 4)]


def test_plain_data() -> None:
    found = two_hosts().explain("resources=VCPU:9").to_dict()
    assert found["trees"] == 2
    assert sum(each["trees"] for each in found["removed"]) == 2
    assert found["advice"] == [each["text"] for each in found["relaxations"]]


def test_nothing_is_written() -> None:
    cloud = two_hosts()
    before = cloud.to_document()
    cloud.explain(asked(group(VCPU=10), group("_A", net=200)))
    assert cloud.to_document() == before


@pytest.mark.parametrize("amount", [5_000_000, 9_000_000, 10_000_001])
def test_each_host_alone_is_as_among_all(amount: int) -> None:
    """Class tables are gone along host by host, or looked into at one."""
    cloud = Cloud.from_document(synthetic_cloud(60, "nested", 0.6, seed=3))
    ingress = "NET_BW_IGR_KILOBIT_PER_SEC"
    wanted = asked(
        RequestGroup("", {VCPU: 30}),
        RequestGroup("_P", {EGRESS: amount, ingress: amount}),
    )
    found = cloud.explain(wanted)
    kinds = set()
    for name, constraint in found.trees.items():
        alone = cloud.explain(wanted, name)
        assert dict(alone.trees) == {name: constraint}
        failing = [each.constraint for each in alone.failing]
        assert failing[:1] == ([constraint] if constraint else [])
        kinds.add(constraint and constraint.names)
    assert len(kinds) > 1


def test_trees_are_those_of_then() -> None:
    cloud = two_hosts()
    found, other = (cloud.explain("resources=VCPU:5") for _ in range(2))
    shown = repr(dict(other.trees))
    cloud.rename_provider("cn0", "host")
    cloud.remove_provider("cn1")
    cloud.add_provider("elsewhere with a long name", inventories={VCPU: {"total": 4}})
    assert first_kinds(found) == {"cn0": None, "cn1": "max_unit"}
    assert found == other
    assert repr(found.trees) == shown
    assert found.trees["cn0"] is None
    assert len(found.trees) == 2


def test_a_host_without_a_name_has_its_uuid() -> None:
    cloud = two_hosts()
    uuid = "0f0e0d0c-0b0a-0908-0706-050403020100"
    cloud.add_provider("cn2", uuid=uuid, inventories={VCPU: {"total": 1}})
    cloud.state.provider_names.set(cloud.state.find_provider("cn2"), "")
    found = cloud.explain("resources=VCPU:2")
    assert first_kinds(found) == {"cn0": None, "cn1": None, uuid: "capacity"}


def test_errors() -> None:
    cloud = two_hosts()
    with pytest.raises(UnknownProvider):
        cloud.explain("resources=VCPU:1", host="cn7")
    with pytest.raises(UnknownTrait):
        cloud.explain("resources=VCPU:1&required=CUSTOM_NOWHERE")
    with pytest.raises(BadRequest):
        cloud.explain(asked(group("_A", VCPU=1), group("_B", VCPU=1)))


def test_aggregates_of_the_host_are_not_those_of_its_pool() -> None:
    """A pool that serves a host has aggregates of its own.

    cn0    8 VCPU, in aggregates a and b
    ss0    10 DISK_GB, shared in aggregate a
    """
    pool = provider("ss0", inventories={"DISK_GB": {"total": 10}}, aggregates=["a"])
    pool["traits"] = ["MISC_SHARES_VIA_AGGREGATE"]
    offer = {VCPU: {"total": 8}}
    host = provider("cn0", inventories=offer, aggregates=["a", "b"])
    cloud = Cloud.from_document({"providers": [host, pool], "consumers": []})
    wanted = RequestGroup("", {"DISK_GB": 1}, member_of=(frozenset({"b"}),))
    found = cloud.explain(Request((wanted,)))
    assert first_kinds(found) == {"cn0": "member_of", "ss0": "member_of"}

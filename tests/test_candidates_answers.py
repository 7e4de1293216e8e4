"""What one asks of candidates: objects, bodies of each microversion, tables, limits.

Named cases on a small cloud, errors last. Answers to random questions are compared in
test_differential, and those of large clouds in test_candidates_trees.
"""

from typing import Any

import pyarrow as pa
import pytest

from asking import named_document
from kilonova import BadInput, Cloud, Conflict, NotFound, Request, RequestGroup
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.candidates import Candidate
from kilonova.errors import BadRequest

SHARES = "MISC_SHARES_VIA_AGGREGATE"


def small() -> Cloud:
    """Make two hosts, one with devices, and a pool that both share.

    cn      VCPU, MEMORY_MB, aggregate agg
    +-- g0  VGPU, CUSTOM_T
    +-- g1  VGPU
    lone    VCPU, aggregate agg
    pool    DISK_GB, aggregate agg
    """
    rows: list[Any] = [
        ("cn", None, {"VCPU": 8, "MEMORY_MB": 512}, [], ["agg"]),
        ("g0", "cn", {"VGPU": 4}, ["CUSTOM_T"], []),
        ("g1", "cn", {"VGPU": 4}, [], []),
        ("lone", None, {"VCPU": 8}, [], ["agg"]),
        ("pool", None, {"DISK_GB": 100}, [SHARES], ["agg"]),
    ]
    providers = [
        {
            "name": name,
            "parent": parent,
            "inventories": {key: {"total": total} for key, total in offers.items()},
            "traits": traits,
            "aggregates": aggregates,
        }
        for name, parent, offers, traits, aggregates in rows
    ]
    return Cloud.from_document(
        {"providers": providers, "consumers": [{"cn": {"VCPU": 2}}]}
    )


GPU = RequestGroup("_G", {"VGPU": 1}, required=(frozenset({"CUSTOM_T"}),))
HOST = RequestGroup("", {"VCPU": 1, "MEMORY_MB": 64})
REQUEST = Request((HOST, GPU))
QUERY = "resources=VCPU:1,MEMORY_MB:64&resources_G=VGPU:1&required_G=CUSTOM_T"


@pytest.mark.parametrize("asked", [REQUEST, QUERY])
def test_objects(asked: Request | str) -> None:
    found = small().allocation_candidates(asked)
    assert list(found) == [
        Candidate(
            root="cn",
            allocations={"cn": {"MEMORY_MB": 64, "VCPU": 1}, "g0": {"VGPU": 1}},
            mappings={"": ("cn",), "_G": ("g0",)},
        )
    ]
    assert len(found) == found.count() == 1
    assert found


def test_body() -> None:
    body = small().allocation_candidates(REQUEST).to_placement()
    held = {
        "cn": {"resources": {"MEMORY_MB": 64, "VCPU": 1}},
        "g0": {"resources": {"VGPU": 1}},
    }
    mappings = {"": ["cn"], "_G": ["g0"]}
    assert body["allocation_requests"] == [{"allocations": held, "mappings": mappings}]
    assert list(body["provider_summaries"]) == ["cn", "g0", "g1"]
    assert body["provider_summaries"]["cn"] == {
        "resources": {
            "VCPU": {"capacity": 8, "used": 2},
            "MEMORY_MB": {"capacity": 512, "used": 0},
        },
        "traits": [],
        "parent_provider_uuid": None,
        "root_provider_uuid": "cn",
    }
    assert body["provider_summaries"]["g0"]["traits"] == ["CUSTOM_T"]
    assert body["provider_summaries"]["g0"]["parent_provider_uuid"] == "cn"


@pytest.mark.parametrize(
    ("version", "request_keys", "summary_keys", "classes"),
    [
        pytest.param("1.10", ["allocations"], ["resources"], 1, id="1.10"),
        pytest.param("1.12", ["allocations"], ["resources"], 1, id="1.12"),
        pytest.param("1.17", ["allocations"], ["resources", "traits"], 1, id="1.17"),
        pytest.param("1.27", ["allocations"], ["resources", "traits"], 2, id="1.27"),
        pytest.param(
            "1.29",
            ["allocations"],
            ["resources", "traits", "parent_provider_uuid", "root_provider_uuid"],
            2,
            id="1.29",
        ),
        pytest.param(
            "1.34",
            ["allocations", "mappings"],
            ["resources", "traits", "parent_provider_uuid", "root_provider_uuid"],
            2,
            id="1.34",
        ),
    ],
)
def test_forms(
    version: str, request_keys: list[str], summary_keys: list[str], classes: int
) -> None:
    found = small().allocation_candidates("resources=VCPU:1", None, version)
    body = found.to_placement()
    assert [list(one) for one in body["allocation_requests"]] == [request_keys] * 2
    summaries = body["provider_summaries"]
    assert list(summaries["cn"]) == summary_keys
    assert len(summaries["cn"]["resources"]) == classes
    assert list(summaries) == (
        ["cn", "g0", "g1", "lone"] if len(summary_keys) > 2 else ["cn", "lone"]
    )
    first = body["allocation_requests"][0]["allocations"]
    if version == "1.10":
        named = {"resource_provider": {"uuid": "cn"}, "resources": {"VCPU": 1}}
        assert first == [named]
    else:
        assert first == {"cn": {"resources": {"VCPU": 1}}}


def test_before_1_29_no_two_providers_of_a_tree() -> None:
    cloud = small()
    both = "resources=VCPU:1,VGPU:1"
    assert not cloud.allocation_candidates(both, None, "1.28")
    assert cloud.allocation_candidates(both, None, "1.29").count() == 2
    pooled = cloud.allocation_candidates("resources=VCPU:1,DISK_GB:1", None, "1.28")
    assert pooled.count() == 2


def test_equal_but_for_mappings_before_1_34() -> None:
    query = "resources1=VGPU:1&resources2=VGPU:1&group_policy=none"
    body = small().allocation_candidates(query, None, "1.33").to_placement()
    shown = [sorted(one["allocations"]) for one in body["allocation_requests"]]
    assert sorted(shown) == [["g0"], ["g0", "g1"], ["g0", "g1"], ["g1"]]


def test_before_1_29_a_limit_keeps_summaries_of_touched_trees() -> None:
    """Placement drops summaries by tree, not by provider."""
    cloud = small()
    body = cloud.allocation_candidates("resources=VGPU:1", 1, "1.28").to_placement()
    assert [list(one["allocations"]) for one in body["allocation_requests"]] == [["g0"]]
    assert list(body["provider_summaries"]) == ["g0", "g1"]


def test_what_is_given_out_is_ones_own() -> None:
    found = small().allocation_candidates("resources_A=VGPU:1")
    body = found.to_placement()
    for one in body["allocation_requests"]:
        for part in one["allocations"].values():
            part["resources"]["VGPU"] = 99
    for summary in body["provider_summaries"].values():
        summary["traits"].append("CUSTOM_X")
        summary["resources"].clear()
    assert found.to_placement() != body
    assert [one.allocations for one in found] == [
        {"g0": {"VGPU": 1}},
        {"g1": {"VGPU": 1}},
    ]


def test_table() -> None:
    place = RequestGroup("_N", required=(frozenset({"CUSTOM_T"}),))
    wide = Request(
        (HOST, RequestGroup("_G", {"VGPU": 2}), place),
        "none",
        same_subtree=(frozenset({"_G", "_N"}),),
    )
    table = small().allocation_candidates(wide).to_arrow()
    assert table.column_names == [
        "candidate",
        "root",
        "suffix",
        "provider",
        "resource_class",
        "amount",
    ]
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (0, "cn", "", "cn", "MEMORY_MB", 64),
        (0, "cn", "", "cn", "VCPU", 1),
        (0, "cn", "_G", "g0", "VGPU", 2),
        (0, "cn", "_N", "g0", None, None),
    ]
    assert pa.types.is_dictionary(table.schema.field("provider").type)
    nothing = small().allocation_candidates("resources=VCPU:99").to_arrow()
    assert nothing.schema.equals(table.schema)
    assert nothing.num_rows == 0


def test_limits() -> None:
    cloud = small()
    query = "resources=VGPU:1&limit=1"
    assert cloud.allocation_candidates(query).count() == 1
    assert cloud.allocation_candidates(query, 5).count() == 1
    assert cloud.allocation_candidates("resources=VGPU:1", 1).count() == 1
    assert cloud.allocation_candidates("resources=VGPU:1", 2).count() == 2


def test_shared_alone_is_one_candidate_unless_hosts_are_asked() -> None:
    cloud = small()
    query = "resources=DISK_GB:1"
    assert [one.root for one in cloud.allocation_candidates(query)] == ["cn"]
    last = cloud.allocation_candidates(query, hosts=["lone", "cn"])
    assert [one.root for one in last] == ["lone"]
    each = cloud.allocation_candidates(query, per_host=1, hosts=["lone", "cn"])
    assert [one.root for one in each] == ["lone", "cn"]


def test_empty_cloud() -> None:
    found = Cloud().allocation_candidates("resources=VCPU:1")
    assert not found
    assert list(found) == []


def test_claims_go_on_while_candidates_are_read() -> None:
    cloud = small()
    found = cloud.allocation_candidates("resources=VGPU:2")
    for number, candidate in enumerate(found):
        cloud.claim(f"server {number}", candidate.allocations)
    assert cloud.usages("g0") == cloud.usages("g1") == {"VGPU": 2}


@pytest.mark.parametrize("with_uuid", [True, False])
def test_many_identities_at_once(with_uuid: bool) -> None:
    document = synthetic_cloud(40, "nested", 0.3, seed=1)
    plain = named_document(document)
    if with_uuid:
        for number, provider in enumerate(plain["providers"]):
            if number % 3:
                provider["uuid"] = f"00000000-0000-4000-8000-{number:012x}"
    cloud = Cloud.from_document(plain)
    state = cloud.state
    summaries = cloud.allocation_candidates("resources=VCPU:1").to_placement()
    names = [state.provider_identity(row) for row in range(len(plain["providers"]))]
    assert sorted(summaries["provider_summaries"]) == sorted(names)
    assert len(names) > 64


# Errors.


def test_candidates_of_another_structure_are_refused() -> None:
    cloud = small()
    found = cloud.allocation_candidates("resources=VGPU:1")
    assert found.count() == 2
    cloud.add_provider("new")
    for ask in (found.count, found.to_placement, found.to_arrow, lambda: list(found)):
        with pytest.raises(Conflict, match="ask again"):
            ask()
    assert cloud.allocation_candidates("resources=VGPU:1").count() == 2


def test_numbers_below_one() -> None:
    query = "resources=VCPU:1"
    with pytest.raises(BadRequest, match=r"limit must be .* got 0"):
        small().allocation_candidates(query, limit=0)
    with pytest.raises(BadRequest, match=r"per_host must be .* got 0"):
        small().allocation_candidates(query, per_host=0)


@pytest.mark.parametrize(
    ("hosts", "error", "message"),
    [
        pytest.param(["ghost"], NotFound, "ghost", id="unknown"),
        pytest.param(["cn", "g0"], BadInput, "roots of trees, got 'g0'", id="child"),
    ],
)
def test_hosts_that_are_none(
    hosts: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        small().allocation_candidates("resources=VCPU:1", hosts=hosts)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        pytest.param(Request(()), "resources must be given", id="no group"),
        pytest.param(
            Request((RequestGroup("", {"VCPU": 0}),)), "at least 1, got 0", id="nothing"
        ),
        pytest.param(
            Request((RequestGroup("", {"VCPU": 1 << 31}),)),
            "at most 2147483647",
            id="too much",
        ),
        pytest.param(
            Request((RequestGroup("_A", {"VCPU": 1}), RequestGroup("_B", {"VGPU": 1}))),
            "group_policy",
            id="no policy",
        ),
    ],
)
def test_requests_that_placement_refuses(request_: Request, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        small().allocation_candidates(request_)


@pytest.mark.parametrize(
    ("version", "status"), [("1.9", 404), ("1.40", 406), ("x", 400)]
)
def test_microversions_without_candidates(version: str, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        small().allocation_candidates("resources=VCPU:1", microversion=version)
    assert refused.value.status == status

"""Placement in process gives the answers that were recorded from Placement.

The peer is what other tests compare with, so it is checked first: recorded cases are
replayed, its two ways to load a document must leave the same state, and the rules of
writes are those of the API. Then the tools around it: a planted difference is found,
a defect of Placement is excused and nothing else is, a counterexample gets small.
"""

import gzip
import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest

from generators.clouds import SHAPES, random_cloud
from generators.document import (
    Document,
    NamedConsumer,
    Provider,
    limits_of,
    usages_of,
    uuid_of,
)
from generators.queries import random_query
from kilonova.bench.peers.wsgi import Answer
from kilonova.bench.synthetic import synthetic_cloud
from peers import differential
from peers.corrections import DEFECTS
from peers.placement import PlacementPeer
from peers.shrink import shrink

judge, compare = differential.judge, differential.compare
DATA = Path(__file__).parent.parent / "data" / "conformance"
SHARES = "MISC_SHARES_VIA_AGGREGATE"


def read(name: str) -> list[Any]:
    with gzip.open(DATA / f"placement_{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


STATES = {state["state"]: state for state in read("states")}
RANDOM = read("random")
PLAIN = random.Random(1).sample([c for c in RANDOM if not c["flags"]], 60)
FLAGGED = random.Random(1).sample([c for c in RANDOM if c["flags"]], 20)
GABBITS = [case for case in read("gabbits") if not case["params"]["limit"]]
CHOSEN = sorted(PLAIN + FLAGGED + GABBITS[::4], key=lambda case: str(case["state"]))


@pytest.fixture(scope="module")
def peer() -> Iterator[PlacementPeer]:
    with PlacementPeer() as opened:
        yield opened


def recorded_document(case: dict[str, Any]) -> Document:
    """Return the state of a case, with the custom names that its query knows of."""
    document = cast(Document, dict(STATES[case["state"]]))
    if case["status"] == 200:
        groups = case["groups"].values()
        classes = {name for group in groups for name in group["resources"]}
        asked = set(re.findall("CUSTOM_[A-Z0-9_]+", case["query"]))
        document["resource_classes"] = sorted(asked & classes)
        document["custom_traits"] = sorted(asked - classes)
    return document


def recorded_answer(case: dict[str, Any]) -> Answer:
    """Put the right answer of a case into the form of a body."""
    if case["status"] != 200:
        return Answer(case["status"], {})
    nested = case["nested_aware"]
    requests = []
    for one in case.get("corrected", case["candidates"]):
        held: dict[str, Any] = {}
        for provider, resource_class, amount in one["alloc"]:
            held.setdefault(provider, {"resources": {}})
            held[provider]["resources"][resource_class] = amount
        mappings = {"mappings": one["mappings"]} if nested else {}
        requests.append({"allocations": held, **mappings})
    summaries = {}
    for name, one in case.get("corrected_summaries", case["summaries"]).items():
        resources = {
            resource_class: {"capacity": capacity, "used": used}
            for resource_class, (capacity, used) in one["resources"].items()
        }
        summaries[name] = {"resources": resources, "traits": sorted(one["traits"])}
        if nested:
            summaries[name]["parent_provider_uuid"] = one["parent"]
            summaries[name]["root_provider_uuid"] = one["root"]
    return Answer(
        200, {"allocation_requests": requests, "provider_summaries": summaries}
    )


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case["id"])
def test_recorded_cases(peer: PlacementPeer, case: dict[str, Any]) -> None:
    peer.load(recorded_document(case))
    version = "1.39" if case["nested_aware"] else "1.28"
    right = recorded_answer(case)
    if right.status != 200:
        assert peer.candidates(case["query"], version).status == right.status
        return
    verdict = judge(peer, case["query"], right, version)
    assert verdict.agreed, str(verdict)


def test_recorded_defects_show(peer: PlacementPeer) -> None:
    # Which anchor is lost follows from the order of sets: some are right by chance.
    shown = 0
    for case in FLAGGED:
        peer.load_bulk(recorded_document(case))
        right = recorded_answer(case)
        shown += bool(compare(right.body, peer.candidates(case["query"]).body))
    assert shown >= len(FLAGGED) / 2


def provider(name: str, parent: str | None = None, **offers: int) -> Provider:
    inventories = {key: {"total": n, "max_unit": n} for key, n in offers.items()}
    return {
        "name": name,
        "parent": parent,
        "inventories": inventories,  # type: ignore[typeddict-item]
        "traits": [],
        "aggregates": [],
    }


def cloud(*providers: Provider, **in_use: dict[str, dict[str, int]]) -> Document:
    return {"providers": list(providers), "consumers": list(in_use.values())}


def sharing(pool: Provider, *hosts: Provider) -> Document:
    """Let hosts share a pool by one aggregate."""
    pool["traits"].append(SHARES)
    for one in (pool, *hosts):
        one["aggregates"].append("agg")
    return cloud(*hosts, pool)


def held(answer: Answer) -> list[str]:
    """List the allocations of each candidate, sorted."""
    return sorted(
        " ".join(
            f"{name}:{resource_class}:{amount}"
            for name, part in sorted(one["allocations"].items())
            for resource_class, amount in sorted(part["resources"].items())
        )
        for one in answer.body["allocation_requests"]
    )


def test_lost_anchor(peer: PlacementPeer) -> None:
    hosts = [provider(f"cn{number}", VCPU=8) for number in range(3)]
    peer.load(sharing(provider("ss", DISK_GB=100), *hosts))
    query = "resources=DISK_GB:1&resources_C=VCPU:1"
    every = [f"cn{number}:VCPU:1 ss:DISK_GB:1" for number in range(3)]
    assert len(held(peer.candidates(query))) == 1
    assert held(peer.candidates(query, without=("lost-anchor",))) == every


def test_shared_amount(peer: PlacementPeer) -> None:
    gpus = [provider(f"g{number}", "cn", VGPU=4) for number in range(2)]
    peer.load(cloud(provider("cn", VCPU=8), *gpus))
    query = "resources=VGPU:1&resources_A=VGPU:1"
    right = ["g0:VGPU:1 g1:VGPU:1"] * 2 + ["g0:VGPU:2", "g1:VGPU:2"]
    assert held(peer.candidates(query)) != right
    assert held(peer.candidates(query, without=("shared-amount",))) == right
    assert held(peer.candidates(f"{query}&group_policy=none")) == right


def test_child_sharing(peer: PlacementPeer) -> None:
    pool = provider("pool", "storage", DISK_GB=100)
    document = sharing(pool, provider("cn", VCPU=8))
    document["providers"].insert(0, provider("storage"))
    peer.load(document)
    query = "resources=VCPU:1,DISK_GB:1"
    assert peer.candidates(query).status == 500
    answer = peer.candidates(query, without=("child-sharing",))
    assert held(answer) == ["cn:VCPU:1 pool:DISK_GB:1"]
    assert sorted(answer.body["provider_summaries"]) == ["cn", "pool", "storage"]


def test_options_and_peers_side_by_side(peer: PlacementPeer) -> None:
    gpus = [provider(f"g{number}", "cn", VGPU=4) for number in range(2)]
    document = cloud(provider("cn"), *gpus, server={"g0": {"VGPU": 3}})
    query = "resources_A=VGPU:1&resources_B=VGPU:1&group_policy=none"
    with PlacementPeer(workarounds__optimize_for_wide_provider_trees=True) as wide:
        wide.load(document)
        peer.load(document)
        assert "g0:VGPU:2" in held(wide.candidates(query))
        assert "g0:VGPU:2" not in held(peer.candidates(query))
        wide.reset()
        assert held(wide.candidates(query)) == []
        assert len(held(peer.candidates(query))) == 3


def test_names_and_known_custom_names(peer: PlacementPeer) -> None:
    agent = provider("host:Open vSwitch agent", "host", NET_BW_EGR_KILOBIT_PER_SEC=10)
    agent["aggregates"].append("rack 1")
    peer.load(cloud(agent, provider("host", VCPU=8), provider("other", VCPU=8)))
    tree = "in_tree=host:Open vSwitch agent"
    assert held(peer.candidates(f"resources=VCPU:1&{tree}")) == ["host:VCPU:1"]
    member = "resources_A=NET_BW_EGR_KILOBIT_PER_SEC:1&member_of_A=in:rack 1,rack 2"
    answer = peer.candidates(member)
    assert held(answer) == ["host:Open vSwitch agent:NET_BW_EGR_KILOBIT_PER_SEC:1"]
    summary = answer.body["provider_summaries"]["host:Open vSwitch agent"]
    assert summary["root_provider_uuid"] == "host"
    assert held(peer.candidates("resources=VCPU:1&member_of=!in:ghost")) != []
    assert held(peer.candidates("resources=VCPU:1&in_tree=ghost")) == []
    # A name of one document is unknown in the next.
    document = cloud(provider("cn", VCPU=1))
    peer.load({**document, "custom_traits": ["CUSTOM_T"]})
    query = "resources=VCPU:1&required=CUSTOM_T"
    assert peer.candidates(query).status == 200
    peer.load(document)
    assert "No such trait(s): CUSTOM_T" in peer.candidates(query).detail


def state_of(peer: PlacementPeer, document: Document) -> dict[str, Any]:
    """Ask the API for everything, without times and request ids."""
    state: dict[str, Any] = {}
    for one in document["providers"]:
        name = one["name"]
        parts = ("/inventories", "/traits", "/aggregates", "/usages", "/allocations")
        state[name] = [peer.provider(name, part).body for part in ("", *parts)]
        for part in state[name]:
            part.pop("links", None)
            for key in ("traits", "aggregates"):
                part[key] = sorted(part.get(key, []))
    for number in range(len(document["consumers"])):
        state[f"consumer {number}"] = peer.allocations(f"consumer {number}").body
    return state


@pytest.mark.parametrize("seed", range(6))
def test_load_bulk_leaves_the_same_state(peer: PlacementPeer, seed: int) -> None:
    document = random_cloud(seed, [*SHAPES, None][seed % 6])
    peer.load(document)
    state = state_of(peer, document)
    peer.load_bulk(document)
    assert state_of(peer, document) == state
    used = usages_of(document)
    for one in document["providers"]:
        shown = peer.provider(one["name"], "/usages").body["usages"]
        assert shown == {c: used.get((one["name"], c), 0) for c in one["inventories"]}


@pytest.mark.parametrize("bulk", [False, True])
def test_named_consumers_over_capacity(peer: PlacementPeer, bulk: bool) -> None:
    held_by = {"cn": {"VCPU": 5}}
    consumer: NamedConsumer = {"uuid": uuid_of("server"), "allocations": held_by}
    consumer.update({"project": "p", "user": "u"})
    document = cloud(provider("cn", VCPU=2))
    document["consumers"] = [consumer]
    (peer.load_bulk if bulk else peer.load)(document)
    body = peer.allocations("server").body
    owner = [body[key] for key in ("project_id", "user_id", "consumer_generation")]
    assert owner == ["p", "u", 1]
    assert body["allocations"]["cn"] == {"generation": 0, "resources": {"VCPU": 5}}
    assert held(peer.candidates("resources=VCPU:1")) == []
    with pytest.raises(ValueError, match="no inventory"):
        peer.load(cloud(provider("cn"), server=held_by))


def test_writes(peer: PlacementPeer) -> None:
    peer.load(cloud(provider("cn", VCPU=8, DISK_GB=10), provider("cn:a", "cn")))
    candidate = peer.candidates("resources=VCPU:6").body["allocation_requests"][0]
    assert peer.claim("one", candidate).status == 204
    assert peer.generation("cn") == 1
    full = peer.claim("two", candidate)
    assert (full.status, full.code) == (409, "placement.undefined_code")
    assert "Unable to allocate inventory" in full.detail
    stale = peer.put_allocations("one", {"cn": {"VCPU": 1}})
    assert (stale.status, stale.code) == (409, "placement.concurrent_update")
    again = peer.put_allocations("one", {"cn": {"VCPU": 8}}, consumer_generation=1)
    assert again.status == 204
    moved = {"one": {}, "two": {"cn": {"VCPU": 7}}}
    assert peer.post_allocations(moved, {"one": 2}).status == 204
    in_use = peer.put_inventories("cn", {"DISK_GB": {"total": 10}})
    assert (in_use.status, in_use.code) == (409, "placement.inventory.inuse")
    assert peer.put_inventory("cn", "VCPU", {"total": 2}).status == 200
    assert peer.put_inventory("cn", "VCPU", {"total": 2}, generation=0).status == 409
    assert peer.put_traits("cn", ["HW_CPU_X86_AVX2"]).status == 200
    assert peer.put_aggregates("cn", ["agg"]).body["aggregates"] == ["agg"]
    assert peer.put_parent("cn", "cn:a").status == 400
    assert peer.delete_provider("cn").status == 409
    assert peer.delete_allocations("two").status == 204
    assert peer.delete_provider("cn", "/inventories/VCPU").status == 204
    assert peer.put_parent("cn:a", None).status == 200
    assert peer.delete_provider("cn").status == 204
    assert peer.put_allocations("x", {"cn": {"VCPU": 1}}).status == 400


def test_planted_differences_are_found(peer: PlacementPeer) -> None:
    document = cloud(provider("cn0", VCPU=8), provider("cn1", VCPU=4))
    peer.load(document)
    query = "resources=VCPU:2"
    right = peer.candidates(query)
    assert judge(peer, query, right).differences == ()
    bodies = right.body, peer.candidates(query, "1.10").body
    new, old = (differential.candidates_of(body) for body in bodies)
    assert {one.allocations for one in old} == {one.allocations for one in new}
    wrong = deepcopy(right.body)
    wrong["allocation_requests"][0]["allocations"] = {"cn1": {"resources": {"VCPU": 5}}}
    wrong["provider_summaries"]["cn0"]["resources"]["VCPU"]["used"] = 1
    found = compare(wrong, right.body)
    kinds = [difference.kind for difference in found]
    assert kinds == ["missing candidate", "extra candidate", "summary"]
    lines = differential.describe(found, query, document)
    assert lines[1].endswith("  amounts-differ over-capacity over-max_unit")
    assert not judge(peer, query, Answer(200, wrong)).agreed
    assert not judge(peer, query, Answer(400, {})).agreed


def test_any_cut_is_right_under_a_limit(peer: PlacementPeer) -> None:
    peer.load(cloud(*(provider(f"cn{number}", VCPU=8) for number in range(3))))
    query = "resources=VCPU:1"
    whole = peer.candidates(query).body
    for number in range(3):
        one = whole["allocation_requests"][number]
        name = next(iter(one["allocations"]))
        summaries = {name: whole["provider_summaries"][name]}
        body = {"allocation_requests": [one], "provider_summaries": summaries}
        assert judge(peer, f"{query}&limit=1", Answer(200, body)).differences == ()
        for answer in (whole, body):
            kinds = [d.kind for d in differential.compare_limited(answer, whole, 2)]
            assert kinds == ["limit"]


def test_amounts_out_of_range_are_excused(peer: PlacementPeer) -> None:
    peer.load(cloud(provider("cn", VCPU=8)))
    refused = Answer(400, {"errors": [{"detail": "must be at most 2147483647"}]})
    verdict = judge(peer, f"resources=VCPU:{2**70}", refused)
    assert verdict.defects == ("integer-range",)
    assert not judge(peer, "resources=VCPU:9", refused).agreed


def test_shrink_keeps_what_matters() -> None:
    document = random_cloud(3, "accelerators")
    document["providers"].append(provider("needed", "cn0", SRIOV_NET_VF=3))
    document["consumers"].append({"needed": {"SRIOV_NET_VF": 1}})
    query = "resources=VCPU:1&resources_A=SRIOV_NET_VF:1,VGPU:1&required_A=!X&limit=2"

    def differs(smaller: Document, asked: str) -> bool:
        return ("needed", "SRIOV_NET_VF") in usages_of(smaller) and "_VF:1" in asked

    before = deepcopy(document)
    small, asked = shrink(differs, document, query)
    assert asked == "resources_A=SRIOV_NET_VF:1"
    assert [one["name"] for one in small["providers"]] == ["cn0", "needed"]
    offers = [one["inventories"] for one in small["providers"]]
    assert offers == [{}, {"SRIOV_NET_VF": {"total": 3}}]
    assert small["consumers"] == [{"needed": {"SRIOV_NET_VF": 1}}]
    assert document == before


def test_a_third_of_the_random_queries_has_an_answer(peer: PlacementPeer) -> None:
    assert random_cloud(5) == random_cloud(5) != random_cloud(6)
    counts, versions = [], ["1.39", "1.39", "1.28", "1.17"]
    for seed in range(16):
        document = random_cloud(seed)
        peer.load_bulk(document)
        for number, version in enumerate(versions):
            query = random_query(document, 10 * seed + number, version)
            assert query == random_query(document, 10 * seed + number, version)
            answer = peer.candidates(query, version, without=DEFECTS)
            assert answer.status == 200, (query, answer.detail)
            counts.append(len(answer.body["allocation_requests"]))
    answered = [count for count in counts if 1 <= count <= 500]
    assert len(answered) >= len(counts) / 3
    assert max(counts) > 5


@pytest.mark.parametrize(("shape", "per_host"), [("flat", 1), ("nested", 9)])
def test_synthetic_cloud(peer: PlacementPeer, shape: str, per_host: int) -> None:
    document = synthetic_cloud(200, shape, 0.7, seed=1)
    assert document == synthetic_cloud(200, shape, 0.7, seed=1)
    assert len(document["providers"]) == 200 * per_host
    used = usages_of(document)
    vcpus = sum(amount for (_, name), amount in used.items() if name == "VCPU")
    assert vcpus / (200 * 128) == pytest.approx(0.7, abs=0.03)
    offers = {
        (one["name"], name): limits_of(offer).capacity
        for one in document["providers"]
        for name, offer in one["inventories"].items()
    }
    assert all(amount <= offers[place] for place, amount in used.items())
    peer.load_bulk(document)
    port = (
        "&resources_port=NET_BW_EGR_KILOBIT_PER_SEC:1000"
        "&required_port=CUSTOM_PHYSNET_PHYSNET0,CUSTOM_VNIC_TYPE_NORMAL"
    )
    query = "resources=VCPU:1,MEMORY_MB:1024" + (port if per_host > 1 else "")
    assert len(held(peer.candidates(query))) > 150

"""A cloud and its document say the same, and a wrong document is refused by name.

Documents drawn at random, and every recorded state, come back exactly. Then one value
after the other is made wrong.
"""

import copy
import json
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_steps import AGGREGATES, NAMES, UUIDS
from corpus import documents
from generators.clouds import random_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput

LIMITS = [1, 2, 8, 2**31 - 1]
TEXTS = ["one", "two", "é", "x" * 255]


def good() -> dict[str, Any]:
    """Give a document in which each value can be made wrong.

    a               VCPU: 8
    +-- b           DISK_GB: 10, holds more than its capacity
    c (a UUID)
    """
    return {
        "providers": [
            {
                "name": "a",
                "parent": None,
                "inventories": {"VCPU": {"total": 8, "reserved": 0}},
                "traits": ["HW_CPU_X86_AVX2"],
                "aggregates": ["g"],
            },
            {
                "name": "b",
                "parent": "a",
                "inventories": {"DISK_GB": {"total": 10}},
                "generation": 3,
            },
            {"name": "c", "uuid": "u", "parent": None},
        ],
        "consumers": [
            {"a": {"VCPU": 2}},
            {
                "uuid": "k",
                "project": "p",
                "user": "u",
                "type": "t",
                "generation": 2,
                "allocations": {"b": {"DISK_GB": 11}},
            },
        ],
        "traits": ["CUSTOM_T"],
        "resource_classes": ["CUSTOM_A"],
    }


@st.composite
def inventories(draw: st.DrawFn) -> dict[str, Any]:
    total = draw(st.sampled_from(LIMITS))
    return {
        "total": total,
        "reserved": draw(st.sampled_from([0, 1, total])),
        "min_unit": draw(st.sampled_from(LIMITS)),
        "max_unit": draw(st.sampled_from(LIMITS)),
        "step_size": draw(st.sampled_from(LIMITS)),
        "allocation_ratio": draw(st.sampled_from([0.0, 0.1, 1.0, 16.0, 3.40282e38])),
    }


@st.composite
def clouds(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document as ``to_document`` gives it: in preorder, sorted, complete."""
    providers: list[dict[str, Any]] = []
    path: list[str] = []
    classes = st.lists(st.sampled_from(["VCPU", "DISK_GB", "CUSTOM_A"]), unique=True)
    traits = st.lists(st.sampled_from(["COMPUTE_NODE", "CUSTOM_T"]), unique=True)
    groups = st.lists(st.sampled_from(AGGREGATES), unique=True)
    for name in draw(st.lists(st.sampled_from([*NAMES, *UUIDS]), unique=True)):
        path = path[: draw(st.integers(0, len(path)))]
        row: dict[str, Any] = {
            "name": name,
            "parent": path[-1] if path else None,
            "inventories": {each: draw(inventories()) for each in draw(classes)},
            "traits": sorted(draw(traits)),
            "aggregates": sorted(draw(groups)),
        }
        if draw(st.booleans()):
            other = str(uuid5(NAMESPACE_DNS, name))
            row["uuid"] = draw(st.sampled_from([name, f"of {name}", other]))
        if generation := draw(st.sampled_from([0, 1, 2**31 - 1])):
            row["generation"] = generation
        providers.append(row)
        path.append(name)
    drawn = {"providers": providers, "consumers": draw(consumers(providers))}
    for key, had, name in (
        ("traits", "traits", "CUSTOM_T"),
        ("resource_classes", "inventories", "CUSTOM_A"),
    ):
        if not any(name in p[had] for p in providers) and draw(st.booleans()):
            drawn[key] = [name]
    return drawn


@st.composite
def consumers(draw: st.DrawFn, providers: list[dict[str, Any]]) -> list[Any]:
    offers = [(p["name"], name) for p in providers for name in p["inventories"]]
    found: list[Any] = []
    for uuid in draw(st.lists(st.sampled_from(["", "k0", UUIDS[0], "k1"]))):
        if not offers or (uuid and uuid in [each.get("uuid") for each in found]):
            continue
        allocations: dict[str, dict[str, int]] = {}
        for provider, name in draw(st.lists(st.sampled_from(offers), min_size=1)):
            amount = draw(st.sampled_from(LIMITS))
            allocations.setdefault(provider, {})[name] = amount
        full: dict[str, Any] = {"uuid": uuid, "allocations": allocations}
        for key in ("project", "user", "type"):
            if draw(st.booleans()):
                full[key] = draw(st.sampled_from(TEXTS))
        if generation := draw(st.sampled_from([0, 1, 2**31 - 1])):
            full["generation"] = generation
        short = not uuid and len(full) == 2 and "allocations" not in allocations
        found.append(allocations if short else full)
    return found


@settings(max_examples=60)
@given(clouds())
def test_round_trip(document: dict[str, Any]) -> None:
    given = json.loads(json.dumps(document))
    assert Cloud.from_document(document).to_document() == given
    assert document == given


@pytest.mark.parametrize("key", sorted(documents()))
def test_recorded_states_come_back(key: str) -> None:
    recorded = documents()[key]
    made = Cloud.from_document(recorded).to_document()
    assert Cloud.from_document(made).to_document() == made
    assert made["consumers"] == recorded["consumers"]
    by_name = {provider["name"]: provider for provider in made["providers"]}
    for provider in recorded["providers"]:
        row = by_name[provider["name"]]
        assert row["parent"] == provider["parent"]
        assert row["traits"] == sorted(provider["traits"])
        assert row["aggregates"] == sorted(set(provider["aggregates"]))
        assert row["inventories"].keys() == provider["inventories"].keys()
        for name, fields in provider["inventories"].items():
            assert fields.items() <= row["inventories"][name].items()


def test_random_clouds_come_back() -> None:
    for seed in range(40):
        document: dict[str, Any] = dict(random_cloud(seed))
        document["traits"] = document.pop("custom_traits")
        made = Cloud.from_document(document).to_document()
        assert Cloud.from_document(made).to_document() == made
        assert made["consumers"] == document["consumers"]


def test_children_may_come_first_and_be_named_by_uuid() -> None:
    document = {
        "providers": [
            {"name": "grandchild", "parent": "u"},
            {"name": "root"},
            {"name": "child", "uuid": "u", "parent": "root"},
        ],
        "consumers": [],
    }
    made = Cloud.from_document(document).to_document()["providers"]
    assert [(p["name"], p["parent"]) for p in made] == [
        ("root", None),
        ("child", "root"),
        ("grandchild", "child"),
    ]


def test_a_provider_called_like_a_key() -> None:
    document = {
        "providers": [{"name": "allocations", "inventories": {"VCPU": {"total": 1}}}],
        "consumers": [{"uuid": "", "allocations": {"allocations": {"VCPU": 1}}}],
    }
    assert Cloud.from_document(document).to_document()["consumers"] == [
        {"uuid": "", "allocations": {"allocations": {"VCPU": 1}}}
    ]


def test_a_uuid_outlives_a_rename() -> None:
    cloud = Cloud()
    cloud.add_provider(UUIDS[0], uuid=UUIDS[0])
    cloud.rename_provider(UUIDS[0], "host")
    assert cloud.to_document()["providers"][0]["uuid"] == UUIDS[0]
    assert cloud.generation(UUIDS[0]) == cloud.generation("host") == 0


TYPES = [None, True, 1.5, 7, "text", "\ud800", "", "x" * 300, [], [7], {}, {7: 7}, -1]
NUMBERS = [True, 1.5, "1", None, [], {}, -1, 2**31]
P0, P1, K0, K1 = (
    ("providers", 0),
    ("providers", 1),
    ("consumers", 0),
    ("consumers", 1),
)


@pytest.mark.parametrize(
    ("path", "values", "where"),
    [
        ((), [None, [], "text", 7, {7: 7}, {"nodes": []}], "document"),
        (("providers",), [None, {}, "text", 7, [7], [[]], [None]], "providers"),
        (("consumers",), [None, {}, "text", 7, [7], [[]], [None]], "consumers"),
        (("traits",), [None, {}, "CUSTOM_T", [7], ["custom"], [None], [[]]], "trait"),
        (("resource_classes",), [{}, "CUSTOM_A", [7], ["CUSTOM_"], [[]]], "class"),
        ((*P0, "name"), [x for x in TYPES if x != "text"], r"providers\[0\]"),
        ((*P0, "name"), ["x" * 201, "b", "u"], r"providers"),
        ((*P0, "uuid"), [x for x in TYPES if x not in (None, "text")], r"\[0\]"),
        ((*P0, "uuid"), ["b", "u"], r"providers"),
        ((*P1, "parent"), [x for x in TYPES if x is not None], "provider"),
        ((*P1, "parent"), ["nobody", "b"], "'b'"),
        ((*P0, "parent"), ["b", "a"], "loop"),
        ((*P0, "generation"), NUMBERS, r"providers\[0\]"),
        ((*P0, "other"), [7], "unknown key 'other'"),
        ((*P0, "traits"), [None, {}, "text", 7, [7], [None], [[]], [""]], r"\[0\]"),
        ((*P0, "traits"), [["lower"], ["CUSTOM_é"]], "trait"),
        ((*P0, "aggregates"), [None, {}, "text", 7, [7], [None], [""]], r"\[0\]"),
        ((*P0, "inventories"), [None, [], "text", 7, {7: {}}], r"providers\[0\]"),
        ((*P0, "inventories"), [{"x": {"total": 1}}, {"": {"total": 1}}], "class"),
        ((*P0, "inventories", "VCPU"), [None, [], 7, "text", {}, {7: 7}], "VCPU"),
        ((*P0, "inventories", "VCPU", "total"), [*NUMBERS, 0], "'a', VCPU: total"),
        ((*P0, "inventories", "VCPU", "reserved"), [*NUMBERS, 9], "VCPU: reserved"),
        ((*P0, "inventories", "VCPU", "min_unit"), [*NUMBERS, 0], "VCPU: min_unit"),
        ((*P0, "inventories", "VCPU", "max_unit"), [*NUMBERS, 0], "VCPU: max_unit"),
        ((*P0, "inventories", "VCPU", "step_size"), [*NUMBERS, 0], "step_size"),
        (
            (*P0, "inventories", "VCPU", "allocation_ratio"),
            [True, "1", None, [], -0.1, float("nan"), float("inf"), 3.5e38],
            "VCPU: allocation_ratio",
        ),
        ((*K0, "a"), [None, [], 7, {}, {"VCPU": {}}], r"consumers\[0\]"),
        ((*K0, "a", "VCPU"), [*NUMBERS, 0], r"consumers\[0\]"),
        ((*K0, "a", "DISK_GB"), [1], r"consumers\[0\].*no inventory"),
        ((*K0, "a", "CUSTOM_X"), [1], r"consumers\[0\].*CUSTOM_X"),
        ((*K0, "nobody"), [{"VCPU": 1}], r"consumers\[0\].*nobody"),
        ((*K1, "uuid"), [None, True, 7, [], {}, "x" * 300, "\ud800"], r"\[1\]"),
        ((*K1, "project"), [True, 7, [], "", "x" * 300, "\ud800"], r"\[1\].*project"),
        ((*K1, "user"), [True, 7, [], "", "x" * 300], r"\[1\].*user"),
        ((*K1, "type"), [True, 7, [], "", "x" * 300], r"\[1\].*type"),
        ((*K1, "generation"), NUMBERS, r"consumers\[1\].*generation"),
        ((*K1, "allocations"), [None, [], {}, 7, {7: {}}], r"consumers\[1\]"),
        ((*K1, "other"), [7], "unknown key 'other'"),
    ],
)
def test_wrong_values(path: tuple[Any, ...], values: list[Any], where: str) -> None:
    for value in values:
        document: Any = copy.deepcopy(good())
        if path:
            at = document
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
        else:
            document = value
        with pytest.raises(BadInput, match=where):
            Cloud.from_document(document)


def test_the_document_that_is_made_wrong_is_right() -> None:
    Cloud.from_document(good())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"name": "a"}, "providers.3. and providers.0. .*'a'", id="name"),
        pytest.param({"name": "d", "uuid": "u"}, "both have 'u'", id="uuid"),
        pytest.param({"name": "u"}, "both have 'u'", id="name of a uuid"),
        pytest.param({"name": "d", "uuid": "a"}, "both have 'a'", id="uuid of a name"),
    ],
)
def test_named_twice(more: dict[str, str], message: str) -> None:
    document = good()
    document["providers"].append(more)
    with pytest.raises(BadInput, match=message):
        Cloud.from_document(document)


def test_two_consumers_with_one_uuid() -> None:
    document = good()
    document["consumers"].append({"uuid": "k", "allocations": {"a": {"VCPU": 1}}})
    with pytest.raises(BadInput, match=r"consumers\[2\] and consumers\[1\].*'k'"):
        Cloud.from_document(document)


def test_loop_of_two() -> None:
    document = {
        "providers": [
            {"name": "a"},
            {"name": "b", "parent": "c"},
            {"name": "c", "parent": "b"},
        ]
    }
    with pytest.raises(BadInput, match="'b' has no root above it"):
        Cloud.from_document(document)


def test_more_classes_than_the_column_holds() -> None:
    names = [f"CUSTOM_{number}" for number in range(2**15 + 1)]
    cloud = Cloud.from_document({"resource_classes": names[:-1]})
    with pytest.raises(BadInput, match="No room"):
        cloud.add_resource_class(names[-1])
    with pytest.raises(BadInput, match="No room"):
        Cloud.from_document({"resource_classes": names})

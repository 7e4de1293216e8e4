"""The oracle of allocation candidates gives Placement's answers.

Other tests trust the oracle, so it is held against what Placement itself answered:
named cases first, each at the edge of one rule; then every recorded case, by state;
errors last.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

import corpus
from kilonova.request.group import Request, RequestGroup
from oracle import limits
from oracle.candidates import Candidate, anchored_candidates, candidates
from oracle.capacity import fits
from oracle.groups import UnknownNameError
from oracle.state import Inventory, Provider, State
from oracle.summaries import answer
from oracle.text import cloud, shown


def of_all(*names: str) -> tuple[frozenset[str], ...]:
    """Ask for all of the names, each by a clause of its own."""
    return tuple(frozenset({name}) for name in names)


def found(state: State, *groups: RequestGroup, **wide: str | None) -> list[str]:
    """Show the candidates of the groups."""
    return shown(candidates(state, Request(groups, group_policy=wide.get("policy"))))


VGPU = {"VGPU": 1}
VCPU = {"VCPU": 1}
DISK = {"DISK_GB": 1}
GPUS = """
cn VCPU:8
  g0 VGPU:4
  g1 VGPU:4
"""
SHARING = """
cn1 VCPU:8 CUSTOM_T1 @A
cn2 VCPU:8 DISK_GB:100 @B
  n2 @A
ss DISK_GB:100 shares CUSTOM_T2 @A
lone DISK_GB:100 shares
"""
NUMA = """
cn VCPU:8
  n0 CUSTOM_T1
    f0 VGPU:4
    f1 VGPU:4
  n1 CUSTOM_T1
    f2 VGPU:4
"""


@pytest.mark.parametrize(
    ("offer", "amount", "fitting"),
    [
        pytest.param(Inventory(8), 8, True, id="all of it"),
        pytest.param(Inventory(8), 9, False, id="one too many"),
        pytest.param(Inventory(8, reserved=8), 1, False, id="all reserved"),
        pytest.param(Inventory(5, allocation_ratio=1.5), 7, True, id="ratio, below"),
        pytest.param(Inventory(5, allocation_ratio=1.5), 8, False, id="ratio, above"),
        pytest.param(Inventory(8, min_unit=3), 3, True, id="smallest"),
        pytest.param(Inventory(8, min_unit=3), 2, False, id="too small"),
        pytest.param(Inventory(8, max_unit=4), 4, True, id="largest"),
        pytest.param(Inventory(8, max_unit=4), 5, False, id="too large"),
        pytest.param(Inventory(8, min_unit=3, step_size=2), 5, False, id="not a step"),
        pytest.param(Inventory(8, min_unit=3, step_size=2), 4, True, id="a step"),
    ],
)
def test_amount_at_a_limit(offer: Inventory, amount: int, fitting: bool) -> None:
    nothing = frozenset[str]()
    cn = Provider("cn", None, "cn", {"VCPU": offer}, {}, nothing, nothing)
    assert fits(cn, "VCPU", amount) is fitting


@pytest.mark.parametrize(
    ("drawing", "amounts", "expected"),
    [
        pytest.param("cn VGPU:4", (2, 2), ["cn VGPU:4 [_A=cn _B=cn]"], id="all of it"),
        pytest.param("cn VGPU:4", (2, 3), [], id="one too many"),
        pytest.param("cn VGPU:4/1", (2, 2), [], id="used counts"),
    ],
)
def test_groups_on_one_provider(
    drawing: str, amounts: tuple[int, int], expected: list[str]
) -> None:
    groups = [RequestGroup(s, {"VGPU": n}) for s, n in zip("AB", amounts, strict=True)]
    groups = [replace(group, suffix=f"_{group.suffix}") for group in groups]
    assert found(cloud(drawing), *groups, policy="none") == expected


def test_sum_of_groups_stays_within_max_unit() -> None:
    state = cloud("cn VGPU:8")
    cn = state.providers["cn"]
    cn = replace(cn, inventories={"VGPU": Inventory(8, max_unit=3)})
    groups = RequestGroup("_A", {"VGPU": 2}), RequestGroup("_B", {"VGPU": 2})
    assert not found(replace(state, providers={"cn": cn}), *groups, policy="none")


def test_amounts_do_not_leak_into_later_candidates() -> None:
    groups = RequestGroup("", VGPU), RequestGroup("_A", VGPU)
    assert found(cloud(GPUS), *groups) == [
        "g0 VGPU:1, g1 VGPU:1 [=g0 _A=g1]",
        "g0 VGPU:1, g1 VGPU:1 [=g1 _A=g0]",
        "g0 VGPU:2 [=g0 _A=g0]",
        "g1 VGPU:2 [=g1 _A=g1]",
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param(
            RequestGroup("", VCPU | VGPU, required=of_all("CUSTOM_T1", "CUSTOM_T2")),
            ["cn VCPU:1, g0 VGPU:1 [=cn/g0]"],
            id="required of all together",
        ),
        pytest.param(
            RequestGroup("", VGPU, required=of_all("CUSTOM_T1")),
            [],
            id="required of one that is not used",
        ),
        pytest.param(
            RequestGroup("", VCPU | VGPU, forbidden=frozenset({"CUSTOM_T2"})),
            ["cn VCPU:1, g1 VGPU:1 [=cn/g1]"],
            id="forbidden to all that are used",
        ),
        pytest.param(
            RequestGroup("_A", VGPU, required=(frozenset({"CUSTOM_T1", "CUSTOM_T2"}),)),
            ["g0 VGPU:1 [_A=g0]"],
            id="any of a clause",
        ),
    ],
)
def test_traits(group: RequestGroup, expected: list[str]) -> None:
    state = cloud("cn VCPU:8 CUSTOM_T1\n  g0 VGPU:4 CUSTOM_T2\n  g1 VGPU:4")
    assert found(state, group) == expected


BOTH = VCPU | DISK
CN1_SS = "cn1 VCPU:1, ss DISK_GB:1 [=cn1/ss]"
CN2 = "cn2 DISK_GB:1, cn2 VCPU:1 [=cn2]"
CN2_SS = "cn2 VCPU:1, ss DISK_GB:1 [=cn2/ss]"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param(RequestGroup("", BOTH), [CN1_SS, CN2, CN2_SS], id="shared"),
        pytest.param(
            RequestGroup("", BOTH, member_of=of_all("A")), [CN1_SS], id="member_of"
        ),
        pytest.param(
            RequestGroup("", BOTH, member_of=of_all("B")), [CN2], id="member_of, root"
        ),
        pytest.param(
            RequestGroup("", BOTH, member_of=of_all("A", "B")), [], id="both halves"
        ),
        pytest.param(
            RequestGroup("", BOTH, forbidden_aggregates=frozenset("A")),
            [CN2],
            id="forbidden aggregate",
        ),
        pytest.param(RequestGroup("", BOTH, in_tree="cn1"), [], id="in_tree, outside"),
        pytest.param(RequestGroup("", BOTH, in_tree="n2"), [CN2], id="in_tree, child"),
        pytest.param(
            RequestGroup("", DISK),
            ["cn2 DISK_GB:1 [=cn2]", "lone DISK_GB:1 [=lone]", "ss DISK_GB:1 [=ss]"],
            id="once for several anchors",
        ),
    ],
)
def test_sharing(group: RequestGroup, expected: list[str]) -> None:
    assert found(cloud(SHARING), group) == expected


def test_in_tree_of_a_sharing_provider_keeps_its_anchors() -> None:
    groups = RequestGroup("", VCPU), RequestGroup("_D", DISK, in_tree="ss")
    assert found(cloud(SHARING), *groups) == [
        "cn1 VCPU:1, ss DISK_GB:1 [=cn1 _D=ss]",
        "cn2 VCPU:1, ss DISK_GB:1 [=cn2 _D=ss]",
    ]


def test_every_anchor_of_a_shared_solution_is_kept() -> None:
    state = cloud("cn1 VCPU:8 @A\ncn2 VCPU:8 @A\nss DISK_GB:100 shares @A")
    assert found(state, RequestGroup("", DISK), RequestGroup("_C", VCPU)) == [
        "cn1 VCPU:1, ss DISK_GB:1 [=ss _C=cn1]",
        "cn2 VCPU:1, ss DISK_GB:1 [=ss _C=cn2]",
    ]


def test_sharing_provider_may_be_a_child() -> None:
    state = cloud("cn VCPU:8 @A\nstor\n  pool DISK_GB:100 shares @A")
    assert found(state, RequestGroup("", BOTH)) == [
        "cn VCPU:1, pool DISK_GB:1 [=cn/pool]"
    ]


def test_sharing_is_not_transitive() -> None:
    state = cloud("cn VCPU:8 @A\ns1 DISK_GB:9 shares @A @B\ns2 VGPU:4 shares @B")
    assert not found(state, RequestGroup("", VCPU | VGPU))


@pytest.mark.parametrize(
    ("required", "forbidden", "expected"),
    [
        ({"CUSTOM_T1"}, set(), [CN1_SS]),
        (set(), {"CUSTOM_T1"}, [CN2, CN2_SS]),
        (set(), {"CUSTOM_T2"}, [CN1_SS, CN2, CN2_SS]),
    ],
)
def test_root_traits_are_those_of_the_anchor(
    required: Iterable[str], forbidden: Iterable[str], expected: list[str]
) -> None:
    request = Request(
        (RequestGroup("", BOTH),),
        root_required=frozenset(required),
        root_forbidden=frozenset(forbidden),
    )
    assert shown(candidates(cloud(SHARING), request)) == expected


@pytest.mark.parametrize(
    ("place", "policy", "expected"),
    [
        pytest.param(
            RequestGroup("_N", required=of_all("CUSTOM_T1")),
            "isolate",
            [
                "f0 VGPU:1, f1 VGPU:1 [_A=f0 _B=f1 _N=n0]",
                "f0 VGPU:1, f1 VGPU:1 [_A=f1 _B=f0 _N=n0]",
            ],
            id="a place above both",
        ),
        pytest.param(
            RequestGroup("_N", required=of_all("CUSTOM_T1"), in_tree="elsewhere"),
            "isolate",
            [],
            id="a tree that is not there",
        ),
        pytest.param(
            RequestGroup("_N", forbidden=frozenset({"CUSTOM_T2"})),
            "none",
            [],
            id="only forbidden: nowhere to start",
        ),
        pytest.param(RequestGroup("_N", VCPU), "isolate", 6, id="the root as the top"),
    ],
)
def test_same_subtree(
    place: RequestGroup, policy: str, expected: list[str] | int
) -> None:
    state = cloud(NUMA + "far CUSTOM_T2")
    request = Request(
        (RequestGroup("_A", VGPU), RequestGroup("_B", VGPU), place),
        policy,
        same_subtree=(frozenset({"_A", "_B", "_N"}),),
    )
    got = shown(candidates(state, request))
    assert (len(got) if isinstance(expected, int) else got) == expected


def test_isolate_counts_groups_without_resources() -> None:
    request = Request(
        (
            RequestGroup("_A", VGPU),
            RequestGroup("_N", required=of_all("CUSTOM_T1"), in_tree="far"),
        ),
        "isolate",
        same_subtree=(frozenset({"_A", "_N"}),),
    )
    state = cloud("cn VCPU:8 CUSTOM_T1\n  g0 VGPU:4 CUSTOM_T1\nfar VCPU:8")
    assert shown(candidates(state, request)) == ["g0 VGPU:1 [_A=g0 _N=cn]"]


def test_before_1_29_one_provider_per_tree() -> None:
    state = cloud("cn VCPU:8 DISK_GB:9 @A\n  g0 VGPU:4\nss DISK_GB:9 shares @A")
    request = Request((RequestGroup("", BOTH),))
    old = answer(state, request, nested_aware=False)
    assert shown(old.candidates) == [
        "cn DISK_GB:1, cn VCPU:1 [=cn]",
        "cn VCPU:1, ss DISK_GB:1 [=cn/ss]",
    ]
    assert sorted(old.summaries) == ["cn", "ss"]
    request = Request((RequestGroup("", VCPU | VGPU),))
    assert not candidates(state, request, nested_aware=False)


CASES = {
    key: [case for case in corpus.cases() if case["state"] == key]
    for key in sorted({case["state"] for case in corpus.cases()})
}


def keys(found: Iterable[Candidate]) -> list[tuple[object, ...]]:
    return sorted((candidate.key for candidate in found), key=repr)


def difference(case: corpus.Case) -> str:
    """Say what the oracle and the record disagree on; empty if they agree."""
    state, request = corpus.state_of(case["state"]), corpus.request_of(case)
    try:
        got = answer(state, request, case["nested_aware"])
    except UnknownNameError as error:
        same = case["status"] == error.status and case["error"] == str(error)
        return "" if same else f"got error {error}"
    if case["status"] != 200:
        return f"got no error, expected {case['error']}"
    right = corpus.answer_of(case)
    if "unlimited" in case:
        if keys(got.candidates) != keys(corpus.candidates_of(case["unlimited"])):
            return "full answer"
        return " ".join(limits.faults(got, right, request.limit))
    if keys(got.candidates) != keys(right.candidates):
        return "candidates"
    return "" if got.summaries == right.summaries else "summaries"


@pytest.mark.parametrize("state", CASES)
def test_same_as_placement(state: str) -> None:
    different = {case["query"]: difference(case) for case in CASES[state]}
    assert not {query: what for query, what in different.items() if what}


@pytest.mark.parametrize("state", CASES)
def test_recorded_anchors_are_found(state: str) -> None:
    for case in CASES[state]:
        if case["status"] != 200:
            continue
        got = anchored_candidates(
            corpus.state_of(state), corpus.request_of(case), case["nested_aware"]
        )
        anchored = {(candidate.key, candidate.anchor) for candidate in got}
        recorded = [c for c in corpus.answer_of(case).candidates if c.anchor]
        assert {(c.key, c.anchor) for c in recorded} <= anchored, case["query"]


def test_all_cases_are_tried() -> None:
    assert sum(map(len, CASES.values())) == 3725
    assert not any(case["config"] for case in corpus.cases())


NOPE = {"CUSTOM_NOPE": 1}
ASKS_NOPE = RequestGroup("_A", VGPU, required=of_all("CUSTOM_NOPE"))
TOO_MUCH = RequestGroup("", {"VCPU": 99})


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param((RequestGroup("", VCPU), ASKS_NOPE), id="trait"),
        pytest.param((ASKS_NOPE, TOO_MUCH), id="before a group without solution"),
        pytest.param((RequestGroup("", {"VCPU": 99} | NOPE),), id="class"),
        pytest.param(
            (RequestGroup("", NOPE, member_of=of_all("ghost")),),
            id="class before aggregate",
        ),
        pytest.param(
            (RequestGroup("", VCPU, forbidden=frozenset(NOPE), in_tree="ghost"),),
            id="trait before tree",
        ),
    ],
)
def test_unknown_name_that_is_reached(groups: tuple[RequestGroup, ...]) -> None:
    with pytest.raises(UnknownNameError, match="CUSTOM_NOPE") as caught:
        candidates(cloud(GPUS), Request(groups, "none"))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param((TOO_MUCH, ASKS_NOPE), id="trait"),
        pytest.param((TOO_MUCH, RequestGroup("_A", NOPE)), id="class"),
        pytest.param(
            (replace(ASKS_NOPE, member_of=of_all("ghost")),), id="aggregate first"
        ),
    ],
)
def test_unknown_name_that_is_not_reached(groups: tuple[RequestGroup, ...]) -> None:
    assert not candidates(cloud(GPUS), Request(groups, "none"))


@pytest.mark.parametrize("group", [TOO_MUCH, RequestGroup("", VCPU)])
def test_unknown_root_trait_comes_before_all_groups(group: RequestGroup) -> None:
    request = Request((group,), root_forbidden=frozenset(NOPE))
    with pytest.raises(UnknownNameError, match="CUSTOM_NOPE"):
        candidates(cloud(GPUS), request)

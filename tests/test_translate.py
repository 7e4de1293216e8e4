"""A server spec asks Placement for what Nova would ask for, letter by letter.

The 79 recorded translations come first, then each rule by itself at its limits, then
random specs against the plain twin in ``oracle/translate.py``; the twin knows no guest
features, and Nova itself is asked about those in ``test_peer_nova_requests.py``.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nova_specs
from kilonova.errors import BadRequest, BadServerSpec, NoValidHost
from kilonova.hosts.options import Options, SchedulerSection, WorkaroundsSection
from kilonova.request.flavor import Flavor
from kilonova.request.group import Request, RequestGroup
from kilonova.request.image import Image
from kilonova.request.nova_query import nova_query
from kilonova.request.query import parse_query
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.translate import TargetNode, drafted, target, translate
from nova_corpus import cases
from oracle import translate as oracle

OPTIONS = Options()
NODE = TargetNode("11111111-0000-4000-8000-111111111111", "host1", "node1")
RECORDED = cases("resource_request")


def asked(spec: ServerSpec, options: Options = OPTIONS) -> str:
    return nova_query(translate(spec, options).request)


def small(**extra_specs: str) -> ServerSpec:
    """Return a spec of 2 CPUs and 8 MiB; underscores in keys stand for colons."""
    named = {key.replace("__", ":"): value for key, value in extra_specs.items()}
    return ServerSpec(Flavor(2, 8, name="small", extra_specs=named))


@pytest.mark.parametrize("case", RECORDED, ids=range(len(RECORDED)))
def test_recorded(case: dict[str, Any]) -> None:
    spec = nova_specs.spec(case["spec"])
    if "raises" in case:
        with pytest.raises(BadServerSpec) as caught:
            drafted(spec, case["pinning"])
        assert caught.value.nova == case["raises"]
        return
    draft = drafted(spec, case["pinning"])
    request = Request(
        groups=draft.finished(),
        group_policy=draft.group_policy,
        same_subtree=spec.same_subtree,
        root_required=spec.root_required,
        root_forbidden=spec.root_forbidden,
        limit=case["limit"],
    )
    assert nova_query(request) == case["querystring"]


def test_all_cases_are_there() -> None:
    assert len(RECORDED) == 79


@pytest.mark.parametrize(
    ("swap_mb", "disk_gb"), [(0, 15), (1, 16), (1024, 16), (1025, 17)]
)
def test_swap_is_rounded_up(swap_mb: int, disk_gb: int) -> None:
    flavor = Flavor(1, 1, root_gb=10, ephemeral_gb=5, swap_mb=swap_mb)
    assert f"DISK_GB%3A{disk_gb}%2C" in asked(ServerSpec(flavor))
    on_volume = asked(ServerSpec(flavor, is_volume_backed=True))
    assert f"DISK_GB%3A{disk_gb - 10}%2C" in on_volume


def test_no_disk_at_all() -> None:
    assert asked(small()) == "limit=1000&resources=MEMORY_MB%3A8%2CVCPU%3A2"


@pytest.mark.parametrize(
    ("key", "value", "note"),
    [
        (
            "resources:BOGUS",
            "1",
            "for a standard resource class or CUSTOM_*, got 'BOGUS'",
        ),
        ("resources1:VGPU", "-1", "a whole number from 0, got '-1'"),
        ("trait:CUSTOM_T", "preferred", "'required' or 'forbidden', got 'preferred'"),
        ("group_policy", "both", "'none' or 'isolate', got 'both'"),
    ],
)
def test_what_nova_ignores_is_noted(key: str, value: str, note: str) -> None:
    spec = ServerSpec(Flavor(2, 8, extra_specs={key: value}))
    found = translate(spec, OPTIONS)
    assert found.notes == (f"{key} must be {note}; it is ignored.",)
    assert nova_query(found.request) == asked(small())


def test_zero_takes_a_class_out() -> None:
    spec = small(resources__VCPU="0", resources__MEMORY_MB="0", resources__VGPU="1")
    assert asked(spec) == "limit=1000&resources=VGPU%3A1"


def test_a_class_in_any_group_is_not_added_again() -> None:
    spec = small(resources1__PCPU="0", resources1__VGPU="1")
    assert asked(spec) == "limit=1000&resources=MEMORY_MB%3A8&resources1=VGPU%3A1"


def port(suffix: str) -> RequestGroup:
    return RequestGroup(suffix, {"CUSTOM_BANDWIDTH": 1})


def test_policy_of_groups_from_outside() -> None:
    spec = small(resources1__VGPU="1")
    assert "group_policy" not in asked(spec)
    assert "group_policy=none" in asked(replace(spec, groups=(port("a"),)))
    of_two = small(resources1__VGPU="1", resources2__FPGA="1")
    with pytest.raises(NoValidHost, match="group_policy must be 'none' or 'isolate'"):
        translate(of_two, OPTIONS)


def test_groups_that_ask_for_nothing_count_against_the_default_policy() -> None:
    spec = small(resources1__VGPU="1", resources2__VGPU="x")
    with pytest.raises(NoValidHost, match="group_policy"):
        translate(replace(spec, groups=(port("a"),)), OPTIONS)


@pytest.mark.parametrize("suffix", ["", "1"])
def test_suffix_from_outside_must_be_new(suffix: str) -> None:
    spec = replace(small(resources1__VGPU="1"), groups=(port(suffix),))
    with pytest.raises(BadServerSpec, match="suffix") as caught:
        translate(spec, OPTIONS)
    right = "RequestGroupSuffixConflict" if suffix else "ValueError"
    assert caught.value.nova == right


@pytest.mark.parametrize("hint", ["group", "same_host", "different_host", "query"])
def test_limit_and_hints(hint: str) -> None:
    options = Options(scheduler=SchedulerSection(max_placement_results=7))
    found = translate(replace(small(), hints={hint: ("x",)}), options)
    assert found.request.limit == (7 if hint == "query" else None)


def test_target() -> None:
    spec = replace(small(), force_hosts=("host1", "host2"), force_nodes=("node1",))
    assert target(small()) is None
    assert target(spec) == ("host1", "node1")
    assert target(replace(spec, destination=Destination(host="h"))) == ("h", "node1")


def test_target_of_one_node() -> None:
    spec = replace(small(), destination=Destination(node="node1"))
    found = translate(spec, OPTIONS, [NODE])
    assert found.request.groups[0].in_tree == NODE.uuid
    assert found.spec.destination == Destination(host="host1", node="node1")
    assert found.request.limit == 1000
    assert translate(spec, OPTIONS).request.groups[0].in_tree is None


def test_target_of_two_nodes_has_no_limit() -> None:
    spec = replace(small(), force_hosts=("host1",))
    found = translate(spec, OPTIONS, [NODE, replace(NODE, nodename="node2")])
    assert found.request.limit is None
    assert found.request.groups[0].in_tree is None


def test_target_that_is_not_there() -> None:
    spec = replace(small(), force_hosts=("host1",))
    with pytest.raises(NoValidHost, match="No such host - host: host1 node: None "):
        translate(spec, OPTIONS, [])


def test_nodes_without_a_target_count_for_nothing() -> None:
    assert translate(small(), OPTIONS, [NODE]).request.groups[0].in_tree is None


def test_fallback() -> None:
    spec = small(**{"hw__cpu_policy": "dedicated", "hw__cpu_thread_policy": "isolate"})
    found = translate(spec, OPTIONS)
    assert found.fallback is not None
    assert "PCPU%3A2" in nova_query(found.request)
    assert nova_query(found.fallback) == asked(small())
    no = Options(workarounds=WorkaroundsSection(disable_fallback_pcpu_query=True))
    assert translate(spec, no).fallback is None
    mixed = small(**{"hw__cpu_policy": "mixed", "hw__cpu_dedicated_mask": "0"})
    assert translate(mixed, OPTIONS).fallback is None


def test_destination_aggregates() -> None:
    destination = Destination(
        aggregates=(frozenset("cb"), frozenset("a")),
        forbidden_aggregates=frozenset("z"),
    )
    text = asked(replace(small(), destination=destination))
    assert text == (
        "limit=1000&member_of=%21in%3Az&member_of=in%3Aa&member_of=in%3Ab%2Cc"
        "&resources=MEMORY_MB%3A8%2CVCPU%3A2"
    )


def test_features_ask_for_resources_and_traits() -> None:
    spec = small(
        **{
            "hw__mem_encryption": "yes",
            "hw__pmem": "4GB,4gb, -x",
            "hw__tpm_version": "2.0",
            "hw__pci_numa_affinity_policy": "socket",
            "os__secure_boot": "required",
            "hw__maxphysaddr_mode": "emulate",
        }
    )
    image = Image({"hw_firmware_type": "uefi", "hw_firmware_stateless": True})
    (group,) = translate(replace(spec, image=image), OPTIONS).request.groups
    assert dict(group.resources) == {
        "CUSTOM_PMEM_NAMESPACE_4GB": 2,
        "CUSTOM_PMEM_NAMESPACE_X": 1,
        "MEM_ENCRYPTION_CONTEXT": 1,
        "MEMORY_MB": 8,
        "VCPU": 2,
    }
    assert frozenset[str]().union(*group.required) == {
        "COMPUTE_ADDRESS_SPACE_EMULATED",
        "COMPUTE_SECURITY_STATELESS_FIRMWARE",
        "COMPUTE_SECURITY_TPM_2_0",
        "COMPUTE_SECURITY_TPM_TIS",
        "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
        "COMPUTE_SOCKET_PCI_NUMA_AFFINITY",
        "HW_CPU_X86_AMD_SEV",
    }


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (small(trait2__CUSTOM_T="required"), "resources2 must be given"),
        (small(resources__VCPU="2147483648"), "must be at most 2147483647"),
        (
            replace(
                small(), root_required=frozenset("T"), root_forbidden=frozenset("T")
            ),
            "T",
        ),
    ],
    ids=["traits only", "too many", "root"],
)
def test_what_placement_refuses(spec: ServerSpec, why: str) -> None:
    with pytest.raises(NoValidHost, match=f"Placement refuses .*{why}"):
        translate(spec, OPTIONS)


POLICIES = st.sampled_from(
    [
        {},
        {},
        {"hw:cpu_policy": "dedicated"},
        {"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"},
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"},
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^1,^2"},
        {
            "hw:cpu_policy": "mixed",
            "hw:cpu_dedicated_mask": "0,3",
            "hw:emulator_threads_policy": "isolate",
        },
        {"hw:cpu_thread_policy": "require", "hw:cpu_policy": "shared"},
    ]
)
KEYS = st.builds(
    "{}{}:{}".format,
    st.sampled_from(["resources", "resources", "trait", "traits", "resource"]),
    st.sampled_from(["", "", "1", "2", "_A", "*", "x" * 64, "x" * 65]),
    st.sampled_from(
        ["VCPU", "PCPU", "MEMORY_MB", "DISK_GB", "VGPU", "CUSTOM_A", "BAD"]
    ),
)
VALUES = st.sampled_from(["0", "1", "2", " 3 ", "-1", "x", "required", "forbidden", ""])
UUID = st.sampled_from([f"{d * 8}-0000-4000-8000-{d * 12}" for d in "1234"])


CLAUSES = st.lists(st.frozensets(UUID, min_size=1), max_size=2)


@st.composite
def groups(draw: st.DrawFn, suffix: str) -> RequestGroup:
    return RequestGroup(
        suffix,
        {"CUSTOM_B": draw(st.integers(0, 2))},
        required=draw(st.sampled_from([(), (frozenset(["CUSTOM_T"]),)])),
        member_of=tuple(draw(CLAUSES)),
    )


@st.composite
def specs(draw: st.DrawFn) -> ServerSpec:
    """Draw a spec with amounts at 0 and 1, where classes come and go."""
    extra = draw(st.dictionaries(KEYS, VALUES, max_size=5)) | draw(POLICIES)
    if draw(st.booleans()):
        extra["group_policy"] = draw(st.sampled_from(["none", "isolate", "x"]))
    flavor = Flavor(
        4,
        draw(st.integers(0, 1)),
        root_gb=draw(st.integers(0, 1)),
        ephemeral_gb=draw(st.integers(0, 1)),
        swap_mb=draw(st.sampled_from([0, 1, 1024, 1025])),
        extra_specs=extra,
    )
    suffixes = draw(st.lists(st.sampled_from(["a", "b", "zz"]), unique=True))
    clauses = draw(CLAUSES)
    return ServerSpec(
        flavor,
        groups=tuple(draw(groups(suffix)) for suffix in suffixes),
        is_volume_backed=draw(st.booleans()),
        hints={"group": ("g",)} if draw(st.booleans()) else {},
        destination=Destination(node="node1", aggregates=tuple(clauses)),
    )


@settings(max_examples=600)
@given(specs(), st.booleans())
def test_same_as_twin(spec: ServerSpec, located: bool) -> None:
    nodes = [NODE] if located else None
    expected = oracle.query(spec, 1000, NODE.uuid if located else None)
    try:
        found = translate(spec, OPTIONS, nodes)
    except NoValidHost:
        # The reasons are checked above; here only that there is one.
        with pytest.raises(BadRequest):
            parse_query(expected)
        return
    assert nova_query(found.request) == expected
    # What Placement reads is what candidates are looked for with, order included.
    assert parse_query(expected) == found.request

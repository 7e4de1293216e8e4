"""A guest gets the NUMA cells that Nova would give it, or Nova's exception by name.

The 36 recorded cases come first, then single settings at their limits; random guests
are compared with the twin in ``oracle/numa_cells.py``, which counts CPU by CPU.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nova_specs
from kilonova.errors import BadServerSpec
from kilonova.request.cpu_spec import parse_cpu_spec
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.numa_constraints import numa_constraints
from kilonova.request.topology import GuestCell, GuestTopology
from nova_corpus import cases
from oracle import numa_cells as oracle

RECORDED = cases("numa_constraints")


def cells_of(
    extra_specs: dict[str, str], properties: Mapping[str, object] | None = None
) -> GuestTopology | None:
    """Return the cells of a guest of 4 CPUs and 1024 MiB."""
    return numa_constraints(
        Flavor(4, 1024, extra_specs=extra_specs), Image(properties or {})
    )


def refusal(
    extra_specs: dict[str, str], properties: Mapping[str, object] | None = None
) -> BadServerSpec:
    with pytest.raises(BadServerSpec) as caught:
        cells_of(extra_specs, properties)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("case", RECORDED, ids=range(len(RECORDED)))
def test_recorded(case: dict[str, Any]) -> None:
    flavor = nova_specs.flavor(case["args"]["flavor"])
    image = nova_specs.image(case["args"]["image_meta"])
    if "raises" in case:
        with pytest.raises(BadServerSpec) as caught:
            numa_constraints(flavor, image)
        assert caught.value.nova == case["raises"]
    else:
        expected = nova_specs.topology(case["result"])
        assert numa_constraints(flavor, image) == expected


def test_all_cases_are_there() -> None:
    assert len(RECORDED) == 36


@pytest.mark.parametrize(
    ("text", "size_kb"),
    [
        ("small", -1),
        ("large", -2),
        ("any", -3),
        ("2048", 2048),
        ("2MB", 2048),
        ("2Mib", 256),
        ("2 MB", None),
        ("1GiB", 1048576),
        ("1Gb", 131072),
        ("1.5KB", 1),
        (".5MB", 512),
        ("8bit", 0),
    ],
)
def test_page_sizes(text: str, size_kb: int | None) -> None:
    if size_kb is None:
        assert refusal({"hw:mem_page_size": text}).nova == "MemoryPageSizeInvalid"
        return
    found = cells_of({"hw:mem_page_size": text})
    assert found is not None
    assert [cell.pagesize_kb for cell in found.cells] == [size_kb]


def test_page_size_zero_asks_for_nothing() -> None:
    assert cells_of({"hw:mem_page_size": "0"}) is None


def test_image_chooses_only_among_many_page_sizes() -> None:
    small = {"hw_mem_page_size": "2MB"}
    found = cells_of({"hw:mem_page_size": "large"}, small)
    assert found is not None
    assert found.cells[0].pagesize_kb == 2048
    for extra_specs in ({"hw:mem_page_size": "small"}, {}):
        error = refusal(extra_specs, small)
        assert error.nova == "MemoryPageSizeForbidden"


def test_persistent_memory_needs_a_cell() -> None:
    found = cells_of({"hw:pmem": "A"})
    assert found == GuestTopology((GuestCell(0, frozenset(range(4)), memory_mb=1024),))
    assert cells_of({"hw:pmem": " , "}) is None


def test_realtime_and_emulator_threads() -> None:
    extra = {"hw:cpu_policy": "dedicated", "hw:cpu_realtime": "yes"}
    assert refusal(extra).nova == "RealtimeMaskNotFoundOrInvalid"
    found = cells_of({**extra, "hw:emulator_threads_policy": "share"})
    assert found is not None
    assert found.emulator_threads_policy == "share"


def test_hyperthreading_trait_is_a_thread_policy() -> None:
    pinned = {"hw:cpu_policy": "dedicated"}
    for value, policy in (("forbidden", "isolate"), ("required", "require")):
        found = cells_of({**pinned, "trait:HW_CPU_HYPERTHREADING": value})
        assert found is not None
        assert found.cells[0].cpu_thread_policy == policy
    of_image = cells_of(pinned, {"traits_required": ["HW_CPU_HYPERTHREADING"]})
    assert of_image is not None
    assert of_image.cells[0].cpu_thread_policy == "require"
    both = {
        **pinned,
        "hw:cpu_thread_policy": "prefer",
        "trait:HW_CPU_HYPERTHREADING": "x",
    }
    assert refusal(both).nova == "InvalidRequest"


@pytest.mark.parametrize(
    ("extra_specs", "nova", "names"),
    [
        ({"hw:cpu_policy": "Mixed"}, "InvalidCPUAllocationPolicy", "'Mixed'"),
        ({"hw:cpu_thread_policy": "x"}, "InvalidCPUThreadAllocationPolicy", "'x'"),
        ({"hw:emulator_threads_policy": "x"}, "InvalidEmulatorThreadsPolicy", "'x'"),
        (
            {"hw:emulator_threads_policy": "isolate"},
            "BadRequirementEmulatorThreadsPolicy",
            "hw:cpu_policy",
        ),
        (
            {"hw:cpu_thread_policy": "isolate"},
            "CPUThreadPolicyConfigurationInvalid",
            "hw:cpu_policy",
        ),
        ({"hw:locked_memory": "yes"}, "LockMemoryForbidden", "hw:mem_page_size"),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "1-"}, "Invalid", "'1-'"),
        ({"hw:numa_nodes": "02"}, "InvalidNUMANodesNumber", "'02'"),
        ({"hw:numa_nodes": "1", "hw:numa_mem.0": "x"}, "ValueError", "hw:numa_mem.0"),
        ({"resources:PCPU": "3"}, "InvalidRequest", "must be 4"),
        (
            {"hw:cpu_policy": "shared", "resources:VCPU": "4"},
            "InvalidRequest",
            "VCPU 4",
        ),
        ({"hw:mem_encryption": "yes"}, "FlavorImageConflict", "hw_firmware_type"),
    ],
)
def test_refusals(extra_specs: dict[str, str], nova: str, names: str) -> None:
    error = refusal(extra_specs)
    assert error.nova == nova
    assert names in str(error)


def test_locked_memory_of_flavor_and_image() -> None:
    extra = {"hw:locked_memory": "no", "hw:mem_page_size": "any"}
    error = refusal(extra, {"hw_locked_memory": True})
    assert error.nova == "FlavorImageLockedMemoryConflict"


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0-3,^2", {0, 1, 3}),
        (" 1 , 3-3,,", {1, 3}),
        ("^1-2,0-3", {0, 3}),
        ("^0", set()),
        ("3-1", None),
        ("^^1", None),
        ("-1", None),
        ("a", None),
        ("0-99999999999", None),
    ],
)
def test_cpu_specs(text: str, cpus: set[int] | None) -> None:
    if cpus is None:
        with pytest.raises(BadServerSpec, match="mask must be CPUs like"):
            parse_cpu_spec("mask", text)
    else:
        assert parse_cpu_spec("mask", text) == cpus


PARTS = st.lists(st.frozensets(st.integers(0, 4), min_size=1), max_size=3)


@st.composite
def split_evenly(
    draw: st.DrawFn, memory_mb: int
) -> tuple[tuple[frozenset[int], ...], tuple[int, ...]]:
    """Draw cells that nearly fit a guest of 4 CPUs."""
    owner = draw(st.lists(st.integers(0, 1), min_size=4, max_size=4))
    slip = draw(st.sampled_from([None, None, None, 0, 3, 4, 4]))
    parts = [{cpu for cpu in range(4) if owner[cpu] == n} for n in range(2)]
    if slip is not None:
        parts[0] ^= {slip}
    memory = draw(st.integers(0, memory_mb))
    extra = draw(st.sampled_from([0, 0, 0, 1, -1]))
    return tuple(map(frozenset, parts)), (memory, memory_mb - memory + extra)


@st.composite
def wishes(draw: st.DrawFn) -> oracle.Wish:
    memory_mb = draw(st.sampled_from([6, 8, 9]))
    cpus: tuple[frozenset[int], ...] = ()
    memory: tuple[int, ...] = ()
    if draw(st.booleans()):
        cpus, memory = draw(split_evenly(memory_mb))
    elif draw(st.integers(0, 9)) == 0:
        cpus = tuple(draw(PARTS))
    mask = draw(st.frozensets(st.integers(0, 4)) | st.just(frozenset[int]()))
    policy = draw(st.sampled_from(["mixed", "dedicated", "shared", None]))
    fitting = draw(st.booleans())
    return oracle.Wish(
        vcpus=4,
        memory_mb=memory_mb,
        policy="mixed" if mask and fitting else policy,
        dedicated=mask,
        nodes=draw(st.sampled_from([None, 0, 1, 2, 2, 2, 2, 2, 3, 4, 8])),
        page_size=draw(st.sampled_from([None, None, 4])),
        cpus=cpus,
        memory=memory,
    )


def extra_specs_of(wish: oracle.Wish) -> dict[str, str]:
    """Write a wish as a user would."""
    found = {f"hw:numa_mem.{n}": str(mb) for n, mb in enumerate(wish.memory)}
    for number, part in enumerate(wish.cpus):
        found[f"hw:numa_cpus.{number}"] = ",".join(map(str, sorted(part)))
    for key, value in (
        ("hw:cpu_policy", wish.policy),
        ("hw:cpu_dedicated_mask", ",".join(map(str, wish.dedicated)) or None),
        ("hw:numa_nodes", wish.nodes),
        ("hw:mem_page_size", wish.page_size),
    ):
        if value is not None:
            found[key] = str(value)
    return found


@settings(max_examples=600)
@given(wishes())
def test_same_as_twin(wish: oracle.Wish) -> None:
    flavor = Flavor(wish.vcpus, wish.memory_mb, extra_specs=extra_specs_of(wish))
    expected = oracle.cells(wish)
    if isinstance(expected, str):
        with pytest.raises(BadServerSpec) as caught:
            numa_constraints(flavor, Image())
        assert caught.value.nova == expected
        return
    topology = numa_constraints(flavor, Image())
    found = topology and [
        (cell.number, set(cell.cpuset), set(cell.pcpuset), cell.memory_mb)
        for cell in topology.cells
    ]
    assert found == expected

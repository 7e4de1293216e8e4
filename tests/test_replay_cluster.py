"""A recorded cluster in Placement's terms: providers, traits, request groups."""

import pytest

from kilonova.hosts.devices import Demand
from kilonova.replay import cluster
from kilonova.replay.trace import Asked, Machine
from kilonova.request.group import RequestGroup

KNOWN = frozenset({"CUSTOM_GPU_T4", "CUSTOM_GPU_G2"})


def test_machine_is_a_tree() -> None:
    """A root with CPU and memory, and a child for each GPU.

    a               VCPU 6000, MEMORY_MB 512, CUSTOM_GPU_V100M32
    +-- a:gpu0      CUSTOM_GPU_MILLI 1000
    +-- a:gpu1      CUSTOM_GPU_MILLI 1000
    """
    cloud = cluster.build_cloud((Machine(3, "a", 6000, 512, 2, "V100M32"),))
    rows = cloud.to_document()["providers"]
    assert [(row["name"], row["parent"], row["traits"]) for row in rows] == [
        ("a", None, ["CUSTOM_GPU_V100M32"]),
        ("a:gpu0", "a", []),
        ("a:gpu1", "a", []),
    ]
    offers = [{c: i["total"] for c, i in row["inventories"].items()} for row in rows]
    device = {"CUSTOM_GPU_MILLI": 1000}
    assert offers == [{"VCPU": 6000, "MEMORY_MB": 512}, device, device]


@pytest.mark.parametrize(
    ("model", "trait"),
    [
        ("T4", "CUSTOM_GPU_T4"),
        ("v100-sxm2 32", "CUSTOM_GPU_V100_SXM2_32"),
        ("é", "CUSTOM_GPU__"),
    ],
)
def test_model_trait(model: str, trait: str) -> None:
    assert cluster.model_trait(model) == trait


def plain(*models: str, **resources: int) -> RequestGroup:
    clauses = (frozenset(models),) if models else ()
    return RequestGroup("", resources, clauses)


def gpu(number: int, milli: int) -> RequestGroup:
    return RequestGroup(f"_GPU{number}", {"CUSTOM_GPU_MILLI": milli})


@pytest.mark.parametrize(
    ("asked", "groups", "policy"),
    [
        pytest.param(
            Asked(500, 64, 0, 0, ""), [plain(VCPU=500, MEMORY_MB=64)], None, id="no GPU"
        ),
        pytest.param(
            Asked(500, 0, 1, 250, ""), [plain(VCPU=500), gpu(0, 250)], None, id="share"
        ),
        pytest.param(
            Asked(0, 64, 1, 1000, "T4"),
            [plain("CUSTOM_GPU_T4", MEMORY_MB=64), gpu(0, 1000)],
            None,
            id="one of a model",
        ),
        pytest.param(
            Asked(1, 0, 2, 1000, "T4|G2|T4"),
            [
                plain("CUSTOM_GPU_T4", "CUSTOM_GPU_G2", VCPU=1),
                gpu(0, 1000),
                gpu(1, 1000),
            ],
            "isolate",
            id="two of two models",
        ),
        pytest.param(
            Asked(1, 0, 1, 9, "T4|nowhere"),
            [plain("CUSTOM_GPU_T4", VCPU=1), gpu(0, 9)],
            None,
            id="a model that no machine has",
        ),
        pytest.param(
            Asked(1, 0, 0, 0, "T4"), [plain(VCPU=1)], None, id="a model and no GPU"
        ),
    ],
)
def test_request(asked: Asked, groups: list[RequestGroup], policy: str | None) -> None:
    request = cluster.build_request(asked, KNOWN)
    assert list(request.groups) == groups
    assert request.group_policy == policy


def test_only_models_that_no_machine_has() -> None:
    """A clause must name some trait: one that the machines of no trace have."""
    request = cluster.build_request(Asked(1, 0, 1, 9, "nowhere"), KNOWN)
    (clause,) = request.groups[0].required
    assert clause == {"MISC_SHARES_VIA_AGGREGATE"}
    cloud = cluster.build_cloud((Machine(0, "a", 1, 1, 1, "T4"),))
    assert not list(cloud.allocation_candidates(request))


def test_demand_keeps_the_text_of_the_models() -> None:
    """Typical requests are told apart by it, though both allow the same."""
    demands = [cluster.demand_of(Asked(1, 5, 1, 9, m), KNOWN) for m in ("T4", "T4|T4")]
    allowed = frozenset({"CUSTOM_GPU_T4"})
    assert demands == [
        Demand(1, 9, 1, allowed, "T4"),
        Demand(1, 9, 1, allowed, "T4|T4"),
    ]

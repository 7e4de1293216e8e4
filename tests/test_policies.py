"""The register of weighers: names as users write them, numbers as kernels know them."""

from collections.abc import Iterator

import pytest

from kilonova.errors import UnknownPolicy
from kilonova.hosts import policies
from kilonova.hosts.policies import Weigher
from kilonova_kernels import packing
from oracle import openb


@pytest.fixture
def register() -> Iterator[dict[str, Weigher]]:
    """Let a test register weighers, and forget them afterwards."""
    before = dict(policies._REGISTERED)
    yield policies._REGISTERED
    policies._REGISTERED.clear()
    policies._REGISTERED.update(before)


def test_published_policies_are_registered() -> None:
    assert {w.name for w in policies.registered()} == set(openb.POLICIES)
    assert [w.name for w in policies.registered() if w.drawn] == ["Random"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Random", packing.RANDOM),
        ("DotProd", packing.DOT_PRODUCT),
        ("GpuClustering", packing.GPU_CLUSTERING),
        ("GpuPacking", packing.GPU_PACKING),
        ("BestFit", packing.BEST_FIT),
        ("FGD", packing.FGD),
    ],
)
def test_numbers_are_those_of_the_kernels(name: str, number: int) -> None:
    assert policies.find(name).number == number


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("bestfit", "Did you mean 'BestFit'?", id="other case"),
        pytest.param("BestFti", "Did you mean 'BestFit'?", id="typing error"),
        pytest.param("fgd ", "Did you mean 'FGD'?", id="blank"),
        pytest.param("", "GpuPacking, BestFit, FGD.", id="empty"),
        pytest.param("zzz", "GpuPacking, BestFit, FGD.", id="far from all"),
    ],
)
def test_unknown_policy_lists_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(UnknownPolicy) as error:
        policies.find(name)
    known = "Known: Random, DotProd, GpuClustering, GpuPacking, BestFit, FGD."
    assert str(error.value).startswith(f"Unknown policy {name!r}. {known}")
    assert str(error.value).endswith(hint)


def test_last_registered_of_a_name_stays(register: dict[str, Weigher]) -> None:
    own = policies.register(Weigher("FGD", policies.BEST_FIT.number, "something else"))
    assert policies.find("FGD") is own
    assert [w.name for w in policies.registered()].count("FGD") == 1
    assert register["FGD"] is own

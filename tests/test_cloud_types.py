"""Arguments of a wrong type: one clear error each, and the cloud as it was.

A bare text where a list of names is meant is the treacherous one: it is a list of its
letters.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kilonova import Cloud
from kilonova.errors import BadInput

Act = Callable[[Any, Any], Any]


def host() -> Any:
    cloud = Cloud()
    cloud.add_provider("h", inventories={"VCPU": {"total": 8}})
    cloud.add_provider("d", "h", traits=["HW_CPU_X86_AVX2"], aggregates=["g"])
    cloud.claim("k", {"h": {"VCPU": 1}})
    return cloud


WHERE_A_NAME_IS_MEANT: dict[str, Act] = {
    "parent": lambda c, x: c.add_provider("n", x),
    "name": lambda c, x: c.add_provider(x),
    "uuid": lambda c, x: c.add_provider("n", uuid=x),
    "remove_provider": lambda c, x: c.remove_provider(x),
    "rename_provider": lambda c, x: c.rename_provider(x, "n"),
    "new name": lambda c, x: c.rename_provider("h", x),
    "set_parent": lambda c, x: c.set_parent(x, None),
    "new parent": lambda c, x: c.set_parent("d", x),
    "set_inventories": lambda c, x: c.set_inventories(x, {}),
    "set_inventory": lambda c, x: c.set_inventory(x, "VCPU", {"total": 1}),
    "class": lambda c, x: c.set_inventory("h", x, {"total": 1}),
    "remove_inventory": lambda c, x: c.remove_inventory(x, "VCPU"),
    "set_traits": lambda c, x: c.set_traits(x, []),
    "trait": lambda c, x: c.set_traits("h", [x]),
    "set_aggregates": lambda c, x: c.set_aggregates(x, []),
    "aggregate": lambda c, x: c.set_aggregates("h", [x]),
    "add_resource_class": lambda c, x: c.add_resource_class(x),
    "remove_resource_class": lambda c, x: c.remove_resource_class(x),
    "add_trait": lambda c, x: c.add_trait(x),
    "remove_trait": lambda c, x: c.remove_trait(x),
    "generation": lambda c, x: c.generation(x),
    "inventories": lambda c, x: c.inventories(x),
    "usages": lambda c, x: c.usages(x),
    "claim": lambda c, x: c.claim(x, {"h": {"VCPU": 1}}),
    "release": lambda c, x: c.release(x),
    "move": lambda c, x: c.move(x, "n"),
    "target": lambda c, x: c.move("k", x),
    "allocations": lambda c, x: c.allocations(x),
    "host": lambda c, x: c.explain("resources=VCPU:1", x),
    "hosts": lambda c, x: c.allocation_candidates("resources=VCPU:1", hosts=[x]),
}


@pytest.mark.parametrize("name", [5, 1.5, b"h", ("h",), ["h"], object(), np.int64(0)])
@pytest.mark.parametrize(
    "act", WHERE_A_NAME_IS_MEANT.values(), ids=[*WHERE_A_NAME_IS_MEANT]
)
def test_names_must_be_text(act: Act, name: object) -> None:
    cloud = host()
    before = cloud.to_document()
    with pytest.raises(BadInput, match=r"text|standard one or CUSTOM_"):
        act(cloud, name)
    assert cloud.to_document() == before


WHERE_NAMES_ARE_MEANT: dict[str, Act] = {
    "traits": lambda c, x: c.set_traits("h", x),
    "aggregates": lambda c, x: c.set_aggregates("h", x),
    "traits of a new one": lambda c, x: c.add_provider("n", traits=x),
    "aggregates of a new one": lambda c, x: c.add_provider("n", aggregates=x),
    "hosts": lambda c, x: c.allocation_candidates("resources=VCPU:1", hosts=x),
}


@pytest.mark.parametrize("names", ["HW_CPU_X86_AVX2", "h", "", b"h", 5])
@pytest.mark.parametrize(
    "act", WHERE_NAMES_ARE_MEANT.values(), ids=[*WHERE_NAMES_ARE_MEANT]
)
def test_names_must_come_in_a_list(act: Act, names: object) -> None:
    cloud = host()
    before = cloud.to_document()
    with pytest.raises(BadInput, match="must come in a list"):
        act(cloud, names)
    assert cloud.to_document() == before


@pytest.mark.parametrize("given", [["VCPU"], "VCPU", 5, [("VCPU", {"total": 1})]])
def test_inventories_must_be_an_object(given: Any) -> None:
    cloud = host()
    with pytest.raises(BadInput, match="Inventories must be an object"):
        cloud.set_inventories("h", given)
    with pytest.raises(BadInput, match="Inventories must be an object"):
        cloud.add_provider("n", inventories=given)
    assert list(cloud.inventories("h")) == ["VCPU"]


@pytest.mark.parametrize("request_", [5, None, b"resources=VCPU:1", ["resources"]])
def test_a_request_must_be_one(request_: Any) -> None:
    for ask in (host().allocation_candidates, host().explain, host().headroom):
        with pytest.raises(BadInput, match="must be a Request or a query string"):
            ask(request_)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_whole_numbers_of_numpy(kind: Any) -> None:
    cloud = host()
    limits = {"total": kind(9), "reserved": kind(1), "max_unit": kind(4)}
    cloud.set_inventory("h", "VCPU", {**limits, "allocation_ratio": np.float32(2)})
    cloud.claim("k", {"h": {"VCPU": kind(3)}})
    offer = cloud.inventories("h")["VCPU"]
    assert offer == (9, 1, 1, 4, 1, 2.0)
    assert [*map(type, offer)] == [int] * 5 + [float]
    assert cloud.usages("h") == {"VCPU": 3}
    assert Cloud.from_document(cloud.to_document()).to_document() == cloud.to_document()


@pytest.mark.parametrize(
    "total",
    [np.int64(0), np.int64(2**31), np.float64(4), np.bool_(True), np.array([4])],
)
def test_numbers_of_numpy_that_are_refused(total: Any) -> None:
    with pytest.raises(BadInput, match="total must be"):
        host().set_inventory("h", "VCPU", {"total": total})

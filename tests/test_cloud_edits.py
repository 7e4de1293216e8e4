"""Edits that Placement refuses, and what each edit does to generations and journal.

Random sequences are in ``test_cloud_machine.py``, and against Placement itself in
``test_cloud_peer.py``; here are the named cases.
"""

from collections.abc import Callable
from typing import Any

import pytest

from kilonova.candidates.cloud import Cloud
from kilonova.errors import (
    BadInput,
    Conflict,
    GenerationConflict,
    InUse,
    NotFound,
    UnknownProvider,
    UnknownResourceClass,
    UnknownTrait,
)
from kilonova_kernels.claims import record_change

UUID = "0f0e0d0c-0b0a-0908-0706-050403020100"
Edit = Callable[[Cloud], Any]


def sample() -> Cloud:
    """Make two trees.

    a               VCPU: 8 (k holds 1), CUSTOM_A: 4, CUSTOM_T
    +-- b
        +-- c (UUID)
    d
    """
    cloud = Cloud()
    cloud.add_resource_class("CUSTOM_A")
    cloud.add_trait("CUSTOM_T")
    offers = {"VCPU": {"total": 8}, "CUSTOM_A": {"total": 4}}
    cloud.add_provider("a", inventories=offers, traits=["CUSTOM_T"], aggregates=["g"])
    cloud.add_provider("b", "a")
    cloud.add_provider("c", "b", uuid=UUID)
    cloud.add_provider("d")
    cloud.claim("k", {"a": {"VCPU": 1}})
    return cloud


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda c: c.remove_provider("b"), InUse),
        (lambda c: c.remove_provider("nobody"), UnknownProvider),
        (lambda c: c.remove_inventory("a", "VCPU"), InUse),
        (lambda c: c.remove_inventory("a", "DISK_GB"), NotFound),
        (lambda c: c.set_inventories("a", {"CUSTOM_A": {"total": 4}}), InUse),
        (
            lambda c: c.set_inventory("a", "CUSTOM_X", {"total": 1}),
            UnknownResourceClass,
        ),
        (lambda c: c.set_inventory("a", "VCPU", {"total": 0}), BadInput),
        (lambda c: c.set_inventories("a", {}, generation=0), GenerationConflict),
        (lambda c: c.set_traits("a", ["CUSTOM_X"]), UnknownTrait),
        (lambda c: c.set_traits("a", [], generation=2), GenerationConflict),
        (lambda c: c.set_aggregates("a", [""]), BadInput),
        (lambda c: c.set_aggregates("a", ["h"], generation=2), GenerationConflict),
        (lambda c: c.add_provider("a"), Conflict),
        (lambda c: c.add_provider("e", uuid=UUID), Conflict),
        (lambda c: c.add_provider(UUID), Conflict),
        (lambda c: c.add_provider("e", uuid="a"), Conflict),
        (lambda c: c.add_provider("e", uuid=""), BadInput),
        (lambda c: c.add_provider(""), BadInput),
        (lambda c: c.add_provider("e" * 201), BadInput),
        (lambda c: c.add_provider("e", "nobody"), UnknownProvider),
        (lambda c: c.add_provider("e", aggregates=["h", ""]), BadInput),
        (lambda c: c.rename_provider("a", "d"), Conflict),
        (lambda c: c.rename_provider("a", UUID), Conflict),
        (lambda c: c.rename_provider("a", ""), BadInput),
        (lambda c: c.set_parent("a", UUID), BadInput),
        (lambda c: c.set_parent("a", "a"), BadInput),
        (lambda c: c.set_parent("b", "d", may_reparent=False), BadInput),
        (lambda c: c.set_parent("b", None, may_reparent=False), BadInput),
        (lambda c: c.set_parent("b", "nobody"), UnknownProvider),
        (lambda c: c.remove_resource_class("CUSTOM_A"), InUse),
        (lambda c: c.remove_resource_class("VCPU"), BadInput),
        (lambda c: c.remove_resource_class("CUSTOM_X"), UnknownResourceClass),
        (lambda c: c.remove_trait("CUSTOM_T"), InUse),
        (lambda c: c.remove_trait("COMPUTE_NODE"), BadInput),
        (lambda c: c.remove_trait("CUSTOM_X"), UnknownTrait),
        (lambda c: c.add_resource_class("CUSTOM_"), BadInput),
        (lambda c: c.add_trait("custom"), BadInput),
    ],
)
def test_refused_and_nothing_changed(edit: Edit, error: type[Exception]) -> None:
    cloud = sample()
    before, writes = cloud.to_document(), int(cloud.state.counters[0])
    with pytest.raises(error) as caught:
        edit(cloud)
    assert type(caught.value) is error
    assert cloud.to_document() == before
    assert cloud.state.counters[0] == writes


@pytest.mark.parametrize(
    ("edit", "bumps"),
    [
        pytest.param(lambda c: c.set_traits("a", ["CUSTOM_T"]), 0, id="same traits"),
        pytest.param(lambda c: c.set_traits("a", []), 1, id="other traits"),
        pytest.param(lambda c: c.set_aggregates("a", ["g"]), 1, id="same aggregates"),
        pytest.param(
            lambda c: c.set_inventories("a", c.inventories("a")),
            1,
            id="same inventories",
        ),
        pytest.param(
            lambda c: c.set_inventory("a", "VCPU", {"total": 1}),
            1,
            id="capacity is use",
        ),
        pytest.param(lambda c: c.remove_inventory("a", "CUSTOM_A"), 1, id="one less"),
        pytest.param(lambda c: c.rename_provider("a", "x"), 0, id="name"),
        pytest.param(lambda c: c.set_parent("a", "d"), 0, id="parent"),
    ],
)
def test_generations(edit: Edit, bumps: int) -> None:
    cloud = sample()
    edit(cloud)
    name = "a" if cloud.state.find_provider("a") >= 0 else "x"
    assert cloud.generation(name) == 1 + bumps
    assert cloud.generation("b") == cloud.generation("d") == 0


def test_usage_stays_where_capacity_falls_below_it() -> None:
    cloud = sample()
    cloud.claim("k", {"a": {"VCPU": 8}})
    cloud.set_inventories("a", {"VCPU": {"total": 4}})
    assert cloud.usages("a") == {"VCPU": 8}
    assert cloud.state.index().largest.tolist() == [0]


def test_journal_names_trees_until_rows_move() -> None:
    cloud = sample()
    state = cloud.state
    stamp = int(state.counters[0])
    cloud.set_traits("c", ["CUSTOM_T"])
    cloud.claim("k2", {"a": {"CUSTOM_A": 1}})
    cloud.set_aggregates("d", ["g"])
    changed = state.journal_since(stamp)
    assert changed is not None
    assert changed.tolist() == [0, 0, 3]
    cloud.add_provider("e")
    assert state.journal_since(stamp) is None
    late = int(state.counters[0])
    assert state.journal_since(late) is not None


def test_python_notes_a_tree_as_kernels_do() -> None:
    by_kernel, by_python = sample().state, sample().state
    for row in range(4):
        record_change(by_kernel.columns(), row)
        by_python.note(row)
    assert by_kernel.counters.tolist() == by_python.counters.tolist()
    assert by_kernel.journal.tolist() == by_python.journal.tolist()
    changed = [each.tables.provider["changed"] for each in (by_kernel, by_python)]
    assert changed[0].tolist() == changed[1].tolist()


def test_journal_grows_with_the_trees_and_forgets() -> None:
    cloud = sample()
    state = cloud.state
    stamps = [int(state.counters[0])]
    rows = 2 * len(state.journal)
    document = {"providers": [{"name": f"n{row}"} for row in range(rows)]}
    large = Cloud.from_document(document).state
    assert len(large.index().roots) == len(large.journal) == rows
    assert large.journal_since(0) is None
    for _ in range(len(state.journal) + 1):
        cloud.set_aggregates("d", ["g"])
        stamps.append(int(state.counters[0]))
    assert state.journal_since(stamps[0]) is None
    assert state.journal_since(stamps[1]) is not None

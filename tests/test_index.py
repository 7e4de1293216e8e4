"""The index that edits bring up to date is the one that is made anew.

Method: random edits at random places, most of them at the end, which nobody looks at in
between; now and then the index is compared with one made of the tables as they are, and
what is found of names with a list of them.
"""

import random

import numpy as np
import pytest

from kilonova.candidates.cloud import Cloud
from kilonova.cloud.copies import copied
from kilonova.cloud.index import Index
from kilonova.cloud.state import State

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "CUSTOM_A", "CUSTOM_Z")
STEPS = 60


def same(state: State) -> None:
    """Compare the index with one made anew."""
    fresh = Index.of(state.tables, len(state.resource_classes))
    kept = state.index()
    for name in Index.__slots__:
        one, other = getattr(kept, name), getattr(fresh, name)
        # A class that came after the last inventory did has no place yet.
        assert np.array_equal(one, other[: len(one)]), name
        assert one.dtype == other.dtype == np.int32
    assert state.index() is kept
    assert len(state.journal) >= len(kept.roots)


class Drawn:
    """Random edits of one cloud."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.cloud = Cloud()
        self.names: list[str] = []
        self.count = 0

    def some(self) -> str:
        """Give a provider, often one of the last."""
        if self.random.random() < 0.6:
            return self.names[-self.random.randint(1, min(3, len(self.names)))]
        return self.random.choice(self.names)

    def step(self) -> None:
        """Make one edit."""
        edits = (self.add, self.remove, self.replace, self.claim, self.drop)
        edit = self.random.choices(edits, (8, 4, 3, 3, 2))[0]
        if self.names or edit == self.add:
            edit()

    def add(self) -> None:
        """Add a provider: a root, or below another one."""
        self.count += 1
        name = f"provider {self.count}"
        below = self.random.random() < 0.4 and self.names
        offers = self.random.sample(CLASSES[: 3 + 2 * (self.count > 8)], 2)
        for each in offers:
            if each.startswith("CUSTOM_"):
                self.cloud.add_resource_class(each)
        inventories = {each: {"total": 5} for each in offers}
        self.cloud.add_provider(
            name, self.some() if below else None, inventories=inventories
        )
        self.names.append(name)

    def remove(self) -> None:
        """Remove a provider that nothing hangs on."""
        name = self.some()
        state = self.cloud.state
        row = state.find_provider(name)
        is_leaf = state.tables.provider["subtree_end"][row] == row + 1
        if is_leaf and not any(self.cloud.usages(name).values()):
            self.cloud.remove_provider(name)
            self.names.remove(name)

    def replace(self) -> None:
        """Let a provider offer other classes."""
        name = self.some()
        classes = self.random.sample(CLASSES[:3], self.random.randint(1, 3))
        used = [each for each, n in self.cloud.usages(name).items() if n]
        offers = {each: {"total": 7} for each in {*classes, *used}}
        self.cloud.set_inventories(name, offers)

    def claim(self) -> None:
        """Let a consumer hold a unit of what a provider has left."""
        name = self.some()
        used = self.cloud.usages(name)
        for each, offer in self.cloud.inventories(name).items():
            if used[each] < offer.capacity:
                consumer = f"consumer {self.random.randrange(9)}"
                self.cloud.claim(consumer, {name: {each: 1}})
                return

    def drop(self) -> None:
        """Take an inventory away that is not in use."""
        name = self.some()
        free = [each for each, n in self.cloud.usages(name).items() if not n]
        if free:
            self.cloud.remove_inventory(name, self.random.choice(free))


@pytest.mark.parametrize("seed", range(40))
def test_index_after_edits_is_one_made_anew(seed: int) -> None:
    drawn = Drawn(seed)
    state = drawn.cloud.state
    for _ in range(STEPS):
        drawn.step()
        if drawn.random.random() < 0.3:
            same(state)
        rows = [state.find_provider(name) for name in drawn.names]
        assert [state.provider_names[row] for row in rows] == drawn.names
        assert len(state.provider_names) == len(drawn.names)
        assert state.find_provider("provider 0") == -1
    same(state)
    owners = state.tables.inventory["provider"]
    for row in range(len(drawn.names)):
        assert list(state.inventory_rows(row)) == np.flatnonzero(owners == row).tolist()


def test_a_copy_goes_its_own_way_at_the_end() -> None:
    cloud, twin = Cloud(), Cloud()
    for number in range(5):
        cloud.add_provider(f"a{number}", inventories={"VCPU": {"total": 5}})
    twin.state = copied(cloud.state)
    cloud.remove_provider("a4")
    cloud.add_provider("b", inventories={"DISK_GB": {"total": 3}})
    twin.add_provider("c", inventories={"MEMORY_MB": {"total": 3}})
    for each, names in ((cloud, "a0 a1 a2 a3 b"), (twin, "a0 a1 a2 a3 a4 c")):
        same(each.state)
        assert each.state.provider_names.to_list() == names.split()
    assert twin.inventories("c")["MEMORY_MB"].total == 3
    assert list(cloud.inventories("b")) == ["DISK_GB"]


def test_what_comes_and_goes_at_the_end_leaves_nothing_behind() -> None:
    cloud = Cloud()
    cloud.add_provider("first")
    before = 0
    for number in range(3_000):
        cloud.add_provider(f"p{number}", inventories={"VCPU": {"total": 1}})
        cloud.remove_provider(f"p{number}")
        if number == 100:
            before = cloud.state.provider_names.nbytes
    assert cloud.state.provider_names.nbytes == before
    assert cloud.state.find_provider("p2999") == -1
    assert cloud.state.tables.provider.whole("parent").size < 50


def test_journal_grows_now_and_then() -> None:
    cloud, lengths = Cloud(), set()
    for number in range(1_600):
        cloud.add_provider(f"p{number}")
        cloud.state.index()
        lengths.add(len(cloud.state.journal))
    assert len(lengths) == 3

"""Any sequence of edits and claims leaves the columns as it leaves plain objects.

Random steps are taken by a cloud and by its naive twin. After each: the same error or
none, equal documents, generations among them, every column and derived column as the
twin's objects give it, and each changed tree in the journal. Now and then the cloud is
written and read, as a document or as files, and goes on from there.
"""

import tempfile
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cloud_checks import changed_rows, check_all, normal, snapshot, tree_facts
from cloud_steps import DOCUMENT, Step, steps
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.schema import TABLES, columns_of
from kilonova.errors import KilonovaError
from oracle.cloud import TwinCloud


def error_of(step: Step, cloud: Cloud | TwinCloud) -> type[KilonovaError] | None:
    try:
        step.of(cloud)
    except KilonovaError as error:
        return type(error)
    return None


class CloudMachine(RuleBasedStateMachine):
    """A cloud and its twin, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud = Cloud()
        self.twin = TwinCloud()

    @initialize(empty=st.sampled_from([False, False, True]))
    def begin(self, empty: bool) -> None:
        if not empty:
            self.cloud = Cloud.from_document(DOCUMENT)
            self.twin.load(DOCUMENT)

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        state = self.cloud.state
        step = data.draw(steps(self.twin))
        trees, before = tree_facts(self.twin), snapshot(state)
        stamp, structure = int(state.counters[0]), state.structure
        expected = error_of(step, self.twin)
        assert error_of(step, self.cloud) == expected
        if expected:
            assert snapshot(state) == before
        check_all(self.cloud, self.twin)
        journal = state.journal_since(stamp)
        if state.structure != structure:
            assert journal is None
        else:
            assert journal is not None
            assert changed_rows(trees, self.twin) <= set(journal.tolist())
        if data.draw(st.integers(0, 9)) == 9:
            self.cloud = data.draw(st.sampled_from([reread, reloaded]))(self.cloud)
            check_all(self.cloud, self.twin)


def reread(cloud: Cloud) -> Cloud:
    """Write a cloud over itself, and read it."""
    before = cloud.to_document()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cloud"
        cloud.write(place)
        read = Cloud.read(place)
        assert read.to_document() == before
        read.write(place)
        again = Cloud.read(place)
    assert again.to_document() == cloud.to_document() == before
    for name in ("resource_classes", "traits", "aggregates", "projects", "users"):
        slots = getattr(cloud.state, name).slots()
        assert getattr(again.state, name).slots() == slots
    for name in TABLES:
        for column in columns_of(name):
            one, other = (c.state.tables[name][column.name] for c in (cloud, again))
            assert one.tolist() == other.tolist()
    return again


def reloaded(cloud: Cloud) -> Cloud:
    """Make another cloud of the document of one."""
    before = cloud.to_document()
    loaded = Cloud.from_document(before)
    assert loaded.to_document() == before
    return loaded


TestCloudMachine = CloudMachine.TestCase
# Each step of a sequence is printed; to shrink it takes minutes and shows little more.
TestCloudMachine.settings = settings(
    max_examples=70,
    stateful_step_count=30,
    phases=[Phase.reuse, Phase.generate],
)


def test_an_empty_cloud_survives() -> None:
    cloud = Cloud.from_document({"providers": [], "consumers": []})
    check_all(cloud, TwinCloud())
    assert normal(cloud.to_document()) == TwinCloud().document()

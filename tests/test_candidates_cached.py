"""What is kept between questions is forgotten when names, rows or facts change.

Each request is asked, then something is edited, and it is asked again as the same
object, so that plans, marks and texts kept from before would be found.
"""

import json

import pytest

from kilonova import Cloud
from kilonova.candidates.candidates import Candidates
from kilonova.errors import BadRequest
from kilonova.request.group import Request, RequestGroup

UUIDS = [f"0000000{n}-0000-4000-8000-000000000000" for n in range(3)]


@pytest.fixture
def cloud() -> Cloud:
    """Make three hosts; the first has a device.

    h0             VCPU, CUSTOM_GOLD
    +-- h0:d       CUSTOM_X
    h1             VCPU
    h2             VCPU
    """
    made = Cloud()
    made.add_trait("CUSTOM_GOLD")
    made.add_resource_class("CUSTOM_X")
    for number, uuid in enumerate(UUIDS):
        made.add_provider(f"h{number}", uuid=uuid, inventories={"VCPU": {"total": 8}})
    made.set_traits("h0", ["CUSTOM_GOLD"])
    made.add_provider("h0:d", "h0", inventories={"CUSTOM_X": {"total": 1}})
    return made


def ask(cloud: Cloud, request: Request) -> list[str]:
    """Give the roots of an answer, and see that its text says the same."""
    found = cloud.allocation_candidates(request)
    assert json.loads(found.to_json()) == found.to_placement()
    return [one.root for one in found]


def vcpu(**fields: object) -> Request:
    return Request((RequestGroup("", {"VCPU": 1}, **fields),))  # type: ignore[arg-type]


def test_in_tree_of_a_renamed_provider(cloud: Cloud) -> None:
    by_name, by_uuid = vcpu(in_tree="h1"), vcpu(in_tree=UUIDS[1])
    assert ask(cloud, by_name) == ask(cloud, by_uuid) == [UUIDS[1]]
    cloud.rename_provider("h1", "new")
    assert ask(cloud, by_name) == []
    assert ask(cloud, vcpu(in_tree="new")) == ask(cloud, by_uuid) == [UUIDS[1]]
    cloud.rename_provider("h2", "h1")
    assert ask(cloud, by_name) == [UUIDS[2]]


def test_in_tree_of_a_removed_provider(cloud: Cloud) -> None:
    request = vcpu(in_tree=UUIDS[1])
    assert ask(cloud, request) == [UUIDS[1]]
    cloud.remove_provider(UUIDS[1])
    assert ask(cloud, request) == []
    assert ask(cloud, vcpu()) == [UUIDS[0], UUIDS[2]]
    cloud.add_provider("back", uuid=UUIDS[1], inventories={"VCPU": {"total": 1}})
    assert ask(cloud, request) == [UUIDS[1]]


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(str.upper, id="capitals"),
        pytest.param(lambda uuid: uuid.replace("-", ""), id="no hyphens"),
        pytest.param("{{{}}}".format, id="braces"),
        pytest.param("urn:uuid:{}".format, id="urn"),
    ],
)
def test_uuids_are_compared_as_they_stand(spelled: object, cloud: Cloud) -> None:
    """Placement takes these for UUIDs, and finds nobody of that name."""
    assert callable(spelled)
    aggregate = "abcdef00-0000-4000-8000-000000000000"
    tree = "abcdef01-0000-4000-8000-000000000000"
    cloud.set_aggregates("h1", [aggregate])
    cloud.add_provider("h3", uuid=tree, inventories={"VCPU": {"total": 1}})
    count = {
        f"{name}{spelling(uuid)}": len(
            cloud.allocation_candidates(f"resources=VCPU:1&{name}{spelling(uuid)}")
        )
        for name, uuid in (
            ("in_tree=", tree),
            ("member_of=", aggregate),
            ("member_of=in:", aggregate),
            ("member_of=!", aggregate),
        )
        for spelling in (str, spelled)
    }
    assert list(count.values()) == [1, 0, 1, 0, 1, 0, 3, 4]


def test_a_removed_trait(cloud: Cloud) -> None:
    request = vcpu(required=(frozenset({"CUSTOM_GOLD"}),))
    forbidden = vcpu(forbidden=frozenset({"CUSTOM_GOLD"}))
    assert ask(cloud, request) == [UUIDS[0]]
    assert ask(cloud, forbidden) == UUIDS[1:]
    cloud.set_traits("h0", [])
    assert ask(cloud, request) == []
    assert ask(cloud, forbidden) == UUIDS
    cloud.remove_trait("CUSTOM_GOLD")
    for asked in (request, forbidden):
        with pytest.raises(BadRequest, match="CUSTOM_GOLD"):
            cloud.allocation_candidates(asked)
    cloud.add_trait("CUSTOM_GOLD")
    cloud.set_traits("h2", ["CUSTOM_GOLD"])
    assert ask(cloud, request) == [UUIDS[2]]


def test_a_removed_class(cloud: Cloud) -> None:
    request = Request((RequestGroup("", {"VCPU": 1, "CUSTOM_X": 1}),))
    assert ask(cloud, request) == [UUIDS[0]]
    cloud.remove_inventory("h0:d", "CUSTOM_X")
    assert ask(cloud, request) == []
    cloud.remove_resource_class("CUSTOM_X")
    with pytest.raises(BadRequest, match="CUSTOM_X"):
        cloud.allocation_candidates(request)
    cloud.add_resource_class("CUSTOM_Y")
    cloud.add_resource_class("CUSTOM_X")
    cloud.set_inventory("h0:d", "CUSTOM_Y", {"total": 1})
    assert ask(cloud, request) == []
    cloud.set_inventory("h2", "CUSTOM_X", {"total": 1})
    assert ask(cloud, request) == [UUIDS[2]]


def test_a_root_named_twice(cloud: Cloud) -> None:
    request = vcpu()
    hosts = ["h2", "h0", "h2", UUIDS[0], UUIDS[2]]
    found = cloud.allocation_candidates(request, hosts=hosts)
    assert [one.root for one in found] == [UUIDS[2], UUIDS[0]]
    assert len(cloud.allocation_candidates(request, hosts=hosts, per_host=1)) == 2
    assert len(cloud.allocation_candidates(request, hosts=[])) == 0


def test_more_classes_than_a_byte_counts() -> None:
    cloud = Cloud()
    names = [f"CUSTOM_C{number:03}" for number in range(300)]
    for name in names:
        cloud.add_resource_class(name)
    cloud.add_provider("h", inventories={name: {"total": 9} for name in names})
    cloud.add_provider("g", inventories={names[0]: {"total": 9}})
    for n, name in enumerate(names):
        cloud.claim(f"c{n}", {"h": {name: 1 + n % 9}})
    for n in (0, 100, 127, 128, 129, 255, 256, 299):
        for amount, count in ((8 - n % 9, 1), (9 - n % 9, 0)):
            if amount:
                query = f"resources={names[n]}:{amount}"
                found: Candidates = cloud.allocation_candidates(query)
                assert len(found) == count + (n == 0), query
    summary = cloud.allocation_candidates("resources=CUSTOM_C150:1").to_placement()
    held = summary["provider_summaries"]["h"]["resources"]
    assert {name: row["used"] for name, row in held.items()} == {
        name: 1 + n % 9 for n, name in enumerate(names)
    }


HUGE = 10**30


def test_huge_bounds_are_none(cloud: Cloud) -> None:
    for query, limit in (
        ("resources=VCPU:1", HUGE),
        (f"resources=VCPU:1&limit={HUGE}", None),
    ):
        found = cloud.allocation_candidates(query, limit, per_host=HUGE)
        assert len(found) == len(list(found)) == 3
    assert cloud.headroom("resources=VCPU:1", HUGE).total == 24


@pytest.mark.parametrize("bound", [0, -1, True, 1.0, "1"])
def test_bounds_that_are_refused(bound: object, cloud: Cloud) -> None:
    with pytest.raises(BadRequest, match="limit must be a whole number from 1"):
        cloud.allocation_candidates("resources=VCPU:1", bound)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="per_host must be a whole number from 1"):
        cloud.allocation_candidates(
            "resources=VCPU:1",
            per_host=bound,  # type: ignore[arg-type]
        )
    with pytest.raises(ValueError, match="most must be"):
        cloud.headroom("resources=VCPU:1", bound)  # type: ignore[arg-type]

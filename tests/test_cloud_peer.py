"""Placement itself takes the same steps, and ends in the same state.

Random sequences of edits and claims go to Placement as requests, to the cloud as calls,
and to its twin, from which they are drawn. After each: the kind of answer (done, 400,
404 or 409), names, parents, inventories, allocations, and the generations of providers
and consumers are equal.
"""

from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cloud_checks import normal
from cloud_requests import WritingPeer, sendable, state_of
from cloud_steps import DOCUMENT, Step, steps
from generators.document import Allocations, NamedConsumer, Provider
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, Conflict, KilonovaError, NotFound
from oracle.cloud import TwinCloud
from peers.placement import PlacementPeer

# Unknown names in these are part of the body of a request, not of its path.
IN_BODY = {
    "add_provider",
    "set_inventory",
    "set_inventories",
    "set_traits",
    "claim",
    "set_parent",
}


@pytest.fixture(scope="module")
def peer() -> Iterator[PlacementPeer]:
    with PlacementPeer() as opened:
        yield opened


def begin(peer: PlacementPeer) -> tuple[WritingPeer, Cloud, TwinCloud]:
    twin = TwinCloud()
    twin.load(DOCUMENT)
    empty: dict[str, object]
    empty = {"parent": None, "inventories": {}, "traits": [], "aggregates": []}
    providers = [cast(Provider, empty | row) for row in DOCUMENT["providers"]]
    # The peer gives its own generation to each: 1, as after the first write.
    consumers: list[Allocations | NamedConsumer] = [
        {"uuid": row["uuid"], "allocations": row["allocations"]}
        for row in DOCUMENT["consumers"]
    ]
    peer.load_bulk(
        {
            "providers": providers,
            "consumers": consumers,
            "custom_traits": DOCUMENT["traits"],
            "resource_classes": DOCUMENT["resource_classes"],
        }
    )
    return WritingPeer(peer, twin), Cloud.from_document(DOCUMENT), twin


def status(step: Step, cloud: Cloud, twin: TwinCloud) -> int:
    """Take a step and give the status that the REST API would answer."""
    subject = step.method in ("add_provider", "claim") or twin.find(step.arguments[0])
    try:
        step.of(cloud)
    except BadInput:
        return 400
    except NotFound:
        return 400 if subject and step.method in IN_BODY else 404
    except Conflict:
        return 409
    return 200


def take(step: Step, writer: WritingPeer, cloud: Cloud, twin: TwinCloud) -> None:
    answer = writer.send(step)
    expected = 200 if answer.status < 300 else answer.status
    assert status(step, cloud, twin) == expected, answer.body
    before = set(twin.providers())
    try:
        step.of(twin)
    except KilonovaError:
        assert expected != 200
    for new in set(twin.providers()) - before:
        writer.knows(new)
    assert normal(cloud.to_document()) == twin.document()
    assert writer.state() == state_of(writer)


# Each step of a sequence is printed; to shrink it takes minutes and shows little more.
@settings(
    max_examples=50,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_same_as_placement(peer: PlacementPeer, data: st.DataObject) -> None:
    writer, cloud, twin = begin(peer)
    for _ in range(6):
        step = sendable(data.draw(steps(twin)), twin)
        if step:
            take(step, writer, cloud, twin)

"""Claims by name: all rows or none, and one sentence on what cannot be had.

Random sequences are in ``test_cloud_machine.py``; here are the named cases at the
limits, what a refusal says, and claims from several threads at once.
"""

import random
import threading
from typing import Any

import pytest

from kilonova.candidates.cloud import Cloud
from kilonova.errors import (
    BadInput,
    DoesNotFit,
    GenerationConflict,
    UnknownConsumer,
    UnknownProvider,
    UnknownResourceClass,
)

HOSTS = [f"h{number}" for number in range(4)]
ODD = {"total": 10, "reserved": 2, "min_unit": 2, "max_unit": 6, "step_size": 2}


def cloud(used: int = 0, **limits: Any) -> Cloud:
    """Make a cloud of two roots.

    a   VCPU: 8 or as said, DISK_GB: 100; ``used`` of VCPU is held by k0
    b   VCPU: 8
    """
    made = Cloud()
    made.add_provider(
        "a", inventories={"VCPU": {"total": 8}, "DISK_GB": {"total": 100}}
    )
    made.add_provider("b", inventories={"VCPU": {"total": 8}})
    if used:
        made.claim("k0", {"a": {"VCPU": used}})
    if limits:
        made.set_inventory("a", "VCPU", limits)
    return made


@pytest.mark.parametrize(
    ("limits", "used", "amount", "fits"),
    [
        pytest.param({"total": 8}, 0, 8, True, id="all of it"),
        pytest.param({"total": 8}, 0, 9, False, id="one too many"),
        pytest.param({"total": 8}, 3, 5, True, id="the rest"),
        pytest.param({"total": 8}, 3, 6, False, id="one more than the rest"),
        pytest.param({"total": 8, "reserved": 8}, 0, 1, False, id="all reserved"),
        pytest.param({"total": 3, "allocation_ratio": 1.5}, 0, 4, True, id="4 of 4.5"),
        pytest.param({"total": 3, "allocation_ratio": 1.5}, 0, 5, False, id="5 of 4.5"),
        pytest.param({"total": 9, "allocation_ratio": 0}, 0, 1, False, id="ratio 0"),
        pytest.param(ODD, 0, 2, True, id="min_unit"),
        pytest.param(ODD, 0, 1, False, id="below min_unit"),
        pytest.param(ODD, 0, 6, True, id="max_unit"),
        pytest.param(ODD, 0, 8, False, id="above max_unit"),
        pytest.param(ODD, 0, 5, False, id="no step"),
        pytest.param({"total": 2**31 - 1}, 0, 2**31 - 1, True, id="the largest amount"),
        pytest.param(
            {"total": 2**31 - 1, "allocation_ratio": 3.4e38},
            8,
            2**31 - 1,
            True,
            id="the largest capacity",
        ),
    ],
)
def test_limits(limits: dict[str, Any], used: int, amount: int, fits: bool) -> None:
    made = cloud(used, **limits)
    before = made.to_document()
    if fits:
        made.claim("k1", {"a": {"VCPU": amount}})
        assert made.usages("a")["VCPU"] == used + amount
    else:
        with pytest.raises(DoesNotFit):
            made.claim("k1", {"a": {"VCPU": amount}})
        assert made.to_document() == before


@pytest.mark.parametrize(
    ("amount", "fits"), [(9, False), (8, True), (7, True), (3, True)]
)
def test_over_capacity_may_get_no_worse(amount: int, fits: bool) -> None:
    made = cloud(used=8, total=4)
    if fits:
        made.claim("k0", {"a": {"VCPU": amount}})
        assert made.usages("a")["VCPU"] == amount
    else:
        with pytest.raises(DoesNotFit, match="room for 4"):
            made.claim("k0", {"a": {"VCPU": amount}})
    with pytest.raises(DoesNotFit):
        made.claim("k1", {"a": {"VCPU": 4}})
    made.claim("k1", {"a": {"DISK_GB": 1}})


def test_generations() -> None:
    made = cloud()
    made.claim("k", {"a": {"VCPU": 1, "DISK_GB": 1}, "b": {"VCPU": 1}})
    assert (made.generation("a"), made.generation("b")) == (1, 1)
    made.claim("k", {"b": {"VCPU": 2}})
    assert (made.generation("a"), made.generation("b")) == (1, 2)
    made.move("k", "other")
    assert (made.generation("a"), made.generation("b")) == (1, 3)
    made.release("other")
    assert (made.generation("a"), made.generation("b")) == (1, 3)
    made.claim("k", {"a": {"VCPU": 1}})
    made.claim("k", {})
    assert (made.generation("a"), made.generation("b")) == (3, 3)


def test_consumer_generations() -> None:
    made = cloud()
    wanted = {"a": {"VCPU": 1}}
    with pytest.raises(GenerationConflict, match="at generation None, not 0"):
        made.claim("k", wanted, consumer_generation=0)
    made.claim("k", wanted, consumer_generation=None)
    with pytest.raises(GenerationConflict, match="at generation 1, not None"):
        made.claim("k", wanted, consumer_generation=None)
    made.claim("k", wanted, consumer_generation=1)
    made.claim("k", {}, consumer_generation=2)
    made.claim("k", wanted, consumer_generation=None)


def test_owner_is_kept_until_told_otherwise() -> None:
    made = cloud()
    made.claim("k", {"a": {"VCPU": 1}}, project="p", user="u", consumer_type="SERVER")
    made.claim("k", {"a": {"VCPU": 2}}, user="v")
    made.move("k", "target")
    (consumer,) = made.to_document()["consumers"]
    assert (consumer["project"], consumer["user"]) == ("p", "v")
    assert (consumer["uuid"], consumer["type"]) == ("target", "SERVER")


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        (
            {"a": {"VCPU": 9}},
            DoesNotFit,
            r"'a' cannot give 9 VCPU: room for 5 \(capacity 8, used 3\)\.",
        ),
        ({"b": {"DISK_GB": 1}}, DoesNotFit, "no inventory of that class"),
        ({"c": {"VCPU": 1}}, UnknownProvider, "No resource provider 'c'"),
        ({"a": {"CUSTOM_X": 1}}, UnknownResourceClass, "CUSTOM_X"),
        ({"a": {}}, BadInput, "'a' are empty"),
        ({"a": [1]}, BadInput, "must be an object"),
        ([1], BadInput, "must be an object"),
        ({"a": {"VCPU": 0}}, BadInput, "in 1..2147483647, got 0"),
        ({"a": {"VCPU": -1}}, BadInput, "in 1..2147483647, got -1"),
        ({"a": {"VCPU": 2**31}}, BadInput, "got 2147483648"),
        ({"a": {"VCPU": True}}, BadInput, "whole number, got True"),
        ({"a": {"VCPU": 1.0}}, BadInput, "whole number, got 1.0"),
        ({"a": {"VCPU": 1}, "b": {"VCPU": 9}}, DoesNotFit, "'b' cannot give 9 VCPU"),
    ],
)
def test_refusals(wanted: Any, error: type[Exception], message: str) -> None:
    made = cloud(used=3)
    before = made.to_document()
    with pytest.raises(error, match=message):
        made.claim("k1", wanted)
    assert made.to_document() == before


def test_refused_limits_say_which() -> None:
    made = cloud(**ODD)
    for amount, why in ((1, "min_unit is 2"), (8, "max_unit is 6"), (3, "step_size 2")):
        with pytest.raises(DoesNotFit, match=why):
            made.claim("k", {"a": {"VCPU": amount}})


def test_one_provider_under_two_names() -> None:
    made = Cloud()
    made.add_provider("a", uuid="u", inventories={"VCPU": {"total": 8}})
    with pytest.raises(BadInput, match="named twice"):
        made.claim("k", {"a": {"VCPU": 1}, "u": {"VCPU": 2}})
    made.claim("k", {"u": {"VCPU": 2}})
    assert made.allocations("k") == {"u": {"VCPU": 2}}


@pytest.mark.parametrize("uuid", ["", "k" * 256, "\ud800", 7])
def test_consumers_that_cannot_be(uuid: Any) -> None:
    made = cloud(used=1)
    made.claim("k1", {"a": {"VCPU": 1}})
    # A free row must not be lost on the way.
    made.release("k1")
    before = made.to_document()
    with pytest.raises(BadInput):
        made.claim(uuid, {"a": {"VCPU": 1}})
    with pytest.raises(BadInput):
        made.move("k0", uuid)
    with pytest.raises(BadInput):
        made.claim("k2", {"a": {"VCPU": 1}}, project=uuid)
    assert made.to_document() == before
    made.claim("k2", {"a": {"VCPU": 1}})
    assert made.state.tables.consumer.count == 2


def test_release_and_move_of_nothing() -> None:
    made = cloud()
    with pytest.raises(UnknownConsumer):
        made.release("k")
    with pytest.raises(UnknownConsumer):
        made.move("k", "other")
    with pytest.raises(BadInput):
        made.move("k", "k")
    made.claim("k", {})
    assert made.allocations("k") == {}


def test_move_is_refused_where_limits_changed() -> None:
    made = cloud(used=5)
    made.set_inventory("a", "VCPU", {"total": 8, "max_unit": 4})
    before = made.to_document()
    with pytest.raises(DoesNotFit, match="max_unit is 4"):
        made.move("k0", "k1")
    assert made.to_document() == before


def test_room_of_a_removed_inventory_is_not_remembered() -> None:
    # A free allocation row must not name an inventory that is gone.
    made = cloud()
    made.claim("k", {"b": {"VCPU": 1}})
    made.release("k")
    made.remove_inventory("b", "VCPU")
    made.set_parent("b", "a")
    assert made.to_document()["providers"][1]["parent"] == "a"


class Worker(threading.Thread):
    """Claim, move and release for consumers of its own, and remember what it did."""

    def __init__(self, number: int, made: Cloud, barrier: threading.Barrier) -> None:
        super().__init__()
        self.number, self.made, self.barrier = number, made, barrier
        self.held: dict[str, dict[str, dict[str, int]]] = {}
        self.bumps = 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        rng = random.Random(self.number)
        self.barrier.wait()
        try:
            for turn in range(300):
                self.step(rng, turn)
        except BaseException as fault:
            self.fault = fault

    def step(self, rng: random.Random, turn: int) -> None:
        name, new = f"{self.number}-{rng.randrange(12)}", f"{self.number}-new{turn}"
        kind = rng.choice(["claim", "claim", "claim", "move", "release"])
        wanted = {host: {"VCPU": rng.randint(1, 4)} for host in rng.sample(HOSTS, 2)}
        try:
            if kind == "claim":
                self.made.claim(name, wanted)
                self.held[name] = wanted
            elif kind == "move":
                self.made.move(name, new)
                self.held[new] = self.held.pop(name)
            else:
                self.made.release(name)
                del self.held[name]
            self.bumps += 0 if kind == "release" else 2
        except (DoesNotFit, UnknownConsumer):
            pass
        assert self.made.usages(HOSTS[0])["VCPU"] <= 37


def test_threads_lose_and_double_nothing() -> None:
    """Work from four threads; in the end the sum is what each of them holds."""
    made, barrier = Cloud(), threading.Barrier(4)
    for host in HOSTS:
        made.add_provider(host, inventories={"VCPU": {"total": 40, "reserved": 3}})
    workers = [Worker(number, made, barrier) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.fault for worker in workers] == [None] * 4
    held = {name: got for worker in workers for name, got in worker.held.items()}
    assert len(held) > 10
    assert {name: made.allocations(name) for name in held} == held
    for host in HOSTS:
        amounts = (got[host]["VCPU"] for got in held.values() if host in got)
        assert made.usages(host) == {"VCPU": sum(amounts)}
    bumps = sum(worker.bumps for worker in workers)
    assert sum(made.generation(host) for host in HOSTS) == bumps
    assert len(made.to_document()["consumers"]) == len(held)
    assert made.state.counters[3] == 2 * len(held)

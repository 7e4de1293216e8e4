"""The same seed and the same calls give the same hosts, whatever runs beside them.

Random clouds take random servers: in threads, in one call or in many, by a scheduler
that has run for long or by a new one over the document of its cloud. Amounts lie around
what hosts have, so that some servers are refused.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import GROUPS, POLICIES, fleets, option_sets, specs
from kilonova import Cloud
from kilonova.errors import NoValidHost
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Selection
from kilonova.request.server import ServerGroup, ServerSpec

pytestmark = pytest.mark.jit

THREADS = 4
_RULES = dict(zip(GROUPS, POLICIES, strict=True))


class Call(NamedTuple):
    """A call of the scheduler; before it the oldest server may leave."""

    spec: ServerSpec
    servers: int
    leave: bool


@st.composite
def calls(draw: st.DrawFn, document: dict[str, Any], most: int = 3) -> Call:
    spec = draw(specs())
    uuid = draw(st.sampled_from([None, None, *GROUPS]))
    if uuid is not None:
        rules = {g["uuid"]: g["max_server_per_host"] for g in document["server_groups"]}
        group = ServerGroup(_RULES[uuid], max_server_per_host=rules[uuid], uuid=uuid)
        spec = replace(spec, server_group=group)
    return Call(spec, draw(st.integers(1, most)), draw(st.booleans()))


class Case(NamedTuple):
    """A cloud, options, and calls."""

    document: dict[str, Any]
    options: Options
    calls: list[Call]

    def scheduler(self, seed: int = 0) -> Scheduler:
        return Scheduler(Cloud.from_document(self.document), self.options, seed=seed)


@st.composite
def cases(draw: st.DrawFn, subsets: tuple[int, ...] = (1,), most: int = 12) -> Case:
    document = draw(fleets(20))
    options = draw(option_sets())
    subset = draw(st.sampled_from(subsets))
    section = replace(options.filter_scheduler, host_subset_size=subset)
    options = replace(options, filter_scheduler=section)
    found = draw(st.lists(calls(document), min_size=1, max_size=most))
    return Case(document, options, found)


class Player:
    """Makes calls one after the other, under names of its own."""

    def __init__(self, scheduler: Scheduler, name: str = "") -> None:
        self.scheduler = scheduler
        self.name = name
        self.alive: list[str] = []
        self._numbers = count()

    def play(self, call: Call) -> list[tuple[str, float]] | None:
        """Give the hosts and their weights, or None where there are none."""
        self.depart(call)
        return self.place(call.spec, call.servers)

    def depart(self, call: Call) -> None:
        """Let the oldest server leave where the call says so."""
        if call.leave and self.alive:
            self.scheduler.cloud.release(self.alive.pop(0))

    def place(self, spec: ServerSpec, servers: int) -> list[tuple[str, float]] | None:
        """Place servers; give hosts and weights, or None where there are none."""
        found = attempt(self.scheduler, spec, self.names(servers))
        if found is None:
            return None
        self.alive += found.servers
        return [(one.nodename, one.weight) for one in found.hosts]

    def names(self, number: int) -> list[str]:
        return [f"{self.name}server-{next(self._numbers)}" for _ in range(number)]


def attempt(
    scheduler: Scheduler, spec: ServerSpec, names: list[str]
) -> Selection | None:
    try:
        return scheduler.select(spec, len(names), names)
    except NoValidHost:
        return None


@given(cases(subsets=(1, 3)), st.integers(0, 2**64))
@settings(deadline=None, max_examples=50)
def test_threads_decide_as_one(case: Case, seed: int) -> None:
    def run(_: int) -> tuple[list[object], dict[str, Any]]:
        player = Player(case.scheduler(seed))
        decisions: list[object] = [player.play(call) for call in case.calls]
        return decisions, player.scheduler.cloud.to_document()

    alone = run(0)
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(run, range(THREADS))) == [alone] * THREADS


@given(cases(most=20), st.booleans())
@settings(deadline=None, max_examples=50)
def test_one_cloud_for_all_threads(case: Case, shared: bool) -> None:
    scheduler = case.scheduler()
    before = scheduler.cloud.to_document()

    def run(number: int) -> list[str]:
        # Others keep what they derived from the cloud to themselves.
        own = scheduler if shared else Scheduler(scheduler.cloud, case.options)
        player = Player(own, f"{number}-")
        for call in case.calls:
            player.play(call)
        return player.alive

    with ThreadPoolExecutor(THREADS) as pool:
        alive = [server for found in pool.map(run, range(THREADS)) for server in found]
    after = scheduler.cloud.to_document()
    check_counts(before, after, alive)
    check_groups(after)
    # Whoever waited saw what the others did: a new scheduler decides alike.
    rebuilt = case._replace(document=after).scheduler()
    last = case.calls[-1].spec
    assert Player(scheduler, "new-").place(last, 1) == Player(rebuilt).place(last, 1)


def check_counts(
    before: dict[str, Any], after: dict[str, Any], alive: list[str]
) -> None:
    """Check that each server is counted once, and that no provider gave too much."""
    servers = after["consumers"]
    assert sorted(one["uuid"] for one in servers) == sorted(alive)
    for provider in after["providers"]:
        held = [one["allocations"].get(provider["name"], {}) for one in servers]
        for name, offer in provider["inventories"].items():
            room = int((offer["total"] - offer["reserved"]) * offer["allocation_ratio"])
            assert sum(amounts.get(name, 0) for amounts in held) <= room
    for old, new in zip(before["hosts"], after["hosts"], strict=True):
        here = [one for one in servers if one["host"] == new["nodename"]]
        assert all(set(one["allocations"]) == {new["provider"]} for one in here)
        assert taken(old, new) == {
            "num_instances": len(here),
            "num_io_ops": len(here),
            "vcpus_used": sum(one["vcpus"] for one in here),
            "free_ram_mb": -sum(one["memory_mb"] for one in here),
            "free_disk_mb": -sum(one["disk_mb"] for one in here),
        }


def taken(old: dict[str, Any], new: dict[str, Any]) -> dict[str, int]:
    names = "num_instances", "num_io_ops", "vcpus_used", "free_ram_mb", "free_disk_mb"
    return {name: new[name] - old[name] for name in names}


def check_groups(document: dict[str, Any]) -> None:
    """Check that the members of each group are together, or apart, as it says."""
    for group in document["server_groups"]:
        hosts = Counter(
            one["host"]
            for one in document["consumers"]
            if one.get("group") == group["uuid"]
        )
        if group["policy"] == "affinity":
            assert len(hosts) <= 1
        elif group["policy"] == "anti-affinity":
            assert max(hosts.values(), default=0) <= group["max_server_per_host"]


@given(cases(subsets=(1, 3)), st.integers(0, 2**64))
@settings(deadline=None)
def test_one_call_is_as_many(case: Case, seed: int) -> None:
    many, single = (Player(case.scheduler(seed)) for _ in range(2))
    for call in case.calls:
        for player in (many, single):
            player.depart(call)
        found = many.place(call.spec, call.servers)
        if found is None:
            break
        assert [p for _ in found for p in single.place(call.spec, 1) or ()] == found
    # Claims that were taken back still show in the generations of providers.
    after = [state_of(one.scheduler.cloud) for one in (many, single)]
    assert after[0]["consumers"] == after[1]["consumers"]
    assert after[0]["hosts"] == after[1]["hosts"]


@given(cases(subsets=(1, 3), most=4), st.integers(2, 4))
@settings(deadline=None)
def test_what_is_refused_would_be_refused_one_by_one(case: Case, most: int) -> None:
    many, single = (Player(case.scheduler()) for _ in range(2))
    spec = case.calls[0].spec
    found = many.place(spec, most)
    each = [single.place(spec, 1) for _ in range(most)]
    assert (found is None) == (None in each)
    if found is None:
        assert not many.scheduler.cloud.to_document()["consumers"]


@given(cases(most=10), st.data())
@settings(deadline=None)
def test_a_new_scheduler_decides_as_the_old_one(
    case: Case, data: st.DataObject
) -> None:
    player = Player(case.scheduler())
    for call in case.calls:
        player.play(call)
    old = player.scheduler
    new = Scheduler(Cloud.from_document(old.cloud.to_document()), case.options)
    again = Scheduler(old.cloud, case.options)
    for number, call in enumerate(data.draw(st.permutations(case.calls))):
        if call.leave and player.alive:
            new.cloud.release(player.alive[0])
            player.depart(call)
        names = [f"more-{number}-{n}" for n in range(call.servers)]
        # Two that take turns on one cloud catch up with each other's claims.
        found = attempt((old, again)[number % 2], call.spec, names)
        assert found == attempt(new, call.spec, names)
        player.alive += found.servers if found is not None else ()
    assert state_of(old.cloud) == state_of(new.cloud)


def state_of(cloud: Cloud) -> dict[str, Any]:
    """Give the document of a cloud; where the rows of consumers lie is no matter."""
    found = cloud.to_document()
    found["consumers"].sort(key=lambda one: str(one["uuid"]))
    return found

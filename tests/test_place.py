"""Placing over any cloud: the same host and the same allocations as the naive twin.

Clouds have trees, odd limits, traits, aggregates and sharing providers; requests have
several groups. The twin reckons every host anew for every request. Between requests
others claim, release and edit: what is kept from before must not be seen in an answer.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from called_parts import refresh
from generators.cases import random_case
from generators.clouds import AGGREGATES, SHARES, TRAITS
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, Conflict
from kilonova.hosts import policies
from kilonova.hosts.devices import Demand, DeviceClasses, Typical
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.request.group import Request, RequestGroup
from oracle import place as oracle
from oracle.openb_fragment import TypicalRequest
from oracle.state import State

SCORED = [w.name for w in policies.registered() if not w.drawn]
DEVICES = ["VGPU", "CUSTOM_FPGA", "SRIOV_NET_VF"]
SEEDS = st.integers(0, 10**6)


class Game:
    """A cloud, its placer, and what the twin thinks of both."""

    def __init__(
        self, cloud: Cloud, requests: list[Request], policy: str, device: str
    ) -> None:
        self.cloud, self.requests = cloud, requests
        self.classes = DeviceClasses(cpu="VCPU", device=device, whole=1000)
        self.demands = [Demand.of(request, self.classes) for request in requests]
        self.typical = Typical.of(self.demands)
        frequencies = self.typical.frequencies().tolist()
        self.policy = oracle.Policy(
            policy,
            "VCPU",
            device,
            [
                TypicalRequest(self.asked(demand), frequency)
                for demand, frequency in zip(
                    self.typical.demands, frequencies, strict=True
                )
            ],
        )
        self.placer = self.new_placer()
        self.ranks: dict[str, int] = {}
        self.placed = 0

    def new_placer(self) -> Placer:
        return Placer(
            self.cloud,
            self.requests,
            policies.find(self.policy.name),
            typical=self.typical,
            classes=self.classes,
        )

    @staticmethod
    def asked(demand: Demand) -> oracle.Asked:
        return oracle.Asked(
            demand.cpu, 0, demand.devices, demand.amount, allowed=demand.allowed
        )

    def set_rank(self, order: random.Random) -> None:
        ranks = list(range(len(self.roots())))
        order.shuffle(ranks)
        self.placer.set_rank(np.array(ranks, np.int64))
        self.ranks = dict(zip(self.roots(), ranks, strict=True))

    def roots(self) -> list[str]:
        document = self.cloud.to_document()
        return [p["name"] for p in document["providers"] if p["parent"] is None]

    def rank(self) -> dict[str, int]:
        """Rank trees as they were told; those added since come last."""
        last = len(self.ranks)
        return {r: self.ranks.get(r, last + i) for i, r in enumerate(self.roots())}

    def wanted(self, number: int) -> dict[str, dict[str, int]]:
        """Have the twin say what a request should be given now; nothing for no host."""
        document = self.cloud.to_document()
        state, request = oracle.state_of(document), self.requests[number]
        weighed = oracle.weights(
            state,
            request,
            self.asked(self.demands[number]),
            self.policy,
            oracle.holdings(document),
        )
        candidate = oracle.decide(
            state, request, weighed, self.rank(), self.classes.device
        )
        return {} if candidate is None else nested(candidate.allocations)

    def place(self, number: int) -> dict[str, dict[str, int]]:
        """Place one request for a consumer of its own; give what that holds then."""
        name = f"placed{self.placed}"
        self.placed += 1
        consumers = add_consumers(self.cloud, [name])
        result = self.placer.place(np.array([number], np.int32), consumers)
        held = self.cloud.allocations(name)
        assert (result.tree[0] >= 0) == bool(held)
        return held

    def check_marks(self) -> None:
        """Compare what the placer keeps with the twin, and with one made just now."""
        # A placement of nothing makes the placer take note of what others wrote.
        none = np.zeros(0, np.int32)
        self.placer.place(none, none)
        document = self.cloud.to_document()
        state = oracle.state_of(document)
        roots, held = state.roots(), oracle.holdings(document)
        fresh = self.new_placer()
        for number, request in enumerate(self.requests):
            for placer in (self.placer, fresh):
                refresh(placer, number)
            weighed = oracle.weights(
                state, request, self.asked(self.demands[number]), self.policy, held
            )
            wanted = [weighed[r][0] if r in weighed else -np.inf for r in roots]
            assert self.placer.marks.weight[number].tolist() == wanted
            assert fresh.marks.weight[number].tolist() == wanted
            fits = np.array(wanted) > -np.inf
            kept, new = (p.marks.preferred[number][fits] for p in (self.placer, fresh))
            assert kept.tolist() == new.tolist()


def nested(flat: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (provider, resource_class), amount in flat.items():
        found.setdefault(provider, {})[resource_class] = amount
    return found


@st.composite
def games(draw: st.DrawFn) -> Game:
    """Draw a cloud and a few requests that packing weighers can describe."""
    seed, first = draw(SEEDS), draw(SEEDS)
    cases = [random_case(seed, first + i) for i in range(3)]
    offered = {c for p in cases[0].document["providers"] for c in p["inventories"]}
    device = draw(st.sampled_from([c for c in DEVICES if c in offered] or DEVICES))
    classes = DeviceClasses(device=device)
    requests = [case.request for case in cases if is_described(case.request, classes)]
    if device in offered:
        requests.insert(0, draw(requests_for_devices(cases[0].state, device)))
    assume(requests)
    cloud = Cloud.from_document(cases[0].document)
    return Game(cloud, requests, draw(st.sampled_from(SCORED)), device)


@st.composite
def requests_for_devices(draw: st.DrawFn, state: State, device: str) -> Request:
    """Ask for one or more devices, of an amount at a limit of some of them."""
    has = [p for p in state.providers.values() if device in p.inventories]
    chosen = draw(st.sampled_from(has))
    offer = chosen.inventories[device]
    limits = [1, 1, offer.min_unit, offer.capacity - chosen.used.get(device, 0)]
    amount = max(1, draw(st.sampled_from(limits)) + draw(st.sampled_from([0, 0, -1])))
    count = draw(st.sampled_from([1, 1, 1, 2, 3]))
    groups = [RequestGroup(f"_D{i}", {device: amount}) for i in range(count)]
    cpu = state.providers[chosen.root].inventories.get("VCPU")
    if cpu:
        groups.append(RequestGroup(resources={"VCPU": cpu.min_unit}))
    policy = draw(st.sampled_from(["none", "isolate"]))
    return Request(tuple(groups), policy if count > 1 else None)


def is_described(request: Request, classes: DeviceClasses) -> bool:
    try:
        Demand.of(request, classes)
    except BadInput:
        return False
    return True


@given(games(), st.lists(st.integers(0, 3), min_size=1, max_size=8), st.randoms())
def test_same_as_the_twin(game: Game, numbers: list[int], order: random.Random) -> None:
    game.set_rank(order)
    for number in numbers:
        number %= len(game.requests)
        wanted = game.wanted(number)
        assert game.place(number) == wanted


@given(games(), st.lists(st.integers(0, 3), min_size=2, max_size=12), st.data())
def test_one_by_one_as_in_one_batch(
    game: Game, numbers: list[int], data: st.DataObject
) -> None:
    document = game.cloud.to_document()
    numbers = [number % len(game.requests) for number in numbers]
    count, cut = len(numbers), data.draw(st.integers(0, len(numbers)))
    found = []
    for cuts in ([cut], [], list(range(1, count))):
        cloud = Cloud.from_document(document)
        again = Game(cloud, game.requests, game.policy.name, game.classes.device)
        names = [f"placed{i}" for i in range(count)]
        consumers = add_consumers(cloud, names)
        unusable: list[int] = []
        for start, end in zip([0, *cuts], [*cuts, count], strict=True):
            part = slice(start, end)
            placed = again.placer.place(
                np.array(numbers[part], np.int32), consumers[part]
            )
            unusable += placed.unusable.tolist()
        found.append((unusable, [cloud.allocations(name) for name in names]))
    assert found[0] == found[1] == found[2]


Edit = Callable[[Cloud, random.Random], None]


def some_row(cloud: Cloud, draw: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = draw.choice(cloud.to_document()["providers"])
    return row


def claim_something(cloud: Cloud, draw: random.Random) -> None:
    row = some_row(cloud, draw)
    for name in row["inventories"]:
        cloud.claim(f"other{draw.randrange(3)}", {row["name"]: {name: 1}})


def release_something(cloud: Cloud, draw: random.Random) -> None:
    held = [name for name in oracle.holdings(cloud.to_document()) if name]
    cloud.release(draw.choice([name for name in held if not name.isdigit()] or ["x"]))


def change_inventory(cloud: Cloud, draw: random.Random) -> None:
    row = some_row(cloud, draw)
    for name, fields in row["inventories"].items():
        total = max(1, fields["total"] + draw.choice([-2, -1, 1, 7]))
        changed = {**fields, "total": total, "reserved": 0}
        cloud.set_inventory(row["name"], name, changed)


def change_traits(cloud: Cloud, draw: random.Random) -> None:
    row = some_row(cloud, draw)
    kept = set(row["traits"]) ^ {draw.choice([*TRAITS, SHARES])}
    cloud.set_traits(row["name"], kept)


def change_aggregates(cloud: Cloud, draw: random.Random) -> None:
    row = some_row(cloud, draw)
    kept = set(row["aggregates"]) ^ {draw.choice([*AGGREGATES, "new"])}
    cloud.set_aggregates(row["name"], kept)


def add_something(cloud: Cloud, draw: random.Random) -> None:
    row = some_row(cloud, draw)
    name = f"{row['name']}+{draw.randrange(1000)}"
    parent = draw.choice([None, row["name"]])
    kind = {
        resource_class: {"total": 8} for resource_class in ("VCPU", *row["inventories"])
    }
    cloud.add_provider(name, parent, inventories=kind, traits=row["traits"])


def remove_something(cloud: Cloud, draw: random.Random) -> None:
    rows = cloud.to_document()["providers"]
    if len(rows) > 1:
        cloud.remove_provider(draw.choice(rows)["name"])


def move_something(cloud: Cloud, draw: random.Random) -> None:
    cloud.set_parent(
        some_row(cloud, draw)["name"],
        draw.choice([None, some_row(cloud, draw)["name"]]),
    )


EDITS: list[Edit] = [
    claim_something,
    release_something,
    change_inventory,
    change_traits,
    change_aggregates,
    add_something,
    remove_something,
    move_something,
]


@given(
    games(),
    st.lists(st.sampled_from([*EDITS, 0, 0, 0, 1, 2]), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from([0, 1, 2, 5]),
)
def test_edits_between_calls_are_seen(
    game: Game, steps: list[Edit | int], draw: random.Random, journal: int
) -> None:
    if journal:
        # So short that it often does not go back far enough.
        game.cloud.state.journal = np.zeros(journal, np.int32)
        game.cloud.state.arrays_replaced()
    game.set_rank(draw)
    for step in steps:
        if isinstance(step, int):
            number = step % len(game.requests)
            wanted = game.wanted(number)
            assert game.place(number) == wanted
            continue
        try:
            step(game.cloud, draw)
        except (BadInput, Conflict, LookupError):
            continue
        game.check_marks()

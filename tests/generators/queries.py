"""Random questions about a document, mostly ones that have an answer.

Each group is built around a provider of one tree, so that most groups can be satisfied;
amounts are drawn at, or next to, the limits of that provider, because amounts drawn
freely almost never meet one. The product of the choices per group is bounded: Placement
makes all of them.
"""

import random
from collections import Counter
from collections.abc import Iterable
from math import prod

from generators.clouds import AGGREGATES, PHYSNETS, SHARES, TRAITS
from generators.document import (
    MAX_INT,
    Document,
    Limits,
    Provider,
    limits_of,
    root_names,
    usages_of,
)

MOST_PRODUCTS = 20_000
_SUFFIXES = ["_A", "_B", "_C", "_D"]
# The microversion that brought each parameter.
_SINCE = {
    "limit": 16,
    "required": 17,
    "member_of": 21,
    "forbidden": 22,
    "member_of twice": 24,
    "suffixes": 25,
    "in_tree": 31,
    "forbidden aggregates": 32,
    "letters": 33,
    "root_required": 35,
    "same_subtree": 36,
    "any trait": 39,
}


class _Cloud:
    """A document, prepared for drawing from it."""

    def __init__(self, document: Document) -> None:
        self.providers = document["providers"]
        self.root = root_names(document)
        self.offers = {
            (provider["name"], name): limits_of(offer)
            for provider in document["providers"]
            for name, offer in provider["inventories"].items()
        }
        used = usages_of(document)
        self.room = {
            place: limits.capacity - used.get(place, 0)
            for place, limits in self.offers.items()
        }

    def around(self, anchor: str) -> list[Provider]:
        """Return the tree of a root and all that may be shared with it."""
        return [
            p
            for p in self.providers
            if self.root[p["name"]] == anchor or SHARES in p["traits"]
        ]

    def serving(self, anchor: str) -> list[Provider]:
        """Return the tree of a root and the pools that are really shared with it."""
        tree = [p for p in self.providers if self.root[p["name"]] == anchor]
        joined = {name for p in tree for name in p["aggregates"]}
        pools = [p for p in self.providers if SHARES in p["traits"] and p not in tree]
        return tree + [p for p in pools if joined & set(p["aggregates"])]

    def fitting(
        self, anchor: str, resource_class: str, amount: int
    ) -> list[tuple[str, str]]:
        """Return the offers around a root with room; other limits are not looked at."""
        places = ((p["name"], resource_class) for p in self.around(anchor))
        return [place for place in places if self.room.get(place, 0) >= amount]


class _Drawing:
    """One query in the making."""

    def __init__(self, cloud: _Cloud, rng: random.Random, minor: int) -> None:
        self.cloud = cloud
        self.rng = rng
        self.minor = minor
        self.roots = [p["name"] for p in cloud.providers if p["parent"] is None]
        able = {cloud.root[name] for (name, _), room in cloud.room.items() if room > 0}
        self.anchor = rng.choice(sorted(able) or self.roots)
        self.asked: dict[str, dict[str, int]] = {}
        # What the groups so far would take if each got the provider it is built on.
        self.taken: Counter[tuple[str, str]] = Counter()
        self.parameters: list[tuple[str, str]] = []

    def may(self, feature: str, share: float) -> bool:
        """Decide whether to use a feature, if the microversion has it."""
        return self.rng.random() < share and self.minor >= _SINCE[feature]

    def add_group(self, suffix: str) -> None:
        """Add a group with resources, unless it makes too many products."""
        rng = self.rng
        nearby = [p for p in self.cloud.serving(self.anchor) if self.classes(p)]
        if not nearby:
            return
        home = rng.choice(nearby)
        sources = [home]
        if not suffix and rng.random() < 0.6:
            sources += rng.sample(nearby, min(2, len(nearby)))
        resources: dict[str, int] = {}
        places: dict[str, tuple[str, str]] = {}
        for source in sources:
            classes = self.classes(source)
            for name in rng.sample(
                classes, min(len(classes), rng.choice([1, 1, 2, 3]))
            ):
                resources[name] = self.amount((source["name"], name))
                places[name] = (source["name"], name)
        asked = {**self.asked, suffix: resources}
        if not resources or self.products(asked) > MOST_PRODUCTS:
            return
        self.asked[suffix] = resources
        self.taken.update({places[name]: n for name, n in resources.items()})
        value = ",".join(f"{name}:{amount}" for name, amount in resources.items())
        self.parameters.append((f"resources{suffix}", value))
        self.add_limits(suffix, home, sources)

    def classes(self, provider: Provider) -> list[str]:
        """Return the classes to ask a provider for; now and then exhausted ones."""
        name, every = provider["name"], sorted(provider["inventories"])
        if self.rng.random() < 0.05:
            return every
        offers = self.cloud.offers
        return [c for c in every if self.left((name, c)) >= offers[name, c].min_unit]

    def left(self, place: tuple[str, str]) -> int:
        """Return the room that the groups so far leave."""
        return self.cloud.room[place] - self.taken[place]

    def amount(self, place: tuple[str, str]) -> int:
        """Draw an amount at a limit of one inventory; mostly one that fits."""
        limits, room = self.cloud.offers[place], self.cloud.room[place]
        most = min(self.left(place), limits.max_unit - self.taken[place])
        least = _step_up(max(1, limits.min_unit), limits)
        # A query has four amounts or so, and one that does not fit empties the answer.
        if self.rng.random() < 0.93:
            fitting = [least, least, least, most - most % limits.step_size]
            return max(1, self.rng.choice([n for n in fitting if n <= most] or [1]))
        edges = [
            limits.capacity,
            room,
            limits.min_unit,
            min(limits.max_unit, limits.total + 1),
            limits.step_size,
        ]
        amount = self.rng.choice(edges) + self.rng.choice([-1, 0, 0, 1])
        return min(MAX_INT, max(1, amount))

    def add_limits(
        self, suffix: str, home: Provider, sources: Iterable[Provider]
    ) -> None:
        """Add traits, aggregates and a tree that the group's providers mostly have."""
        rng, parameters = self.rng, self.parameters
        had = sorted({t for p in sources for t in p["traits"]} - {SHARES})
        trait = _likely(rng, had, [*TRAITS, *PHYSNETS])
        # Asking for what nobody has is a query without an answer: now and then.
        if self.may("required", 0.3 if had else 0.05):
            parameters.append((f"required{suffix}", trait))
        elif self.may("any trait", 0.15):
            some = sorted({trait, *rng.sample(TRAITS, 2)})
            parameters.append((f"required{suffix}", f"in:{','.join(some)}"))
        if self.may("forbidden", 0.15):
            lacked = sorted({*TRAITS, *PHYSNETS} - {trait, *had})
            others = sorted({*TRAITS} - {trait})
            value = f"!{_likely(rng, lacked, others)}"
            joined = self.minor < _SINCE["any trait"]
            _add(parameters, f"required{suffix}", value, joined)
        self.add_aggregates(suffix, home)
        if self.may("in_tree", 0.1):
            root = self.cloud.root
            own = [name for name in root if root[name] == self.anchor]
            parameters.append((f"in_tree{suffix}", _likely(rng, own, list(root))))

    def add_aggregates(self, suffix: str, home: Provider) -> None:
        """Ask for aggregates that the provider, or its root, is mostly in."""
        rng, parameters = self.rng, self.parameters
        own = home["aggregates"] + self.aggregates_of_root(home)
        if self.may("member_of", 0.25 if own else 0.05):
            names = {_likely(rng, own, AGGREGATES), rng.choice(AGGREGATES)}
            parameters.append((f"member_of{suffix}", f"in:{','.join(sorted(names))}"))
            if self.may("member_of twice", 0.2):
                again = _likely(rng, own, AGGREGATES)
                parameters.append((f"member_of{suffix}", again))
        if self.may("forbidden aggregates", 0.08):
            lacked = sorted(set(AGGREGATES) - set(own))
            value = _likely(rng, lacked, AGGREGATES)
            parameters.append((f"member_of{suffix}", f"!in:{value}"))

    def aggregates_of_root(self, home: Provider) -> list[str]:
        """Return the aggregates that the unsuffixed group inherits."""
        root = self.cloud.root[home["name"]]
        return next(p["aggregates"] for p in self.cloud.providers if p["name"] == root)

    def add_request_wide(self) -> None:
        """Add the parameters that are about all groups."""
        rng, parameters = self.rng, self.parameters
        suffixes = [suffix for suffix in self.asked if suffix]
        if suffixes and self.may("same_subtree", 0.35):
            self.add_same_subtree(suffixes)
        # Groups without resources count as well.
        several = len(suffixes) > 1 or any(key == "required_N" for key, _ in parameters)
        if several or (suffixes and rng.random() < 0.3):
            parameters.append(("group_policy", rng.choice(["none", "none", "isolate"])))
        root = next(p for p in self.cloud.providers if p["name"] == self.anchor)
        if self.may("root_required", 0.12):
            had = sorted(set(root["traits"]) - {SHARES})
            lacked = sorted(set(TRAITS) - set(had))
            forbidden = rng.random() < 0.4
            name = _likely(rng, lacked if forbidden else had, TRAITS)
            parameters.append(("root_required", f"!{name}" if forbidden else name))
        if self.may("limit", 0.08):
            parameters.append(("limit", str(rng.choice([1, 2, 5, 1000]))))

    def add_same_subtree(self, suffixes: list[str]) -> None:
        """Tie groups to one subtree, sometimes around a group without resources."""
        tied = self.rng.sample(suffixes, self.rng.randint(1, len(suffixes)))
        if self.rng.random() < 0.5:
            tree = self.cloud.root
            traits = sorted(
                {
                    trait
                    for p in self.cloud.providers
                    if tree[p["name"]] == self.anchor
                    for trait in p["traits"]
                }
                - {SHARES}
            )
            name = _likely(self.rng, traits, TRAITS)
            holders = sum(name in p["traits"] for p in self.cloud.providers)
            if self.products(self.asked) * max(1, holders) <= MOST_PRODUCTS:
                self.parameters.append(("required_N", name))
                tied.append("_N")
        if len(tied) > 1:
            self.parameters.append(("same_subtree", ",".join(tied)))
        elif tied == ["_N"]:
            self.parameters.pop()

    def products(self, asked: dict[str, dict[str, int]]) -> int:
        """Bound the number of combinations that Placement makes, over all anchors."""
        return sum(
            prod(self.choices(root, suffix, group) for suffix, group in asked.items())
            for root in self.roots
        )

    def choices(self, root: str, suffix: str, resources: dict[str, int]) -> int:
        """Bound the solutions of one group for one anchor."""
        counts = [
            len(self.cloud.fitting(root, name, amount))
            for name, amount in resources.items()
        ]
        return min(counts) if suffix else prod(counts)


def random_query(document: Document, seed: int, microversion: str = "1.39") -> str:
    """Draw a query string about a document.

    Parameters
    ----------
    document
        A cloud of `generators.clouds`.
    seed
        Any number; the same query for the same document and seed.
    microversion
        Newest one whose parameters are used, from 1.10 on.

    Returns
    -------
    str
        With names in place of UUIDs, not percent-encoded.
    """
    rng = random.Random(f"query {seed}")
    minor = int(microversion.partition(".")[2])
    drawing = _Drawing(_Cloud(document), rng, minor)
    suffixes = [""] if minor < _SINCE["suffixes"] else _suffixes(rng, minor)
    for suffix in suffixes:
        drawing.add_group(suffix)
    if not drawing.asked:
        drawing.asked[""] = {"VCPU": 1}
        drawing.parameters.append(("resources", "VCPU:1"))
    drawing.add_request_wide()
    return "&".join(f"{key}={value}" for key, value in drawing.parameters)


def _suffixes(rng: random.Random, minor: int) -> list[str]:
    count = rng.choice([0, 0, 1, 1, 1, 2, 2, 2, 3, 4])
    names = _SUFFIXES if minor >= _SINCE["letters"] else ["1", "2", "3", "4"]
    suffixes = names[:count]
    if not count or rng.random() < 0.6:
        # The order of groups decides which error or empty answer comes first.
        suffixes.insert(rng.choice([0, 0, 0, count]), "")
    return suffixes


def _likely(rng: random.Random, fitting: list[str], any_: list[str]) -> str:
    """Draw from what fits, four times out of five."""
    return rng.choice(fitting if fitting and rng.random() < 0.8 else any_)


def _step_up(amount: int, limits: Limits) -> int:
    return -(-amount // limits.step_size) * limits.step_size


def _add(parameters: list[tuple[str, str]], key: str, value: str, joined: bool) -> None:
    """Add a value; joined to an earlier one where the key may come only once."""
    for place, (name, before) in enumerate(parameters):
        if joined and name == key:
            parameters[place] = (key, f"{before},{value}")
            return
    parameters.append((key, value))

"""What Placement knows, as plain objects."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import os_resource_classes
import os_traits

SHARES = os_traits.MISC_SHARES_VIA_AGGREGATE


@dataclass(frozen=True)
class Inventory:
    """What a provider offers of one resource class."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = 2147483647
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> int:
        return int((self.total - self.reserved) * self.allocation_ratio)


@dataclass(frozen=True)
class Provider:
    """A resource provider with all that hangs on it.

    ``name`` stands for the UUID, ``parent`` is None for a root, ``root`` is the
    provider itself then. ``used`` has the sum of the allocations of each class.
    """

    name: str
    parent: str | None
    root: str
    inventories: Mapping[str, Inventory]
    used: Mapping[str, int]
    traits: frozenset[str]
    aggregates: frozenset[str]

    @property
    def is_sharing(self) -> bool:
        return SHARES in self.traits


@dataclass(frozen=True)
class State:
    """All providers by name, and the names that a request may use.

    A trait or resource class may exist without any provider that has it: asking for
    it then gives no candidates, while asking for an unknown one is an error.
    """

    providers: Mapping[str, Provider]
    known_traits: frozenset[str]
    known_resource_classes: frozenset[str]

    def roots(self) -> list[str]:
        return [p.name for p in self.providers.values() if p.parent is None]

    def ancestors(self, provider: str) -> set[str]:
        """Return the provider itself, its parent, and so on up to its root."""
        return set(
            _way_up(provider, {p.name: p.parent for p in self.providers.values()})
        )

    def anchors(self, provider: str) -> set[str]:
        """Return the roots of all trees that the provider may serve.

        A sharing provider serves every tree with some provider in one of its
        aggregates. Sharing goes no further: not on to what those trees share.
        """
        this = self.providers[provider]
        if not this.is_sharing:
            return {this.root}
        partners = (
            other
            for other in self.providers.values()
            if this.aggregates & other.aggregates
        )
        return {this.root} | {other.root for other in partners}


def from_document(
    document: Mapping[str, Any],
    traits: Iterable[str] = (),
    resource_classes: Iterable[str] = (),
) -> State:
    """Build a state from a line of ``placement_states.jsonl``.

    Parameters
    ----------
    document
        ``providers`` and ``consumers``; names stand for UUIDs.
    traits, resource_classes
        Names that exist beside the standard ones and those that a provider has.
    """
    rows: Sequence[Mapping[str, Any]] = document["providers"]
    parents = {row["name"]: row["parent"] for row in rows}
    used = _used(document["consumers"])
    providers = {
        row["name"]: Provider(
            name=row["name"],
            parent=row["parent"],
            root=_way_up(row["name"], parents)[-1],
            inventories={k: Inventory(**v) for k, v in row["inventories"].items()},
            used=used.get(row["name"], {}),
            traits=frozenset(row["traits"]),
            aggregates=frozenset(row["aggregates"]),
        )
        for row in rows
    }
    return State(
        providers=providers,
        known_traits=frozenset(traits).union(
            os_traits.get_traits(), *(p.traits for p in providers.values())
        ),
        known_resource_classes=frozenset(resource_classes).union(
            os_resource_classes.STANDARDS,
            *(p.inventories for p in providers.values()),
        ),
    )


def _way_up(provider: str | None, parents: Mapping[str, str | None]) -> list[str]:
    way = []
    while provider is not None:
        way.append(provider)
        provider = parents[provider]
    return way


def _used(
    consumers: Iterable[Mapping[str, Mapping[str, int]]],
) -> dict[str, Counter[str]]:
    """Add up what all consumers hold, by provider and class."""
    used: dict[str, Counter[str]] = {}
    for consumer in consumers:
        for provider, amounts in consumer.items():
            used.setdefault(provider, Counter()).update(amounts)
    return used

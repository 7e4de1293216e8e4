"""A cloud as plain objects that refer to each other, and the checks of what is given.

Nothing is kept twice: usage is the sum of the allocations whenever it is asked for, and
the order of providers is that of a walk through the trees.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import os_resource_classes
import os_traits

from kilonova.errors import (
    BadInput,
    UnknownProvider,
    UnknownResourceClass,
    UnknownTrait,
)
from oracle.state import Inventory

MAX_INT = 2147483647


@dataclass(eq=False)
class Provider:
    """A resource provider; the parent is None for a root."""

    name: str
    uuid: str | None
    parent: "Provider | None" = None
    children: list["Provider"] = field(default_factory=list)
    generation: int = 0
    inventories: dict[str, Inventory] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    aggregates: set[str] = field(default_factory=set)

    @property
    def root(self) -> "Provider":
        return self if self.parent is None else self.parent.root

    def subtree(self) -> Iterator["Provider"]:
        yield self
        for child in self.children:
            yield from child.subtree()


@dataclass(eq=False)
class Consumer:
    """A consumer with the amounts that it holds, by provider and class."""

    generation: int = 0
    project: str | None = None
    user: str | None = None
    consumer_type: str | None = None
    held: dict[tuple[Provider, str], int] = field(default_factory=dict)


@dataclass(eq=False)
class Objects:
    """Trees in the order in which they were made, consumers by UUID."""

    roots: list[Provider] = field(default_factory=list)
    consumers: dict[str, Consumer] = field(default_factory=dict)
    custom_classes: set[str] = field(default_factory=set)
    custom_traits: set[str] = field(default_factory=set)

    def providers(self) -> list[Provider]:
        return [provider for root in self.roots for provider in root.subtree()]

    def find(self, identity: str) -> Provider | None:
        for provider in self.providers():
            if identity in (provider.uuid, provider.name):
                return provider
        return None

    def provider(self, identity: str) -> Provider:
        found = self.find(identity)
        if found is None:
            raise UnknownProvider(identity)
        return found

    def used(self, provider: Provider, name: str) -> int:
        return sum(each.held.get((provider, name), 0) for each in self.holders())

    def holders(self) -> Iterator[Consumer]:
        yield from self.consumers.values()

    def check_class(self, name: str) -> None:
        if (
            name not in self.custom_classes
            and name not in os_resource_classes.STANDARDS
        ):
            raise UnknownResourceClass(name)

    def check_trait(self, name: str) -> None:
        if name not in {*self.custom_traits, *os_traits.get_traits()}:
            raise UnknownTrait(name)

    def document(self) -> dict[str, Any]:
        """Return what ``Cloud.to_document`` must give, but consumers by UUID."""
        providers = self.providers()
        found: dict[str, Any] = {
            "providers": [_provider_row(provider) for provider in providers],
            "consumers": {
                uuid: _consumer_row(uuid, consumer)
                for uuid, consumer in self.consumers.items()
            },
        }
        spare = {
            "traits": self.custom_traits.difference(*(p.traits for p in providers)),
            "resource_classes": self.custom_classes.difference(
                *(p.inventories for p in providers)
            ),
        }
        return found | {key: sorted(names) for key, names in spare.items() if names}


def _provider_row(provider: Provider) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": provider.name,
        "parent": provider.parent.name if provider.parent else None,
        "inventories": {
            name: dict(vars(offer)) for name, offer in provider.inventories.items()
        },
        "traits": sorted(provider.traits),
        "aggregates": sorted(provider.aggregates),
    }
    if provider.uuid is not None:
        row["uuid"] = provider.uuid
    if provider.generation:
        row["generation"] = provider.generation
    return row


def _consumer_row(uuid: str, consumer: Consumer) -> dict[str, Any]:
    allocations: dict[str, dict[str, int]] = {}
    for (provider, name), amount in consumer.held.items():
        allocations.setdefault(provider.name, {})[name] = amount
    row: dict[str, Any] = {"uuid": uuid, "allocations": allocations}
    for key, value in (
        ("project", consumer.project),
        ("user", consumer.user),
        ("type", consumer.consumer_type),
        ("generation", consumer.generation or None),
    ):
        if value is not None:
            row[key] = value
    return row


def checked_text(value: object, longest: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise BadInput(f"not text of 1 to {longest} characters: {value!r}")


def check_schema(fields: Mapping[str, Any]) -> None:
    """Check an inventory as Placement's JSON schema does, and its ratio."""
    for name, value in fields.items():
        if name == "allocation_ratio":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BadInput(f"{name}: {value!r}")
            if not 0 <= value <= 3.40282e38:
                raise BadInput(f"{name}: {value!r}")
        elif name in ("total", "reserved", "min_unit", "max_unit", "step_size"):
            least = 0 if name == "reserved" else 1
            if type(value) is not int or not least <= value <= MAX_INT:
                raise BadInput(f"{name}: {value!r}")
        else:
            raise BadInput(f"unknown field {name!r}")
    if "total" not in fields:
        raise BadInput("no total")


def checked_inventory(fields: Mapping[str, Any]) -> Inventory:
    """Check an inventory by the schema, and for a negative capacity."""
    check_schema(fields)
    if fields.get("reserved", 0) > fields["total"]:
        raise BadInput("reserved more than total")
    ratio = float(fields.get("allocation_ratio", 1.0))
    return Inventory(**{**fields, "allocation_ratio": ratio})

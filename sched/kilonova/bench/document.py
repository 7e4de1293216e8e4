"""A cloud as a document: what the recorded cases, the peers and the generators share.

Providers, aggregates and consumers have names; an engine that wants a UUID takes the
one that `uuid_of` derives from the name, unless the document gives one.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict, cast

MAX_INT = 0x7FFFFFFF
_NAMESPACE = uuid.UUID("6a1c6b1e-7f0b-5a52-9d7e-0f6d4d1c9b11")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Inventory(TypedDict):
    """What a provider offers of one class; a missing limit is no limit."""

    total: int
    reserved: NotRequired[int]
    min_unit: NotRequired[int]
    max_unit: NotRequired[int]
    step_size: NotRequired[int]
    allocation_ratio: NotRequired[float]


class Provider(TypedDict):
    """A resource provider; its parent is a name."""

    name: str
    uuid: NotRequired[str]
    parent: str | None
    inventories: Mapping[str, Inventory]
    traits: list[str]
    aggregates: list[str]


def provider(
    name: str,
    parent: str | None,
    inventories: Mapping[str, Inventory],
    traits: Sequence[str] = (),
) -> Provider:
    """Make a provider that is in no aggregate."""
    return {
        "name": name,
        "parent": parent,
        "inventories": inventories,
        "traits": list(traits),
        "aggregates": [],
    }


Allocations = Mapping[str, Mapping[str, int]]


class NamedConsumer(TypedDict):
    """A consumer with an identity of its own."""

    uuid: str
    project: NotRequired[str]
    user: NotRequired[str]
    allocations: Allocations


class Document(TypedDict):
    """A whole cloud, with the custom names that are known though nobody has them."""

    state: NotRequired[str]
    resource_classes: NotRequired[list[str]]
    custom_traits: NotRequired[list[str]]
    providers: list[Provider]
    consumers: list[Allocations | NamedConsumer]


class Consumer(NamedTuple):
    """A consumer of a document with every field filled in."""

    uuid: str
    project: str
    user: str
    allocations: Allocations


class Limits(NamedTuple):
    """An inventory with every field filled in, as Placement's API does it."""

    total: int
    reserved: int
    min_unit: int
    max_unit: int
    step_size: int
    allocation_ratio: float

    @property
    def capacity(self) -> int:
        """Whole units that may be used."""
        return int((self.total - self.reserved) * self.allocation_ratio)


def uuid_of(name: str) -> str:
    """Return the UUID that stands for a name; a UUID stands for itself."""
    return name if _UUID.fullmatch(name) else str(uuid.uuid5(_NAMESPACE, name))


def provider_uuid(provider: Provider) -> str:
    """Return the UUID of a provider of a document."""
    return provider.get("uuid") or uuid_of(provider["name"])


def limits_of(inventory: Inventory) -> Limits:
    """Fill in what an inventory leaves out."""
    return Limits(
        inventory["total"],
        inventory.get("reserved", 0),
        inventory.get("min_unit", 1),
        inventory.get("max_unit", MAX_INT),
        inventory.get("step_size", 1),
        inventory.get("allocation_ratio", 1.0),
    )


def consumers_of(document: Document) -> Iterator[Consumer]:
    """Yield the consumers; one without a UUID is known by its place in the list."""
    for place, consumer in enumerate(document["consumers"]):
        if "uuid" in consumer and "allocations" in consumer:
            named = cast(NamedConsumer, consumer)
            yield Consumer(
                uuid_of(named["uuid"]),
                named.get("project", "project"),
                named.get("user", "user"),
                named["allocations"],
            )
        else:
            name = uuid_of(f"consumer {place}")
            yield Consumer(name, "project", "user", consumer)


def parents_first(document: Document) -> list[Provider]:
    """Return the providers in an order in which each follows its parent.

    Raises
    ------
    ValueError
        A parent is missing, or is its own ancestor.
    """
    waiting = list(document["providers"])
    placed: dict[str | None, Provider | None] = {None: None}
    done: list[Provider] = []
    while waiting:
        ready = [provider for provider in waiting if provider["parent"] in placed]
        if not ready:
            names = sorted(provider["name"] for provider in waiting)
            raise ValueError(f"No root above these providers: {names}.")
        placed.update((provider["name"], provider) for provider in ready)
        done += ready
        waiting = [provider for provider in waiting if provider["name"] not in placed]
    return done


def root_names(document: Document) -> dict[str, str]:
    """Map the name of each provider to the name of its root."""
    roots: dict[str, str] = {}
    for provider in parents_first(document):
        parent = provider["parent"]
        roots[provider["name"]] = provider["name"] if parent is None else roots[parent]
    return roots


def usages_of(document: Document) -> dict[tuple[str, str], int]:
    """Return the units in use by provider name and class."""
    used: dict[tuple[str, str], int] = defaultdict(int)
    for consumer in consumers_of(document):
        for provider, resources in consumer.allocations.items():
            for resource_class, amount in resources.items():
                used[provider, resource_class] += amount
    return used

"""Writes of allocations by Placement's rules, on plain objects.

Written from ``_set_allocations`` and ``_check_capacity_exceeded`` in ``objects/
allocation.py`` of openstack-placement, and from ``handlers/allocation.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType

from kilonova.errors import (
    BadInput,
    DoesNotFit,
    GenerationConflict,
    UnknownConsumer,
)
from oracle.cloud_objects import MAX_INT, Consumer, Objects, Provider, checked_text

Allocations = Mapping[str, Mapping[str, int]]
Held = dict[tuple[Provider, str], int]


@dataclass
class Asked:
    """What a write says of the consumer; None leaves it as it is."""

    project: str | None = None
    user: str | None = None
    consumer_type: str | None = None
    consumer_generation: int | EllipsisType | None = ...


def claim(
    objects: Objects, consumer: str, allocations: Allocations, asked: Asked
) -> None:
    """Do as PUT /allocations/{consumer}: replace all that the consumer holds."""
    checked_text(consumer, 255)
    for amounts in allocations.values():
        if not amounts:
            raise BadInput("no amounts")
        for amount in amounts.values():
            if not 1 <= amount <= MAX_INT:
                raise BadInput(f"amount {amount}")
    before = objects.consumers.get(consumer)
    now = None if before is None else before.generation
    if asked.consumer_generation not in (..., now):
        raise GenerationConflict(f"{asked.consumer_generation}, not {now}")
    wanted = by_object(objects, allocations)
    if not wanted:
        if before is not None:
            _bump({provider for provider, _ in before.held})
            del objects.consumers[consumer]
        return
    own = before.held if before is not None else {}
    _check(objects, wanted, own)
    this = before or Consumer()
    this.held = wanted
    this.generation += 1
    this.project = asked.project or this.project
    this.user = asked.user or this.user
    this.consumer_type = asked.consumer_type or this.consumer_type
    objects.consumers[consumer] = this
    # Those of the new rows alone: what the consumer has left is not visited.
    _bump({provider for provider, _ in wanted})


def release(objects: Objects, consumer: str) -> None:
    """Do as DELETE /allocations/{consumer}, which bumps no provider."""
    if consumer not in objects.consumers:
        raise UnknownConsumer(consumer)
    del objects.consumers[consumer]


def move(objects: Objects, source: str, target: str) -> None:
    """Do as POST /allocations with the rows of ``source`` for ``target``."""
    checked_text(target, 255)
    if source == target:
        raise BadInput("the same consumer")
    if source not in objects.consumers:
        raise UnknownConsumer(source)
    giver = objects.consumers[source]
    taker = objects.consumers.get(target)
    both = dict(giver.held)
    for key, amount in (taker.held if taker else {}).items():
        both[key] = both.get(key, 0) + amount
    _check(objects, giver.held, both)
    if taker is None:
        taker = objects.consumers[target] = Consumer(
            project=giver.project,
            user=giver.user,
            consumer_type=giver.consumer_type,
        )
    taker.held = giver.held
    taker.generation += 1
    del objects.consumers[source]
    _bump({provider for provider, _ in taker.held})


def by_object(objects: Objects, allocations: Allocations) -> Held:
    providers = [objects.provider(identity) for identity in allocations]
    if len(set(providers)) < len(providers):
        raise BadInput("a provider is named twice")
    for amounts in allocations.values():
        for name in amounts:
            objects.check_class(name)
    return {
        (provider, name): amount
        for provider, amounts in zip(providers, allocations.values(), strict=True)
        for name, amount in amounts.items()
    }


def _check(objects: Objects, wanted: Held, given_back: Held) -> None:
    """Raise DoesNotFit unless all rows can be had after some are given back."""
    for (provider, name), amount in wanted.items():
        offer = provider.inventories.get(name)
        if offer is None:
            raise DoesNotFit(f"no {name}")
        if not offer.min_unit <= amount <= offer.max_unit or amount % offer.step_size:
            raise DoesNotFit(f"{amount} {name}: min_unit, max_unit or step_size")
        before = objects.used(provider, name)
        after = before - given_back.get((provider, name), 0) + amount
        capacity = (offer.total - offer.reserved) * offer.allocation_ratio
        # Over capacity is allowed where it does not get worse.
        if after > capacity and after > before:
            raise DoesNotFit(f"{amount} {name}: capacity {capacity}, would be {after}")


def _bump(providers: set[Provider]) -> None:
    for provider in providers:
        provider.generation += 1

"""Edits and claims of a cloud by Placement's rules, on plain objects.

The methods are those of ``kilonova.Cloud`` and raise the same errors. Each part names
the functions of openstack-placement that it was read from.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import os_resource_classes
import os_traits

from kilonova.errors import (
    BadInput,
    Conflict,
    GenerationConflict,
    InUse,
    NotFound,
    UnknownResourceClass,
    UnknownTrait,
)
from oracle import cloud_claims
from oracle.cloud_claims import Allocations, Asked
from oracle.cloud_objects import (
    Consumer,
    Objects,
    Provider,
    check_schema,
    checked_inventory,
    checked_text,
)

_NOT_GIVEN = ("name", "parent", "generation")
_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")


class TwinCloud(Objects):
    """A cloud that is edited as Placement's tables are."""

    def load(self, document: Mapping[str, Any]) -> None:
        """Add what a document says, in which parents come first.

        As in Placement, what consumers hold may be more than there is.
        """
        given = document.get("providers", [])
        self.custom_classes = _custom_names(document, "resource_classes", "inventories")
        self.custom_traits = _custom_names(document, "traits", "traits")
        self.custom_classes -= set(os_resource_classes.STANDARDS)
        self.custom_traits -= set(os_traits.get_traits())
        for row in given:
            keywords = {key: row[key] for key in row if key not in _NOT_GIVEN}
            self.add_provider(row["name"], row.get("parent"), **keywords)
            self.provider(row["name"]).generation = row.get("generation", 0)
        for row in document.get("consumers", []):
            self.consumers[row["uuid"]] = Consumer(
                row.get("generation", 0),
                row.get("project"),
                row.get("user"),
                row.get("type"),
                cloud_claims.by_object(self, row["allocations"]),
            )

    # Trees: ``ResourceProvider._create_in_db``, ``_update_in_db`` and ``_delete``.

    def add_provider(
        self,
        name: str,
        parent: str | None = None,
        *,
        uuid: str | None = None,
        inventories: Mapping[str, Mapping[str, Any]] | None = None,
        traits: Iterable[str] = (),
        aggregates: Iterable[str] = (),
    ) -> None:
        new = Provider(name, uuid)
        for trait in traits:
            self.check_trait(trait)
            new.traits.add(trait)
        for aggregate in aggregates:
            checked_text(aggregate, 255)
            new.aggregates.add(aggregate)
        for resource_class, fields in (inventories or {}).items():
            self.check_class(resource_class)
            new.inventories[resource_class] = checked_inventory(fields)
        new.parent = None if parent is None else self.provider(parent)
        checked_text(name, 200)
        self._check_free(name, None)
        if uuid is not None:
            checked_text(uuid, 200)
            self._check_free(uuid, None)
        self._siblings(new.parent).append(new)

    def rename_provider(self, provider: str, name: str) -> None:
        this = self.provider(provider)
        checked_text(name, 200)
        self._check_free(name, this)
        this.name = name

    def remove_provider(self, provider: str) -> None:
        this = self.provider(provider)
        if this.children:
            raise InUse("has children")
        if any(holder is this for each in self.holders() for holder, _ in each.held):
            raise InUse("has allocations")
        self._siblings(this.parent).remove(this)

    def set_parent(
        self, provider: str, parent: str | None, *, may_reparent: bool = True
    ) -> None:
        this = self.provider(provider)
        above = None if parent is None else self.provider(parent)
        if above is this.parent:
            return
        if this.parent is not None and not may_reparent:
            raise BadInput("re-parenting is not allowed before 1.37")
        if above is not None and above in this.subtree():
            raise BadInput("loop")
        self._siblings(this.parent).remove(this)
        self._siblings(above).append(this)
        this.parent = above

    def _siblings(self, parent: Provider | None) -> list[Provider]:
        return self.roots if parent is None else parent.children

    def _check_free(self, identity: str, this: Provider | None) -> None:
        for other in self.providers():
            if other is not this and identity in (other.name, other.uuid):
                raise Conflict(f"{identity!r} is taken")

    # What they have: ``_set_inventory``, ``_set_traits``, ``_set_aggregates``, each
    # after the checks of its handler in their order.

    def set_inventories(
        self,
        provider: str,
        inventories: Mapping[str, Mapping[str, Any]],
        *,
        generation: int | None = None,
    ) -> None:
        this = self.provider(provider)
        for fields in inventories.values():
            check_schema(fields)
        self._check_generation(this, generation)
        wanted = {name: checked_inventory(given) for name, given in inventories.items()}
        for name in inventories:
            self.check_class(name)
        for name in this.inventories.keys() - wanted.keys():
            self._check_unused(this, name)
        this.inventories = wanted
        this.generation += 1

    def set_inventory(
        self,
        provider: str,
        resource_class: str,
        inventory: Mapping[str, Any],
        *,
        generation: int | None = None,
    ) -> None:
        this = self.provider(provider)
        check_schema(inventory)
        self._check_generation(this, generation)
        wanted = checked_inventory(inventory)
        self.check_class(resource_class)
        this.inventories[resource_class] = wanted
        this.generation += 1

    def remove_inventory(self, provider: str, resource_class: str) -> None:
        this = self.provider(provider)
        if resource_class not in this.inventories:
            raise NotFound(resource_class)
        self._check_unused(this, resource_class)
        del this.inventories[resource_class]
        this.generation += 1

    def set_traits(
        self, provider: str, traits: Iterable[str], *, generation: int | None = None
    ) -> None:
        this = self.provider(provider)
        self._check_generation(this, generation)
        wanted = set(traits)
        for trait in wanted:
            self.check_trait(trait)
        # "if not to_add and not to_delete: return"
        if wanted != this.traits:
            this.traits = wanted
            this.generation += 1

    def set_aggregates(
        self, provider: str, aggregates: Iterable[str], *, generation: int | None = None
    ) -> None:
        this = self.provider(provider)
        wanted = set(aggregates)
        for aggregate in wanted:
            checked_text(aggregate, 255)
        self._check_generation(this, generation)
        this.aggregates = wanted
        this.generation += 1

    def _check_generation(self, this: Provider, generation: int | None) -> None:
        if generation is not None and generation != this.generation:
            raise GenerationConflict(f"{generation}, not {this.generation}")

    def _check_unused(self, provider: Provider, name: str) -> None:
        if self.used(provider, name):
            raise InUse(f"{name} has allocations")

    # Names: ``ResourceClass.destroy``, ``Trait.destroy``.

    def add_resource_class(self, name: str) -> None:
        if name not in os_resource_classes.STANDARDS:
            self.custom_classes.add(_custom(name))

    def add_trait(self, name: str) -> None:
        if name not in os_traits.get_traits():
            self.custom_traits.add(_custom(name))

    def remove_resource_class(self, name: str) -> None:
        if name in os_resource_classes.STANDARDS:
            raise BadInput(f"{name} is a standard class")
        if name not in self.custom_classes:
            raise UnknownResourceClass(name)
        if any(name in provider.inventories for provider in self.providers()):
            raise InUse(name)
        self.custom_classes.remove(name)

    def remove_trait(self, name: str) -> None:
        if name in os_traits.get_traits():
            raise BadInput(f"{name} is a standard trait")
        if name not in self.custom_traits:
            raise UnknownTrait(name)
        if any(name in provider.traits for provider in self.providers()):
            raise InUse(name)
        self.custom_traits.remove(name)

    # Claims.

    def claim(self, consumer: str, allocations: Allocations, **asked: Any) -> None:
        cloud_claims.claim(self, consumer, allocations, Asked(**asked))

    def release(self, consumer: str) -> None:
        cloud_claims.release(self, consumer)

    def move(self, source: str, target: str) -> None:
        cloud_claims.move(self, source, target)


def _custom_names(document: Mapping[str, Any], known: str, had: str) -> set[str]:
    """Return the names that a document lists, and those that its providers have."""
    return set(document.get(known, ())).union(
        *(provider.get(had, ()) for provider in document.get("providers", ()))
    )


def _custom(name: str) -> str:
    if not _CUSTOM.fullmatch(name):
        raise BadInput(name)
    return name

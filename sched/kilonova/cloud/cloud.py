"""The face of the columns: documents, files, edits, claims."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import EllipsisType
from typing import Any, Self

from kilonova.cloud import claims, document, providers
from kilonova.cloud.claims import Allocations, Owner
from kilonova.cloud.document_checks import Document
from kilonova.cloud.inventories import (
    Inventories,
    checked_aggregates,
    checked_inventories,
    put_aggregates,
    put_inventory,
    remove_inventory,
    remove_resource_class,
    remove_trait,
    set_aggregates,
    set_inventories,
    set_inventory,
    set_traits,
)
from kilonova.cloud.offers import Inventory
from kilonova.cloud.state import State
from kilonova.cloud.vocabulary import checked_names


class BaseCloud:
    """Provider trees, inventories, traits, aggregates and allocations as columns.

    Providers are named by UUID, or by name where they were given none. What is refused
    leaves everything as it was. Writes from several threads are taken one at a time.

    Attributes
    ----------
    state
        The columns themselves, for kernels and for other parts of Kilonova.
    """

    def __init__(self) -> None:
        self.state = State()

    # In and out.

    @classmethod
    def from_document(cls, given: Document) -> Self:
        """Make a cloud of one JSON-like document; see ``docs/documents.md``.

        Raises
        ------
        BadInput
            Something in the document cannot be right; the message says where.
        """
        cloud = cls()
        document.load(cloud.state, given)
        return cloud

    def to_document(self) -> dict[str, Any]:
        """Give the document from which ``from_document`` makes an equal cloud."""
        with self.state.lock:
            return document.dump(self.state)

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Open what ``write`` wrote, memory-mapped: pages are shared until written.

        Raises
        ------
        BadTable, BadInput
            A file is missing, or is not what the schema says.
        """
        from kilonova.cloud import files

        cloud = cls()
        files.read(cloud.state, Path(folder))
        return cloud

    def write(self, folder: str | Path) -> None:
        """Write all columns as Arrow IPC files into a folder, all or nothing.

        Raises
        ------
        BadInput
            The folder cannot be written.
        """
        from kilonova.cloud import files

        with self.state.lock:
            files.write(self.state, Path(folder))

    # Providers.

    def add_provider(
        self,
        name: str,
        parent: str | None = None,
        *,
        uuid: str | None = None,
        inventories: Inventories | None = None,
        traits: Iterable[str] = (),
        aggregates: Iterable[str] = (),
    ) -> None:
        """Add a provider, as a root or as the last child of ``parent``.

        Raises
        ------
        BadInput
            A name or UUID cannot be kept, or a limit cannot be right.
        UnknownProvider, UnknownResourceClass, UnknownTrait
            A name is unknown.
        Conflict
            The name or UUID is taken.
        """
        state = self.state
        with state.lock:
            trait_names = checked_names("A trait", traits)
            trait_numbers = [state.traits.known(trait) for trait in trait_names]
            aggregate_names = checked_aggregates(aggregates)
            wanted = {
                state.resource_classes.known(rc): Inventory.of(f"{name!r}, {rc}", given)
                for rc, given in checked_inventories(inventories or {}).items()
            }
            row = providers.add_provider(state, name, parent, uuid)
            trait_set = state.trait_sets.number(trait_numbers)
            state.tables.provider["trait_set"][row] = trait_set
            put_aggregates(state, row, aggregate_names)
            # In the order in which they lie: each comes after the last.
            for resource_class in sorted(wanted):
                put_inventory(state, row, resource_class, wanted[resource_class])

    def remove_provider(self, provider: str) -> None:
        """Remove a provider with its inventories.

        Raises
        ------
        UnknownProvider
            There is no such provider.
        InUse
            It has children or allocations.
        """
        with self.state.lock:
            providers.remove_provider(self.state, self.state.provider_row(provider))

    def rename_provider(self, provider: str, name: str) -> None:
        """Give a provider another name; raises Conflict if it is taken."""
        with self.state.lock:
            row = self.state.provider_row(provider)
            providers.rename_provider(self.state, row, name)

    def set_parent(
        self, provider: str, parent: str | None, *, may_reparent: bool = True
    ) -> None:
        """Hang a provider and all below it under ``parent``, or make it a root.

        ``may_reparent=False`` is the rule before microversion 1.37: a parent stays.

        Raises
        ------
        UnknownProvider
            A provider is unknown.
        BadInput
            The parents would form a loop, or the provider has another parent and may
            not change it.
        """
        with self.state.lock:
            row = self.state.provider_row(provider)
            providers.set_parent(self.state, row, parent, may_reparent)

    def set_inventories(
        self,
        provider: str,
        inventories: Inventories,
        *,
        generation: int | None = None,
    ) -> None:
        """Replace all inventories of a provider; capacity may fall below usage.

        Raises
        ------
        BadInput
            A limit cannot be right.
        UnknownProvider, UnknownResourceClass
            A name is unknown.
        InUse
            A class that has allocations would vanish.
        GenerationConflict
            ``generation`` is given and is not the present one.
        """
        with self.state.lock:
            row = self.state.provider_row(provider)
            set_inventories(self.state, row, inventories, generation)

    def set_inventory(
        self,
        provider: str,
        resource_class: str,
        inventory: Inventory | Mapping[str, Any],
        *,
        generation: int | None = None,
    ) -> None:
        """Add or change the inventory of one class; raises as ``set_inventories``."""
        with self.state.lock:
            row = self.state.provider_row(provider)
            set_inventory(self.state, row, resource_class, inventory, generation)

    def remove_inventory(self, provider: str, resource_class: str) -> None:
        """Remove the inventory of one class.

        Raises
        ------
        UnknownProvider, NotFound
            The provider or its inventory does not exist.
        InUse
            The class has allocations.
        """
        with self.state.lock:
            row = self.state.provider_row(provider)
            remove_inventory(self.state, row, resource_class)

    def set_traits(
        self, provider: str, traits: Iterable[str], *, generation: int | None = None
    ) -> None:
        """Replace the traits of a provider; raises UnknownTrait, BadInput.

        Its generation stays where the traits do.
        """
        with self.state.lock:
            row = self.state.provider_row(provider)
            set_traits(self.state, row, traits, generation)

    def set_aggregates(
        self,
        provider: str,
        aggregates: Iterable[str],
        *,
        generation: int | None = None,
    ) -> None:
        """Replace the aggregates of a provider; raises BadInput."""
        with self.state.lock:
            row = self.state.provider_row(provider)
            set_aggregates(self.state, row, aggregates, generation)

    def add_resource_class(self, name: str) -> None:
        """Make a custom resource class known; raises BadInput if malformed."""
        with self.state.lock:
            self.state.resource_classes.add(name)

    def remove_resource_class(self, name: str) -> None:
        """Remove a custom resource class; raises InUse, BadInput, NotFound."""
        with self.state.lock:
            remove_resource_class(self.state, name)

    def add_trait(self, name: str) -> None:
        """Make a custom trait known; raises BadInput if malformed."""
        with self.state.lock:
            self.state.traits.add(name)

    def remove_trait(self, name: str) -> None:
        """Remove a custom trait; raises InUse, BadInput, NotFound."""
        with self.state.lock:
            remove_trait(self.state, name)

    def generation(self, provider: str) -> int:
        """Give the generation of a provider."""
        with self.state.lock:
            row = self.state.provider_row(provider)
            return int(self.state.tables.provider["generation"][row])

    def inventories(self, provider: str) -> dict[str, Inventory]:
        """Give what a provider offers, by resource class."""
        state = self.state
        with state.lock:
            classes = state.tables.inventory["resource_class"]
            return {
                state.resource_classes[int(classes[i])]: state.inventory_of(i)
                for i in state.inventory_rows(state.provider_row(provider))
            }

    def usages(self, provider: str) -> dict[str, int]:
        """Give the units in use at a provider, by resource class."""
        state = self.state
        with state.lock:
            classes = state.tables.inventory["resource_class"]
            used = state.tables.inventory["used"]
            return {
                state.resource_classes[int(classes[i])]: int(used[i])
                for i in state.inventory_rows(state.provider_row(provider))
            }

    # Claims.

    def claim(
        self,
        consumer: str,
        allocations: Allocations,
        *,
        project: str | None = None,
        user: str | None = None,
        consumer_type: str | None = None,
        consumer_generation: int | EllipsisType | None = ...,
    ) -> None:
        """Replace all that a consumer holds by ``allocations``, or change nothing.

        ``{}`` removes the consumer. ``consumer_generation`` None says that it is new;
        left out, it is not compared.

        Raises
        ------
        BadInput
            An amount is not a whole number in 1..2147483647, or a name cannot be kept.
        UnknownProvider, UnknownResourceClass
            A name is unknown.
        DoesNotFit
            A provider cannot take an amount: which, of what, how much, what room.
        GenerationConflict
            The consumer is at another generation.
        """
        owner = Owner(project, user, consumer_type)
        with self.state.lock:
            claims.claim(self.state, consumer, allocations, owner, consumer_generation)

    def release(self, consumer: str) -> None:
        """Give back all that a consumer holds; raises UnknownConsumer."""
        with self.state.lock:
            claims.release(self.state, consumer)

    def move(self, source: str, target: str) -> None:
        """Hand all that ``source`` holds to ``target``, whose own is given back.

        Raises
        ------
        UnknownConsumer
            ``source`` holds nothing.
        DoesNotFit
            Limits of an amount were changed since ``source`` made its claim.
        """
        with self.state.lock:
            claims.move(self.state, source, target)

    def allocations(self, consumer: str) -> dict[str, dict[str, int]]:
        """Give what a consumer holds: amounts by class, by provider; may be empty."""
        with self.state.lock:
            return claims.amounts(self.state, consumer)

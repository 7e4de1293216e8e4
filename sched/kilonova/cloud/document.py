"""A cloud as one JSON document, in names: for tests, files made by hand, examples."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud import claims
from kilonova.cloud.document_checks import (
    Document,
    checked_consumers,
    checked_list,
    checked_providers,
)
from kilonova.cloud.host_document import (
    dump_hosts,
    dump_server,
    load_hosts,
    load_server,
)
from kilonova.cloud.offers import Inventory
from kilonova.cloud.state import State
from kilonova.errors import BadInput, KilonovaError


def load(state: State, document: Document) -> None:
    """Fill an empty state from a document.

    Capacity is not checked: what is recorded may well be over it.

    Raises
    ------
    BadInput
        Something in the document cannot be right; the message says where.
    """
    providers = checked_providers(document)
    consumers = checked_consumers(document)
    _declare(state, document, providers)
    providers = [providers[i] for i in _preorder(providers)]
    _load_providers(state, providers)
    _load_inventories(state, providers)
    state.rows_moved()
    first = _load_consumers(state, consumers)
    # What a host does not say of itself follows from what is in use.
    load_hosts(state, document)
    for n, consumer in enumerate(consumers):
        load_server(state, first + n, f"consumers[{n}]", consumer)


def _declare(state: State, document: Document, providers: list[Document]) -> None:
    """Enter all classes and traits: a document makes known what it names."""
    for name in checked_list("The document", document, "resource_classes"):
        state.resource_classes.add(name)
    for name in checked_list("The document", document, "traits"):
        state.traits.add(name)
    for provider in providers:
        for name in provider.get("inventories", {}):
            state.resource_classes.add(name)
        for name in provider.get("traits", ()):
            state.traits.add(name)


def _preorder(providers: list[Document]) -> list[int]:
    """Order providers so that each tree is a run, children after their parent."""
    numbers = _numbers(providers)
    children: dict[int, list[int]] = {}
    stack = []
    for i, provider in enumerate(providers):
        parent = provider.get("parent")
        if parent is None:
            stack.append(i)
        elif parent in numbers:
            children.setdefault(numbers[parent], []).append(i)
        else:
            raise BadInput(
                f"Provider {provider['name']!r}: no provider {parent!r} to be its "
                "parent."
            )
    stack.reverse()
    order = []
    while stack:
        i = stack.pop()
        order.append(i)
        stack.extend(reversed(children.get(i, ())))
    if len(order) < len(providers):
        lost = min(set(range(len(providers))) - set(order))
        raise BadInput(
            f"Provider {providers[lost]['name']!r} has no root above it: parents must "
            "not form a loop."
        )
    return order


def _numbers(providers: list[Document]) -> dict[str, int]:
    """Give the number of each provider by name and by UUID."""
    numbers = {provider["name"]: i for i, provider in enumerate(providers)}
    return numbers | {p["uuid"]: i for i, p in enumerate(providers) if p.get("uuid")}


def _load_providers(state: State, providers: list[Document]) -> None:
    from kilonova_kernels.trees import close_trees

    state.provider_names.append([provider["name"] for provider in providers])
    state.provider_uuids.append([provider.get("uuid") or "" for provider in providers])
    rows = _numbers(providers)
    table = state.tables.provider
    table.append(len(providers))
    columns: dict[str, list[int]] = {
        "parent": [
            -1 if p.get("parent") is None else rows[p["parent"]] for p in providers
        ],
        "generation": [p.get("generation", 0) for p in providers],
        "trait_set": [
            state.trait_sets.number(state.traits.known(t) for t in p.get("traits", ()))
            for p in providers
        ],
        "aggregate_set": [
            state.aggregate_sets.number(
                state.aggregates.number(a) for a in p.get("aggregates", ())
            )
            for p in providers
        ],
    }
    for name, values in columns.items():
        table[name][:] = values
    close_trees(table["parent"], table["root"], table["subtree_end"])


def _load_inventories(state: State, providers: list[Document]) -> None:
    rows = []
    for row, provider in enumerate(providers):
        found = provider.get("inventories", {})
        where = provider["name"]
        rows += sorted(
            (
                row,
                state.resource_classes.known(name),
                state.offers.number(Inventory.of(f"{where!r}, {name}", fields)),
            )
            for name, fields in found.items()
        )
    table = state.tables.inventory
    table.append(len(rows))
    packed = np.array(rows, np.int64).reshape(-1, 3)
    for i, name in enumerate(("provider", "resource_class", "offer")):
        table[name][:] = packed[:, i]


def _load_consumers(state: State, consumers: list[dict[str, Any]]) -> int:
    """Enter consumers with their allocations; give the row of the first."""
    from kilonova_kernels.claims import add_usage, write_rows

    first = claims.add_consumers(state, [consumer["uuid"] for consumer in consumers])
    table = state.tables.consumer
    for row, consumer in enumerate(consumers, first):
        try:
            claims.check_amounts(consumer["allocations"])
            inventories, amounts = claims.resolve(state, consumer["allocations"])
        except KilonovaError as error:
            who = f"consumers[{row - first}] {consumer['uuid']!r}"
            raise BadInput(f"{who}: {error}") from error
        columns = state.columns(spare_allocations=len(inventories))
        write_rows(columns, row, inventories, amounts)
        add_usage(columns, row, 1)
        state.tables.allocation.count = int(state.counters[1])
        for column, names in (
            ("project", state.projects),
            ("user", state.users),
            ("type", state.consumer_types),
        ):
            if consumer.get(column) is not None:
                table[column][row] = names.number(consumer[column])
        table["generation"][row] = consumer.get("generation", 0)
    return first


def dump(state: State) -> dict[str, Any]:
    """Give the document that ``load`` would make this state of."""
    table = state.tables.provider
    document: dict[str, Any] = {
        "providers": [_dump_provider(state, row) for row in range(table.count)],
        "consumers": [_dump_consumer(state, row) for row in _consumers(state).tolist()],
    }
    named = {t for p in document["providers"] for t in p["traits"]}
    offered = {c for p in document["providers"] for c in p["inventories"]}
    spare = {
        "traits": sorted(set(state.traits.custom()) - named),
        "resource_classes": sorted(set(state.resource_classes.custom()) - offered),
    }
    document |= dump_hosts(state)
    return document | {key: names for key, names in spare.items() if names}


def _consumers(state: State) -> NDArray[np.int64]:
    """List the consumers that hold something, and those that only their host counts."""
    table = state.tables.consumer
    return np.flatnonzero((table["first"] >= 0) | (table["host"] >= 0))


def _dump_provider(state: State, row: int) -> dict[str, Any]:
    table = state.tables.provider
    inventory = state.tables.inventory
    parent = int(table["parent"][row])
    uuid, generation = state.provider_uuids[row], int(table["generation"][row])
    traits = state.trait_sets[int(table["trait_set"][row])]
    aggregates = state.aggregate_sets[int(table["aggregate_set"][row])]
    found: dict[str, Any] = {
        "name": state.provider_names[row],
        "parent": None if parent < 0 else state.provider_names[parent],
        "inventories": {
            state.resource_classes[
                int(inventory["resource_class"][i])
            ]: state.inventory_of(i)._asdict()
            for i in state.inventory_rows(row)
        },
        "traits": sorted(state.traits[t] for t in traits),
        "aggregates": sorted(state.aggregates[a] for a in aggregates),
    }
    if uuid:
        found["uuid"] = uuid
    if generation:
        found["generation"] = generation
    return found


def _dump_consumer(state: State, row: int) -> dict[str, Any]:
    table = state.tables.consumer
    inventory = state.tables.inventory
    allocations: dict[str, dict[str, int]] = {}
    for at, amount in claims.holdings(state, row):
        provider = state.provider_names[int(inventory["provider"][at])]
        resource_class = state.resource_classes[int(inventory["resource_class"][at])]
        allocations.setdefault(provider, {})[resource_class] = amount
    found: dict[str, Any] = {
        column: names[int(table[column][row])]
        for column, names in (
            ("project", state.projects),
            ("user", state.users),
            ("type", state.consumer_types),
        )
        if table[column][row] >= 0
    }
    uuid, generation = state.consumer_uuids[row], int(table["generation"][row])
    if generation:
        found["generation"] = generation
    found |= dump_server(state, row)
    # A provider may be called like the key by which the longer form is told.
    if not uuid and not found and "allocations" not in allocations:
        return allocations
    return {"uuid": uuid, **found, "allocations": allocations}

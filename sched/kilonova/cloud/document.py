"""A cloud as one JSON document, in names: for tests, files made by hand, examples."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kilonova.cloud import claims
from kilonova.cloud.offers import Inventory
from kilonova.cloud.state import State
from kilonova.errors import BadInput, KilonovaError

Document = Mapping[str, Any]

_PROVIDER_KEYS = {
    "name",
    "uuid",
    "parent",
    "inventories",
    "traits",
    "aggregates",
    "generation",
}
_CONSUMER_KEYS = {"uuid", "project", "user", "type", "allocations", "generation"}
_KEYS = {"providers", "consumers", "traits", "resource_classes"}


def load(state: State, document: Document) -> None:
    """Fill an empty state from a document.

    Capacity is not checked: what is recorded may well be over it.

    Raises
    ------
    BadInput
        Something in the document cannot be right; the message says where.
    """
    _check_keys("The document", document, _KEYS)
    providers = list(_list(document, "providers"))
    for provider in providers:
        _check_keys("A provider", provider, _PROVIDER_KEYS)
        if not isinstance(provider.get("name"), str) or not provider["name"]:
            raise BadInput(f"A provider needs a name, got {provider.get('name')!r}.")
    _declare(state, document, providers)
    order = _preorder(providers)
    providers = [providers[i] for i in order]
    _load_providers(state, providers)
    _load_inventories(state, providers)
    state.rows_moved()
    _load_consumers(state, list(_list(document, "consumers")))


def _check_keys(what: str, given: object, known: set[str]) -> None:
    if not isinstance(given, Mapping):
        raise BadInput(f"{what} must be an object, got {type(given).__name__}.")
    if unknown := sorted(set(given) - known):
        raise BadInput(f"{what}: unknown key {unknown[0]!r}, known: {sorted(known)}.")


def _list(document: Document, key: str) -> Iterable[Any]:
    found = document.get(key, ())
    if not isinstance(found, list | tuple):
        raise BadInput(f"{key!r} must be a list, got {type(found).__name__}.")
    return found


def _declare(state: State, document: Document, providers: list[Any]) -> None:
    """Enter all classes and traits: a document makes known what it names."""
    for name in _list(document, "resource_classes"):
        state.resource_classes.add(name)
    for name in _list(document, "traits"):
        state.traits.add(name)
    for provider in providers:
        for name in provider.get("inventories", {}):
            state.resource_classes.add(name)
        for name in provider.get("traits", ()):
            state.traits.add(name)


def _preorder(providers: list[Any]) -> list[int]:
    """Order providers so that each tree is a run, children after their parent."""
    numbers: dict[str, int] = {}
    for i, provider in enumerate(providers):
        numbers[provider["name"]] = i
    for i, provider in enumerate(providers):
        numbers.setdefault(provider.get("uuid") or provider["name"], i)
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
        lost = next(i for i in range(len(providers)) if i not in set(order))
        raise BadInput(
            f"Provider {providers[lost]['name']!r} is its own ancestor: parents must "
            "not form a loop."
        )
    return order


def _load_providers(state: State, providers: list[Any]) -> None:
    from kilonova_kernels.trees import close_trees

    names = [provider["name"] for provider in providers]
    uuids = [provider.get("uuid") or "" for provider in providers]
    state.provider_names.append(names)
    state.provider_uuids.append(
        ["" if u == n else u for u, n in zip(uuids, names, strict=True)]
    )
    rows = {name: row for row, name in enumerate(uuids) if name}
    rows |= {name: row for row, name in enumerate(names)}
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


def _load_inventories(state: State, providers: list[Any]) -> None:
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


def _load_consumers(state: State, consumers: list[Any]) -> None:
    from kilonova_kernels.claims import add_usage, write_rows

    full = [_consumer(consumer) for consumer in consumers]
    uuids = [consumer["uuid"] for consumer in full]
    first = claims.add_consumers(state, uuids)
    table = state.tables.consumer
    for row, consumer in enumerate(full, first):
        try:
            inventories, amounts = claims.resolve(state, consumer["allocations"])
        except KilonovaError as error:
            who = consumer["uuid"] or f"number {row - first}"
            raise BadInput(f"Consumer {who}: {error}") from error
        if not len(inventories):
            raise BadInput(f"Consumer {consumer['uuid']!r} has no allocations.")
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


def _consumer(consumer: Any) -> Any:
    """Bring both forms of a consumer into the longer one."""
    if isinstance(consumer, Mapping) and "allocations" in consumer:
        _check_keys("A consumer", consumer, _CONSUMER_KEYS)
        return {**consumer, "uuid": consumer.get("uuid", "")}
    if not isinstance(consumer, Mapping):
        raise BadInput(f"A consumer must be an object, got {consumer!r}.")
    return {"uuid": "", "allocations": consumer}


def dump(state: State) -> dict[str, Any]:
    """Give the document that ``load`` would make this state of."""
    table = state.tables.provider
    document: dict[str, Any] = {
        "providers": [_dump_provider(state, row) for row in range(table.count)],
        "consumers": [
            _dump_consumer(state, row)
            for row in np.flatnonzero(state.tables.consumer["first"] >= 0).tolist()
        ],
    }
    named = {t for p in document["providers"] for t in p["traits"]}
    offered = {c for p in document["providers"] for c in p["inventories"]}
    spare = {
        "traits": sorted(set(state.traits.custom()) - named),
        "resource_classes": sorted(set(state.resource_classes.custom()) - offered),
    }
    return document | {key: names for key, names in spare.items() if names}


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
    if not uuid and not found:
        return allocations
    return {"uuid": uuid, **found, "allocations": allocations}

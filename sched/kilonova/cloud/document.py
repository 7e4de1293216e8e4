"""A cloud as one JSON document, in names: for tests, files made by hand, examples."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
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
from kilonova.cloud.sets import SetDictionary
from kilonova.cloud.state import State
from kilonova.cloud.vocabulary import Vocabulary
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
    for key, known in (
        ("inventories", state.resource_classes),
        ("traits", state.traits),
    ):
        named = chain.from_iterable(provider.get(key, ()) for provider in providers)
        for name in dict.fromkeys(named):
            known.add(name)


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
        "trait_set": _sets(providers, "traits", state.trait_sets, state.traits.known),
        "aggregate_set": _sets(
            providers, "aggregates", state.aggregate_sets, state.aggregates.number
        ),
    }
    for name, values in columns.items():
        table[name][:] = values
    close_trees(table["parent"], table["root"], table["subtree_end"])


def _sets(
    providers: list[Document],
    key: str,
    sets: SetDictionary,
    number: Callable[[str], int],
) -> list[int]:
    """Give the number of the set of names that each provider has."""
    # Lists are alike by the thousand.
    lists = [tuple(provider.get(key, ())) for provider in providers]
    known = {names: sets.number(map(number, names)) for names in dict.fromkeys(lists)}
    return [known[names] for names in lists]


def _load_inventories(state: State, providers: list[Document]) -> None:
    offers: dict[object, int] = {}

    def offer(name: str, resource_class: str, fields: Any) -> int:
        key = _fields_key(fields)
        if key is None or key not in offers:
            found = Inventory.of(f"{name!r}, {resource_class}", fields)
            offers[key] = state.offers.number(found)
        return offers[key]

    rows = []
    for row, provider in enumerate(providers):
        rows += sorted(
            (
                row,
                state.resource_classes.known(name),
                offer(provider["name"], name, fields),
            )
            for name, fields in provider.get("inventories", {}).items()
        )
    table = state.tables.inventory
    table.append(len(rows))
    packed = np.array(rows, np.int64).reshape(-1, 3)
    for i, name in enumerate(("provider", "resource_class", "offer")):
        table[name][:] = packed[:, i]


def _fields_key(fields: Any) -> object | None:
    """Give what is the same for inventories that are, types included; None for some."""
    if type(fields) is not dict:
        return None
    values = tuple(fields.values())
    try:
        hash(values)
    except TypeError:
        return None
    return tuple(fields), values, tuple(map(type, values))


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
    document: dict[str, Any] = {
        "providers": _dump_providers(state),
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


def _dump_providers(state: State) -> list[dict[str, Any]]:
    table = state.tables.provider
    names, uuids = state.provider_names.to_list(), state.provider_uuids.to_list()
    traits = _named(state.trait_sets, state.traits)
    aggregates = _named(state.aggregate_sets, state.aggregates)
    columns = ("parent", "generation", "trait_set", "aggregate_set")
    found = []
    for name, uuid, inventories, parent, generation, trait_set, aggregate_set in zip(
        names,
        uuids,
        _dump_inventories(state),
        *(table[column].tolist() for column in columns),
        strict=True,
    ):
        provider: dict[str, Any] = {
            "name": name,
            "parent": None if parent < 0 else names[parent],
            "inventories": inventories,
            "traits": traits[trait_set].copy(),
            "aggregates": aggregates[aggregate_set].copy(),
        }
        if uuid:
            provider["uuid"] = uuid
        if generation:
            provider["generation"] = generation
        found.append(provider)
    return found


def _named(sets: SetDictionary, names: Vocabulary) -> list[list[str]]:
    """Give the names of all sets, by number; one that nobody has may have lost some."""
    return [sorted(names[member] for member in sets[n]) for n in range(len(sets))]


def _dump_inventories(state: State) -> Iterator[dict[str, dict[str, Any]]]:
    """Give the inventories of each provider, by row."""
    table, classes = state.tables.inventory, state.resource_classes
    counts = np.bincount(table["provider"], minlength=state.tables.provider.count)
    offered = zip(
        table["resource_class"].tolist(), table["offer"].tolist(), strict=True
    )
    for own in counts.tolist():
        yield {
            classes[number]: state.offers[offer]._asdict()
            for number, offer in islice(offered, own)
        }


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

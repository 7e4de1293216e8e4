"""Hold the columns of a cloud against what a twin says of them, derived afresh."""

from collections import Counter
from itertools import pairwise
from typing import Any

from kilonova.candidates.cloud import Cloud
from kilonova.cloud.schema import COLUMNS, TABLES, columns_of, validate
from kilonova.cloud.state import State, _columns_of
from oracle.cloud import TwinCloud
from oracle.cloud_objects import Provider

SHARES = "MISC_SHARES_VIA_AGGREGATE"


def normal(document: dict[str, Any]) -> dict[str, Any]:
    """Bring a document into a form in which the order of consumers is nothing."""
    consumers = {consumer["uuid"]: consumer for consumer in document["consumers"]}
    assert len(consumers) == len(document["consumers"])
    return document | {"consumers": consumers}


def check_all(cloud: Cloud, twin: TwinCloud) -> None:
    """Check the document, every column, and everything derived of columns."""
    assert normal(cloud.to_document()) == twin.document()
    state = cloud.state
    rows = {provider: row for row, provider in enumerate(twin.providers())}
    check_schema(state)
    check_trees(state, rows)
    check_names(state, twin, rows)
    offers = check_inventories(state, twin, rows)
    check_sharing(state, rows)
    check_allocations(state, twin, offers)
    check_columns_are_the_tables(state)


def check_schema(state: State) -> None:
    for name in TABLES:
        for column in columns_of(name):
            validate(column, state.tables[name][column.name])
            assert len(state.tables[name][column.name]) == state.tables[name].count
    for column in COLUMNS:
        if column.refers:
            values = state.tables[column.table][column.name]
            assert (values >= -1).all()
            assert (values < state.tables[column.refers].count).all(), column


def check_trees(state: State, rows: dict[Provider, int]) -> None:
    table = state.tables.provider
    parents = {p: -1 if p.parent is None else rows[p.parent] for p in rows}
    assert table["parent"].tolist() == list(parents.values())
    assert table["root"].tolist() == [rows[p.root] for p in rows]
    sizes = {p: len(list(p.subtree())) for p in rows}
    assert table["subtree_end"].tolist() == [rows[p] + sizes[p] for p in rows]
    roots = [rows[p] for p in rows if p.parent is None]
    assert state.index().roots.tolist() == roots
    assert len(state.journal) >= len(roots)


def check_names(state: State, twin: TwinCloud, rows: dict[Provider, int]) -> None:
    assert state.provider_names.to_list() == [p.name for p in rows]
    assert state.provider_uuids.to_list() == [p.uuid or "" for p in rows]
    for provider, row in rows.items():
        assert state.provider_names.find(provider.name) == row
        assert state.find_provider(provider.uuid or provider.name) == row
    assert state.find_provider("nobody") == -1
    for uuid in ("k0", "k1", "k2", "k3"):
        found = state.consumer_uuids.find(uuid)
        assert (found >= 0) == (uuid in twin.consumers)


def check_inventories(
    state: State, twin: TwinCloud, rows: dict[Provider, int]
) -> list[tuple[Provider, str]]:
    """Check the inventory table and its index; give whose each row is."""
    numbers = {n: state.resource_classes.find(n) for p in rows for n in p.inventories}
    offers = [
        (provider, name)
        for provider in rows
        for name in sorted(provider.inventories, key=numbers.__getitem__)
    ]
    table, index = state.tables.inventory, state.index()
    assert table["provider"].tolist() == [rows[p] for p, _ in offers]
    assert table["resource_class"].tolist() == [numbers[name] for _, name in offers]
    assert table["used"].tolist() == [twin.used(p, name) for p, name in offers]
    before = [sum(rows[p] < row for p, _ in offers) for row in range(len(rows) + 1)]
    assert index.inventory_start.tolist() == before
    order = sorted(range(len(offers)), key=lambda row: (numbers[offers[row][1]], row))
    assert index.class_row.tolist() == order
    places = [order.index(row) for row in range(len(offers))]
    assert index.inventory_position.tolist() == places
    for number in range(len(index.class_start) - 1):
        low = sum(other < number for other in table["resource_class"].tolist())
        assert index.class_start[number] == low
    assert index.class_start[-1] == len(offers)
    largest = []
    for provider, name in (offers[row] for row in order):
        offer = provider.inventories[name]
        room = offer.capacity - twin.used(provider, name)
        largest.append(max(0, min(room, offer.max_unit)))
    assert index.largest.tolist() == largest
    return offers


def check_sharing(state: State, rows: dict[Provider, int]) -> None:
    sharing = state.sharing()
    sharers = [provider for provider in rows if SHARES in provider.traits]
    assert sharing.provider.tolist() == [rows[p] for p in sharers]
    if not sharers:
        assert sharing.tree_start.tolist() == [0]
        return
    roots = [provider for provider in rows if provider.parent is None]
    anchors = {
        sharer: [
            tree
            for tree, root in enumerate(roots)
            if sharer.root is root
            or any(sharer.aggregates & each.aggregates for each in root.subtree())
        ]
        for sharer in sharers
    }
    assert _ragged(sharing.anchor_start, sharing.anchor_tree) == list(anchors.values())
    assert _ragged(sharing.tree_start, sharing.tree_provider) == [
        [rows[s] for s in sharers if tree in anchors[s] and s.root is not root]
        for tree, root in enumerate(roots)
    ]


def _ragged(starts: Any, flat: Any) -> list[list[int]]:
    return [flat[a:b].tolist() for a, b in pairwise(starts.tolist())]


def check_allocations(
    state: State, twin: TwinCloud, offers: list[tuple[Provider, str]]
) -> None:
    """Check that each row is of one consumer, or free, and that none is lost."""
    table, consumers = state.tables.allocation, state.tables.consumer
    assert table.count == state.counters[1]
    seen: dict[int, int] = {}
    for row in range(consumers.count):
        at = int(consumers["first"][row])
        held: Counter[tuple[Provider, str]] = Counter()
        while at >= 0:
            assert at not in seen
            seen[at] = row
            assert table["consumer"][at] == row
            held[offers[table["inventory"][at]]] += int(table["amount"][at])
            at = int(table["next"][at])
        assert (row in state.free_consumers) == (not held)
        if held:
            assert held == twin.consumers[state.consumer_uuids[row]].held
    assert state.counters[3] == len(seen)
    at = int(state.counters[2])
    while at >= 0:
        assert at not in seen
        seen[at] = -1
        assert table["consumer"][at] == -1
        at = int(table["next"][at])
    assert len(seen) == table.count


def check_columns_are_the_tables(state: State) -> None:
    """Check that kernels are given the arrays themselves, not what they once were."""
    given, now = state.columns(), _columns_of(state)
    for field in given._fields:
        one, other = getattr(given, field), getattr(now, field)
        assert one.__array_interface__ == other.__array_interface__, field


def tree_facts(twin: TwinCloud) -> dict[Provider, Any]:
    """Give what decisions read of each tree, usage included, by its root."""
    found = {}
    for root in twin.roots:
        trees = list(root.subtree())
        found[root] = [
            (
                each,
                each.generation,
                set(each.traits),
                set(each.aggregates),
                {
                    name: (o, twin.used(each, name))
                    for name, o in each.inventories.items()
                },
                {
                    (uuid, name): amount
                    for uuid, consumer in twin.consumers.items()
                    for (provider, name), amount in consumer.held.items()
                    if provider is each
                },
            )
            for each in trees
        ]
    return found


def changed_rows(before: dict[Provider, Any], twin: TwinCloud) -> set[int]:
    """Give the rows of the roots of trees that are not what they were."""
    after = tree_facts(twin)
    rows = {provider: row for row, provider in enumerate(twin.providers())}
    return {rows[root] for root in after if before.get(root) != after[root]}


def snapshot(state: State) -> dict[tuple[str, str], Any]:
    """Copy what a refused step must leave alone."""
    live = {
        (name, column.name): state.tables[name][column.name].tolist()
        for name in ("provider", "inventory", "allocation")
        for column in columns_of(name)
    }
    return live | {
        ("index", "largest"): state.index().largest.tolist(),
        ("", "counters"): state.counters.tolist(),
        ("", "structure"): state.structure,
        ("", "facts"): state.facts,
    }

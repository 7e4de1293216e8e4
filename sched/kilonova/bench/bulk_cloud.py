"""Clouds of a million providers, laid into the columns without a document.

They are those of ``generators.synthetic``, with a UUID for each provider, and a test
holds the two together at a small size.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from kilonova.bench.document import Provider, uuid_of
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.index import Index
from kilonova.cloud.offers import Inventory
from kilonova.cloud.schema import columns_of
from kilonova.cloud.sharing import Sharing
from kilonova.cloud.state import State
from kilonova_kernels.trees import close_trees


def bulk_cloud(hosts: int, shape: str) -> Cloud:
    """Make the cloud of ``synthetic_cloud(hosts, shape, fill=0, seed=0)``.

    Each provider has a UUID as well, a random one of a fixed seed.
    """
    return lay_cloud(synthetic_cloud(1, shape, 0, seed=0)["providers"], hosts)


def lay_cloud(host: list[Provider], hosts: int) -> Cloud:
    """Make a cloud of equal hosts.

    Parameters
    ----------
    host
        Providers of the first one, in tree preorder.
    hosts
        How many.
    """
    cloud = Cloud()
    _lay_providers(cloud.state, host, hosts)
    _lay_inventories(cloud.state, host, hosts)
    cloud.state.rows_moved()
    _lay_names(cloud.state, host, hosts)
    return cloud


def _lay_providers(state: State, host: list[Provider], hosts: int) -> None:
    rows = {provider["name"]: row for row, provider in enumerate(host)}
    table = state.tables.provider
    table.append(hosts * len(host))
    first = np.repeat(np.arange(hosts) * len(host), len(host))
    parents = [rows[p["parent"]] if p["parent"] else -1 for p in host]
    up = np.tile(np.array(parents), hosts)
    table["parent"][:] = np.where(up < 0, -1, up + first)
    for provider in host:
        for trait in provider["traits"]:
            state.traits.add(trait)
    sets = [state.trait_sets.number(map(state.traits.known, p["traits"])) for p in host]
    table["trait_set"][:] = np.tile(np.array(sets), hosts)
    close_trees(table["parent"], table["root"], table["subtree_end"])


def _lay_inventories(state: State, host: list[Provider], hosts: int) -> None:
    one = []
    for row, provider in enumerate(host):
        offers: Mapping[str, Any] = provider["inventories"]
        for name in offers:
            state.resource_classes.known(name)
        for name in sorted(offers, key=state.resource_classes.find):
            offer = state.offers.number(Inventory.of(name, offers[name]))
            one.append((row, state.resource_classes.find(name), offer))
    table = state.tables.inventory
    table.append(hosts * len(one))
    columns = np.tile(np.array(one), (hosts, 1))
    columns[:, 0] += np.repeat(np.arange(hosts) * len(host), len(one))
    for place, name in enumerate(("provider", "resource_class", "offer")):
        table[name][:] = columns[:, place]


def _lay_names(state: State, host: list[Provider], hosts: int) -> None:
    tails = [provider["name"].removeprefix(host[0]["name"]) for provider in host]
    names = [f"host{number:05}{tail}" for number in range(hosts) for tail in tails]
    raw = np.random.default_rng(0).bytes(16 * len(names)).hex()
    uuids = [
        f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"
        for x in (raw[at : at + 32] for at in range(0, len(raw), 32))
    ]
    state.provider_names.append(names)
    state.provider_uuids.append(uuids)


def sizes(state: State) -> dict[str, int]:
    """Give the bytes of all that is kept per provider, spare room included."""
    # The hash tables are built when a name is first looked for.
    state.find_provider(uuid_of("nobody"))
    index, sharing = state.index(), state.sharing()
    found = {
        name: sum(state.tables[name].whole(c.name).nbytes for c in columns_of(name))
        for name in ("provider", "inventory", "offer")
    }
    found["names"] = state.provider_names.nbytes
    found["uuids"] = state.provider_uuids.nbytes
    found["index"] = sum(getattr(index, each.name).nbytes for each in fields(Index))
    found["sharing"] = sum(
        getattr(sharing, each.name).nbytes for each in fields(Sharing)
    )
    found["journal"] = state.journal.nbytes
    return found

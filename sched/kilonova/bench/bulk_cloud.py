"""Clouds of a million providers, laid into the columns without a document.

They are those of ``generators.synthetic``, with a UUID for each provider, and a test
holds the two together at a small size.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilonova.bench.document import Provider, uuid_of
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.index import Index
from kilonova.cloud.names import encode
from kilonova.cloud.offers import Inventory
from kilonova.cloud.schema import columns_of
from kilonova.cloud.sharing import Sharing
from kilonova.cloud.state import State
from kilonova_kernels.trees import close_trees

# Digits of a host's number, at least, and bytes of a UUID.
_DIGITS = 5
_UUID_BYTES = 16


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
            state.resource_classes.add(name)
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
    """Write names and UUIDs as they are kept: a string each would take minutes."""
    tails = [provider["name"].removeprefix(host[0]["name"]) for provider in host]
    state.provider_names.load(*_numbered([tail.encode() for tail in tails], hosts))
    count, form = hosts * len(host), np.frombuffer(encode(uuid_of("form")), np.uint8)
    uuids = np.tile(form, (count, 1))
    # What comes before the UUID's own bytes says that it is one.
    raw = np.random.default_rng(0).bytes(_UUID_BYTES * count)
    uuids[:, -_UUID_BYTES:] = np.frombuffer(raw, np.uint8).reshape(count, -1)
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(len(form))
    state.provider_uuids.load(uuids.reshape(-1), ends)


def _numbered(
    tails: list[bytes], hosts: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Give ``host00000`` and so on with each tail, and where each name begins."""
    texts, lengths = [np.zeros(0, np.uint8)], [np.zeros(0, np.int64)]
    first, digits = 0, _DIGITS
    while first < hosts:
        last = min(hosts, 10**digits)
        names = [b"host" + b"0" * digits + tail for tail in tails]
        own = np.array([len(name) for name in names])
        text = np.tile(np.frombuffer(b"".join(names), np.uint8), (last - first, 1))
        numbers = np.arange(first, last)
        for place in range(digits):
            digit = (numbers // 10 ** (digits - 1 - place) % 10).astype(np.uint8)
            text[:, np.cumsum(own) - own + len(b"host") + place] += digit[:, None]
        texts.append(text.reshape(-1))
        lengths.append(np.tile(own, last - first))
        first, digits = last, digits + 1
    ends = np.cumsum(np.concatenate([[0], *lengths])).astype(np.int32)
    return np.concatenate(texts), ends


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

"""The hosts of a document: host aggregates, server groups, hosts, and their servers."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kilonova.cloud.document_checks import SERVER_KEYS, Document, checked_list
from kilonova.cloud.host import HostAggregate
from kilonova.cloud.host_use import use_of
from kilonova.cloud.host_values import FACTS, OWN, Facts, Pools, cell_document, cells_of
from kilonova.cloud.hosts import (
    AMOUNTS,
    RATIOS,
    add_rows,
    defaults,
)
from kilonova.cloud.server_groups import POLICIES, Group
from kilonova.cloud.vocabulary import checked_name
from kilonova.errors import BadInput

if TYPE_CHECKING:
    from kilonova.cloud.state import State

_PLAIN = {"host", "nodename", "provider", "cell_uuid", "aggregates", "disabled"}
_OTHER = {"last_seen_up", "numa_cells", "pci_pools"}
_HOST_KEYS = _PLAIN | _OTHER | set(AMOUNTS) | set(RATIOS) | set(FACTS) | set(OWN)
# Nothing that a host counts is beyond this, and sums of it stay far from 64 bits.
_MOST = 2**53


def load_hosts(state: "State", document: Document) -> None:
    """Take the hosts of a document, whose providers are there already.

    What a host does not say of its amounts follows from its inventories.

    Raises
    ------
    BadInput
        Something in them cannot be right; the message says where.
    """
    hosts = state.hosts
    for i, given in enumerate(
        checked_list("The document", document, "host_aggregates")
    ):
        hosts.aggregates.append(_aggregate(f"host_aggregates[{i}]", given))
    for i, given in enumerate(checked_list("The document", document, "server_groups")):
        state.groups.add(_group(f"server_groups[{i}]", given))
    listed = checked_list("The document", document, "hosts")
    add_hosts(state, listed)


def add_hosts(state: "State", listed: list[Any]) -> None:
    """Add hosts, given as in a document; raises as ``load_hosts``."""
    hosts = state.hosts
    whole = [_checked(f"hosts[{i}]", given) for i, given in enumerate(listed)]
    numbers = {each.uuid: i for i, each in enumerate(hosts.aggregates)}
    try:
        first = add_rows(state, [given["nodename"] for given in whole])
    except BadInput as error:
        raise BadInput(f"hosts: {error}") from error
    taken = set(hosts.table["provider"][:first].tolist())
    for i, given in enumerate(whole):
        where = f"hosts[{i}] ({given['nodename']!r})"
        provider = _provider(state, where, given)
        if provider in taken:
            raise BadInput(
                f"{where}: another host has the provider "
                f"{given.get('provider') or given['nodename']!r}."
            )
        taken.add(provider)
        hosts.table["provider"][first + i] = provider
        _put(state, first + i, where, given, numbers)


def _checked(where: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise BadInput(f"{where} must be an object, got {given!r:.80}.")
    if unknown := sorted(set(map(str, given)) - _HOST_KEYS):
        known = sorted(_HOST_KEYS)
        raise BadInput(f"{where}: unknown key {unknown[0]!r}, known: {known}.")
    whole = dict(given)
    name = whole.get("nodename") or whole.get("host") or whole.get("provider")
    checked_name(f"{where}: nodename", name)
    whole["nodename"] = name
    whole["host"] = checked_name(f"{where}: host", whole.get("host") or name)
    for key in AMOUNTS:
        if key in whole:
            _check_number(f"{where} ({name!r}): {key}", whole[key], int)
    for key in (*RATIOS, "last_seen_up"):
        if whole.get(key) is not None:
            _check_number(f"{where} ({name!r}): {key}", whole[key], float)
    return whole


def _check_number(where: str, value: Any, kind: type) -> None:
    right = (int, np.integer) if kind is int else (int, float, np.number)
    if isinstance(value, bool) or not isinstance(value, right):
        what = "a whole number" if kind is int else "a number"
        raise BadInput(f"{where} must be {what}, got {value!r:.80}.")
    if not -_MOST < value < _MOST:
        raise BadInput(f"{where} must be within {_MOST}, got {value!r:.80}.")


def _provider(state: "State", where: str, given: dict[str, Any]) -> int:
    """Give the root provider of a host."""
    identity = given.get("provider") or given["nodename"]
    provider = state.find_provider(identity)
    if provider < 0 or state.tables.provider["root"][provider] != provider:
        raise BadInput(f"{where}: provider {identity!r} is not the root of a tree.")
    return provider


def _put(
    state: "State",
    row: int,
    where: str,
    given: dict[str, Any],
    numbers: Mapping[str, int],
) -> None:
    hosts, table = state.hosts, state.hosts.table
    table["service"][row] = hosts.services.number(given["host"])
    if given.get("cell_uuid") is not None:
        checked_name(f"{where}: cell_uuid", given["cell_uuid"])
        table["cell"][row] = hosts.cells.number(given["cell_uuid"])
    members = given.get("aggregates", ())
    if unknown := [uuid for uuid in members if uuid not in numbers]:
        raise BadInput(f"{where}: no host aggregate {unknown[0]!r} in the document.")
    table["aggregate_set"][row] = hosts.aggregate_sets.number(
        numbers[uuid] for uuid in members
    )
    table["facts"][row] = hosts.facts.number(Facts.of(given))
    own = {key: given[key] for key in OWN if given.get(key) is not None}
    if own:
        hosts.own[row] = own
    if given.get("numa_cells") is not None:
        cells = cells_of(where, given["numa_cells"])
        table["numa"][row] = hosts.numa.number(cells)
    if given.get("pci_pools") is not None:
        table["pci"][row] = hosts.pci.number(Pools.of(given["pci_pools"]))
    table["disabled"][row] = bool(given.get("disabled", False))
    if given.get("last_seen_up") is not None:
        table["last_seen_up"][row] = given["last_seen_up"]
    amounts = {**defaults(state, int(table["provider"][row])), **given}
    for key in (*AMOUNTS, *RATIOS):
        if amounts.get(key) is not None:
            table[key][row] = amounts[key]


def _aggregate(where: str, given: Any) -> HostAggregate:
    if not isinstance(given, Mapping) or set(given) - {"uuid", "name", "metadata"}:
        raise BadInput(
            f"{where} must be an object with uuid, name, metadata, got {given!r:.80}."
        )
    uuid = checked_name(f"{where}: uuid", given.get("uuid"))
    metadata = given.get("metadata", {})
    if not isinstance(metadata, Mapping):
        raise BadInput(f"{where}: metadata must be an object, got {metadata!r:.80}.")
    texts = {str(key): str(value) for key, value in metadata.items()}
    return HostAggregate(uuid, str(given.get("name", "")), texts)


def _group(where: str, given: Any) -> Group:
    known = {"uuid", "policy", "max_server_per_host"}
    if not isinstance(given, Mapping) or set(given) - known:
        raise BadInput(
            f"{where} must be an object with {sorted(known)}, got {given!r:.80}."
        )
    uuid = checked_name(f"{where}: uuid", given.get("uuid"))
    policy = given.get("policy")
    if policy not in POLICIES:
        raise BadInput(
            f"{where}: policy must be one of {POLICIES}, got {policy!r:.80}."
        )
    most = given.get("max_server_per_host", 1)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise BadInput(
            f"{where}: max_server_per_host must be at least 1, got {most!r:.80}."
        )
    return Group(uuid, policy, most)


def load_server(state: "State", row: int, where: str, given: Mapping[str, Any]) -> None:
    """Take what a host counts for one consumer; raises as ``load_hosts``."""
    if not any(given.get(key) is not None for key in SERVER_KEYS):
        return
    table = state.tables.consumer
    name = given.get("host")
    host = state.hosts.names.find(name) if isinstance(name, str) else -1
    if host < 0:
        raise BadInput(f"{where}: no host {name!r:.80} in the document.")
    table["host"][row] = host
    for key in ("vcpus", "memory_mb", "disk_mb"):
        value = given.get(key, 0)
        _check_number(f"{where}: {key}", value, int)
        table[key][row] = value
    table["building"][row] = bool(given.get("building", False))
    group = given.get("group")
    if group is not None:
        number = state.groups.find(group) if isinstance(group, str) else -1
        if number < 0:
            raise BadInput(f"{where}: no server group {group!r:.80} in the document.")
        table["group"][row] = number
    if given.get("uses") is not None:
        state.hosts.uses[row] = use_of(where, given["uses"])


def dump_hosts(state: "State") -> dict[str, Any]:
    """Give the keys of a document from which ``load_hosts`` makes equal hosts."""
    hosts = state.hosts
    found: dict[str, Any] = {
        "host_aggregates": [
            {"uuid": a.uuid, "name": a.name, "metadata": dict(a.metadata)}
            for a in hosts.aggregates
        ],
        "server_groups": [
            {
                "uuid": group.uuid,
                "policy": group.policy,
                "max_server_per_host": group.max_server_per_host,
            }
            for group in state.groups
        ],
        "hosts": [
            _dump(state, row)
            for row in np.flatnonzero(hosts.table["provider"] >= 0).tolist()
        ],
    }
    return {key: value for key, value in found.items() if value}


def _dump(state: "State", row: int) -> dict[str, Any]:
    hosts, table = state.hosts, state.hosts.table
    found: dict[str, Any] = {
        "host": hosts.services[int(table["service"][row])],
        "nodename": hosts.names[row],
        "provider": state.provider_names[int(table["provider"][row])],
    }
    if (cell := int(table["cell"][row])) >= 0:
        found["cell_uuid"] = hosts.cells[cell]
    members = sorted(hosts.aggregate_sets[int(table["aggregate_set"][row])])
    if members:
        found["aggregates"] = [hosts.aggregates[i].uuid for i in members]
    if table["disabled"][row]:
        found["disabled"] = True
    for key in AMOUNTS:
        found[key] = int(table[key][row])
    for key in (*RATIOS, "last_seen_up"):
        if not np.isnan(table[key][row]):
            found[key] = float(table[key][row])
    found |= hosts.facts[int(table["facts"][row])].values()
    if "image_uuids" in found:
        found["image_uuids"] = sorted(found["image_uuids"])
    found |= hosts.own.get(row, {})
    if (numa := int(table["numa"][row])) >= 0:
        found["numa_cells"] = [cell_document(cell) for cell in hosts.numa[numa]]
    if (pci := int(table["pci"][row])) >= 0:
        found["pci_pools"] = json.loads(hosts.pci[pci].text)
    return found


def dump_server(state: "State", row: int) -> dict[str, Any]:
    """Give the keys of a consumer that ``load_server`` reads."""
    table = state.tables.consumer
    host, group = int(table["host"][row]), int(table["group"][row])
    if host < 0:
        return {}
    found: dict[str, Any] = {"host": state.hosts.names[host]}
    found |= {key: int(table[key][row]) for key in ("vcpus", "memory_mb", "disk_mb")}
    if table["building"][row]:
        found["building"] = True
    if group >= 0:
        found["group"] = state.groups[group].uuid
    if row in state.hosts.uses:
        found["uses"] = state.hosts.uses[row].document()
    return found

"""What a document must be before it is read: types, names, and who is named twice.

What only the columns know (whether an amount has an inventory, a limit is possible) is
checked where they are made.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kilonova.cloud.offers import MAX_INT
from kilonova.cloud.providers import LONGEST_NAME
from kilonova.cloud.vocabulary import checked_name
from kilonova.errors import BadInput

Document = Mapping[str, Any]

_KEYS = {
    "providers",
    "consumers",
    "traits",
    "resource_classes",
    "state",
    "hosts",
    "host_aggregates",
    "server_groups",
}
_PROVIDER_KEYS = {
    "name",
    "uuid",
    "parent",
    "inventories",
    "traits",
    "aggregates",
    "generation",
}
# What the consumer's host counts for it: a consumer with a host is a server.
SERVER_KEYS = (
    "host",
    "vcpus",
    "memory_mb",
    "disk_mb",
    "building",
    "group",
    "uses",
)
_CONSUMER_KEYS = {
    "uuid",
    "project",
    "user",
    "type",
    "allocations",
    "generation",
    *SERVER_KEYS,
}


def checked_providers(document: Document) -> list[Document]:
    """Give the providers of a document.

    Raises
    ------
    BadInput
        The document or a provider is not what ``docs/documents.md`` says, or two
        providers have one name or UUID; the message says which.
    """
    _check_object("The document", document, _KEYS)
    for key in ("traits", "resource_classes"):
        checked_list("The document", document, key)
    providers = checked_list("The document", document, "providers")
    owners: dict[str, int] = {}
    for number, provider in enumerate(providers):
        _check_provider(f"providers[{number}]", provider)
        for identity in {provider["name"], provider.get("uuid") or provider["name"]}:
            if owners.setdefault(identity, number) != number:
                raise BadInput(
                    f"providers[{number}] and providers[{owners[identity]}] both have "
                    f"{identity!r} for name or UUID; they are unique."
                )
    return providers


def checked_consumers(document: Document) -> list[dict[str, Any]]:
    """Give the consumers of a document, all in the longer form.

    Raises
    ------
    BadInput
        As ``checked_providers``.
    """
    found = []
    rows: dict[str, int] = {}
    consumers = checked_list("The document", document, "consumers")
    for number, consumer in enumerate(consumers):
        where = f"consumers[{number}]"
        full = _in_full(where, consumer)
        if (uuid := full["uuid"]) and rows.setdefault(uuid, number) != number:
            raise BadInput(
                f"{where} and consumers[{rows[uuid]}] both have the UUID {uuid!r}."
            )
        found.append(full)
    return found


def checked_list(where: str, document: Document, key: str) -> list[Any]:
    """Give a list that may be left out; raises BadInput."""
    found = document.get(key, [])
    if not isinstance(found, list | tuple):
        raise BadInput(f"{where}: {key!r} must be a list, got {found!r:.80}.")
    return list(found)


def _check_provider(where: str, provider: Any) -> None:
    _check_object(where, provider, _PROVIDER_KEYS)
    if "name" not in provider:
        raise BadInput(f"{where}: name is missing.")
    checked_name(f"{where}: name", provider["name"], LONGEST_NAME)
    where += f" ({provider['name']!r})"
    for key in ("uuid", "parent"):
        if provider.get(key) is not None:
            checked_name(f"{where}: {key}", provider[key], LONGEST_NAME)
    for trait in checked_list(where, provider, "traits"):
        checked_name(f"{where}: a trait", trait)
    for aggregate in checked_list(where, provider, "aggregates"):
        checked_name(f"{where}: an aggregate's UUID", aggregate)
    _check_keys(f"{where}: inventories", provider.get("inventories", {}))
    _check_generation(where, provider)


def _in_full(where: str, consumer: Any) -> dict[str, Any]:
    """Bring both forms of a consumer into the longer one."""
    _check_keys(where, consumer)
    if "allocations" not in consumer:
        full: dict[str, Any] = {"uuid": "", "allocations": consumer}
    else:
        _check_object(where, consumer, _CONSUMER_KEYS)
        full = {**consumer, "uuid": consumer.get("uuid", "")}
    if full["uuid"] != "":
        checked_name(f"{where}: uuid", full["uuid"])
    for key in ("project", "user", "type"):
        if full.get(key) is not None:
            checked_name(f"{where}: {key}", full[key])
    for provider, amounts in _items(f"{where}: allocations", full["allocations"]):
        _check_keys(f"{where}: allocations of {provider!r}", amounts)
    if not full["allocations"] and (not full["uuid"] or full.get("host") is None):
        raise BadInput(f"{where}: has no allocations, nor a UUID and a host.")
    _check_generation(where, full)
    return full


def _items(where: str, given: Any) -> Iterator[tuple[str, Any]]:
    _check_keys(where, given)
    yield from given.items()


def _check_object(where: str, given: object, known: set[str]) -> None:
    _check_keys(where, given)
    assert isinstance(given, Mapping)
    if unknown := sorted(set(given) - known):
        raise BadInput(f"{where}: unknown key {unknown[0]!r}, known: {sorted(known)}.")


def _check_keys(where: str, given: object) -> None:
    if not isinstance(given, Mapping):
        raise BadInput(f"{where}: must be an object, got {given!r:.80}.")
    for key in given:
        if not isinstance(key, str):
            raise BadInput(f"{where}: keys must be text, got {key!r:.80}.")


def _check_generation(where: str, given: Document) -> None:
    value = given.get("generation", 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{where}: generation must be a whole number, got {value!r:.80}")
    if not 0 <= value <= MAX_INT:
        raise BadInput(f"{where}: generation must be in 0..{MAX_INT}, got {value}.")

"""Make a document and a query smaller for as long as they still show something.

Greedy, one removal at a time, largest things first, until none can go. What is left is
what matters, and fits on a screen.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import cast

from generators.document import Allocations, Document, Inventory, NamedConsumer

Inventories = Mapping[str, Inventory]
Differs = Callable[[Document, str], bool]
_REQUEST_WIDE = ("group_policy", "same_subtree", "root_required", "limit")
_LISTS = ("resources", "required", "member_of", "same_subtree", "root_required")


def shrink(differs: Differs, document: Document, query: str) -> tuple[Document, str]:
    """Return a smaller document and query for which ``differs`` still holds.

    Parameters
    ----------
    differs
        Says whether a document and a query still show the difference. It is also asked
        about queries that are not valid, and must then say False.
    document, query
        Where it holds. Neither is changed.

    Returns
    -------
    tuple
        A document and a query from which nothing more can be removed alone.

    Raises
    ------
    ValueError
        ``differs`` does not hold to begin with.
    """
    if not differs(document, query):
        raise ValueError("There is no difference to shrink.")
    smaller = True
    while smaller:
        smaller = False
        for less in _shorter_queries(query):
            if differs(document, less):
                query, smaller = less, True
                break
        for fewer in _smaller_documents(document):
            if differs(fewer, query):
                document, smaller = fewer, True
                break
    return document, query


def _shorter_queries(query: str) -> Iterator[str]:
    """Yield the query without a group, a parameter or one of several values."""
    parameters = query.split("&")
    suffixes = {_suffix(parameter) for parameter in parameters} - {None}
    for suffix in sorted(map(str, suffixes)):
        yield "&".join(p for p in parameters if _suffix(p) != suffix)
    for place in range(len(parameters)):
        before, after = parameters[:place], parameters[place + 1 :]
        if before or after:
            yield "&".join(before + after)
        for less in _shorter_values(parameters[place]):
            yield "&".join([*before, less, *after])


def _suffix(parameter: str) -> str | None:
    """Return the suffix of the group that a parameter belongs to, if it does to one."""
    key = parameter.partition("=")[0]
    if key in _REQUEST_WIDE:
        return None
    for name in ("resources", "required", "member_of", "in_tree"):
        if key.startswith(name):
            return key.removeprefix(name)
    return None


def _shorter_values(parameter: str) -> Iterator[str]:
    key, _, value = parameter.partition("=")
    if not key.startswith(_LISTS):
        return
    sign = next((s for s in ("!in:", "in:", "!") if value.startswith(s)), "")
    parts = value.removeprefix(sign).split(",")
    for place in range(len(parts)):
        rest = parts[:place] + parts[place + 1 :]
        if rest:
            yield f"{key}={sign}{','.join(rest)}"


def _smaller_documents(document: Document) -> Iterator[Document]:
    """Yield the document without one thing, in an order that removes much at first."""
    for provider in document["providers"]:
        yield _without_tree(document, provider["name"])
    for place in range(len(document["consumers"])):
        fewer = _copy(document)
        del fewer["consumers"][place]
        yield fewer
    for number, provider in enumerate(document["providers"]):
        for resource_class in provider["inventories"]:
            yield _without_inventory(document, number, resource_class)
        for place in range(len(provider["traits"])):
            fewer = _copy(document)
            del fewer["providers"][number]["traits"][place]
            yield fewer
        for place in range(len(provider["aggregates"])):
            fewer = _copy(document)
            del fewer["providers"][number]["aggregates"][place]
            yield fewer
        yield from _plainer_inventories(document, number)


def _copy(document: Document) -> Document:
    return deepcopy(document)


def _without_tree(document: Document, name: str) -> Document:
    """Remove a provider, all below it, and what is used there."""
    fewer = _copy(document)
    gone = {name}
    # Children may come before their parents in a document.
    for _ in document["providers"]:
        gone |= {p["name"] for p in document["providers"] if p["parent"] in gone}
    fewer["providers"] = [p for p in fewer["providers"] if p["name"] not in gone]
    _drop_usages(fewer, lambda provider, _class: provider in gone)
    return fewer


def _without_inventory(
    document: Document, number: int, resource_class: str
) -> Document:
    fewer = _copy(document)
    provider = fewer["providers"][number]
    provider["inventories"] = {
        name: offer
        for name, offer in provider["inventories"].items()
        if name != resource_class
    }
    place = (provider["name"], resource_class)
    _drop_usages(fewer, lambda *used: used == place)
    return fewer


def _plainer_inventories(document: Document, number: int) -> Iterator[Document]:
    """Yield the document with one limit of one inventory of a provider left out."""
    inventories = document["providers"][number]["inventories"]
    for resource_class, offer in inventories.items():
        for limit in offer.keys() - {"total"}:
            fewer = _copy(document)
            plain = {key: value for key, value in offer.items() if key != limit}
            changed = {**inventories, resource_class: plain}
            fewer["providers"][number]["inventories"] = cast(Inventories, changed)
            yield fewer


def _drop_usages(document: Document, gone: Callable[[str, str], bool]) -> None:
    """Take away what consumers use in certain places, and consumers of nothing."""
    kept: list[Allocations | NamedConsumer] = []
    for consumer in document["consumers"]:
        named = "uuid" in consumer and "allocations" in consumer
        held = cast(NamedConsumer, consumer)["allocations"] if named else consumer
        left = {
            provider: rest
            for provider, resources in cast(Allocations, held).items()
            if (rest := {c: n for c, n in resources.items() if not gone(provider, c)})
        }
        if left:
            one = {**cast(NamedConsumer, consumer), "allocations": left}
            kept.append(cast(NamedConsumer, one) if named else left)
    document["consumers"] = kept

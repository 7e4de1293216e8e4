"""OpenStack Placement itself, in process, as the truth that tests compare with.

No socket, no keystone, no configuration file. Names stand for UUIDs on this side of
`PlacementPeer`: they are translated in queries and paths, and put back in bodies.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

from generators.document import (
    Allocations,
    Document,
    Inventory,
    provider_uuid,
    uuid_of,
)
from kilonova.bench.peers.loading import clear, load_objects, load_rows
from kilonova.bench.peers.wsgi import LATEST, Answer, PlacementApplication
from peers.corrections import corrected

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PlacementPeer(PlacementApplication):
    """A Placement service that takes documents and speaks in names.

    Notes
    -----
    Parameters are those of `PlacementApplication`. A write that is given no generation
    uses the present one.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._uuids: dict[str, str] = {}
        self._names: dict[str, str] = {}

    # State.

    def load(self, document: Document) -> None:
        """Replace the state by that of a document, through Placement's objects."""
        self._replace(load_objects, document)

    def load_bulk(self, document: Document) -> None:
        """Replace the state by that of a document, row by row; for large clouds."""
        self._replace(load_rows, document)

    def reset(self) -> None:
        """Drop all providers, consumers, custom classes and custom traits."""
        self._uuids, self._names = {}, {}
        with self.writer() as own:
            clear(own)

    # Questions.

    def candidates(
        self,
        query: str,
        microversion: str = LATEST,
        without: tuple[str, ...] = (),
    ) -> Answer:
        """Ask for allocation candidates.

        Parameters
        ----------
        query
            Query string with names of providers and aggregates. Only the values of
            ``in_tree`` and ``member_of`` are touched.
        microversion
            Such as ``"1.29"``.
        without
            Names of defects of Placement to undo for this question; see
            `peers.corrections`.
        """
        with corrected(without):
            return self.request(
                "GET",
                "/allocation_candidates",
                query=self._with_uuids(query),
                microversion=microversion,
            )

    def allocations(self, consumer: str, microversion: str = LATEST) -> Answer:
        """Ask what a consumer holds."""
        path = f"/allocations/{self._uuid(consumer)}"
        return self.request("GET", path, microversion=microversion)

    def provider(self, name: str, part: str = "", microversion: str = LATEST) -> Answer:
        """Ask for a provider, or for a part such as ``"/inventories"`` of it."""
        return self.request("GET", self._path(name) + part, microversion=microversion)

    def generation(self, name: str) -> int:
        """Return the present generation of a provider."""
        return int(self.provider(name).body["generation"])

    # Writes.

    def put_allocations(
        self,
        consumer: str,
        allocations: Allocations,
        microversion: str = LATEST,
        **fields: object,
    ) -> Answer:
        """Replace all that a consumer holds.

        Parameters
        ----------
        consumer
            Name or UUID.
        allocations
            ``{provider: {class: amount}}``; empty to remove the consumer.
        microversion
            From 1.12 on; before, the body had another form.
        fields
            ``consumer_generation``, ``project_id``, ``user_id``, ``consumer_type``,
            ``mappings`` where they are not the usual ones (a new consumer).
        """
        return self.request(
            "PUT",
            f"/allocations/{self._uuid(consumer)}",
            body=self._allocations_body(allocations, microversion, fields),
            microversion=microversion,
        )

    def post_allocations(
        self,
        consumers: Mapping[str, Allocations],
        generations: Mapping[str, int],
        microversion: str = LATEST,
    ) -> Answer:
        """Replace what several consumers hold, all or nothing.

        A consumer that is not in ``generations`` is a new one.
        """
        body = {
            self._uuid(consumer): self._allocations_body(
                allocations,
                microversion,
                {"consumer_generation": generations.get(consumer)},
            )
            for consumer, allocations in consumers.items()
        }
        return self.request(
            "POST", "/allocations", body=body, microversion=microversion
        )

    def claim(
        self, consumer: str, candidate: Mapping[str, Any], microversion: str = LATEST
    ) -> Answer:
        """Give a new consumer one of the ``allocation_requests`` of an answer."""
        wanted = {
            provider: part["resources"]
            for provider, part in candidate["allocations"].items()
        }
        return self.put_allocations(consumer, wanted, microversion)

    def delete_allocations(self, consumer: str, microversion: str = LATEST) -> Answer:
        """Take away all that a consumer holds."""
        path = f"/allocations/{self._uuid(consumer)}"
        return self.request("DELETE", path, microversion=microversion)

    def put_inventories(
        self,
        name: str,
        inventories: Mapping[str, Inventory],
        generation: int | None = None,
        microversion: str = LATEST,
    ) -> Answer:
        """Replace all inventories of a provider, at its present generation if None."""
        body = {"inventories": inventories}
        return self._put_part(name, "/inventories", body, generation, microversion)

    def put_inventory(
        self,
        name: str,
        resource_class_name: str,
        inventory: Inventory,
        generation: int | None = None,
        microversion: str = LATEST,
    ) -> Answer:
        """Replace one inventory of a provider, at its present generation if None."""
        part = f"/inventories/{resource_class_name}"
        return self._put_part(name, part, inventory, generation, microversion)

    def put_traits(
        self, name: str, traits: list[str], generation: int | None = None
    ) -> Answer:
        """Replace the traits of a provider, at its present generation if None."""
        return self._put_part(name, "/traits", {"traits": traits}, generation, LATEST)

    def put_aggregates(
        self, name: str, aggregates: list[str], generation: int | None = None
    ) -> Answer:
        """Replace the aggregates of a provider, at its present generation if None."""
        body = {"aggregates": [self._uuid(aggregate) for aggregate in aggregates]}
        return self._put_part(name, "/aggregates", body, generation, LATEST)

    def put_parent(
        self, name: str, parent: str | None, microversion: str = LATEST
    ) -> Answer:
        """Move a provider under another one, or make it a root."""
        parent_uuid = None if parent is None else self._uuid(parent)
        body = {"name": name, "parent_provider_uuid": parent_uuid}
        return self.request(
            "PUT", self._path(name), body=body, microversion=microversion
        )

    def delete_provider(
        self, name: str, part: str = "", microversion: str = LATEST
    ) -> Answer:
        """Delete a provider, or a part such as ``"/inventories/VCPU"`` of it."""
        path = self._path(name) + part
        return self.request("DELETE", path, microversion=microversion)

    # The wire.

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: object = None,
        microversion: str = LATEST,
    ) -> Answer:
        """Send any request; path, query and body are used as they are."""
        status, raw = self.call(
            method, path, query=query, body=body, microversion=microversion
        )
        if not raw:
            return Answer(status, None)
        text = _UUID.sub(lambda uuid: self._names.get(uuid[0], uuid[0]), raw.decode())
        return Answer(status, json.loads(text))

    def _replace(
        self, load: Callable[[Any, Document], None], document: Document
    ) -> None:
        self.reset()
        with self.writer() as own:
            load(own, document)
        self._uuids = {p["name"]: provider_uuid(p) for p in document["providers"]}
        aggregates = {name for p in document["providers"] for name in p["aggregates"]}
        for name in (*self._uuids, *aggregates):
            self._uuid(name)

    def _uuid(self, name: str) -> str:
        """Return the UUID of a name, and remember the name for bodies."""
        uuid = self._uuids.get(name) or uuid_of(name)
        # In a body a name stands inside a JSON string.
        self._names.setdefault(uuid, json.dumps(name)[1:-1])
        return uuid

    def _path(self, name: str) -> str:
        return f"/resource_providers/{self._uuid(name)}"

    def _with_uuids(self, query: str) -> str:
        """Translate the values of in_tree and member_of; leave every other byte."""
        return "&".join(map(self._parameter_with_uuids, query.split("&")))

    def _parameter_with_uuids(self, parameter: str) -> str:
        key, _, value = parameter.partition("=")
        text = unquote_plus(value)
        if unquote_plus(key).startswith("in_tree"):
            return f"{key}={quote(self._uuid(text))}"
        if unquote_plus(key).startswith("member_of"):
            signs = re.match("!?(?:in:)?", text)
            prefix = signs[0] if signs else ""
            names = text.removeprefix(prefix).split(",")
            return f"{key}={prefix}{','.join(map(self._uuid, names))}"
        return parameter

    def _put_part(
        self,
        name: str,
        part: str,
        body: Mapping[str, object],
        generation: int | None,
        microversion: str,
    ) -> Answer:
        seen = self.generation(name) if generation is None else generation
        return self.request(
            "PUT",
            self._path(name) + part,
            body={**body, "resource_provider_generation": seen},
            microversion=microversion,
        )

    def _allocations_body(
        self,
        allocations: Allocations,
        microversion: str,
        fields: Mapping[str, object],
    ) -> dict[str, object]:
        body: dict[str, object] = {
            "allocations": {
                self._uuid(provider): {"resources": dict(resources)}
                for provider, resources in allocations.items()
            },
            "project_id": "project",
            "user_id": "user",
        }
        minor = int(microversion.partition(".")[2])
        if minor >= 28:
            body["consumer_generation"] = None
        if minor >= 38:
            body["consumer_type"] = "INSTANCE"
        return {**body, **fields}

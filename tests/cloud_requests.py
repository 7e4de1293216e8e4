"""Send a step in the life of a cloud to Placement as the request that it stands for."""

from collections.abc import Mapping
from typing import Any

from cloud_steps import UUIDS, Step
from generators.document import uuid_of
from kilonova.bench.peers.third_party import models, sqlalchemy
from kilonova.bench.peers.wsgi import Answer
from oracle.cloud import TwinCloud
from oracle.cloud_objects import MAX_INT, Provider
from peers.placement import PlacementPeer

STANDARD = ("VCPU", "DISK_GB", "HW_CPU_X86_AVX2", "MISC_SHARES_VIA_AGGREGATE")


class WritingPeer:
    """Placement, with UUIDs for the providers and consumers of a twin.

    Attributes
    ----------
    uuids
        UUID of each provider of the twin; it stays when the provider is renamed.
    """

    def __init__(self, peer: PlacementPeer, twin: TwinCloud) -> None:
        self.peer = peer
        self.twin = twin
        self.uuids: dict[Provider, str] = {}
        self._made = 0
        for provider in twin.providers():
            self.uuids[provider] = provider.uuid or uuid_of(provider.name)

    def send(self, step: Step) -> Answer:
        """Send a step, before the twin takes it."""
        send = getattr(self, f"_{step.method}")
        answer: Answer = send(*step.arguments, **step.keywords)
        self._forget_leftovers()
        return answer

    def knows(self, provider: Provider) -> None:
        """Remember the UUID of a provider that the twin has added."""
        self.uuids[provider] = provider.uuid or self._new_uuid()

    def state(self) -> dict[str, Any]:
        """Read what is in the database, by UUID."""
        with self.peer.writer() as own:
            rows = [
                own.session.execute(sqlalchemy.select(model.__table__)).mappings().all()
                for model in (
                    models.ResourceProvider,
                    models.Consumer,
                    models.Allocation,
                    models.Inventory,
                )
            ]
            classes = own.rc_cache
            providers, consumers, allocations, inventories = rows
            uuids = {row["id"]: row["uuid"] for row in providers}
            return {
                "providers": {
                    row["uuid"]: (
                        row["name"],
                        row["generation"],
                        uuids.get(row["parent_provider_id"]),
                        uuids[row["root_provider_id"]],
                    )
                    for row in providers
                },
                "consumers": {row["uuid"]: row["generation"] for row in consumers},
                "allocations": {
                    (
                        row["consumer_id"],
                        uuids[row["resource_provider_id"]],
                        classes.string_from_id(row["resource_class_id"]),
                    ): row["used"]
                    for row in allocations
                },
                "inventories": {
                    (
                        uuids[row["resource_provider_id"]],
                        classes.string_from_id(row["resource_class_id"]),
                    ): tuple(row[key] for key in ("total", "reserved", "step_size"))
                    for row in inventories
                },
            }

    def _forget_leftovers(self) -> None:
        """Drop consumers that hold nothing.

        Placement keeps a record of a new consumer whose allocations are empty or name
        an unknown provider, and then refuses to take the consumer for new.
        """
        with self.peer.writer() as own:
            consumer, held = models.Consumer.__table__, models.Allocation.__table__
            holders = sqlalchemy.select(held.c.consumer_id)
            own.session.execute(
                consumer.delete().where(consumer.c.uuid.not_in(holders))
            )

    def _new_uuid(self) -> str:
        # Not of the name, which a renamed provider may have had.
        return uuid_of(f"number {self._made}")

    def _uuid(self, identity: str) -> str:
        provider = self.twin.find(identity)
        return self.uuids[provider] if provider else uuid_of(f"not {identity}")

    def _path(self, identity: str) -> str:
        return f"/resource_providers/{self._uuid(identity)}"

    def _put(
        self, identity: str, part: str, body: Mapping[str, Any], generation: int | None
    ) -> Answer:
        provider = self.twin.find(identity)
        now = provider.generation if provider else 0
        seen = now if generation is None else generation
        whole = {**body, "resource_provider_generation": seen}
        return self.peer.request("PUT", self._path(identity) + part, body=whole)

    def _add_provider(
        self, name: str, *, parent: str | None = None, uuid: str | None = None
    ) -> Answer:
        self._made += 1
        body = {"name": name, "uuid": uuid or self._new_uuid()}
        if parent is not None:
            body["parent_provider_uuid"] = self._uuid(parent)
        return self.peer.request("POST", "/resource_providers", body=body)

    def _remove_provider(self, identity: str) -> Answer:
        return self.peer.request("DELETE", self._path(identity))

    def _rename_provider(self, identity: str, name: str) -> Answer:
        return self.peer.request("PUT", self._path(identity), body={"name": name})

    def _set_parent(
        self, identity: str, parent: str | None, *, may_reparent: bool = True
    ) -> Answer:
        this = self.twin.find(identity)
        body = {
            "name": this.name if this else "x",
            "parent_provider_uuid": None if parent is None else self._uuid(parent),
        }
        version = "1.37" if may_reparent else "1.36"
        path = self._path(identity)
        return self.peer.request("PUT", path, body=body, microversion=version)

    def _set_inventories(
        self, identity: str, wanted: Any, *, generation: int | None = None
    ) -> Answer:
        body = {"inventories": wanted}
        return self._put(identity, "/inventories", body, generation)

    def _set_inventory(
        self, identity: str, name: str, fields: Any, *, generation: int | None = None
    ) -> Answer:
        this = self.twin.find(identity)
        if this and name in this.inventories:
            return self._put(identity, f"/inventories/{name}", fields, generation)
        body = {**fields, "resource_class": name}
        path = self._path(identity) + "/inventories"
        return self.peer.request("POST", path, body=body)

    def _remove_inventory(self, identity: str, name: str) -> Answer:
        path = f"{self._path(identity)}/inventories/{name}"
        return self.peer.request("DELETE", path)

    def _set_traits(
        self, identity: str, names: list[str], *, generation: int | None = None
    ) -> Answer:
        return self._put(identity, "/traits", {"traits": names}, generation)

    def _set_aggregates(
        self, identity: str, names: list[str], *, generation: int | None = None
    ) -> Answer:
        body = {"aggregates": [name and uuid_of(name) for name in names]}
        return self._put(identity, "/aggregates", body, generation)

    def _add_resource_class(self, name: str) -> Answer:
        return self.peer.request("PUT", f"/resource_classes/{name}")

    def _remove_resource_class(self, name: str) -> Answer:
        return self.peer.request("DELETE", f"/resource_classes/{name}")

    def _add_trait(self, name: str) -> Answer:
        return self.peer.request("PUT", f"/traits/{name}")

    def _remove_trait(self, name: str) -> Answer:
        return self.peer.request("DELETE", f"/traits/{name}")

    def _claim(self, consumer: str, wanted: Any, **asked: Any) -> Answer:
        generation = asked.get("consumer_generation", self._generation(consumer))
        path = f"/allocations/{uuid_of(consumer)}"
        return self.peer.request("PUT", path, body=self._body(wanted, generation))

    def _release(self, consumer: str) -> Answer:
        return self.peer.request("DELETE", f"/allocations/{uuid_of(consumer)}")

    def _move(self, source: str, target: str) -> Answer:
        wanted: dict[str, dict[str, int]] = {}
        for (provider, name), amount in self.twin.consumers[source].held.items():
            wanted.setdefault(provider.name, {})[name] = amount
        body = {
            uuid_of(source): self._body({}, self._generation(source)),
            uuid_of(target): self._body(wanted, self._generation(target)),
        }
        return self.peer.request("POST", "/allocations", body=body)

    def _generation(self, consumer: str) -> int | None:
        known = self.twin.consumers.get(consumer)
        return known.generation if known else None

    def _body(self, wanted: Any, generation: int | None) -> dict[str, Any]:
        return {
            "allocations": {
                self._uuid(identity): {"resources": amounts}
                for identity, amounts in wanted.items()
            },
            "project_id": "project",
            "user_id": "user",
            "consumer_generation": generation,
            "consumer_type": "INSTANCE",
        }


def state_of(writer: WritingPeer) -> dict[str, Any]:
    """Give what ``WritingPeer.state`` must read, from the twin."""
    twin, uuids = writer.twin, writer.uuids
    return {
        "providers": {
            uuids[each]: (
                each.name,
                each.generation,
                uuids[each.parent] if each.parent else None,
                uuids[each.root],
            )
            for each in twin.providers()
        },
        "consumers": {
            uuid_of(name): consumer.generation
            for name, consumer in twin.consumers.items()
        },
        "allocations": {
            (uuid_of(consumer), uuids[provider], name): amount
            for consumer, holder in twin.consumers.items()
            for (provider, name), amount in holder.held.items()
        },
        "inventories": {
            (uuids[each], name): (offer.total, offer.reserved, offer.step_size)
            for each in twin.providers()
            for name, offer in each.inventories.items()
        },
    }


def sendable(step: Step, twin: TwinCloud) -> Step | None:  # noqa: PLR0912
    """Give a step as Placement can be asked for it, or None.

    Left out is what Placement has no request for, and where Kilonova deviates on
    purpose: a provider cannot have another's UUID for name, an amount over 2147483647
    or a negative ratio is always refused, a standard name may be added again.
    """
    arguments, keywords = step.arguments, dict(step.keywords)
    if step.method == "add_provider":
        # Placement takes these one by one, which bumps the generation.
        for key in ("inventories", "traits", "aggregates"):
            keywords.pop(key, None)
        if arguments[0] in UUIDS or keywords.get("uuid", UUIDS[0]) not in UUIDS:
            return None
    elif step.method == "rename_provider" and arguments[1] in UUIDS:
        return None
    elif step.method in ("add_trait", "add_resource_class"):
        return None if arguments[0] in STANDARD else step
    elif step.method in ("set_inventory", "set_inventories"):
        offers = arguments[2:] or tuple(arguments[1].values())
        if any(offer.get("allocation_ratio", 1) < 0 for offer in offers):
            return None
        this = twin.find(arguments[0])
        alone = step.method == "set_inventory"
        if alone and not (this and arguments[1] in this.inventories):
            # POST /inventories does not look at the generation.
            keywords.pop("generation", None)
    elif step.method == "move":
        same = arguments[0] == arguments[1]
        return None if same or arguments[0] not in twin.consumers else step
    elif step.method == "claim":
        found = [twin.find(identity) for identity in arguments[1]]
        amounts = [n for each in arguments[1].values() for n in each.values()]
        if len(set(found)) < len(found) or max(amounts, default=0) > MAX_INT:
            return None
    return Step(step.method, arguments, keywords)

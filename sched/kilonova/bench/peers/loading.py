"""Write a document into Placement's database, and empty it again.

`load_objects` goes through Placement's own objects, so that nothing in the database is
ours but the input. `load_rows` writes the same rows directly, for clouds of a hundred
thousand providers; a test holds the two together.

Both leave every provider at generation 0 and every consumer at generation 1, as after
its first write, so that the state does not depend on how it was loaded.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, count
from typing import Any

from kilonova.bench.document import (
    MAX_INT,
    Document,
    Limits,
    Provider,
    consumers_of,
    limits_of,
    parents_first,
    provider_uuid,
    usages_of,
    uuid_of,
)
from kilonova.bench.peers.third_party import (
    allocation,
    consumer_object,
    inventory,
    models,
    project,
    resource_class,
    resource_provider,
    sqlalchemy,
    trait,
    user,
)

_FIRST_CUSTOM_CLASS = 10_000
# Room for any usage: a document may have more in use than there is capacity, which
# Placement only gets to when an inventory shrinks under its allocations.
_ROOMY = Limits(MAX_INT, 0, 1, MAX_INT, 1, 65_536.0)


def load_objects(context: Any, document: Document) -> None:
    """Create everything in the document through Placement's objects.

    Parameters
    ----------
    context
        A request context of Placement with an open writer; the database is empty.
    document
        The cloud.

    Raises
    ------
    ValueError
        A consumer uses what no inventory offers, or a parent is missing.
    """
    _check_usages(document)
    _create_names(context, document)
    used = usages_of(document)
    created: dict[str, Any] = {}
    for provider in parents_first(document):
        parent = provider["parent"]
        new = resource_provider.ResourceProvider(
            context,
            name=provider["name"],
            uuid=provider_uuid(provider),
            parent_provider_uuid=None if parent is None else created[parent].uuid,
        )
        new.create()
        classes = [c for c in provider["inventories"] if (provider["name"], c) in used]
        _set_inventory(new, dict.fromkeys(classes, _ROOMY))
        names = sorted(set(provider["traits"]))
        new.set_traits([trait.Trait.get_by_name(context, name) for name in names])
        new.set_aggregates([uuid_of(name) for name in provider["aggregates"]])
        created[provider["name"]] = new
    _create_consumers(context, document, created)
    for provider in document["providers"]:
        _set_inventory(created[provider["name"]], _limits(provider))
    table = models.ResourceProvider.__table__
    context.session.execute(table.update().values(generation=0))


def load_rows(context: Any, document: Document) -> None:
    """Insert the rows that `load_objects` would leave; same parameters and errors."""
    _check_usages(document)
    _create_names(context, document)
    providers = parents_first(document)
    ids = {provider["name"]: row for row, provider in enumerate(providers, 1)}
    _insert(context, models.ResourceProvider, _provider_rows(providers, ids))
    class_ids = _ids(context, models.ResourceClass)
    _insert(
        context,
        models.Inventory,
        (
            {
                "resource_provider_id": ids[provider["name"]],
                "resource_class_id": class_ids[name],
                **limits._asdict(),
            }
            for provider in providers
            for name, limits in _limits(provider).items()
        ),
    )
    trait_ids = _ids(context, models.Trait)
    _insert(
        context,
        models.ResourceProviderTrait,
        (
            {"resource_provider_id": ids[provider["name"]], "trait_id": trait_ids[name]}
            for provider in providers
            for name in sorted(set(provider["traits"]))
        ),
    )
    _insert_aggregates(context, providers, ids)
    _insert_consumers(context, document, ids, class_ids)


def clear(context: Any) -> None:
    """Drop every row but the standard classes and traits.

    Ids start again at 1, so that a document always gets the same ones: some answers
    of Placement (which anchor it loses) follow from them.
    """
    for model in (
        models.Allocation,
        models.Consumer,
        models.ConsumerType,
        models.Inventory,
        models.ResourceProviderAggregate,
        models.PlacementAggregate,
        models.ResourceProviderTrait,
        models.ResourceProvider,
        models.Project,
        models.User,
    ):
        context.session.execute(model.__table__.delete())
    classes, traits = models.ResourceClass.__table__, models.Trait.__table__
    for statement in (
        classes.delete().where(classes.c.id >= _FIRST_CUSTOM_CLASS),
        traits.delete().where(traits.c.name.startswith("CUSTOM_", autoescape=True)),
    ):
        context.session.execute(statement)
    context.rc_cache.clear()
    context.trait_cache.clear()
    context.ct_cache.clear()


def _limits(provider: Provider) -> dict[str, Limits]:
    return {name: limits_of(offer) for name, offer in provider["inventories"].items()}


def _check_usages(document: Document) -> None:
    # Placement refuses such an allocation; rows written directly would be accepted.
    offered = {
        (provider["name"], resource_class_name)
        for provider in document["providers"]
        for resource_class_name in provider["inventories"]
    }
    homeless = sorted(usages_of(document).keys() - offered)
    if homeless:
        raise ValueError(f"In use but in no inventory: {homeless}.")


def _create_names(context: Any, document: Document) -> None:
    """Create the custom classes and traits that the document uses or lists."""
    providers = document["providers"]
    classes = set(chain.from_iterable(p["inventories"] for p in providers))
    classes.update(document.get("resource_classes", ()))
    for name in sorted(classes - _ids(context, models.ResourceClass).keys()):
        resource_class.ResourceClass(context, name=name).create()
    traits = set(chain.from_iterable(p["traits"] for p in providers))
    traits.update(document.get("custom_traits", ()))
    for name in sorted(traits - _ids(context, models.Trait).keys()):
        trait.Trait(context, name=name).create()


def _ids(context: Any, model: Any) -> dict[str, int]:
    table = model.__table__
    rows = context.session.execute(sqlalchemy.select(table.c.name, table.c.id))
    return dict(tuple(row) for row in rows)


def _set_inventory(provider: Any, limits: Mapping[str, Limits]) -> None:
    provider.set_inventory(
        [
            inventory.Inventory(
                resource_provider=provider, resource_class=name, **offer._asdict()
            )
            for name, offer in limits.items()
        ]
    )


def _create_consumers(
    context: Any, document: Document, providers: Mapping[str, Any]
) -> None:
    owners: dict[tuple[Any, str], Any] = {}

    def owner(kind: Any, name: str) -> Any:
        if (kind, name) not in owners:
            owners[kind, name] = kind(context, external_id=name)
            owners[kind, name].create()
        return owners[kind, name]

    for consumer in consumers_of(document):
        new = consumer_object.Consumer(
            context,
            uuid=consumer.uuid,
            project=owner(project.Project, consumer.project),
            user=owner(user.User, consumer.user),
        )
        new.create()
        wanted = [
            allocation.Allocation(
                resource_provider=providers[name],
                resource_class=resource_class_name,
                consumer=new,
                used=amount,
            )
            for name, resources in consumer.allocations.items()
            for resource_class_name, amount in resources.items()
        ]
        allocation.replace_all(context, wanted)


def _insert(context: Any, model: Any, rows: Iterable[Mapping[str, object]]) -> None:
    batch = list(rows)
    if not batch:
        return
    connection = context.session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(model.__table__.insert(), batch)
        return
    # There SQLAlchemy's own insert takes ten times as long, of hundred thousands.
    names = list(batch[0])
    columns, places = ", ".join(names), ", ".join(f":{name}" for name in names)
    if "created_at" in model.__table__.c:
        columns, places = f"{columns}, created_at", f"{places}, CURRENT_TIMESTAMP"
    statement = f"INSERT INTO {model.__tablename__} ({columns}) VALUES ({places})"
    connection.exec_driver_sql(statement, batch)


def _provider_rows(
    providers: Iterable[Provider], ids: Mapping[str, int]
) -> Iterable[dict[str, object]]:
    roots: dict[str, int] = {}
    for provider in providers:
        name, parent = provider["name"], provider["parent"]
        roots[name] = ids[name] if parent is None else roots[parent]
        yield {
            "id": ids[name],
            "uuid": provider_uuid(provider),
            "name": name,
            "generation": 0,
            "root_provider_id": roots[name],
            "parent_provider_id": None if parent is None else ids[parent],
        }


def _insert_aggregates(
    context: Any, providers: Iterable[Provider], ids: Mapping[str, int]
) -> None:
    rows: dict[str, int] = {}
    members: list[dict[str, int]] = []
    for provider in providers:
        for name in dict.fromkeys(provider["aggregates"]):
            row = rows.setdefault(uuid_of(name), len(rows) + 1)
            place = ids[provider["name"]]
            members.append({"resource_provider_id": place, "aggregate_id": row})
    new = ({"id": row, "uuid": uuid} for uuid, row in rows.items())
    _insert(context, models.PlacementAggregate, new)
    _insert(context, models.ResourceProviderAggregate, members)


def _insert_consumers(
    context: Any,
    document: Document,
    ids: Mapping[str, int],
    class_ids: Mapping[str, int],
) -> None:
    projects: dict[str, int] = {}
    users: dict[str, int] = {}
    consumers: list[dict[str, object]] = []
    allocations: list[dict[str, object]] = []
    for row, consumer in zip(count(1), consumers_of(document), strict=False):
        consumers.append(
            {
                "id": row,
                "uuid": consumer.uuid,
                "project_id": projects.setdefault(consumer.project, len(projects) + 1),
                "user_id": users.setdefault(consumer.user, len(users) + 1),
                "generation": 1,
            }
        )
        allocations += (
            {
                "resource_provider_id": ids[name],
                "resource_class_id": class_ids[resource_class_name],
                "consumer_id": consumer.uuid,
                "used": amount,
            }
            for name, resources in consumer.allocations.items()
            for resource_class_name, amount in resources.items()
        )
    for model, owners in ((models.Project, projects), (models.User, users)):
        named = ({"id": row, "external_id": name} for name, row in owners.items())
        _insert(context, model, named)
    _insert(context, models.Consumer, consumers)
    _insert(context, models.Allocation, allocations)

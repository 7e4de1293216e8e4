"""The same cloud for both: a document with UUIDs, partly in use."""

from typing import Any

from kilonova.bench.document import Document, uuid_of
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.cloud import Cloud

FILL = 0.7


def same_cloud(hosts: int, shape: str) -> tuple[Document, Cloud]:
    """Make a document, and a cloud of it; providers have the UUIDs of their names."""
    document = synthetic_cloud(hosts, shape, FILL, seed=1)
    for provider in document["providers"]:
        provider["uuid"] = uuid_of(provider["name"])
    consumers = [
        {"uuid": uuid_of(f"consumer {place}"), "allocations": held}
        for place, held in enumerate(document["consumers"])
    ]
    own: dict[str, Any] = {"providers": document["providers"], "consumers": consumers}
    return document, Cloud.from_document(own)


def documented(cloud: Cloud) -> Document:
    """Give a cloud without servers as what ``load_rows`` takes."""
    document: Any = cloud.to_document()
    for provider in document["providers"]:
        provider["uuid"] = uuid_of(provider["name"])
    return {"providers": document["providers"], "consumers": []}

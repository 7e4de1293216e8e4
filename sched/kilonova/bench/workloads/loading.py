"""Clouds in and out: documents, folders, and queries and specs as users give them."""

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from kilonova.bench.questions import ONE_PORT, PLAIN, TWO_PORTS, column_bytes
from kilonova.bench.served import AMOUNTS, random_uuids, records_of, served_cloud
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.records.records import Records
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.query import parse_query
from kilonova.request.server_spec import server_spec

# Consumers of a host in documents.
_CONSUMERS = 5


def _from_document(cloud: Cloud, _fleet: Fleet) -> Work:
    document: dict[str, Any] = cloud.to_document()
    return Work(
        call=lambda: Cloud.from_document(document),
        check=lambda: Cloud.from_document(document).to_document() == document,
        touched=column_bytes(cloud.state),
    )


def _with_consumers(_cloud: Cloud, fleet: Fleet) -> Work:
    """Read providers, and some consumers of each host."""
    servers = random_uuids(_CONSUMERS * fleet.hosts)
    served = served_cloud(fleet.hosts, servers, len(AMOUNTS))
    document: dict[str, Any] = served.to_document()

    def check() -> bool:
        found = Cloud.from_document(document)
        used = found.state.tables.inventory["used"]
        held = found.allocations(servers[0])
        return (
            used.tolist() == served.state.tables.inventory["used"].tolist()
            and found.to_document() == document
            and held == served.allocations(servers[0]) != {}
        )

    return Work(
        call=lambda: Cloud.from_document(document),
        check=check,
        decisions=len(servers),
    )


def _records(is_read: bool, _cloud: Cloud, fleet: Fleet) -> Work:
    """Read records of a document, or make one of them."""
    servers = random_uuids(_CONSUMERS * fleet.hosts)
    made = records_of(served_cloud(fleet.hosts, servers, 1), servers)
    document = made.to_document()
    return Work(
        call=partial(Records.from_document, document) if is_read else made.to_document,
        check=lambda: (
            made.to_document() == document and Records.from_document(document) == made
        ),
        decisions=len(servers),
    )


def _to_document(cloud: Cloud, fleet: Fleet) -> Work:
    def check() -> bool:
        names = [each["name"] for each in cloud.to_document()["providers"]]
        return sum(":" not in name for name in names) == fleet.hosts

    return Work(call=cloud.to_document, check=check, touched=column_bytes(cloud.state))


def _folder(cloud: Cloud) -> tuple[Path, int]:
    folder = Path(tempfile.mkdtemp(prefix="kilonova-bench-"))
    cloud.write(folder)
    return folder, sum(path.stat().st_size for path in folder.rglob("*"))


def _write(cloud: Cloud, _fleet: Fleet) -> Work:
    folder, size = _folder(cloud)

    def check() -> bool:
        found = Cloud.read(folder).allocation_candidates(PLAIN, 1_000)
        return found.to_json() == cloud.allocation_candidates(PLAIN, 1_000).to_json()

    return Work(
        call=lambda: cloud.write(folder),
        check=check,
        close=lambda: shutil.rmtree(folder),
        touched=size,
    )


def _read(cloud: Cloud, fleet: Fleet) -> Work:
    folder, size = _folder(cloud)
    query = ONE_PORT if fleet.shape == "nested" else PLAIN

    def call() -> object:
        return list(Cloud.read(folder).allocation_candidates(query, 1))

    return Work(
        call=call,
        check=lambda: call() == list(cloud.allocation_candidates(query, 1)),
        close=lambda: shutil.rmtree(folder),
        touched=size,
    )


def _query(_cloud: Cloud, _fleet: Fleet) -> Work:
    return Work(
        call=lambda: parse_query(TWO_PORTS),
        check=lambda: (
            [each.suffix for each in parse_query(TWO_PORTS).groups] == ["", "_p", "_q"]
        ),
    )


def _spec(_cloud: Cloud, _fleet: Fleet) -> Work:
    flavor = Flavor(4, 8_192, 40, extra_specs={"hw:cpu_policy": "dedicated"})
    image = Image()
    return Work(
        call=lambda: server_spec(flavor, image),
        check=lambda: server_spec(flavor, image).flavor == flavor,
    )


WORKLOADS = (
    Workload(
        "loading: document",
        "make a cloud of a JSON document",
        _from_document,
        shapes=("nested",),
        fills=(0.7,),
        largest=10_000,
        quick=True,
    ),
    Workload(
        "loading: consumers",
        "make a cloud with consumers of a JSON document; of one consumer",
        _with_consumers,
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "loading: records",
        "make records of servers of a JSON document; of one server",
        partial(_records, True),
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "loading: records to document",
        "make a JSON document of records of servers; of one server",
        partial(_records, False),
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "loading: to document",
        "make a JSON document of a cloud",
        _to_document,
        shapes=("nested",),
        fills=(0.7,),
        largest=10_000,
    ),
    Workload(
        "loading: write",
        "write all columns into a folder",
        _write,
        fills=(0.7,),
        largest=100_000,
    ),
    Workload(
        "loading: read",
        "open a folder, and answer a first question",
        _read,
        fills=(0.7,),
        largest=100_000,
        quick=True,
    ),
    Workload(
        "requests: query",
        "parse a query string with two ports",
        _query,
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
    Workload(
        "requests: server",
        "make a spec of flavor and image",
        _spec,
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000,
    ),
)

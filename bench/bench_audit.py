"""An audit of a million allocations on 10 000 hosts, from objects to orphans.

Timed is the whole call: looking up each consumer among the records, which are plain
objects by UUID, as well as the columns. One server in a hundred has no record.
"""

from typing import Any

import numpy as np
import pytest

from generators.document import Inventory, Provider
from kilonova.admin.audit import AuditOptions, audit
from kilonova.bench.bulk_cloud import lay_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.cloud.hosts import derive_hosts
from kilonova.records.migration import Migration
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova_kernels.claims import add_usage, write_rows

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
HELD = (1, 1024, 10)
AT_MOST = 1.0
ONE_IN = 100


def uuids(count: int) -> list[str]:
    """Give random UUIDs, of a fixed seed."""
    raw = np.random.default_rng(0).bytes(16 * count).hex()
    return [
        f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"
        for x in (raw[at : at + 32] for at in range(0, len(raw), 32))
    ]


def full_cloud(hosts: int, servers: list[str], classes: int) -> Cloud:
    """Make hosts, and servers on them in turn, each with amounts of some classes."""
    offers = {name: Inventory(total=1_000_000) for name in CLASSES}
    host = Provider(
        name="host00000", parent=None, inventories=offers, traits=[], aggregates=[]
    )
    cloud = lay_cloud([host], hosts)
    state = cloud.state
    first = claims.add_consumers(state, servers)
    columns = state.columns(spare_allocations=classes * len(servers))
    amounts = np.array(HELD[:classes], np.int64)
    for number in range(len(servers)):
        start = number % hosts * len(CLASSES)
        rows = np.arange(start, start + classes, dtype=np.int32)
        write_rows(columns, first + number, rows, amounts)
        add_usage(columns, first + number, 1)
    state.tables.allocation.count = int(state.counters[1])
    derive_hosts(state)
    return cloud


def records_of(cloud: Cloud, servers: list[str]) -> Records:
    """Make a record of each server but one in a hundred, and of as many migrations."""
    names = cloud.state.host_names.to_list()
    flavor = Flavor(1, 1024, 10)
    known = {
        uuid: Server(uuid, flavor, host=name, node=name)
        for number, uuid in enumerate(servers)
        for name in (names[number % len(names)],)
        if number % ONE_IN
    }
    moves = {
        f"{uuid[:-4]}0000": Migration(
            f"{uuid[:-4]}0000", uuid, "resize", source_host="h", source_node="n"
        )
        for uuid in servers[::ONE_IN]
    }
    return Records(servers=known, migrations=moves)


@pytest.mark.parametrize(
    ("classes", "is_known"),
    [
        pytest.param(3, True, id="three classes a server"),
        pytest.param(3, False, id="all of them orphans"),
        pytest.param(1, True, id="one class a server"),
    ],
)
def test_audit(benchmark: Any, classes: int, is_known: bool) -> None:
    allocations = 1_000_000 if benchmark.enabled else 9_000
    servers = uuids(-(-allocations // classes))
    cloud = full_cloud(10_000 if benchmark.enabled else 100, servers, classes)
    records = records_of(cloud, servers) if is_known else Records()
    asked = AuditOptions()
    lost = {each.consumer for each in audit(cloud, records, asked).orphans}
    assert lost == set(servers[::ONE_IN] if is_known else servers)
    benchmark.extra_info["allocations"] = classes * len(servers)
    benchmark.extra_info["at_most_s"] = AT_MOST
    result = benchmark.pedantic(audit, (cloud, records, asked), rounds=5)
    assert len(result.orphans) == len(lost)

"""The hosts of a document: read, given back, kept in folders, refused where wrong.

Method: random fleets go through document and folder and come out equal, servers and
server groups included; each wrong value gets one line that says where it stands.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from generators.fleets import GROUPS, fleets
from kilonova import BadInput, Cloud, Flavor, Scheduler
from kilonova.cloud.host_view import host_view
from kilonova.request.server import ServerGroup, ServerSpec


def good() -> dict[str, Any]:
    return {
        "providers": [
            {"name": "a", "inventories": {"VCPU": {"total": 4}}},
            {"name": "a:child", "parent": "a"},
            {"name": "b", "inventories": {"VCPU": {"total": 2}}},
        ],
        "host_aggregates": [{"uuid": "agg", "metadata": {"k": "v"}}],
        "server_groups": [{"uuid": "g", "policy": "affinity"}],
        "hosts": [
            {
                "nodename": "a",
                "aggregates": ["agg"],
                "cpu_info": {"vendor": "Intel"},
                "metrics": {"cpu.percent": 1.5},
                "image_uuids": ["image"],
                "numa_cells": [{"number": 0, "pcpuset": [0, 1], "siblings": [[0, 1]]}],
                "pci_pools": [{"vendor_id": "8086", "count": 1}],
            },
            {"nodename": "b", "host": "other", "last_seen_up": 5.5},
        ],
        "consumers": [
            {
                "uuid": "s",
                "allocations": {"a": {"VCPU": 1}},
                "host": "a",
                "vcpus": 1,
                "group": "g",
                "uses": {"cells": [{"number": 0, "pinned": [1]}], "pools": []},
            }
        ],
    }


@given(document=fleets())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trips(document: dict[str, Any], tmp_path: Path) -> None:
    cloud = Cloud.from_document(document)
    scheduler = Scheduler(cloud)
    group = ServerGroup("soft-anti-affinity", uuid=GROUPS[3])
    scheduler.play([])
    for n in range(2):
        spec = ServerSpec(Flavor(1, 0), server_group=group)
        if scheduler.explain(spec).ranked:
            scheduler.select(spec, servers=[f"server-{n}"])
    dumped = cloud.to_document()
    assert Cloud.from_document(dumped).to_document() == dumped
    cloud.write(tmp_path / "cloud")
    assert Cloud.read(tmp_path / "cloud").to_document() == dumped


def test_all_kinds_of_values_come_back(tmp_path: Path) -> None:
    cloud = Cloud.from_document(good())
    dumped = cloud.to_document()
    cloud.write(tmp_path / "cloud")
    for other in (Cloud.from_document(dumped), Cloud.read(tmp_path / "cloud")):
        assert other.to_document() == dumped
        for row in range(2):
            assert host_view(other.state, row) == host_view(cloud.state, row)
    host = host_view(cloud.state, 0)
    assert host.image_uuids == frozenset({"image"})
    assert host.aggregates[0].metadata == {"k": "v"}
    # One of four CPUs is in use, says the inventory.
    assert (host.vcpus_total, host.vcpus_used) == (4, 1)
    assert host_view(cloud.state, 1).host == "other"


WRONG: list[tuple[tuple[Any, ...], Any, str]] = [
    (("hosts",), 7, "'hosts' must be a list"),
    (("hosts", 0), 7, r"hosts\[0\] must be an object"),
    (("hosts", 0, "colour"), 1, r"hosts\[0\]: unknown key 'colour'"),
    (("hosts", 0, "nodename"), "", r"hosts\[0\].*(no|must)"),
    (("hosts", 1, "nodename"), "a", "'a'"),
    (("hosts", 0, "provider"), "a:child", "'a:child' is not the root of a tree"),
    (("hosts", 0, "provider"), "nobody", "'nobody' is not the root of a tree"),
    (("hosts", 1, "provider"), "a", "another host has the provider 'a'"),
    (("hosts", 0, "aggregates"), ["x"], "no host aggregate 'x'"),
    (("hosts", 0, "vcpus_used"), 1.5, "vcpus_used must be a whole number, got 1.5"),
    (("hosts", 0, "free_ram_mb"), 2**60, "free_ram_mb must be within"),
    (("hosts", 0, "last_seen_up"), "now", "last_seen_up must be a number, got 'now'"),
    (("hosts", 0, "numa_cells"), 7, "numa_cells must be a list, got 7"),
    (("hosts", 0, "numa_cells", 0, "x"), 7, r"numa_cells\[0\]: unknown key 'x'"),
    (("hosts", 0, "cpu_info"), object(), "facts must be JSON values"),
    (("host_aggregates", 0), [], r"host_aggregates\[0\] must be an object"),
    (("host_aggregates", 0, "uuid"), 7, r"host_aggregates\[0\]: uuid must be text"),
    (("host_aggregates", 0, "metadata"), 7, "metadata must be an object, got 7"),
    (("server_groups", 0, "policy"), "near", "policy must be one of .* got 'near'"),
    (("server_groups", 0, "max_server_per_host"), 0, "must be at least 1, got 0"),
    (("consumers", 0, "host"), "c", r"consumers\[0\]: no host 'c'"),
    (("consumers", 0, "group"), "c", r"consumers\[0\]: no server group 'c'"),
    (("consumers", 0, "vcpus"), "1", "vcpus must be a whole number, got '1'"),
    (("consumers", 0, "uses"), {"cells": 7}, "uses must hold cells and pools"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_wrong_values(path: tuple[Any, ...], value: Any, message: str) -> None:
    document: Any = copy.deepcopy(good())
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(BadInput, match=message) as caught:
        Cloud.from_document(document)
    assert "\n" not in str(caught.value)

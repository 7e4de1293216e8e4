"""Hosts that are read together are what their document says, each with its servers.

Method: random fleets with what few hosts have, read in any order and many times.
"""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import fleets
from kilonova import Cloud, Scheduler
from kilonova.bench.document import uuid_of
from kilonova.cloud.host import Host
from kilonova.cloud.host_view import host_view, host_views
from kilonova.hosts.reasons import hosts_with_servers

MORE = {
    "host": "service",
    "last_seen_up": 5.5,
    "metrics": {"cpu.percent": 1.5},
    "cpu_info": {"vendor": "Intel"},
    "host_ip": "192.0.2.1",
    "image_uuids": ["image"],
    "cpu_allocation_ratio": 2.5,
    "ram_allocation_ratio": 1.25,
    "vcpus_used": 1,
    "numa_cells": [{"number": 0, "pcpuset": [0, 1], "siblings": [[0, 1]]}],
    "pci_pools": [{"vendor_id": "8086", "count": 1}],
}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a fleet: some providers with UUIDs, some hosts with more, some servers."""
    document: dict[str, Any] = draw(fleets(most=8))
    for provider in document["providers"]:
        if draw(st.booleans()):
            provider["uuid"] = uuid_of(provider["name"])
    for host in document["hosts"]:
        for name in draw(st.sets(st.sampled_from(sorted(MORE)))):
            host[name] = MORE[name]
        if draw(st.booleans()):
            del host["cell_uuid"]
    taken = draw(
        st.sets(st.sampled_from([each["name"] for each in document["providers"]]))
    )
    document["consumers"] = [
        {"uuid": f"server on {name}", "allocations": {name: {"VCPU": 1}}}
        | ({"host": name} if draw(st.booleans()) else {})
        for name in sorted(taken)
    ]
    return document


def is_given(host: Host, name: str, value: Any) -> bool:
    """Say whether a host has what its document says."""
    found = getattr(host, name)
    if name == "aggregates":
        return {each.uuid for each in found} == set(value)
    if name == "image_uuids":
        return set(found) == set(value)
    if name in ("numa_cells", "pci_pools"):
        return len(found) == len(value)
    return bool(found == value)


@given(document=documents(), data=st.data())
@settings(deadline=None)
def test_many_at_once(document: dict[str, Any], data: st.DataObject) -> None:
    cloud = Cloud.from_document(document)
    Scheduler(cloud)
    hosts = document["hosts"]
    uuids = {each["name"]: each.get("uuid") for each in document["providers"]}
    some = data.draw(st.lists(st.integers(0, len(hosts) - 1)))
    rows = [cloud.state.hosts.row(hosts[each]["nodename"]) for each in some]
    found = list(host_views(cloud.state, np.array(rows, np.int64)))
    assert found == [host_view(cloud.state, row) for row in rows]
    for view, place in zip(found, some, strict=True):
        said, node = hosts[place], hosts[place]["nodename"]
        assert view.nodename == node
        assert view.uuid == (uuids[node] or node)
        for name, value in said.items():
            assert is_given(view, name, value), name
        for name in ("cell_uuid", "last_seen_up", "metrics", "numa_cells", "pci_pools"):
            assert name in said or getattr(view, name) is None, name


@given(document=documents())
@settings(deadline=None)
def test_servers_of_hosts(document: dict[str, Any]) -> None:
    cloud = Cloud.from_document(document)
    Scheduler(cloud)
    servers: dict[str, set[str]] = {
        each["nodename"]: set() for each in document["hosts"]
    }
    for each in document["consumers"]:
        if "host" in each:
            servers[each["host"]].add(each["uuid"])
    found = hosts_with_servers(cloud.state)
    assert {host.nodename: host.instances for host in found} == servers

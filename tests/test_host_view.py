"""Hosts that are read together are those that are read one by one.

Method: random fleets, some of whose providers are gone or have UUIDs, in any order.
"""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import fleets
from kilonova import Cloud, Scheduler
from kilonova.bench.document import uuid_of
from kilonova.cloud.host_view import host_view, host_views
from kilonova.hosts.reasons import hosts_with_servers


def _cloud(document: dict[str, Any], data: st.DataObject) -> Cloud:
    for provider in document["providers"]:
        if data.draw(st.booleans()):
            provider["uuid"] = uuid_of(provider["name"])
    return Cloud.from_document(document)


@given(document=fleets(), data=st.data())
@settings(deadline=None)
def test_many_are_as_one(document: dict[str, Any], data: st.DataObject) -> None:
    cloud = _cloud(document, data)
    Scheduler(cloud)
    hosts = cloud.state.hosts
    if len(hosts) and data.draw(st.booleans()):
        # A host without a compute node, such as one whose provider is gone.
        hosts.table["provider"][data.draw(st.integers(0, len(hosts) - 1))] = -1
    rows = data.draw(
        st.lists(st.sampled_from(range(len(hosts)))) if hosts else st.just([])
    )
    expected = [host_view(cloud.state, row) for row in rows]
    assert list(host_views(cloud.state, np.array(rows, np.int64))) == expected


@given(document=fleets(), data=st.data())
@settings(deadline=None)
def test_hosts_have_their_servers(
    document: dict[str, Any], data: st.DataObject
) -> None:
    cloud = _cloud(document, data)
    Scheduler(cloud)
    found = {host.nodename: host.instances for host in hosts_with_servers(cloud.state)}
    servers: dict[str, set[str]] = {name: set() for name in found}
    for each in cloud.to_document().get("consumers", []):
        if "host" in each:
            servers[each["host"]].add(each["uuid"])
    assert found == servers

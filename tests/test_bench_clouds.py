"""Clouds that are laid and filled for benchmarks are those that they stand for.

Method: a cloud that was filled anew is compared with one made afresh, and its hosts
with what is derived host by host.
"""

from typing import Any

import pytest

from kilonova.bench.busy_cloud import busy_cloud, fill_cloud
from kilonova.bench.served import random_uuids, served_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.hosts import defaults
from kilonova.cloud.schema import columns_of


def _columns(cloud: Any) -> dict[str, list[Any]]:
    state = cloud.state
    found = {c.name: state.hosts.table[c.name].tolist() for c in columns_of("host")}
    found["used"] = state.tables.inventory["used"].tolist()
    # The same values may have other numbers.
    for name in ("numa", "pci"):
        found[name] = [getattr(state.hosts, name)[number] for number in found[name]]
    return {name: list(map(repr, values)) for name, values in found.items()}


@pytest.mark.parametrize("shape", ["flat", "nested"])
@pytest.mark.parametrize("fill", [0.0, 0.7, 0.99])
def test_filled_anew_is_made_afresh(shape: str, fill: float) -> None:
    cloud = busy_cloud(40, shape, 0.7, seed=1)
    fill_cloud(cloud, fill, seed=2)
    assert _columns(cloud) == _columns(busy_cloud(40, shape, fill, seed=2))


@pytest.mark.parametrize("shape", ["flat", "nested"])
def test_hosts_are_those_of_their_inventories(shape: str) -> None:
    cloud = busy_cloud(40, shape, 0.0)
    fill_cloud(cloud, 0.7)
    hosts, seen = cloud.state.hosts, set()
    for row, root in enumerate(cloud.state.index().roots.tolist()):
        assert hosts.names[row] == cloud.state.provider_names[root]
        assert hosts.services[int(hosts.table["service"][row])] == hosts.names[row]
        for name, value in defaults(cloud.state, root).items():
            assert hosts.table[name][row] == value, name
        seen.add(int(hosts.table["free_ram_mb"][row]))
    assert len(seen) > 20


def test_hosts_of_six_digits_have_names() -> None:
    state = busy_cloud(100_003, "nested", 0.0).state
    for number in (0, 99_999, 100_000, 100_002):
        name = f"host{number:05}:NIC Switch agent:ens3"
        row = state.find_provider(name)
        assert row == 9 * number + 8
        assert state.find_provider(state.provider_uuids[row]) == row


@pytest.mark.parametrize("classes", [1, 3])
def test_servers_laid_at_once_hold_what_claims_would_give_them(classes: int) -> None:
    servers = random_uuids(23)
    cloud = served_cloud(5, servers, classes)
    document = cloud.to_document()
    loaded = Cloud.from_document(document)
    assert loaded.to_document() == document
    columns = [
        [each.state.tables.inventory["used"].tolist(), each.state.counters[1:].tolist()]
        for each in (cloud, loaded)
    ]
    assert columns[0] == columns[1]
    assert cloud.state.index().largest.tolist() == loaded.state.index().largest.tolist()
    for server in servers:
        assert cloud.allocations(server) == loaded.allocations(server)
        assert sum(map(len, cloud.allocations(server).values())) == classes
    for server in servers:
        cloud.release(server)
    assert not cloud.state.tables.inventory["used"].any()
    assert cloud.state.counters[3] == 0
    cloud.claim(servers[0], loaded.allocations(servers[0]))
    assert cloud.allocations(servers[0]) == loaded.allocations(servers[0])

"""Servers that come, go, grow and move leave the columns as the servers say.

Method: some steps on a small cloud; at the end what each server alive holds is compared
with what it asks, and a rack that failed has none of those it had.
"""

import pytest

from kilonova.bench.churn import Churn
from kilonova.bench.workload import WrongResult

pytestmark = pytest.mark.jit


def test_columns_are_what_servers_ask() -> None:
    churn = Churn(hosts=60, servers=900)
    churn.play()
    counts = churn.counts
    assert counts.boots >= 900
    assert min(counts.deletes, counts.resizes, counts.migrations) > 0
    assert counts.evacuations > 0
    for server, spec in churn.alive.items():
        held = churn.cloud.allocations(server)
        assert sum(one.get("VCPU", 0) for one in held.values()) == spec.flavor.vcpus
    # No migration holds anything any more.
    consumers = churn.cloud.to_document()["consumers"]
    assert {each["uuid"] for each in consumers} == churn.alive.keys()


def test_a_rack_is_emptied() -> None:
    churn = Churn(hosts=60, servers=500)
    for _ in range(3):
        churn.step(200)
    rack = set(range(20))
    state = churn.cloud.state
    table = state.tables.consumer
    assert set(table["host"].tolist()) & rack
    churn.evacuate(len(rack))
    alive = [state.consumer_uuids.find(server) for server in churn.alive]
    assert not set(table["host"][alive].tolist()) & rack


def test_a_lost_server_is_noticed() -> None:
    churn = Churn(hosts=60, servers=100)
    churn.step(100)
    churn.cloud.release(next(iter(churn.alive)))
    with pytest.raises(WrongResult, match="VCPU are in use, servers ask"):
        churn.check()

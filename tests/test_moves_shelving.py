"""Shelving, rebuild, deletion, states and locks.

Each case compares servers, migrations, ports and allocations with what Nova leaves.
"""

import pytest

from kilonova.errors import Refused
from kilonova.moves.options import MoveOptions
from kilonova.request.image import Image
from moves_cloud import (
    LARGE,
    Bench,
    make_server,
    old_port,
)

pytestmark = pytest.mark.usefixtures("fixed_clock")


@pytest.mark.parametrize("offload_time", [0, -1])
def test_shelve_and_unshelve(offload_time: int) -> None:
    bench = Bench(options=MoveOptions(shelved_offload_time=offload_time))
    names = bench.add_ports(old_port("p"))
    server = bench.do.boot(make_server(ports=names))
    bench.do.shelve(server.uuid)
    if offload_time:
        assert (server.vm_state, bench.hosts_of(server.uuid)) == ("shelved", {"a"})
        bench.do.shelve_offload(server.uuid)
    assert (server.vm_state, server.host) == ("shelved_offloaded", None)
    assert bench.held(server.uuid) == {}
    port = bench.records.ports[names[0]]
    assert (port["binding:host_id"], port["device_id"]) == (None, server.uuid)
    assert port["binding:profile"] == {}
    bench.do.unshelve(server.uuid, host="c")
    assert (server.vm_state, server.host) == ("active", "c")
    assert port["binding:profile"] == {"allocation": "c:agent:eth0"}


@pytest.mark.parametrize("step", ["claim", "bind_ports", "spawn"])
def test_an_unshelve_that_fails_holds_nothing(step: str) -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.do.shelve(server.uuid)
    bench.driver.fail(step)
    bench.do.unshelve(server.uuid)
    assert (server.vm_state, server.task_state) == ("shelved_offloaded", None)
    assert bench.held(server.uuid) == {}


def test_unshelve_into_a_zone() -> None:
    aggregates = [{"uuid": "z", "name": "z", "metadata": {"availability_zone": "z1"}}]
    bench = Bench(host_aggregates=aggregates)
    hosts = bench.cloud.state.hosts
    bench.cloud.set_aggregates("c", ["z"])
    hosts.table["aggregate_set"][2] = hosts.aggregate_sets.number([0])
    hosts.changed()
    server = bench.do.boot(make_server())
    bench.do.shelve(server.uuid)
    with pytest.raises(Refused, match="host 'a' must be in zone 'z1'") as refused:
        bench.do.unshelve(server.uuid, "z1", "a")
    assert (refused.value.status, refused.value.nova) == (409, "UnshelveHostNotInAZ")
    with pytest.raises(Refused, match="availability_zone must be one of"):
        bench.do.unshelve(server.uuid, "z2")
    bench.do.unshelve(server.uuid, "z1")
    assert (server.host, server.availability_zone) == ("c", "z1")


def test_rebuild_with_traits_that_the_host_has_not() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    image = Image({"traits_required": ("HW_CPU_X86_AVX",)}, uuid="new")
    bench.do.rebuild(server.uuid, image)
    assert (server.vm_state, server.image.uuid) == ("error", "")
    bench.cloud.set_traits("a", ["HW_CPU_X86_AVX"])
    bench.do.rebuild(server.uuid, image)
    assert (server.vm_state, server.image.uuid) == ("active", "new")
    assert bench.hosts_of(server.uuid) == {"a"}


def test_rebuild_runs_the_filters_that_a_rebuild_runs() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.do.rebuild(server.uuid, Image({"hw_architecture": "aarch64"}, uuid="new"))
    assert server.vm_state == "error"
    assert "ImagePropertiesFilter" in (server.fault or "")


def test_states_and_locks() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.do.is_admin = False
    server.locked = True
    with pytest.raises(Refused) as refused:
        bench.do.resize(server.uuid, LARGE)
    assert (refused.value.nova, refused.value.status) == ("InstanceIsLocked", 409)
    server.locked = False
    with pytest.raises(Refused, match="vm_state must be one of") as refused:
        bench.do.confirm_resize(server.uuid)
    assert (refused.value.nova, refused.value.status) == ("InstanceInvalidState", 409)
    with pytest.raises(Refused, match="must be down") as refused:
        bench.do.evacuate(server.uuid)
    assert refused.value.nova == "ComputeServiceInUse"
    bench.set_up("a", up=False)
    with pytest.raises(Refused, match="must be up") as refused:
        bench.do.resize(server.uuid, LARGE)
    assert refused.value.nova == "ServiceUnavailable"
    with pytest.raises(Refused, match="No server"):
        bench.do.delete("nobody")


def test_delete_confirms_first_and_frees_everything() -> None:
    bench = Bench()
    names = bench.add_ports(old_port("p"))
    server = bench.do.boot(make_server(ports=names))
    migration = bench.do.migrate(server.uuid)
    bench.do.delete(server.uuid)
    assert migration.status == "confirmed"
    assert not bench.held(server.uuid)
    assert not bench.held(migration.uuid)
    assert server.uuid not in bench.records.servers
    assert bench.records.ports[names[0]]["device_id"] == ""


def test_delete_of_a_resized_server_whose_source_is_down() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    migration = bench.do.migrate(server.uuid)
    held = bench.held(server.uuid), bench.held(migration.uuid)
    bench.set_up("a", up=False)
    bench.do.delete(server.uuid)
    assert (server.vm_state, server.task_state) == ("resized", "deleting")
    assert migration.status == "finished"
    assert (bench.held(server.uuid), bench.held(migration.uuid)) == held
    bench.set_up("a", up=True)
    bench.do.delete(server.uuid)
    assert (server.vm_state, migration.status) == ("active", "confirmed")
    assert (bench.held(server.uuid), bench.held(migration.uuid)) == (held[0], {})
    bench.do.delete(server.uuid)
    assert not bench.records.servers


def test_delete_without_its_host() -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    bench.set_up("a", up=False)
    bench.driver.fail("destroy")
    bench.do.delete(server.uuid)
    assert not bench.held(server.uuid)
    assert server.vm_state == "deleted"

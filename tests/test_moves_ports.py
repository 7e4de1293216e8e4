"""Attach and detach, accelerators, and who refuses servers that have these.

Each case compares servers, migrations, ports and allocations with what Nova leaves.
"""

import pytest

from kilonova.errors import Refused
from kilonova.moves.options import MoveOptions
from kilonova.records.records import Records
from kilonova.request.flavor import Flavor
from moves_cloud import (
    EGRESS,
    INGRESS,
    SMALL,
    Bench,
    extended_port,
    make_server,
    old_port,
)

pytestmark = pytest.mark.usefixtures("fixed_clock")

PROFILES = {"two": [{"resources:FPGA": "2"}, {"resources:FPGA": "1"}]}
FPGA = Flavor(1, 1024, name="fpga", extra_specs={"accel:device_profile": "two"})


@pytest.mark.parametrize("make", [old_port, extended_port])
def test_attach_and_detach(make: object) -> None:
    assert callable(make)
    bench = Bench()
    server = bench.do.boot(make_server())
    before = bench.held(server.uuid)
    for name in (*bench.add_ports(make("p", 600)), *bench.add_ports(make("q", 600))):
        bench.do.attach_port(server.uuid, name)
    assert bench.held(server.uuid)["a:agent:eth0"][EGRESS] == 600
    assert bench.held(server.uuid)["a:agent:eth1"][EGRESS] == 600
    with pytest.raises(Refused) as refused:
        bench.do.attach_port(server.uuid, bench.add_ports(make("r", 600))[0])
    assert refused.value.nova == "InterfaceAttachResourceAllocationFailed"
    for name in server.ports:
        bench.do.detach_port(server.uuid, name)
        assert bench.records.ports[name]["binding:profile"] == {}
    assert bench.held(server.uuid) == before


@pytest.mark.parametrize(
    ("step", "nova", "leaks"),
    [
        ("attach_interface", "InterfaceAttachFailed", False),
        ("bind_ports", "PortBindingFailed", True),
    ],
)
def test_each_failure_of_an_attachment(step: str, nova: str, leaks: bool) -> None:
    bench = Bench()
    server = bench.do.boot(make_server())
    [name] = bench.add_ports(old_port("p"))
    bench.driver.fail(step)
    with pytest.raises(Refused) as refused:
        bench.do.attach_port(server.uuid, name)
    assert (refused.value.status, refused.value.nova) == (500, nova)
    assert str(server.fault).startswith(nova)
    assert server.ports == ()
    held = bench.held(server.uuid).get("a:agent:eth0")
    assert held == ({EGRESS: 100, INGRESS: 100} if leaks else None)


def test_virtual_functions_come_from_the_interface_that_was_claimed() -> None:
    pool = {"vendor_id": "1", "product_id": "2", "count": 1}
    pool |= {"physical_network": "p", "remote_managed": "false"}
    pools = [
        {**pool, "parent_ifname": "eth1", "dev_type": "type-VF"},
        {**pool, "parent_ifname": "eth0", "dev_type": "type-VF"},
    ]
    bench = Bench(("a", "b"))
    hosts = bench.cloud.state.hosts
    from kilonova.cloud.host_values import Pools

    hosts.table["pci"][:2] = hosts.pci.number(Pools.of(pools))
    hosts.changed()
    bench.records.networks = {"net": {"provider:physical_network": "p"}}
    port = {**old_port("p"), "binding:vnic_type": "direct"}
    names = bench.add_ports(port)

    def free(row: int) -> list[str]:
        left = hosts.pci[int(hosts.table["pci"][row])].values()
        return sorted(str(each["parent_ifname"]) for each in left)

    server = bench.do.boot(make_server(ports=names))
    assert (free(0), free(1)) == (["eth1"], ["eth0", "eth1"])
    bench.do.migrate(server.uuid)
    assert (free(0), free(1)) == (["eth1"], ["eth1"])
    bench.do.confirm_resize(server.uuid)
    assert (free(0), free(1)) == (["eth0", "eth1"], ["eth1"])
    bench.do.detach_port(server.uuid, names[0])
    assert free(1) == ["eth0", "eth1"]
    bench.do.attach_port(server.uuid, names[0])
    assert free(1) == ["eth1"]


def fpga_bench(**extra: object) -> Bench:
    return Bench(records=Records(device_profiles=PROFILES), **extra)  # type: ignore[arg-type]


def test_each_request_is_bound_to_the_provider_of_its_group() -> None:
    bench = fpga_bench()
    server = bench.do.boot(make_server(flavor=FPGA))
    requests = list(bench.records.accelerator_requests.values())
    assert sorted(request.group for request in requests) == [0, 0, 1]
    assert {request.device_rp_uuid for request in requests} == {"a:fpga"}
    assert {request.hostname for request in requests} == {"a"}
    assert bench.held(server.uuid)["a:fpga"] == {"FPGA": 3}
    bench.set_up("a", up=False)
    bench.do.evacuate(server.uuid)
    again = list(bench.records.accelerator_requests.values())
    assert {request.device_rp_uuid for request in again} == {"b:fpga"}
    assert len(again) == 3
    bench.do.delete(server.uuid)
    assert not bench.records.accelerator_requests


def test_accelerators_that_cannot_be_bound_keep_the_claim() -> None:
    bench = fpga_bench()
    bench.driver.fail("bind_accelerators")
    server = bench.do.boot(make_server(flavor=FPGA))
    assert (server.vm_state, server.host) == ("error", None)
    assert not bench.records.accelerator_requests
    assert bench.hosts_of(server.uuid) == {"a"}
    bench.do.delete(server.uuid)
    assert bench.held(server.uuid) == {}


@pytest.mark.parametrize(
    ("operation", "version", "nova"),
    [
        ("resize", 74, "ForbiddenWithAccelerators"),
        ("migrate", 74, "ForbiddenWithAccelerators"),
        ("live_migrate", 74, "ForbiddenWithAccelerators"),
        ("shelve", 53, "ForbiddenWithAccelerators"),
        ("shelve", 54, None),
        ("rebuild", 52, "ForbiddenWithAccelerators"),
        ("rebuild", 53, None),
        ("evacuate", 52, "ForbiddenWithAccelerators"),
        ("evacuate", 53, None),
    ],
)
def test_who_refuses_accelerators(
    operation: str, version: int, nova: str | None
) -> None:
    bench = fpga_bench(options=MoveOptions(compute_version=version))
    server = bench.do.boot(make_server(flavor=FPGA))
    if operation == "evacuate":
        bench.set_up("a", up=False)
    arguments = (SMALL,) if operation == "resize" else ()
    if nova is None:
        getattr(bench.do, operation)(server.uuid, *arguments)
        assert server.fault is None
        return
    with pytest.raises(Refused) as refused:
        getattr(bench.do, operation)(server.uuid, *arguments)
    assert (refused.value.nova, refused.value.status) == (nova, 400)
    assert not bench.records.migrations


@pytest.mark.parametrize(
    "operation", ["migrate", "live_migrate", "evacuate", "shelve", "shelve_offload"]
)
def test_who_refuses_ports_with_accelerators(operation: str) -> None:
    bench = Bench(records=Records(device_profiles={"one": [{"resources:FPGA": "1"}]}))
    port = {
        "id": old_port("p")["id"],
        "network_id": "net",
        "binding:vnic_type": "accelerator-direct",
        "device_profile": "one",
    }
    server = bench.do.boot(make_server(ports=bench.add_ports(port)))
    assert bench.held(server.uuid)["a:fpga"] == {"FPGA": 1}
    with pytest.raises(Refused) as refused:
        getattr(bench.do, operation)(server.uuid)
    assert refused.value.nova == "ForbiddenPortsWithAccelerator"


@pytest.mark.parametrize("version", [58, 59])
@pytest.mark.parametrize("operation", ["migrate", "live_migrate", "evacuate"])
def test_request_groups_need_services_that_know_them(
    operation: str, version: int
) -> None:
    bench = Bench(options=MoveOptions(compute_version=version))
    names = bench.add_ports(extended_port("p"))
    server = bench.do.boot(make_server(ports=names))
    if operation == "evacuate":
        bench.set_up("a", up=False)
    if version >= 59:
        getattr(bench.do, operation)(server.uuid)
        assert server.host == "b"
        return
    with pytest.raises(Refused) as refused:
        getattr(bench.do, operation)(server.uuid)
    assert refused.value.nova == "ExtendedResourceRequestOldCompute"


def test_a_vtpm_is_neither_rebuilt_nor_evacuated_nor_shelved() -> None:
    bench = Bench(("a",))
    bench.cloud.set_traits(
        "a",
        [
            "COMPUTE_SECURITY_TPM_2_0",
            "COMPUTE_SECURITY_TPM_TIS",
            "COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER",
        ],
    )
    flavor = Flavor(
        1, 64, extra_specs={"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-tis"}
    )
    server = bench.do.boot(make_server(flavor=flavor))
    assert server.fault is None
    for operation in (bench.do.rebuild, bench.do.evacuate, bench.do.shelve):
        with pytest.raises(Refused) as refused:
            operation(server.uuid)
        assert refused.value.nova == "OperationNotSupportedForVTPM"

"""Selection: the hosts, their order and weights, and what becomes of cloud and hosts.

Method: random clouds of up to 40 hosts take random servers one after the other, with
departures between them; before each one, Nova's way through plain objects says which
hosts pass, in which order, with which weights. Amounts lie around what hosts have.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import GROUPS, POLICIES, fleets, option_sets, specs
from kilonova import Cloud
from kilonova.cloud.host import Host
from kilonova.cloud.host_view import host_view
from kilonova.cloud.hosts import servers_of
from kilonova.errors import NoValidHost
from kilonova.hosts.events import Boot, Delete
from kilonova.hosts.options import FilterSchedulerSection, Options, PciSection
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from kilonova.request.server_spec import server_spec
from oracle.select import Best, selected


def viewed(cloud: Cloud) -> list[Host]:
    found = []
    for row in range(len(cloud.state.hosts)):
        host = host_view(cloud.state, row)
        host.instances = servers_of(cloud.state, row)
        found.append(host)
    return found


def room(cloud: Cloud, scheduler: Scheduler, spec: ServerSpec) -> dict[str, bool]:
    candidates = cloud.allocation_candidates(scheduler.shape(spec).request)
    fitting = {name for found in candidates for name in found.allocations}
    return {host.nodename: host.nodename in fitting for host in viewed(cloud)}


def group_now(cloud: Cloud, uuid: str | None) -> ServerGroup | None:
    if uuid is None:
        return None
    number = cloud.state.groups.find(uuid)
    group = cloud.state.groups[number]
    table = cloud.state.tables.consumer
    rows = [
        row
        for row in range(table.count)
        if table["group"][row] == number and table["host"][row] >= 0
    ]
    return ServerGroup(
        policy=group.policy,
        members=frozenset(cloud.state.consumer_uuids[row] for row in rows),
        hosts=frozenset(cloud.state.hosts.names[table["host"][row]] for row in rows),
        max_server_per_host=group.max_server_per_host,
        uuid=uuid,
    )


def expected(
    cloud: Cloud, scheduler: Scheduler, spec: ServerSpec, uuid: str | None
) -> Best:
    group = group_now(cloud, uuid)
    return selected(
        viewed(cloud),
        room(cloud, scheduler, spec),
        spec,
        scheduler.options,
        group,
    )


@given(
    fleets(),
    option_sets(),
    st.lists(
        st.tuples(specs(), st.sampled_from([None, None, *GROUPS]), st.booleans()),
        min_size=1,
        max_size=12,
    ),
)
@settings(deadline=None)
def test_same_as_one_host_after_the_other(
    document: dict[str, Any],
    options: Options,
    wishes: list[tuple[ServerSpec, str | None, bool]],
) -> None:
    cloud = Cloud.from_document(document)
    scheduler = Scheduler(cloud, options)
    alive: list[str] = []
    for i, (spec, uuid, leave) in enumerate(wishes):
        if leave and alive:
            cloud.release(alive.pop(0))
        best = expected(cloud, scheduler, spec, uuid)
        asked = spec
        if uuid is not None:
            rule = cloud.state.groups[cloud.state.groups.find(uuid)]
            group = ServerGroup(
                rule.policy, max_server_per_host=rule.max_server_per_host, uuid=uuid
            )
            asked = ServerSpec(spec.flavor, server_group=group)
        if not best.hosts:
            before = cloud.to_document()
            with pytest.raises(NoValidHost, match="No valid host was found"):
                scheduler.select(asked, servers=[f"server-{i}"])
            assert cloud.to_document() == before
            continue
        found = scheduler.select(asked, servers=[f"server-{i}"])
        chosen = found.hosts[0]
        assert (chosen.nodename, chosen.weight) == (best.hosts[0], best.weights[0])
        cell = chosen.cell_uuid
        near = [h for h in best.hosts[1:] if cell_of(cloud, h) == cell]
        assert [a.nodename for a in found.alternates[0]] == near[:2]
        alive.append(f"server-{i}")


def cell_of(cloud: Cloud, name: str) -> str | None:
    return host_view(cloud.state, cloud.state.hosts.row(name)).cell_uuid


def one_host(**more: Any) -> Cloud:
    inventories = {
        "VCPU": {"total": 4},
        "MEMORY_MB": {"total": 4096},
        "DISK_GB": {"total": 10},
    }
    return Cloud.from_document(
        {"providers": [{"name": "h", "inventories": inventories}], **more}
    )


def test_a_host_counts_its_servers() -> None:
    cloud = one_host()
    scheduler = Scheduler(cloud)
    empty = host_view(cloud.state, 0)
    scheduler.select(ServerSpec(Flavor(1, 1024, root_gb=2)), servers=["a"])
    host = host_view(cloud.state, 0)
    assert (host.vcpus_used, host.free_ram_mb, host.free_disk_mb) == (1, 3072, 8192)
    assert (host.num_instances, host.num_io_ops) == (1, 1)
    cloud.release("a")
    assert host_view(cloud.state, 0) == empty


def test_all_or_none() -> None:
    cloud = one_host()
    scheduler = Scheduler(cloud)
    before = host_view(cloud.state, 0)
    with pytest.raises(NoValidHost, match="all of 5 servers"):
        scheduler.select(ServerSpec(Flavor(1, 512)), count=5)
    assert host_view(cloud.state, 0) == before
    assert cloud.usages("h") == {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0}
    assert not cloud.to_document()["consumers"]
    assert len(scheduler.select(ServerSpec(Flavor(1, 512)), count=4).hosts) == 4


def test_documents_keep_servers_and_groups() -> None:
    groups = [
        {"uuid": uuid, "policy": policy}
        for uuid, policy in zip(GROUPS, POLICIES, strict=False)
    ]
    cloud = one_host(server_groups=groups)
    group = ServerGroup("affinity", uuid=GROUPS[0])
    spec = ServerSpec(Flavor(1, 512), server_group=group)
    Scheduler(cloud).select(spec, servers=["a"])
    document = cloud.to_document()
    assert Cloud.from_document(document).to_document() == document
    assert document["consumers"][0]["host"] == "h"
    assert document["consumers"][0]["group"] == GROUPS[0]


def test_the_seed_decides_among_a_subset() -> None:
    options = Options(filter_scheduler=FilterSchedulerSection(host_subset_size=10))
    providers = [
        {"name": f"h{i}", "inventories": {"VCPU": {"total": 64}}} for i in range(30)
    ]

    def names(seed: int) -> list[str]:
        cloud = Cloud.from_document({"providers": providers})
        scheduler = Scheduler(cloud, options, seed=seed)
        spec = ServerSpec(Flavor(1, 0))
        return [scheduler.select(spec).hosts[0].host for _ in range(20)]

    assert names(1) == names(1)
    assert names(1) != names(2)


def test_pinned_cpus_may_come_from_hosts_that_report_vcpus() -> None:
    cloud = Cloud.from_document(
        {
            "providers": [
                {"name": "new", "inventories": {"PCPU": {"total": 1}}},
                {"name": "old", "inventories": {"VCPU": {"total": 1}}},
            ]
        }
    )
    scheduler = Scheduler(cloud)
    spec = server_spec(Flavor(1, 0, extra_specs={"hw:cpu_policy": "dedicated"}))
    found = scheduler.select(spec, count=2)
    allocations = {host.host: host.allocations[host.uuid] for host in found.hosts}
    assert allocations == {"new": {"PCPU": 1}, "old": {"VCPU": 1}}


def cells(count: int) -> list[dict[str, Any]]:
    """Give two NUMA cells of ``count`` CPUs each, in cores of two threads."""
    found = []
    for number in range(2):
        cpus = list(range(number * count, (number + 1) * count))
        found.append(
            {
                "number": number,
                "pcpuset": cpus,
                "memory_mb": 4096,
                "siblings": [cpus[i : i + 2] for i in range(0, count, 2)],
                "pages": [{"size_kb": 4, "total": 1_048_576}],
            }
        )
    return found


def pinned_cloud() -> Cloud:
    names = ("a", "b")
    inventories = {"PCPU": {"total": 8}, "MEMORY_MB": {"total": 8192}}
    devices = [{"vendor_id": "8086", "product_id": "10fb", "count": 2, "numa_node": 0}]
    return Cloud.from_document(
        {
            "providers": [{"name": n, "inventories": inventories} for n in names],
            "hosts": [
                {"nodename": n, "numa_cells": cells(4), "pci_pools": devices}
                for n in names
            ],
        }
    )


DEVICES_OPTIONS = Options(
    filter_scheduler=FilterSchedulerSection(
        enabled_filters=("NUMATopologyFilter", "PciPassthroughFilter")
    ),
    pci=PciSection(
        alias=('{"name": "nic", "vendor_id": "8086", "product_id": "10fb"}',)
    ),
)


@pytest.mark.parametrize("bulk", [False, True])
def test_cells_and_devices_are_taken_and_given_back(bulk: bool) -> None:
    cloud = pinned_cloud()
    scheduler = Scheduler(cloud, DEVICES_OPTIONS)
    before = viewed(cloud)
    extra_specs = {"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "nic:1"}
    flavor = Flavor(2, 512, extra_specs=extra_specs)
    spec = server_spec(flavor, options=DEVICES_OPTIONS)
    # Two devices a host, though there are CPUs for four servers.
    names = [f"server-{i}" for i in range(4)]
    if bulk:
        played = scheduler.play([Boot(name, spec) for name in [*names, "late"]])
        assert played.host.tolist() == [0, 1, 0, 1, -1]
    else:
        for name in names:
            scheduler.select(spec, servers=[name])
    pinned = [
        cell.pinned_cpus for host in viewed(cloud) for cell in host.numa_cells or ()
    ]
    assert sorted(map(len, pinned)) == [0, 0, 4, 4]
    assert [host.pci_pools for host in viewed(cloud)] == [(), ()]
    again = Cloud.from_document(cloud.to_document())
    with pytest.raises(NoValidHost):
        scheduler.select(spec)
    for there in (cloud, again):
        for name in names:
            there.release(name)
        assert viewed(there) == before


def test_hosts_with_fewer_devices_are_preferred() -> None:
    plain = FilterSchedulerSection()
    names = (*plain.enabled_filters, "PciPassthroughFilter")
    section = FilterSchedulerSection(
        enabled_filters=names, ram_weight_multiplier=0.0, cpu_weight_multiplier=0.0
    )
    options = Options(filter_scheduler=section, pci=DEVICES_OPTIONS.pci)
    cloud = pinned_cloud()
    scheduler = Scheduler(cloud, options)
    small = server_spec(Flavor(0, 1))
    # Both hosts have two devices: the first one of equals.
    assert scheduler.select(small, servers=["first"]).hosts[0].host == "a"
    cloud.release("first")
    device = server_spec(
        Flavor(0, 1, extra_specs={"pci_passthrough:alias": "nic:1"}), options=options
    )
    destination = Destination(host="b")
    # Played, not selected: a server on its way keeps the disks of its host busy.
    scheduler.play([Boot("device", replace(device, destination=destination))])
    assert scheduler.select(small).hosts[0].host == "b"


def test_servers_may_only_leave() -> None:
    cloud = one_host()
    scheduler = Scheduler(cloud)
    scheduler.select(ServerSpec(Flavor(1, 512)), servers=["a"])
    assert Scheduler(cloud).play([Delete("a")]).host.tolist() == [-1]
    assert cloud.usages("h")["VCPU"] == 0
    assert scheduler.play([]).host.tolist() == []


def test_notes_are_of_the_spec_and_of_its_extra_specs() -> None:
    providers = [{"name": "h", "inventories": {"VCPU": {"total": 8}}}]
    scheduler = Scheduler(Cloud.from_document({"providers": providers}))
    flavor = Flavor(1, 0, extra_specs={"resources:VCPU": "x"})
    spec = ServerSpec(flavor, notes=("Device profile: ignored.",))
    first, second = scheduler.notes(spec)
    assert first == "Device profile: ignored."
    assert second.startswith("resources:VCPU must be")
    assert scheduler.explain(spec).notes == (first, second)
    assert scheduler.notes(ServerSpec(Flavor(1, 0))) == ()

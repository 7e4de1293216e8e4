"""Evacuations of servers with NUMA cells, PCI devices, shared disks and hints."""

from dataclasses import replace
from typing import Any

import pytest

from generators.evac_small import uuid
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.options import FilterSchedulerSection, Options, PciSection
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.apply import apply
from kilonova.plan.evacuation import evacuate
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.server_spec import server_spec

ALIAS = '{"name": "card", "vendor_id": "8086", "product_id": "1520"}'


def host(name: str, cpus: int = 4, devices: int = 1) -> dict[str, Any]:
    """Make a host of one NUMA cell with dedicated CPUs, and some devices."""
    listed = list(range(cpus))
    cell = {
        "number": 0,
        "pcpuset": listed,
        "memory_mb": 4096,
        "siblings": [[cpu] for cpu in listed],
    }
    pool = {
        "count": devices,
        "vendor_id": "8086",
        "product_id": "1520",
        "numa_node": 0,
        "dev_type": "type-PCI",
    }
    return {
        "nodename": name,
        "numa_cells": [cell],
        "pci_pools": [pool] if devices else [],
    }


def provider(name: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "uuid": uuid(2, number),
        "inventories": {
            "VCPU": {"total": 8},
            "PCPU": {"total": 8},
            "MEMORY_MB": {"total": 8192},
        },
        **more,
    }


def records_of(*flavors: Flavor, **more: Any) -> Records:
    servers = [
        Server(uuid(4, n), flavor, host="h0", node="h0", created_at=float(n), **more)
        for n, flavor in enumerate(flavors)
    ]
    return Records(servers={server.uuid: server for server in servers})


def scheduler_of(document: dict[str, Any], *extra: str) -> Scheduler:
    plain = FilterSchedulerSection()
    section = replace(plain, enabled_filters=(*plain.enabled_filters, *extra))
    options = Options(filter_scheduler=section, pci=PciSection((ALIAS,)))
    return Scheduler(Cloud.from_document(document), options)


def test_cells_and_devices_are_taken_step_by_step() -> None:
    # Placement has room for four pinned servers; the NUMA cell of h1 has room for two.
    document = {
        "providers": [provider(f"h{n}", n) for n in range(2)],
        "hosts": [host("h0"), host("h1", cpus=4)],
    }
    pinned = Flavor(2, 512, extra_specs={"hw:cpu_policy": "dedicated"})
    records = records_of(pinned, pinned, pinned)
    scheduler = scheduler_of(document, "NUMATopologyFilter", "PciPassthroughFilter")
    plan = evacuate(scheduler, records, ["h0"])
    assert [step.status for step in plan.steps] == ["planned", "planned", "unplaced"]
    assert "NUMATopologyFilter removed 1" in plan.steps[2].reason
    before = scheduler.cloud.to_document()["hosts"][1]["numa_cells"][0]
    assert "pinned_cpus" not in before
    apply(scheduler, records, plan)
    after = scheduler.cloud.to_document()["hosts"][1]["numa_cells"][0]
    assert after["pinned_cpus"] == [0, 1, 2, 3]
    assert plan.counts() == {"done": 2, "unplaced": 1}


@pytest.mark.parametrize("devices", [1, 2])
def test_each_device_is_given_once(devices: int) -> None:
    document = {
        "providers": [provider(f"h{n}", n) for n in range(2)],
        "hosts": [host("h0"), host("h1", devices=devices)],
    }
    flavor = Flavor(1, 512, extra_specs={"pci_passthrough:alias": "card:1"})
    plain = Flavor(1, 512)
    records = records_of(flavor, plain, flavor, plain)
    scheduler = scheduler_of(document, "PciPassthroughFilter")
    plan = evacuate(scheduler, records, ["h0"])
    assert plan.placed == 2 + devices
    apply(scheduler, records, plan)
    pools = scheduler.cloud.to_document()["hosts"][1]["pci_pools"]
    assert sum(pool["count"] for pool in pools) == 0


def shared_site(room: int) -> tuple[dict[str, Any], Records]:
    """Lay two hosts whose disk is a storage that both share; servers hold 10 GB.

    ::

        h0, h1 ---- aggregate ---- storage (DISK_GB)
    """
    document: dict[str, Any] = {
        "providers": [
            provider("h0", 0, aggregates=["a"]),
            provider("h1", 1, aggregates=["a"]),
            {
                "name": "storage",
                "uuid": uuid(2, 9),
                "inventories": {"DISK_GB": {"total": room}},
                "traits": ["MISC_SHARES_VIA_AGGREGATE"],
                "aggregates": ["a"],
            },
        ],
        "hosts": [{"nodename": "h0"}, {"nodename": "h1"}],
        "consumers": [
            {
                "uuid": uuid(4, n),
                "allocations": {
                    "h0": {"VCPU": 1, "MEMORY_MB": 512},
                    "storage": {"DISK_GB": 10},
                },
                "host": "h0",
            }
            for n in range(2)
        ],
    }
    return document, records_of(*[Flavor(1, 512, root_gb=10)] * 2)


def test_a_shared_disk_is_not_doubled() -> None:
    # Room for the servers' own 20 GB, and the candidate of one more at a time.
    document, records = shared_site(room=30)
    scheduler = scheduler_of(document)
    plan = evacuate(scheduler, records, ["h0"])
    assert [step.status for step in plan.steps] == ["planned", "planned"]
    assert [list(step.allocations) for step in plan.steps] == [[uuid(2, 1)]] * 2
    apply(scheduler, records, plan)
    assert scheduler.cloud.usages("storage") == {"DISK_GB": 20}
    assert scheduler.cloud.allocations(uuid(4, 0)) == {
        uuid(2, 0): {"VCPU": 1, "MEMORY_MB": 512},
        uuid(2, 1): {"VCPU": 1, "MEMORY_MB": 512},
        uuid(2, 9): {"DISK_GB": 10},
    }


def test_a_full_shared_disk_has_no_candidate() -> None:
    document, records = shared_site(room=29)
    plan = evacuate(scheduler_of(document), records, ["h0"])
    assert plan.placed == plan.bound == 0


@pytest.mark.parametrize("hint", ["same_host", "different_host"])
def test_hints_follow_servers_to_where_they_go(hint: str) -> None:
    document: dict[str, Any] = {
        "providers": [provider(f"h{n}", n) for n in range(3)],
        "hosts": [{"nodename": f"h{n}"} for n in range(3)],
        "consumers": [
            {"uuid": uuid(4, n), "allocations": {"h0": {"VCPU": 1}}, "host": "h0"}
            for n in range(2)
        ],
    }
    records = records_of(Flavor(1, 512), Flavor(1, 512))
    first, second = records.servers.values()
    second.hints = {hint: (first.uuid,)}
    scheduler = scheduler_of(document, "SameHostFilter", "DifferentHostFilter")
    plan = evacuate(scheduler, records, ["h0"])
    targets = {step.target for step in plan.steps}
    assert None not in targets
    assert len(targets) == (1 if hint == "same_host" else 2)
    assert scheduler.cloud.state.consumer_uuids.find(first.uuid) >= 0


def test_servers_count_as_operations_whether_placed_alone_or_not() -> None:
    """Weigh by I/O operations alone: pinned servers are placed one by one."""
    count = 4
    document: dict[str, Any] = {
        "providers": [provider(f"h{n}", n) for n in range(count)],
        "hosts": [host(f"h{n}") for n in range(count)],
    }
    pinned = Flavor(1, 512, extra_specs={"hw:cpu_policy": "dedicated"})
    flavors = [Flavor(1, 512), pinned, Flavor(1, 256), pinned, Flavor(1, 512)]
    records = records_of(*flavors)
    section = FilterSchedulerSection(
        ram_weight_multiplier=0.0, cpu_weight_multiplier=0.0, disk_weight_multiplier=0.0
    )
    options = Options(filter_scheduler=section)
    plan = evacuate(Scheduler(Cloud.from_document(document), options), records, ["h0"])
    scheduler = Scheduler(Cloud.from_document(document), options)
    for n, (step, flavor) in enumerate(zip(plan.steps, flavors, strict=True)):
        spec = server_spec(flavor, options=options, ignore_hosts=["h0"])
        made = scheduler.select(spec, servers=[uuid(4, n)])
        assert step.target == made.hosts[0].nodename
    assert {step.target for step in plan.steps[:3]} == {"h1", "h2", "h3"}

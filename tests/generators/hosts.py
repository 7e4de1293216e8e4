"""Random hosts, server specs and options, drawn where filters and weighers decide.

What a spec asks for is taken from what some host has, or lies next to it: drawn freely
it would almost never meet a limit.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from generators.guests import random_guest
from generators.host_cells import random_cells
from generators.host_devices import (
    PROVIDERS,
    REQUESTS,
    random_pools,
    random_requests,
)
from kilonova.cloud.host import Host, HostAggregate
from kilonova.hosts.options import (
    ComputeSection,
    FilterSchedulerSection,
    MetricsSection,
    Options,
)
from kilonova.hosts.weighers import register as weighers
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from kilonova.request.topology import NetworkMetadata

NOW = 1_700_000_000.0
CELLS = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
IMAGES: tuple[dict[str, Any], ...] = (
    {},
    {"os_distro": "linux", "hw_machine_type": "pc"},
    {"os_distro": "windows", "hw_machine_type": "pc", "hw_cpu_cores": 2},
    {"hw_architecture": "x86_64", "hw_vm_mode": "hvm"},
    {"img_hv_type": "kvm", "img_hv_requested_version": ">=6.2, <7"},
    {"hw_vm_mode": "hvm", "img_hv_requested_version": "==6.2"},
    {"hw_architecture": "aarch64"},
)
# By name, so that what is drawn stays when a filter is added.
FILTERS = tuple(
    """
    AggregateImagePropertiesIsolation AggregateInstanceExtraSpecsFilter
    AggregateIoOpsFilter AggregateMultiTenancyIsolation AggregateNumInstancesFilter
    AggregateTypeAffinityFilter AllHostsFilter ComputeCapabilitiesFilter ComputeFilter
    DifferentHostFilter ImagePropertiesFilter IoOpsFilter IsolatedHostsFilter JsonFilter
    MetricsFilter NUMATopologyFilter NumInstancesFilter PciPassthroughFilter
    SameHostFilter ServerGroupAffinityFilter ServerGroupAntiAffinityFilter
    SimpleCIDRAffinityFilter
    """.split()  # noqa: SIM905
)
_METRICS = "cpu.user.time", "cpu.idle.time", "cpu.percent"
_TRIPLES = (
    ("x86_64", "kvm", "hvm"),
    ("x86_64", "qemu", "hvm"),
    ("aarch64", "kvm", "hvm"),
)


class Case(NamedTuple):
    """One selection.

    Attributes
    ----------
    hosts, spec, options
        Who is asked, for what, and how.
    images
        Properties of the image of each server that is on some host.
    servers
        UUIDs of the servers of a multi-create.
    """

    hosts: tuple[Host, ...]
    spec: ServerSpec
    options: Options
    images: Mapping[str, Mapping[str, Any]]
    servers: tuple[str, ...]


def random_case(seed: int) -> Case:
    """Draw a selection; the same seed gives the same one."""
    random = Random(seed)
    images = {_server(n): random.choice(IMAGES) for n in range(12)}
    aggregates = [_aggregate(random, n) for n in range(4)]
    numa = random.random() < 0.5
    hosts = [
        _host(random, number, images, aggregates, numa=numa)
        for number in range(random.choice((1, 2, 3, 5, 8)))
    ]
    spec = _spec(random, hosts, numa=numa)
    servers = tuple(_server(100 + n) for n in range(random.choice((1, 1, 2, 3))))
    if random.random() < 0.15:
        # A move: the server is on one of the hosts already.
        servers = (random.choice(list(images)),)
    return Case(tuple(hosts), spec, _options(random), images, servers)


def _server(number: int) -> str:
    return f"00000000-0000-4000-8000-0000000001{number:02x}"


def _some(random: Random, of: Sequence[Any], share: float = 0.3) -> list[Any]:
    return [each for each in of if random.random() < share]


def _aggregate(random: Random, number: int) -> HostAggregate:
    metadata = {
        weighers.find(name).key: random.choice(["0", "0.5", "-2.5", "1e3", "much"])
        for name in _some(random, weighers.NOVA, 0.15)
    }
    more = {
        "filter_tenant_id": ["red", "red, blue", "green"],
        "instance_type": ["small", "small,large", "large"],
        "max_io_ops_per_host": ["1", "3", "few"],
        "max_instances_per_host": ["2", "4", "few"],
        "ssd": ["true", "1, 2", "3"],
        "os_distro": ["linux", "linux, windows"],
    }
    for key in _some(random, list(more), 0.1):
        metadata[key] = random.choice(more[key])
    uuid = f"00000000-0000-4000-8000-0000000002{number:02x}"
    return HostAggregate(uuid, f"aggregate{number}", metadata)


def _host(
    random: Random,
    number: int,
    images: Mapping[str, Mapping[str, Any]],
    aggregates: Sequence[HostAggregate],
    *,
    numa: bool,
) -> Host:
    instances = _some(random, list(images), 0.25)
    pairs = Counter(
        (name, str(value)) for uuid in instances for name, value in images[uuid].items()
    )
    cells = random_cells(random) if numa and random.random() < 0.9 else None
    pools = random_pools(random) if random.random() < 0.8 else None
    return Host(
        host=f"host{number}",
        nodename=f"node{number}",
        uuid=f"00000000-0000-4000-8000-0000000003{number:02x}",
        cell_uuid=random.choice(CELLS),
        disabled=random.random() < 0.05,
        forced_down=random.random() < 0.05,
        last_seen_up=NOW + random.choice((0, -59, -60, 60, -61, 61)),
        host_ip=f"10.0.{random.randrange(2)}.{number + 1}",
        hypervisor_type="QEMU",
        hypervisor_version=random.choice((6001999, 6002000, 6002001, 7000000)),
        hypervisor_hostname=f"node{number}",
        cpu_info=json.dumps({"model": "any", "features": ["aes", "sse"], "bits": 46}),
        supported_instances=_some(random, _TRIPLES, 0.8),
        stats={"io_workload": random.randrange(3), "racks": str(number % 2)},
        aggregates=tuple(_some(random, aggregates, 0.35)),
        vcpus_total=random.choice((0, 8, 64)),
        total_usable_ram_mb=131072,
        total_usable_disk_gb=1000,
        cpu_allocation_ratio=random.choice((1.0, 1.5, 4.0, 16.0)),
        ram_allocation_ratio=random.choice((0.9, 1.0, 1.5)),
        disk_allocation_ratio=1.0,
        vcpus_used=random.randrange(70),
        free_ram_mb=random.choice((-512, 0, 1, 2048, 65536, 131072)),
        free_disk_mb=random.choice((-1024, 0, 1024, 999424)),
        num_instances=len(instances),
        num_io_ops=random.randrange(4),
        failed_builds=random.choice((0, 0, 1, 7)),
        instances=frozenset(instances),
        metrics={name: random.randrange(100) for name in _some(random, _METRICS, 0.85)},
        numa_cells=cells,
        pci_pools=pools,
        image_properties=dict(pairs),
        candidates=_candidates(random),
    )


def _candidates(random: Random) -> tuple[dict[str, list[str]], ...]:
    """Draw mappings of an unsuffixed group and of the groups of PCI devices."""
    with_devices = random.random() < 0.5
    return tuple(
        {
            "": [PROVIDERS[0]],
            **{
                f"{request}-{d}": [random.choice(PROVIDERS)]
                for request in REQUESTS
                for d in range(2)
                if with_devices
            },
        }
        for _ in range(random.choice((1, 1, 2, 3)))
    )


def _spec(random: Random, hosts: Sequence[Host], *, numa: bool) -> ServerSpec:
    one = random.choice(hosts)
    uuids = sorted({uuid for host in hosts for uuid in host.instances}) or [_server(0)]
    policies = "affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"
    group = ServerGroup(
        policy=random.choice(policies),
        members=frozenset(_some(random, uuids, 0.4)),
        hosts=frozenset(_some(random, [host.host for host in hosts], 0.3)),
        max_server_per_host=random.choice((1, 2, 3)),
    )
    destination = Destination(
        cell=random.choice((*CELLS, None)),
        allow_cross_cell_move=random.random() < 0.7,
    )
    return ServerSpec(
        Flavor(
            vcpus=random.choice((1, 2, 4)),
            memory_mb=random.choice((512, 2048)),
            root_gb=random.choice((0, 1, 10)),
            ephemeral_gb=random.choice((0, 1)),
            name=random.choice(("small", "large", "huge")),
            extra_specs=_extra_specs(random, one),
        ),
        Image(random.choice(IMAGES), uuid=random.choice((_server(50), _server(51)))),
        is_volume_backed=random.random() < 0.2,
        project_id=random.choice(("red", "blue")),
        hints=_hints(random, one, uuids),
        server_group=group if random.random() < 0.5 else None,
        destination=destination if random.random() < 0.3 else None,
        topology=random_guest(random, one.numa_cells)
        if numa and random.random() < 0.8
        else None,
        pci_requests=random_requests(random) if random.random() < 0.4 else (),
        networks=NetworkMetadata(
            frozenset(_some(random, ("red", "blue"))), random.random() < 0.3
        )
        if random.random() < 0.3
        else None,
    )


def _extra_specs(random: Random, host: Host) -> dict[str, str]:
    number = random.choice((host.vcpus_used, host.vcpus_used + 1))
    return dict(
        _some(
            random,
            [
                ("vcpus_used", f"<= {number}"),
                ("capabilities:racks", f"<or> 0 <or> {random.randrange(3)}"),
                ("capabilities:cpu_info:features", "<in> aes"),
                ("capabilities:cpu_info:bits", random.choice((">= 46", "== 47"))),
                ("capabilities:hypervisor_type", random.choice(("QEMU", "s!= KVM"))),
                ("aggregate_instance_extra_specs:ssd", random.choice(("true", ">= 1"))),
                ("hw:cpu_thread_policy", "require"),
                ("hw:cpu_policy", "dedicated"),
                ("quota:anything", "4"),
            ],
            0.07,
        )
    )


def _hints(random: Random, host: Host, uuids: Sequence[str]) -> dict[str, Any]:
    queries: tuple[Any, ...] = (
        [">=", "$free_ram_mb", host.free_ram_mb],
        ["and", ["<", "$num_io_ops", 2], ["not", "$service.disabled"]],
        ["or", ["in", "$host", host.host, "host1"], ["=", "$stats.racks", "0"]],
        ["not", ["<=", "$vcpus_used", host.vcpus_used], ["=", "$nothing", 1]],
        ["!=", 1, 2],
    )
    return dict(
        _some(
            random,
            [
                ("different_host", tuple(_some(random, uuids))),
                ("same_host", tuple(_some(random, uuids, 0.6))),
                ("build_near_host_ip", ("10.0.1.77",)),
                ("query", (json.dumps(random.choice(queries)),)),
            ],
            0.1,
        )
    )


def _options(random: Random) -> Options:
    chosen = random.sample(FILTERS, random.randrange(10))
    weights = list(weighers.NOVA)
    if random.random() < 0.5:
        weights = random.sample(weights, random.randrange(1, len(weights)))
    multipliers: dict[str, Any] = {
        f"{name}_weight_multiplier": random.choice((0.0, 1.0, 0.1, 3.7))
        for name in ("ram", "cpu", "disk", "io_ops", "pci", "image_props")
        if random.random() < 0.5
    }
    section = FilterSchedulerSection(
        enabled_filters=tuple(chosen),
        weight_classes=tuple(weights),
        max_io_ops_per_host=random.choice((2, 8)),
        max_instances_per_host=random.choice((3, 50)),
        isolated_hosts=tuple(_some(random, ("host0", "host2"))),
        isolated_images=tuple(_some(random, (_server(50),))),
        restrict_isolated_hosts_to_isolated_images=random.random() < 0.7,
        image_properties_default_architecture=random.choice((None, None, "x86_64")),
        num_instances_weight_multiplier=random.choice((0.0, -1.0)),
        image_props_weight_setting=random.choice(((), ("os_distro=2", "bad"))),
        **multipliers,
    )
    metrics = MetricsSection(
        weight_multiplier=random.choice((1.0, 0.0, -2.0)),
        weight_setting=tuple(_some(random, [f"{name}=0.3" for name in _METRICS])),
        required=random.random() < 0.3,
    )
    pack = random.random() < 0.3
    return Options(
        filter_scheduler=section,
        metrics=metrics,
        compute=ComputeSection(packing_host_numa_cells_allocation_strategy=pack),
    )

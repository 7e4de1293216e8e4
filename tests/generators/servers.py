"""Random servers: flavors and images whose settings agree, nearly agree or clash.

Each setting is drawn from the values that Nova knows, and now and then from those next
to them: the word in capitals, the number one too many, the text with a space. A server
with too many random settings is always refused, so few are drawn at a time.
"""

import random
from typing import Any

from kilonova.cloud.host import HostAggregate
from kilonova.hosts.options import (
    FilterSchedulerSection,
    Options,
    PciSection,
    SchedulerSection,
    WorkaroundsSection,
)
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.pci import PciRequest
from kilonova.request.server import Destination, ServerSpec

UUIDS = [f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "123456789"]
TRUTHS = ["true", "True", "1", "yes", "no", "False", "maybe", ""]
MASKS = [
    "0",
    "1-2",
    "^0",
    "^0-1",
    "0-3",
    "0-3,^1",
    "4",
    "2,,3",
    "1-",
    "^0,^1",
    "7",
    " 1 ",
]
COUNTS = ["0", "1", "1", "2", "3", "4", "4", "5", " 1", "x", "-1", "1.0", "01"]
CLASSES = ["VCPU", "PCPU", "MEMORY_MB", "DISK_GB", "VGPU", "CUSTOM_A", "BAD", "FPGA"]
TRAITS = ["HW_CPU_X86_AVX", "HW_CPU_HYPERTHREADING", "CUSTOM_T1", "CUSTOM_T2"]
SUFFIXES = ["", "", "", "1", "2", "_A", "*", "10"]
ALIASES = (
    '{"vendor_id": "8086", "product_id": "0443", "name": "qat"}',
    '{"name": "gpu", "vendor_id": "10de", "product_id": "1eB8",'
    ' "numa_policy": "required", "resource_class": "gpu_vf",'
    ' "traits": "CUSTOM_T1,b l,HW_NIC_DCB_ETS"}',
)

# Values by setting; where a setting may stand in both, the names match.
FLAVOR_SETTINGS: dict[str, list[str]] = {
    "hw:cpu_policy": [
        "dedicated",
        "dedicated",
        "mixed",
        "mixed",
        "shared",
        "",
        "Mixed",
    ],
    "hw:cpu_thread_policy": ["prefer", "isolate", "require", "", "no"],
    "hw:emulator_threads_policy": ["isolate", "share", "", "x"],
    "hw:cpu_dedicated_mask": MASKS,
    "hw:cpu_realtime": ["yes", "yes", "no", ""],
    "hw:cpu_realtime_mask": MASKS,
    "hw:numa_nodes": ["1", "2", "2", "3", "0", "-1", "x", "", "02"],
    "hw:numa_cpus.0": ["0-1", "0", "0-3", "0,2", "4-9"],
    "hw:numa_cpus.1": ["2-3", "1-3", "3", "1,3", "1-2"],
    "hw:numa_mem.0": ["512", "1024", "1000", "x"],
    "hw:numa_mem.1": ["512", "1024", "24"],
    "hw:mem_page_size": [
        *("small", "large", "any", "2048", "2MB", "1GiB", "4Kb", "1b", "0"),
        *("1.5GB", "2 MB", "-3072B", ".5MB", "huge", "1Kbit", "3iB", ""),
    ],
    "hw:locked_memory": TRUTHS,
    "hw:mem_encryption": ["true", "true", *TRUTHS],
    "hw:mem_encryption_model": [
        "amd-sev",
        "amd-sev-es",
        "amd-sev-snp",
        "intel-tdx",
        "x",
    ],
    "hw:pmem": ["A", "A,B , a", ",", "4GB, 4GB,SMALL", "-x"],
    "hw:tpm_version": ["1.2", "2.0", "2.0", "2", ""],
    "hw:tpm_model": ["tpm-tis", "tpm-crb", "tpm", ""],
    "hw:tpm_secret_security": ["user", "host", "deployment", "nobody", ""],
    "hw:pci_numa_affinity_policy": ["socket", "legacy", "required", "x", ""],
    "os:secure_boot": ["required", "disabled", "optional", "x", ""],
    "hw:maxphysaddr_mode": ["passthrough", "emulate", "x"],
    "hw:virtio_packed_ring": TRUTHS,
    "hw:ephemeral_encryption": TRUTHS,
    "hw:ephemeral_encryption_format": ["luks", "plain", "luksv2", "x", ""],
    "hw:sound_model": ["virtio", "ich9", "x", ""],
    "accel:device_profile": ["profile", ""],
    "group_policy": ["none", "isolate", "x"],
}
IMAGE_SETTINGS: dict[str, list[Any]] = {
    "hw_cpu_policy": ["dedicated", "mixed", "shared"],
    "hw_cpu_thread_policy": ["prefer", "isolate", "require"],
    "hw_cpu_realtime_mask": MASKS,
    "hw_numa_nodes": [1, 2, 0],
    "hw_numa_cpus": [[{0, 1}, {2, 3}], [{0, 1, 2, 3}], [{0}, {0, 1}]],
    "hw_numa_mem": [[512, 512], [1024], [1000, 24]],
    "hw_mem_page_size": ["small", "large", "2048", "2MB", "x"],
    "hw_locked_memory": [True, False],
    "hw_mem_encryption": [True, False],
    "hw_mem_encryption_model": ["amd-sev", "amd-sev-es", "amd-sev-snp", "intel-tdx"],
    "hw_firmware_type": ["uefi", "uefi", "uefi", "bios"],
    "hw_firmware_stateless": [True, False],
    "hw_machine_type": ["q35", "pc-q35-2.1", "pc"],
    "hw_video_model": ["none", "none", "vga"],
    "hw_vif_model": ["virtio", "e1000e", "spapr-vlan", "vmxnet"],
    "hw_disk_bus": ["virtio", "scsi", "lxc", "uml"],
    "hw_cdrom_bus": ["sata", "ide"],
    "hw_architecture": ["x86_64", "aarch64", "cris"],
    "hw_viommu_model": ["intel", "auto"],
    "hw_tpm_version": ["1.2", "2.0"],
    "hw_tpm_model": ["tpm-tis", "tpm-crb"],
    "hw_pci_numa_affinity_policy": ["socket", "legacy"],
    "os_secure_boot": ["required", "disabled"],
    "hw_maxphysaddr_mode": ["passthrough", "emulate"],
    "hw_virtio_packed_ring": [True, False],
    "hw_ephemeral_encryption": [True, False],
    "hw_ephemeral_encryption_format": ["luks", "plain"],
    "hw_sound_model": ["virtio", "ich9"],
    "traits_required": [["CUSTOM_T1"], ["HW_CPU_HYPERTHREADING"], []],
}


def random_flavor(rng: random.Random) -> Flavor:
    """Draw a flavor; half of them ask for resources and traits too."""
    vcpus = rng.choice([1, 2, 4, 4, 4, 8])
    extra_specs: dict[str, str] = {}
    if rng.random() < 0.4:
        extra_specs |= rng.choice(BUNDLES)
    names = rng.sample(sorted(FLAVOR_SETTINGS), rng.choice([0, 0, 1, 1, 2, 4]))
    extra_specs |= {name: rng.choice(FLAVOR_SETTINGS[name]) for name in names}
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        suffix = rng.choice(SUFFIXES)
        extra_specs[f"resources{suffix}:{rng.choice(CLASSES)}"] = rng.choice(COUNTS)
        if rng.random() < 0.5:
            demand = rng.choice(["required", "required", "forbidden", "preferred"])
            extra_specs[f"trait{suffix}:{rng.choice(TRAITS)}"] = demand
    if rng.random() < 0.2:
        alias = rng.choice(["qat:1", "gpu:2", "qat:1, gpu:1", "none:1", "qat", "gpu:x"])
        extra_specs["pci_passthrough:alias"] = alias
    return Flavor(
        vcpus=vcpus,
        memory_mb=rng.choice([1024, 1024, 1000, 1]),
        root_gb=rng.choice([0, 10]),
        ephemeral_gb=rng.choice([0, 5]),
        swap_mb=rng.choice([0, 1, 1023, 1024, 1025]),
        name="flavor",
        extra_specs=extra_specs,
    )


# What belongs together: drawn apart, a mask almost never meets its policy.
BUNDLES: list[dict[str, str]] = [
    {"hw:cpu_policy": "dedicated"},
    {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^0"},
    {"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "1-2"},
    {"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"},
    {"hw:cpu_policy": "dedicated", "hw:cpu_realtime": "yes"},
    {"resources:PCPU": "4"},
    {"resources:PCPU": "5", "hw:emulator_threads_policy": "isolate"},
    {"resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"},
    {
        **{"hw:numa_nodes": "2", "hw:numa_cpus.0": "0-1", "hw:numa_cpus.1": "2-3"},
        **{"hw:numa_mem.0": "512", "hw:numa_mem.1": "512"},
    },
    {"hw:mem_encryption": "yes"},
    {"hw:tpm_version": "2.0"},
]


def random_image(rng: random.Random) -> Image:
    """Draw an image."""
    names = rng.sample(sorted(IMAGE_SETTINGS), rng.choice([0, 0, 1, 2, 4]))
    properties = {name: rng.choice(IMAGE_SETTINGS[name]) for name in names}
    if rng.random() < 0.3:
        properties |= {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}
    return Image(
        properties=properties,
        uuid=UUIDS[0],
        disk_format=rng.choice(["qcow2", "raw", "vhd", "danformat", None]),
        name="image",
    )


def random_group(rng: random.Random, suffix: str) -> RequestGroup:
    """Draw a group from outside the flavor; one may ask for nothing."""
    traits = sorted(rng.sample(TRAITS, rng.choice([0, 1, 2])))
    names = ["NET_BW_EGR_KILOBIT_PER_SEC", "CUSTOM_A", "VCPU"]
    classes = rng.sample(names, rng.choice([0, 1, 1, 1, 1, 1, 2]))
    return RequestGroup(
        suffix=suffix,
        resources={name: rng.choice([0, 1, 1, 1000]) for name in classes},
        required=tuple(frozenset([trait]) for trait in traits),
    )


def random_destination(rng: random.Random) -> Destination | None:
    """Draw a requested destination, or none."""
    if rng.random() < 0.6:
        return None
    return Destination(
        host=rng.choice([None, None, "host1"]),
        node=rng.choice([None, None, "node1"]),
        aggregates=tuple(
            frozenset(rng.sample(UUIDS, rng.choice([1, 2])))
            for _ in range(rng.choice([0, 0, 1, 2]))
        ),
        forbidden_aggregates=frozenset(rng.sample(UUIDS, rng.choice([0, 0, 2]))),
    )


def random_spec(rng: random.Random) -> ServerSpec:
    """Draw a whole server spec."""
    suffixes = rng.sample(
        ["1", "p-1", "p-2", f"{UUIDS[8]}-0", f"{UUIDS[7]}-0", ""],
        rng.choice([0, 0, 1, 2, 3]),
    )
    groups = [random_group(rng, suffix) for suffix in suffixes]
    if rng.random() < 0.9:
        groups = [each for each in groups if each.suffix]
    named = {each.suffix for each in groups} >= {"p-1", "p-2"} or rng.random() < 0.05
    hints = rng.choice([{}, {}, {}, {"group": (UUIDS[0],)}, {"query": ("x",)}])
    return ServerSpec(
        flavor=random_flavor(rng),
        image=random_image(rng),
        groups=tuple(groups),
        same_subtree=(frozenset(["p-2", "p-1"]),) if named else (),
        root_required=frozenset(rng.sample(TRAITS, rng.choice([0, 0, 1]))),
        root_forbidden=frozenset(rng.sample(TRAITS, rng.choice([0, 0, 1]))),
        is_volume_backed=rng.random() < 0.3,
        project_id=rng.choice(["project", "other"]),
        availability_zone=rng.choice([None, "zone", "nowhere"]),
        hints=hints,
        destination=random_destination(rng),
        force_hosts=rng.choice([(), (), (), ("host1",), ("host2", "host1")]),
        force_nodes=rng.choice([(), (), (), ("node2",)]),
        pci_requests=rng.choice(
            [
                (),
                (PciRequest(1, alias_name="qat", request_id=UUIDS[8]),),
                (PciRequest(1, request_id=UUIDS[7]),),
            ]
        ),
    )


def random_aggregates(rng: random.Random) -> list[HostAggregate]:
    """Draw host aggregates with metadata that the pre-filters read."""
    entries = [
        ("availability_zone", "zone"),
        ("availability_zone", "elsewhere"),
        ("filter_tenant_id", "project"),
        ("filter_tenant_id2", "other"),
        ("filter_tenant_id3", "project,other"),
        ("owner", "project"),
        *((f"trait:{trait}", "required") for trait in TRAITS),
        ("trait:CUSTOM_T1", "forbidden"),
    ]
    return [
        HostAggregate(
            uuid, metadata=dict(rng.sample(entries, rng.choice([0, 1, 1, 2])))
        )
        for uuid in rng.sample(UUIDS, rng.choice([0, 2, 4]))
    ]


def random_options(rng: random.Random) -> Options:
    """Draw the options on which the request depends."""

    def switch() -> bool:
        return rng.random() < 0.5

    return Options(
        scheduler=SchedulerSection(
            max_placement_results=rng.choice([1, 1000]),
            limit_tenants_to_placement_aggregate=switch(),
            placement_aggregate_required_for_tenants=rng.random() < 0.2,
            query_placement_for_image_type_support=switch(),
            enable_isolated_aggregate_filtering=switch(),
            image_metadata_prefilter=switch(),
        ),
        filter_scheduler=FilterSchedulerSection(pci_in_placement=switch()),
        pci=PciSection(alias=ALIASES),
        workarounds=WorkaroundsSection(disable_fallback_pcpu_query=rng.random() < 0.2),
    )

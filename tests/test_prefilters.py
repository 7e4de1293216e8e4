"""Pre-filters narrow a server spec as Nova's do.

Recorded cases first: what a case's database and network service answered is read back
from the spec after it, as aggregates and segments. Then each pre-filter by itself, on
and off and at its limits, and how all of them run; a package of one's own joins in.
Nova's own pre-filters are asked in ``test_peer_nova_requests.py``.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import nova_specs
from kilonova.cloud.host import HostAggregate
from kilonova.errors import NoValidHost, RequestFilterFailed
from kilonova.hosts.options import Options, SchedulerSection
from kilonova.hosts.prefilters import register
from kilonova.hosts.prefilters.context import Context, PreFilter, with_root_traits
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.pci import PciRequest
from kilonova.request.server import Destination, ServerSpec
from nova_corpus import cases

RECORDED = cases("request_filter")
BY_NAME = {each.__name__: each for each in register.NOVA_PREFILTERS}
SPEC = ServerSpec(Flavor(1, 1), project_id="project")


def on(**switches: bool) -> Options:
    return Options(scheduler=SchedulerSection(**switches))


def narrow(
    name: str,
    spec: ServerSpec = SPEC,
    *aggregates: HostAggregate,
    options: Options | None = None,
    service_version: int = 0,
) -> ServerSpec:
    context = Context(aggregates, options or Options(), service_version=service_version)
    return BY_NAME[name](spec, context)


def clauses(spec: ServerSpec) -> tuple[frozenset[str], ...]:
    return spec.destination.aggregates if spec.destination else ()


def forbidden(spec: ServerSpec) -> frozenset[str]:
    return spec.destination.forbidden_aggregates if spec.destination else frozenset()


@pytest.mark.parametrize("case", RECORDED, ids=range(len(RECORDED)))
def test_recorded(case: dict[str, Any]) -> None:
    before = nova_specs.spec(case["before"])
    if "raises" in case:
        with pytest.raises(RequestFilterFailed):
            narrow(case["filter"], before, options=nova_specs.options(case["conf"]))
        return
    after = nova_specs.spec(case["after"])
    new = clauses(after)[len(clauses(before)) :]
    if case["filter"] == "routed_networks_filter":
        before = replace(before, segments=tuple(map(tuple, new)))
        after = replace(after, segments=before.segments)
    # A trait that no server of the cases asks for, and zones as they are asked for.
    metadata = {
        uuid: {"trait:CUSTOM_ELSEWHERE": "required"} for uuid in forbidden(after)
    }
    for uuid in frozenset[str]().union(*new):
        zone = str(before.availability_zone)
        metadata[uuid] = {"availability_zone": zone}
    found = narrow(
        case["filter"],
        before,
        *(HostAggregate(uuid, metadata=entries) for uuid, entries in metadata.items()),
        options=nova_specs.options(case["conf"]),
        service_version=73 if "OWNER_NOVA" in after.root_required else 72,
    )
    assert found == after


def test_all_cases_are_there() -> None:
    assert len(RECORDED) == 42


def test_tenants() -> None:
    wanted = HostAggregate("a", metadata={"filter_tenant_id3": "project"})
    others = (
        HostAggregate("b", metadata={"filter_tenant_id": "project,other"}),
        HostAggregate("c", metadata={"owner": "project"}),
    )
    name = "require_tenant_aggregate"
    switch = {"limit_tenants_to_placement_aggregate": True}
    assert narrow(name, SPEC, wanted) == SPEC
    assert clauses(narrow(name, SPEC, wanted, *others, options=on(**switch))) == (
        frozenset("a"),
    )
    assert narrow(name, SPEC, *others, options=on(**switch)) == SPEC
    switch["placement_aggregate_required_for_tenants"] = True
    with pytest.raises(NoValidHost, match="No hosts available for tenant 'project'"):
        narrow(name, SPEC, *others, options=on(**switch))


def test_zone_adds_to_what_is_required() -> None:
    old = Destination(aggregates=(frozenset("x"),))
    spec = replace(SPEC, availability_zone="zone", destination=old)
    zone = HostAggregate("a", metadata={"availability_zone": "zone"})
    name = "map_az_to_placement_aggregate"
    assert clauses(narrow(name, spec, zone)) == (frozenset("x"), frozenset("a"))
    unknown = replace(spec, availability_zone="nowhere")
    assert narrow(name, unknown, zone) == unknown


def test_image_type() -> None:
    spec = replace(SPEC, image=Image(disk_format="qcow2"))
    name = "require_image_type_support"
    options = on(query_placement_for_image_type_support=True)
    found = narrow(name, spec, options=options)
    assert found.root_required == {"COMPUTE_IMAGE_TYPE_QCOW2"}
    for other in (
        replace(spec, is_volume_backed=True),
        replace(spec, image=Image(disk_format="danformat")),
        SPEC,
    ):
        assert narrow(name, other, options=options) == other
    assert narrow(name, spec) == spec


def test_isolated_aggregates() -> None:
    spec = replace(
        SPEC,
        flavor=Flavor(1, 1, extra_specs={"trait:CUSTOM_A": "required"}),
        groups=(RequestGroup("p", {"VGPU": 1}, (frozenset(["CUSTOM_B"]),)),),
        root_required=frozenset(["CUSTOM_C"]),
    )
    aggregates = [
        HostAggregate(name, metadata=metadata)
        for name, metadata in {
            "both": {"trait:CUSTOM_A": "required", "trait:CUSTOM_B": "required"},
            "one": {"trait:CUSTOM_A": "required", "trait:CUSTOM_C": "required"},
            "not": {"trait:CUSTOM_C": "forbidden"},
        }.items()
    ]
    options = on(enable_isolated_aggregate_filtering=True)
    assert forbidden(
        narrow("isolate_aggregates", spec, *aggregates, options=options)
    ) == {"one"}
    assert narrow("isolate_aggregates", spec, *aggregates) == spec


def test_one_unknown_trait_drops_all_of_the_image() -> None:
    options = on(image_metadata_prefilter=True)
    properties = {"hw_vif_model": "spapr-vlan", "hw_disk_bus": "scsi"}
    spec = replace(SPEC, image=Image(properties))
    found = narrow("transform_image_metadata", spec, options=options)
    assert found.root_required == {
        "COMPUTE_NET_VIF_MODEL_SPAPR_VLAN",
        "COMPUTE_STORAGE_BUS_SCSI",
    }
    spec = replace(SPEC, image=Image({**properties, "hw_cdrom_bus": "nothing"}))
    assert narrow("transform_image_metadata", spec, options=options) == spec


@pytest.mark.parametrize(
    ("name", "extra_specs", "traits"),
    [
        (
            "accelerators_filter",
            {"accel:device_profile": "p"},
            {"COMPUTE_ACCELERATORS"},
        ),
        ("accelerators_filter", {"accel:device_profile": ""}, set()),
        (
            "packed_virtqueue_filter",
            {"hw:virtio_packed_ring": "on"},
            {"COMPUTE_NET_VIRTIO_PACKED"},
        ),
        (
            "ephemeral_encryption_filter",
            {"hw:ephemeral_encryption": "1", "hw:ephemeral_encryption_format": "luks"},
            {"COMPUTE_EPHEMERAL_ENCRYPTION", "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS"},
        ),
        (
            "ephemeral_encryption_filter",
            {"hw:ephemeral_encryption_format": "luks"},
            set(),
        ),
        (
            "virtio_sound_filter",
            {"hw:sound_model": "virtio"},
            {"COMPUTE_SOUND_MODEL_VIRTIO"},
        ),
        ("virtio_sound_filter", {"hw:sound_model": "ich9"}, set()),
        (
            "tpm_secret_security_filter",
            {"hw:tpm_version": "2.0"},
            {"COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER"},
        ),
        ("tpm_secret_security_filter", {"hw:tpm_secret_security": "host"}, set()),
    ],
)
def test_guest_features(
    name: str, extra_specs: dict[str, str], traits: set[str]
) -> None:
    spec = replace(SPEC, flavor=Flavor(1, 1, extra_specs=extra_specs))
    assert narrow(name, spec).root_required == traits


def test_remote_managed_ports() -> None:
    spec = replace(SPEC, remote_managed_ports=True)
    found = narrow("remote_managed_ports_filter", spec)
    assert found.root_required == {"COMPUTE_REMOTE_MANAGED_PORTS"}


def test_routed_networks_are_all_needed() -> None:
    spec = replace(SPEC, segments=(("a", "b"), (), ("c",)))
    options = on(query_placement_for_routed_network_aggregates=True)
    found = narrow("routed_networks_filter", spec, options=options)
    assert clauses(found) == (frozenset("ab"), frozenset("c"))
    assert narrow("routed_networks_filter", spec) == spec


def test_owner_marks_groups_of_aliases_only() -> None:
    spec = replace(
        SPEC,
        groups=tuple(RequestGroup(s, {"VGPU": 1}) for s in ("al-0", "po-0", "al-1-0")),
        pci_requests=(
            PciRequest(2, alias_name="gpu", request_id="al"),
            PciRequest(1, request_id="po"),
        ),
    )
    found = narrow("owner_nova_filter", spec, service_version=73)
    mark = (frozenset(["OWNER_NOVA"]),)
    assert [group.required for group in found.groups] == [mark, (), ()]
    assert narrow("owner_nova_filter", found, service_version=73) == found
    assert narrow("owner_nova_filter", spec, service_version=72) == spec


def test_all_run_in_the_order_of_nova() -> None:
    assert list(BY_NAME) == [
        "require_tenant_aggregate",
        "map_az_to_placement_aggregate",
        "require_image_type_support",
        "compute_status_filter",
        "isolate_aggregates",
        "transform_image_metadata",
        "accelerators_filter",
        "packed_virtqueue_filter",
        "routed_networks_filter",
        "remote_managed_ports_filter",
        "ephemeral_encryption_filter",
        "virtio_sound_filter",
        "tpm_secret_security_filter",
        "owner_nova_filter",
    ]
    spec = register.run(SPEC, (), Options())
    assert spec == replace(SPEC, root_forbidden=frozenset(["COMPUTE_STATUS_DISABLED"]))
    assert SPEC.root_forbidden == frozenset()


def test_known_traits_may_be_given() -> None:
    spec = replace(SPEC, image=Image(disk_format="new"))
    options = on(query_placement_for_image_type_support=True)
    found = register.run(spec, (), options, {"COMPUTE_IMAGE_TYPE_NEW"})
    assert found.root_required == {"COMPUTE_IMAGE_TYPE_NEW"}


def night_shift(spec: ServerSpec, _: Context) -> ServerSpec:
    """Be the pre-filter of another package."""
    return with_root_traits(spec, "CUSTOM_NIGHT")


@pytest.fixture
def plugged(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], tuple[PreFilter, ...]]]:
    point = EntryPoint("night", f"{__name__}:night_shift", register.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: night_shift)
    monkeypatch.setattr(register, "entry_points", lambda group: [point])
    register.prefilters.cache_clear()
    yield register.prefilters
    register.prefilters.cache_clear()


def test_another_package_joins_in(plugged: Callable[[], tuple[PreFilter, ...]]) -> None:
    assert plugged()[-1] is night_shift
    assert register.run(SPEC, (), Options()).root_required == {"CUSTOM_NIGHT"}

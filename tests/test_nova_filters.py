"""Each filter passes the hosts that Nova's passes.

The recorded answers of Nova; then what the register, the run of several filters and
errors promise.
"""

from dataclasses import replace
from typing import Any

import pytest

from kilonova.cloud.host import Host, HostAggregate
from kilonova.errors import BadServerSpec, KilonovaError, NotReported, UnknownFilter
from kilonova.hosts import clock
from kilonova.hosts.filtering import run
from kilonova.hosts.filters import register
from kilonova.hosts.numa_fit import Guests
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.server import ServerSpec
from nova_corpus import cases
from recorded_hosts import host_of, options_of, spec_of

# Nova's unit tests replace the look at aggregates: what they put in its place, by the
# name of the test and, where a test asks more than once, the answer.
_MADE_UP: dict[str, tuple[dict[str, str], ...]] = {
    "test_aggregate_image_properties_iso_props_with_custom_meta": ({"os": "linux"},),
    "test_aggregate_image_properties_isolation_multi_props_passes": (
        {"hw_vm_mode": "hvm", "hw_cpu_cores": "2"},
    ),
    "test_aggregate_image_properties_isolation_props_namespace": (
        {"hw_vm_mode": "hvm", "img_owner_id": "foo"},
    ),
    "test_aggregate_image_properties_isolation_props_not_match_fails": (
        {"hw_vm_mode": "hvm"},
    ),
    "test_aggregate_image_properties_isolation_props_with_meta_passes": (
        {"hw_vm_mode": "hvm"},
    ),
    "test_aggregate_filter_fails_extra_specs_simple": ({"opt1": "1", "opt2": "2"},),
    "test_aggregate_filter_passes_extra_specs_simple": ({"opt1": "1", "opt2": "2"},),
    "test_aggregate_filter_passes_extra_specs_simple_comma": (
        {"opt1": "1,3", "opt2": "2"},
    ),
    "test_aggregate_filter_passes_with_key_same_as_scope": (
        {"aggregate_instance_extra_specs": "1"},
    ),
    "test_aggregate_multi_tenancy_isolation_fails": (
        {"filter_tenant_id": "other_tenantid"},
    ),
    "test_aggregate_multi_tenancy_isolation_with_prefix": (
        {
            "filter_tenant_id": "my_tenantid",
            "filter_tenant_id_gr1": "my_tenantid1, my_tenantid2",
            "filter_tenant_id_gr2": "my_tenantid5, my_tenantid4",
        },
    ),
    "test_aggregate_filter_num_iops_value_error": ({"max_io_ops_per_host": "XXX"},),
    "test_filter_aggregate_num_instances_value_error": (
        {"max_instances_per_host": "XXX"},
    ),
    "test_aggregate_type_filter_multi_aggregate": (
        {"instance_type": "fake1"},
        {"instance_type": "fake2"},
    ),
}
_MADE_UP_IF_PASSING: dict[str, tuple[dict[str, str], ...]] = {
    "test_filter_aggregate_num_instances_value": ({"max_instances_per_host": "6"},),
    "test_aggregate_filter_num_iops_value": ({"max_io_ops_per_host": "8"},),
}

# Here the unit test replaces the fit itself: what it did is put in its place.
_FIT_REPLACED = "test_filter_fails_if_no_matching_candidate_left"


def name_of(case: dict[str, Any]) -> str:
    return f"{case['filter']}-{case['test'].rpartition('.')[2]}"


@pytest.mark.parametrize("case", cases("filter"), ids=name_of)
def test_same_as_nova(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    test = case["test"].rpartition(".")[2]
    metadata = _MADE_UP.get(test, ())
    if case.get("result"):
        metadata = metadata or _MADE_UP_IF_PASSING.get(test, ())
    host = host_of(case["host"], metadata)
    if "service_is_up_mock" in case:
        host.forced_down = not case["service_is_up_mock"]
    if test == _FIT_REPLACED:
        monkeypatch.setattr(Guests, "fit", lambda *_, **__: None)
    spec, options = spec_of(case["spec"]), options_of(case["conf"])
    each = register.find(case["filter"])
    if "raises" in case:
        with pytest.raises(KilonovaError) as raised:
            each.passes(host, spec, options)
        assert getattr(raised.value, "nova", None) == case["raises"]
        return
    assert each.passes(host, spec, options) is case["result"]
    if each.asks(spec, options) is None:
        assert case["result"]
    filtered = run([host], spec, options, filters=[each])
    assert len(filtered.hosts) == case["result"]
    if each.narrow is not None and case["result"]:
        left = [candidate["mappings"] for candidate in case["candidates_after"]]
        assert [dict(each) for each in filtered.hosts[0].candidates] == left


SPEC = ServerSpec(Flavor(1, 1024))
OPTIONS = Options()


def test_all_of_nova_are_there() -> None:
    names = {each.name for each in register.registered()}
    assert {case["filter"] for case in cases("filter")} <= names
    default = {each.name for each in register.registered() if each.default}
    assert default == set(OPTIONS.filter_scheduler.enabled_filters)
    rebuild = {each.name for each in register.registered() if each.on_rebuild}
    assert rebuild == {
        "ImagePropertiesFilter",
        "AggregateImagePropertiesIsolation",
        "IsolatedHostsFilter",
    }


@pytest.mark.parametrize(
    ("seconds", "up"),
    [(0, True), (60, True), (60.5, False), (-60, True), (-61, False)],
)
def test_heartbeats(seconds: float, up: bool) -> None:
    host = Host("h", last_seen_up=1000.0)
    with clock.using(lambda: 1000.0 + seconds):
        assert register.find("ComputeFilter").passes(host, SPEC, OPTIONS) is up


@pytest.mark.parametrize(
    ("cpu_info", "bits", "passes"),
    [
        ({"maxphysaddr": {"bits": 46}}, 46, True),
        ({"maxphysaddr": {"bits": 46}}, 47, False),
        # As compute services report it; Nova fails here.
        ('{"maxphysaddr": {"bits": 46}}', 47, False),
        ('{"model": "any"}', 47, True),
        (None, 47, True),
    ],
)
def test_address_bits(cpu_info: object, bits: int, passes: bool) -> None:
    host = Host("h", cpu_info=cpu_info, supported_instances=[["x86_64", "kvm", "hvm"]])
    image = Image({"hw_architecture": "x86_64", "hw_maxphysaddr_bits": bits})
    each = register.find("ImagePropertiesFilter")
    assert each.passes(host, replace(SPEC, image=image), OPTIONS) is passes


def test_run_says_what_each_filter_removed() -> None:
    hosts = [Host("a", num_io_ops=8), Host("b", disabled=True), Host("c")]
    some = [register.find(name) for name in ("ComputeFilter", "IoOpsFilter")]
    filtered = run(hosts, SPEC, OPTIONS, filters=some)
    assert [host.host for host in filtered.hosts] == ["c"]
    removed = [[host.host for host in step.removed] for step in filtered.steps]
    assert removed == [["b"], ["a"]]
    assert [(step.before, step.after) for step in filtered.steps] == [(3, 2), (2, 1)]
    # What runs once per request does not run for the second server.
    again = run(hosts, SPEC, OPTIONS, filters=some, index=1)
    assert [host.host for host in again.hosts] == ["b", "c"]
    nobody = run(hosts[1:2], SPEC, OPTIONS, filters=some)
    assert [step.filter for step in nobody.steps] == ["ComputeFilter"]


def test_rebuild_runs_few() -> None:
    spec = replace(SPEC, hints={"_nova_check_type": ("rebuild",)})
    disabled = Host("a", disabled=True)
    assert run([disabled], spec, OPTIONS).hosts == (disabled,)
    wrong = replace(spec, image=Image({"hw_architecture": "aarch64"}))
    assert run([disabled], wrong, OPTIONS).hosts == ()


def enabling(*names: str, available: tuple[str, ...] | None = None) -> Options:
    section = FilterSchedulerSection(enabled_filters=names)
    if available is not None:
        section = replace(section, available_filters=available)
    return Options(filter_scheduler=section)


def test_enabled_filters() -> None:
    path = "nova.scheduler.filters.io_ops_filter.IoOpsFilter"
    chosen = register.enabled(enabling("IoOpsFilter", available=(path,)))
    assert [each.name for each in chosen] == ["IoOpsFilter"]
    with pytest.raises(UnknownFilter, match="'RamFilter'") as raised:
        register.enabled(enabling("RamFilter", "IoOpsFilter"))
    assert raised.value.nova == "SchedulerHostFilterNotFound"
    with pytest.raises(UnknownFilter, match="'JsonFilter'"):
        register.enabled(enabling("JsonFilter", available=(path,)))
    with pytest.raises(UnknownFilter, match="Did you mean 'ComputeFilter'"):
        register.find("ComputerFilter")


@pytest.mark.parametrize(
    ("name", "spec", "host", "error", "nova", "says"),
    [
        pytest.param(
            "ComputeCapabilitiesFilter",
            ServerSpec(Flavor(1, 1, extra_specs={"vcpus_used": ">= few"})),
            Host("h"),
            BadServerSpec,
            "ValueError",
            "extra spec 'vcpus_used'.*'>= few'",
            id="extra spec",
        ),
        pytest.param(
            "AggregateInstanceExtraSpecsFilter",
            ServerSpec(Flavor(1, 1, extra_specs={"ssd": ">= 2"})),
            Host("h", aggregates=(HostAggregate("a", metadata={"ssd": "true"}),)),
            BadServerSpec,
            "ValueError",
            "extra spec 'ssd'.*'true'",
            id="aggregate metadata",
        ),
        pytest.param(
            "ImagePropertiesFilter",
            replace(SPEC, image=Image({"hw_vm_mode": "fast"})),
            Host("h"),
            BadServerSpec,
            "InvalidVirtualMachineMode",
            "hvm.*'fast'",
            id="machine",
        ),
        pytest.param(
            "JsonFilter",
            replace(SPEC, hints={"query": ("[",)}),
            Host("h"),
            BadServerSpec,
            "ValueError",
            "'query'",
            id="query",
        ),
        pytest.param(
            "JsonFilter",
            replace(SPEC, hints={"query": ('["<", 1, "a"]',)}),
            Host("h"),
            BadServerSpec,
            "TypeError",
            "'query'",
            id="query compares",
        ),
        pytest.param(
            "SimpleCIDRAffinityFilter",
            replace(SPEC, hints={"build_near_host_ip": ("here",)}),
            Host("h", host_ip="10.0.0.1"),
            BadServerSpec,
            "AddrFormatError",
            "'here' and '/24'",
            id="address",
        ),
        pytest.param(
            "SimpleCIDRAffinityFilter",
            replace(SPEC, hints={"build_near_host_ip": ("10.0.0.9",)}),
            Host("h"),
            NotReported,
            "TypeError",
            "host 'h'",
            id="host without address",
        ),
    ],
)
def test_errors_name_key_and_value(
    name: str,
    spec: ServerSpec,
    host: Host,
    error: type[BadServerSpec] | type[NotReported],
    nova: str,
    says: str,
) -> None:
    with pytest.raises(error, match=says) as raised:
        register.find(name).passes(host, spec, OPTIONS)
    assert getattr(raised.value, "nova", None) == nova
    assert "\n" not in str(raised.value)

"""Rebuild with another image: the traits of what is held, and the filters that run.

Method: named cases, then random hosts, specs and filters against those rules written
down once more; whether a single filter passes is compared with Nova elsewhere.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import fleets
from kilonova import Cloud
from kilonova.errors import NoValidHost, UnknownHost
from kilonova.hosts.filters.register import find
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.hosts.rebuild import check_rebuild
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.server import Destination, ServerSpec

TRAITS = ("HW_CPU_X86_AVX", "HW_CPU_X86_SSE", "HW_NIC_OFFLOAD_TSO")
# Those that a rebuild runs, in Nova's code.
ON_REBUILD = {
    "ImagePropertiesFilter",
    "AggregateImagePropertiesIsolation",
    "IsolatedHostsFilter",
}
SPEC = ServerSpec(Flavor(1, 512), Image({"traits_required": TRAITS[:1]}, uuid="new"))


def cloud() -> Cloud:
    """Give a host with a child.

    ::

        h          VCPU, full; HW_CPU_X86_AVX
        └── card   NIC;  HW_NIC_OFFLOAD_TSO
    """
    providers = [
        {
            "name": "h",
            "inventories": {"VCPU": {"total": 1, "reserved": 1}},
            "traits": [TRAITS[0]],
        },
        {
            "name": "card",
            "parent": "h",
            "inventories": {"CUSTOM_NIC": {"total": 1}},
            "traits": [TRAITS[2]],
        },
    ]
    hosts = [{"nodename": "h", "disabled": True}]
    return Cloud.from_document({"providers": providers, "hosts": hosts})


def options(*names: str, **more: Any) -> Options:
    return Options(
        filter_scheduler=FilterSchedulerSection(enabled_filters=names, **more)
    )


def needing(*traits: str, **extra_specs: str) -> ServerSpec:
    specs = {key.replace("__", ":"): value for key, value in extra_specs.items()}
    return ServerSpec(
        Flavor(1, 512, extra_specs=specs), Image({"traits_required": traits})
    )


HELD = {"h": {"VCPU": 1}}


def test_neither_room_nor_the_service_counts() -> None:
    found = cloud()
    before = found.to_document()
    scheduler = Scheduler(found, options("ComputeFilter", "NUMATopologyFilter"))
    with pytest.raises(NoValidHost):
        scheduler.select(SPEC)
    check_rebuild(scheduler, SPEC, "h", HELD)
    elsewhere = Destination(host="other", cell="other")
    check_rebuild(scheduler, replace(SPEC, destination=elsewhere), "h", HELD)
    assert found.to_document() == before


@pytest.mark.parametrize(
    ("spec", "held", "text"),
    [
        pytest.param(needing(TRAITS[2]), {**HELD, "card": {"X": 1}}, "", id="child"),
        pytest.param(needing(TRAITS[2]), HELD, "lack ['HW_NIC_OFFL", id="not held"),
        pytest.param(needing(), {}, "", id="nothing required"),
        pytest.param(needing(TRAITS[0]), {}, "lack", id="nothing held"),
        pytest.param(
            needing(TRAITS[0], trait__HW_CPU_X86_AVX="forbidden"),
            HELD,
            "must not be forbidden by the flavor, got ['HW_CPU_X86_AVX']",
            id="forbidden",
        ),
        pytest.param(
            needing(TRAITS[0], trait_NIC__HW_CPU_X86_AVX="forbidden"),
            HELD,
            "forbidden",
            id="forbidden in another group",
        ),
        pytest.param(
            needing(TRAITS[0], trait__HW_CPU_X86_SSE="forbidden"),
            HELD,
            "",
            id="another one forbidden",
        ),
    ],
)
def test_traits(spec: ServerSpec, held: Any, text: str) -> None:
    scheduler = Scheduler(cloud(), options())
    if not text:
        check_rebuild(scheduler, spec, "h", held)
        return
    with pytest.raises(NoValidHost) as error:
        check_rebuild(scheduler, spec, "h", held)
    assert text in str(error.value)


def test_a_filter_that_runs() -> None:
    section = options("ComputeFilter", "IsolatedHostsFilter", isolated_images=("new",))
    with pytest.raises(NoValidHost, match="IsolatedHostsFilter removes host 'h'"):
        check_rebuild(Scheduler(cloud(), section), SPEC, "h", HELD)


def test_unknown_host() -> None:
    with pytest.raises(UnknownHost):
        check_rebuild(Scheduler(cloud()), SPEC, "gone", HELD)


@given(
    fleets(most=3),
    st.lists(
        st.sampled_from(
            ["ComputeFilter", "NumInstancesFilter", "JsonFilter", *sorted(ON_REBUILD)]
        ),
        unique=True,
    ),
    st.lists(st.sampled_from(TRAITS), unique=True),
    st.lists(st.sampled_from(TRAITS), unique=True, max_size=1),
    st.lists(st.sampled_from(TRAITS), unique=True),
    st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_same_as_the_rules(
    document: dict[str, Any],
    names: list[str],
    required: list[str],
    forbidden: list[str],
    there: list[str],
    isolated: bool,
) -> None:
    document["providers"][0]["traits"] = there
    scheduler = Scheduler(
        Cloud.from_document(document),
        options(*names, isolated_images=("new",) if isolated else ()),
    )
    flavor = Flavor(1, 512, extra_specs={f"trait:{t}": "forbidden" for t in forbidden})
    properties = {"traits_required": tuple(required)} if required else {}
    spec = ServerSpec(
        flavor, Image(properties, uuid="new"), hints={"query": ('["<", 1, 0]',)}
    )
    expected = (
        not set(required) & set(forbidden)
        and set(required) <= set(there)
        and not (isolated and "IsolatedHostsFilter" in names)
    )
    try:
        check_rebuild(scheduler, spec, "h00", {"h00": {"VCPU": 1}})
        allowed = True
    except NoValidHost:
        allowed = False
    assert allowed == expected
    assert {name for name in names if find(name).on_rebuild} <= ON_REBUILD

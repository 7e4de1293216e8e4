"""FragmentationWeigher, StrandedBandwidthWeigher: what a server leaves of a host.

Method: named cases; then random hosts with devices and networks, where the naive twins
claim in a copy of the cloud; then servers that come and go, with all hosts weighed anew
before each.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilonova import Cloud
from kilonova.cloud.host import Host, Room
from kilonova.cloud.host_view import host_view
from kilonova.errors import BadOption, NoValidHost
from kilonova.hosts.options import FilterSchedulerSection, KilonovaSection, Options
from kilonova.hosts.rooms import rooms_of
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.weighers.fragmentation import FRAGMENTATION_WEIGHER, parse_workload
from kilonova.hosts.weighers.stranded_bandwidth import STRANDED_BANDWIDTH_WEIGHER
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.server import ServerSpec
from kilonova.request.translate import translate
from naive_select import naive
from oracle import leftovers

WORKLOAD = ("1=2", "2@2=1", "4=0.5", "1x2=1")
KINDS = [leftovers.Kind(*kind) for kind in ((1, 1, 0, 2), (2, 1, 2, 1), (4, 1, 0, 0.5))]
KINDS.append(leftovers.Kind(1, 2, 0, 1))
OPTIONS = Options(
    filter_scheduler=FilterSchedulerSection(
        enabled_filters=(),
        weight_classes=("FragmentationWeigher", "StrandedBandwidthWeigher"),
    ),
    kilonova=KilonovaSection(fragmentation_workload=WORKLOAD),
)
PHYSNETS = ("CUSTOM_PHYSNET_BLUE", "CUSTOM_PHYSNET_RED")


def asking(
    vcpus: int, memory_mb: int, units: int, port: tuple[int, int, str] | None
) -> ServerSpec:
    extra_specs = {"resources_GPU:VGPU": str(units)} if units else {}
    groups: tuple[RequestGroup, ...] = ()
    if port is not None:
        amounts = dict(zip(leftovers.BANDWIDTH, port[:2], strict=True))
        trait = frozenset([port[2]])
        groups = (RequestGroup("_port", amounts, required=(trait,)),)
    extra_specs["group_policy"] = "none"
    return ServerSpec(Flavor(vcpus, memory_mb, extra_specs=extra_specs), groups=groups)


def raw(spec: ServerSpec, *rooms: Room) -> float:
    host = Host("h", rooms=rooms)
    return FRAGMENTATION_WEIGHER.raw(host, spec, OPTIONS)


def device(units: int) -> Room:
    return Room(frozenset(), {"VGPU": 4}, {"VGPU": units})


def test_a_whole_device_is_broken() -> None:
    root = Room(frozenset(), {"VCPU": 8}, {"VCPU": 8})
    spec = asking(1, 0, 1, None)
    # Of 4, 4 units 3, 4 are left. Useless before: nothing; now: for those who ask 4
    # units, 3; shares are 2, 1, 0.5 and 1.
    assert raw(spec, root, device(4), device(4)) == -(0.5 * 3) / 4.5
    # Of 1, 4 units none, 4: those who ask two devices find one.
    before, after = 1.0 * 1 + 0.5 * 1, 1.0 * 4
    assert raw(spec, root, device(1), device(4)) == before / 4.5 - after / 4.5


def test_cpus_that_run_out_make_devices_useless() -> None:
    root = Room(frozenset(), {"VCPU": 2}, {"VCPU": 2})
    assert raw(asking(1, 0, 0, None), root, device(4)) == -4 / 4.5
    assert raw(asking(0, 1, 0, None), root, device(4)) == 0


def test_without_a_workload_nothing_weighs() -> None:
    spec = asking(1, 0, 1, None)
    assert FRAGMENTATION_WEIGHER.asks(spec, Options()) is None
    assert FRAGMENTATION_WEIGHER.raw(Host("h"), spec, Options()) == 0


@pytest.mark.parametrize(
    "text", ["", "1", "0=1", "1x0=1", "1@-1=1", "1=0", "1=nan", "1=inf", "x=1", "1=-2"]
)
def test_bad_workload(text: str) -> None:
    with pytest.raises(BadOption, match="fragmentation_workload must have entries"):
        parse_workload((text,))


def test_stranded_either_way() -> None:
    def weigh(cpus: int, bandwidth: int) -> float:
        root = Room(frozenset(), {"VCPU": 10}, {"VCPU": cpus})
        name = leftovers.BANDWIDTH[0]
        card = Room(frozenset(PHYSNETS[:1]), {name: 1000}, {name: bandwidth})
        host = Host("h", rooms=(root, card))
        return STRANDED_BANDWIDTH_WEIGHER.raw(host, asking(0, 0, 0, None), OPTIONS)

    assert weigh(5, 500) == 0
    assert weigh(0, 500) == weigh(5, 1000) == weigh(5, 0) == -0.5


@st.composite
def clouds(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document.

    ::

        h0          VCPU, MEMORY_MB
        ├── h0_g0   VGPU
        ├── h0_g1
        └── h0_n0   bandwidth on a physical network
    """
    providers = []
    for h in range(draw(st.integers(2, 6))):
        name = f"h{h}"
        cpus = draw(st.integers(1, 8))
        ratio = draw(st.sampled_from([1.0, 2.0]))
        inventories: dict[str, Any] = {
            "VCPU": {"total": cpus, "allocation_ratio": ratio},
            "MEMORY_MB": {"total": draw(st.integers(1, 8)) * 512},
        }
        providers.append({"name": name, "inventories": inventories})
        for g in range(draw(st.integers(0, 3))):
            vgpus = {"VGPU": {"total": draw(st.integers(1, 4))}}
            child = {"name": f"{name}_g{g}", "parent": name, "inventories": vgpus}
            providers.append(child)
        for n in range(draw(st.integers(0, 2))):
            totals = {
                each: {"total": draw(st.integers(1, 4)) * 500}
                for each in leftovers.BANDWIDTH
            }
            providers.append(
                {
                    "name": f"{name}_n{n}",
                    "parent": name,
                    "inventories": totals,
                    "traits": [draw(st.sampled_from(PHYSNETS))],
                }
            )
    # One that is no host: all traits and classes are known.
    providers.append(
        {
            "name": "spare",
            "inventories": {"VGPU": {"total": 1}, leftovers.BANDWIDTH[0]: {"total": 1}},
            "traits": list(PHYSNETS),
        }
    )
    return {"providers": providers}


ports = st.tuples(
    st.sampled_from([500, 1000]),
    st.sampled_from([500, 1000]),
    st.sampled_from(PHYSNETS),
)
wishes = st.builds(
    asking,
    st.integers(1, 3),
    st.integers(0, 3).map(lambda n: 512 * n),
    st.integers(0, 4),
    st.one_of(st.none(), ports),
)


def check_raws(cloud: Cloud, spec: ServerSpec) -> None:
    """Compare raw values of the hosts that fit with the naive twins."""
    request = translate(spec, OPTIONS).request
    for row in range(len(cloud.state.hosts)):
        host = host_view(cloud.state, row)
        host.rooms = rooms_of(cloud.state, row)
        copy = leftovers.after(cloud, host.nodename, request)
        if copy is None:
            continue
        before = leftovers.providers(cloud, host.nodename)
        left = leftovers.providers(copy, host.nodename)
        lost = leftovers.fragments(before, "VGPU", KINDS)
        lost -= leftovers.fragments(left, "VGPU", KINDS)
        assert FRAGMENTATION_WEIGHER.raw(host, spec, OPTIONS) == lost
        stranded = -leftovers.stranded(left)
        assert STRANDED_BANDWIDTH_WEIGHER.raw(host, spec, OPTIONS) == stranded


@given(clouds(), st.lists(st.tuples(wishes, st.booleans()), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_same_as_the_naive_twins(
    document: dict[str, Any], wanted: list[tuple[ServerSpec, bool]]
) -> None:
    cloud = Cloud.from_document(document)
    scheduler = Scheduler(cloud, OPTIONS)
    alive: list[str] = []
    for i, (spec, leave) in enumerate(wanted):
        if leave and alive:
            cloud.release(alive.pop(0))
        check_raws(cloud, spec)
        best = naive(cloud, scheduler, spec)
        if not best.hosts:
            with pytest.raises(NoValidHost):
                scheduler.select(spec, servers=[f"s{i}"])
            continue
        ranked = scheduler.explain(spec).ranked
        assert [each.host for each in ranked] == best.hosts
        chosen = scheduler.select(spec, servers=[f"s{i}"]).hosts[0]
        assert (chosen.nodename, chosen.weight) == (best.hosts[0], best.weights[0])
        alive.append(f"s{i}")

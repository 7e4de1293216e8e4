"""PCI devices in Placement: hosts whose pools have what a candidate maps.

Method: random clouds in which pools and providers disagree; Nova's way through all
candidates of each host, one by one, says which hosts pass and what is claimed there.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.devices import KINDS, device_clouds
from kilonova import Cloud
from kilonova.candidates.candidates import Candidate
from kilonova.cloud.host_view import host_view
from kilonova.errors import NoValidHost
from kilonova.hosts.events import Boot
from kilonova.hosts.options import FilterSchedulerSection, Options, PciSection
from kilonova.hosts.pci_pools import supports
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.weighing import weigh
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec
from kilonova.request.server_spec import server_spec
from kilonova.request.translate import translate

ALIASES = tuple(
    f'{{"name": "a{i}", "vendor_id": "{vendor}", "product_id": "{product}"}}'
    for i, (vendor, product) in enumerate(KINDS)
)
OPTIONS = Options(
    filter_scheduler=FilterSchedulerSection(
        enabled_filters=("PciPassthroughFilter",), pci_in_placement=True
    ),
    pci=PciSection(alias=ALIASES),
)


def spec_of(alias: str, vcpus: int = 1) -> ServerSpec:
    extra_specs = {"pci_passthrough:alias": alias, "group_policy": "none"}
    return server_spec(Flavor(vcpus, 0, extra_specs=extra_specs), options=OPTIONS)


def expected(cloud: Cloud, spec: ServerSpec) -> list[tuple[str, float, Candidate]]:
    """Give hosts that pass, best first: name, weight, candidate to claim."""
    state = cloud.state
    request = translate(spec, OPTIONS).request
    passing = []
    for row in range(len(state.hosts)):
        host = host_view(state, row)
        pools = host.pci_pools
        for candidate in cloud.allocation_candidates(request):
            if candidate.root != host.uuid or host.uuid not in candidate.allocations:
                continue
            if pools is not None and supports(
                pools, spec.pci_requests, candidate.mappings
            ):
                passing.append((host, candidate))
                break
    weighed = weigh([host for host, _ in passing], spec, OPTIONS)
    return [
        (passing[i][0].nodename, float(weighed.weights[i]), passing[i][1])
        for i in weighed.order.tolist()
    ]


@given(
    device_clouds(),
    st.lists(
        st.tuples(
            st.sampled_from(["a0:1", "a0:2", "a1:1", "a0:1,a1:1", "a1:2,a0:1"]),
            st.integers(1, 2),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ),
)
@settings(deadline=None, max_examples=150)
def test_same_as_all_candidates_one_by_one(
    document: dict[str, Any], wishes: list[tuple[str, int, bool]]
) -> None:
    cloud = Cloud.from_document(document)
    scheduler = Scheduler(cloud, OPTIONS)
    alive: list[str] = []
    for i, (alias, vcpus, leave) in enumerate(wishes):
        if leave and alive:
            cloud.release(alive.pop(0))
        spec = spec_of(alias, vcpus)
        best = expected(cloud, spec)
        if not best:
            before = cloud.to_document()
            with pytest.raises(NoValidHost):
                scheduler.select(spec, servers=[f"s{i}"])
            assert cloud.to_document() == before
            continue
        found = scheduler.select(spec, servers=[f"s{i}"])
        alive.append(f"s{i}")
        given_hosts = [*found.hosts, *found.alternates[0]]
        for chosen, (name, weight, candidate) in zip(given_hosts, best, strict=False):
            assert (chosen.nodename, chosen.weight) == (name, weight)
            assert chosen.allocations == candidate.allocations
            assert chosen.mappings == candidate.mappings
        assert len(given_hosts) == min(len(best), 3)
        assert cloud.allocations(f"s{i}") == best[0][2].allocations
        row = cloud.state.hosts.row(best[0][0])
        assert host_view(cloud.state, row).num_instances == len(
            [s for s in alive if host_of(cloud, s) == row]
        )


def host_of(cloud: Cloud, server: str) -> int:
    row = cloud.state.consumer_uuids.find(server)
    return int(cloud.state.tables.consumer["host"][row])


def two_devices() -> Cloud:
    """Give a host whose first device Placement has, and its pool has not.

    ::

        h
        ├── pf0   one device, of which the pool is empty
        └── pf1   one device
    """
    vendor, product = KINDS[0]
    inventories = {f"CUSTOM_PCI_{vendor}_{product}".upper(): {"total": 1}}
    children = [
        {"name": n, "parent": "h", "inventories": inventories} for n in ("pf0", "pf1")
    ]
    root = {"name": "h", "inventories": {"VCPU": {"total": 4}}}
    pool = {"vendor_id": vendor, "product_id": product, "count": 1, "rp_uuid": "pf1"}
    return Cloud.from_document(
        {
            "providers": [root, *children],
            "hosts": [{"nodename": "h", "pci_pools": [pool]}],
        }
    )


def test_a_later_candidate_is_claimed_where_the_first_does_not_pass() -> None:
    cloud = two_devices()
    found = Scheduler(cloud, OPTIONS).select(spec_of("a0:1"), servers=["s"])
    assert found.hosts[0].mappings["alias0-0"] == ("pf1",)
    assert set(cloud.allocations("s")) == {"h", "pf1"}
    assert host_view(cloud.state, 0).pci_pools == ()
    cloud.release("s")
    assert [pool["count"] for pool in host_view(cloud.state, 0).pci_pools or ()] == [1]


def test_servers_of_one_call_and_of_play() -> None:
    cloud = two_devices()
    scheduler = Scheduler(cloud, OPTIONS)
    spec = spec_of("a0:1")
    before = cloud.to_document()
    with pytest.raises(NoValidHost):
        scheduler.select(spec, count=2)
    after = cloud.to_document()
    assert (after["hosts"], after["consumers"]) == (before["hosts"], [])
    assert cloud.usages("pf1") == cloud.usages("pf0")
    played = scheduler.play([Boot("a", spec), Boot("b", spec)])
    assert (played.host.tolist(), played.stuck.tolist()) == ([0, -1], [False, True])


def test_forced_hosts_take_their_first_candidate() -> None:
    # Filters do not run for them.
    cloud = two_devices()
    spec = server_spec(spec_of("a0:1").flavor, options=OPTIONS, force_hosts=["h"])
    found = Scheduler(cloud, OPTIONS).select(spec, servers=["s"])
    assert found.hosts[0].mappings["alias0-0"] == ("pf0",)


def test_eleven_aliases_are_eleven_requests() -> None:
    pools = [
        {"vendor_id": "8086", "product_id": "10fb", "count": 1, "rp_uuid": f"p{i}"}
        for i in range(11)
    ]
    spec = spec_of(",".join(["a0:1"] * 11))
    mapping = {f"alias{i}-0": (f"p{i}",) for i in range(11)}
    assert supports(pools, spec.pci_requests, mapping)

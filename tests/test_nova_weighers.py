"""Each weigher gives Nova's weights to the last bit.

The recorded answers of Nova, then named cases, then all weighers over random hosts
against the plain twin in ``oracle/weighing.py``; errors last.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilonova.cloud.host import Host, HostAggregate
from kilonova.errors import KilonovaError, NotReported, UnknownMetric, UnknownWeigher
from kilonova.hosts.options import FilterSchedulerSection, MetricsSection, Options
from kilonova.hosts.weighers import register
from kilonova.hosts.weighing import weigh
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from nova_corpus import cases
from oracle import weighing as oracle
from recorded_hosts import host_of, options_of, spec_of

# Nova's unit test replaces the look at images: properties of the servers of each host.
_IMAGES: dict[str, dict[tuple[str, str], int]] = {
    "host2": {("os_distro", "windows"): 1, ("hw_machine_type", "pc"): 1},
    "host3": {("os_distro", "linux"): 2, ("hw_machine_type", "pc"): 1},
    "host4": {("os_distro", "linux"): 1},
}


def name_of(case: dict[str, Any]) -> str:
    return f"{'-'.join(case['weighers'])}-{case['test'].rpartition('.')[2]}"


@pytest.mark.parametrize("case", cases("weigh"), ids=name_of)
def test_same_as_nova(case: dict[str, Any]) -> None:
    hosts = [host_of(row) for row in case["hosts"]]
    if case["weighers"] == ["ImagePropertiesWeigher"]:
        for host in hosts:
            host.image_properties = _IMAGES.get(host.host, {})
    spec, options = spec_of(case["spec"]), options_of(case["conf"])
    weighers = [register.find(name) for name in case["weighers"]]
    if "raises" in case:
        with pytest.raises(KilonovaError) as raised:
            weigh(hosts, spec, options, weighers)
        assert getattr(raised.value, "nova", None) == case["raises"]
        return
    weighed = weigh(hosts, spec, options, weighers)
    # Recorded weights lie in the order of the hosts they are of, the best first.
    assert weighed.order.tolist() == case["order"]
    assert weighed.weights[weighed.order].tolist() == case["weights"]
    for part in weighed.parts:
        recorded = case["per_weigher"][part.weigher]
        assert part.raw.tolist() == recorded["raw"]
        assert part.multiplier.tolist() == recorded["multiplier"]
        assert register.find(part.weigher).minval == recorded["minval"]


SPEC = ServerSpec(Flavor(2, 1024, root_gb=10))
OPTIONS = Options()


def test_all_of_nova_are_there_and_ours_are_off() -> None:
    names = [each.name for each in register.enabled(OPTIONS)]
    assert names == list(register.NOVA)
    recorded = {name for case in cases("weigh") for name in case["weighers"]}
    assert recorded <= set(names)
    others = {each.name for each in register.registered()} - set(names)
    assert others == {
        "RAMShareWeigher",
        "CPUShareWeigher",
        "DiskShareWeigher",
        "DominantShareWeigher",
        "ImageLocalityWeigher",
        "FragmentationWeigher",
        "StrandedBandwidthWeigher",
    }


def only(name: str, **options: Any) -> Options:
    section = FilterSchedulerSection(weight_classes=(name,))
    return replace(OPTIONS, filter_scheduler=replace(section, **options))


@pytest.mark.parametrize(
    ("free", "weights"),
    [
        pytest.param([512], [0.0], id="one host is not weighed"),
        pytest.param([512, 512], [1.0, 1.0], id="equal, above the least"),
        pytest.param([0, 0], [0.0, 0.0], id="equal, the least"),
        pytest.param([-5, -7], [0.0, 0.0], id="equal once lifted"),
        pytest.param([-512, 256, 512], [0.0, 0.5, 1.0], id="from 0, not the least"),
    ],
)
def test_normalised_from_a_fixed_least(free: list[int], weights: list[float]) -> None:
    hosts = [Host(str(mib), free_ram_mb=mib) for mib in free]
    assert weigh(hosts, SPEC, only("RAMWeigher")).weights.tolist() == weights


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "many"])
def test_multiplier_of_an_aggregate_that_is_no_finite_number(text: str) -> None:
    metadata = {"ram_weight_multiplier": text}
    spoilt = (HostAggregate("a", metadata=metadata),)
    hosts = [Host("a", free_ram_mb=1, aggregates=spoilt), Host("b", free_ram_mb=2)]
    hosts.append(Host("c", free_ram_mb=4, aggregates=spoilt))
    weighed = weigh(hosts, SPEC, only("RAMWeigher", ram_weight_multiplier=2.0))
    assert weighed.weights.tolist() == [0.5, 1.0, 2.0]


def test_ties_keep_their_order() -> None:
    hosts = [
        Host(name, free_ram_mb=mib)
        for name, mib in zip("abcd", (1, 2, 1, 2), strict=True)
    ]
    assert weigh(hosts, SPEC, only("RAMWeigher")).order.tolist() == [1, 3, 0, 2]


def test_option_switches_image_properties_off() -> None:
    aggregates = (HostAggregate("a", metadata={"image_props_weight_multiplier": "5"}),)
    hosts = [
        Host("a", aggregates=aggregates, image_properties={("os_type", "linux"): 1}),
        Host("b", aggregates=aggregates),
    ]
    spec = replace(SPEC, image=Image({"os_type": "linux"}))
    name = "ImagePropertiesWeigher"
    assert weigh(hosts, spec, only(name)).weights.tolist() == [0.0, 0.0]
    on = only(name, image_props_weight_multiplier=1.0)
    assert weigh(hosts, spec, on).weights.tolist() == [5.0, 0.0]


@pytest.mark.parametrize(
    ("name", "better"),
    [
        # Host a has more of everything, b a larger share of it.
        ("RAMWeigher", "a"),
        ("RAMShareWeigher", "b"),
        ("CPUWeigher", "a"),
        ("CPUShareWeigher", "b"),
        ("DiskWeigher", "a"),
        ("DiskShareWeigher", "b"),
        ("DominantShareWeigher", "b"),
        ("ImageLocalityWeigher", "b"),
    ],
)
def test_shares_against_amounts(name: str, better: str) -> None:
    hosts = [
        Host(
            host,
            vcpus_total=16 * size,
            vcpus_used=4 * size * size,
            cpu_allocation_ratio=2.0,
            total_usable_ram_mb=65536 * size,
            free_ram_mb=49152 * size - 9000 * (size - 1),
            total_usable_disk_gb=100 * size,
            free_disk_mb=81920 * size - 9000 * (size - 1),
            image_uuids=frozenset({"image"} if size == 1 else ()),
        )
        for host, size in (("a", 3), ("b", 1))
    ]
    spec = replace(SPEC, image=Image(uuid="image"))
    best = hosts[weigh(hosts, spec, only(name)).order[0]].host
    assert best == better


_AMOUNTS = st.sampled_from([-1, 0, 1, 7, 8, 512, 1023, 1024, 131072])
_RATIOS = st.sampled_from([0.9, 1.0, 1.5, 4.0, 16.0])
_TEXTS = st.sampled_from(["0", "-1.5", "0.1", "3", "1e6", "many", "nan", "-inf"])
_AGGREGATES = st.dictionaries(
    st.sampled_from([each.key for each in register.registered()]), _TEXTS, max_size=4
).map(lambda metadata: HostAggregate("a", metadata=metadata))
_HOSTS = st.builds(
    Host,
    st.sampled_from("abc"),
    cell_uuid=st.sampled_from(["one", "two"]),
    vcpus_total=st.integers(0, 64),
    vcpus_used=st.integers(0, 64),
    cpu_allocation_ratio=_RATIOS,
    total_usable_ram_mb=_AMOUNTS,
    free_ram_mb=_AMOUNTS,
    total_usable_disk_gb=_AMOUNTS,
    free_disk_mb=_AMOUNTS,
    num_instances=st.integers(0, 3),
    num_io_ops=st.integers(0, 3),
    failed_builds=st.integers(0, 3),
    hypervisor_version=st.sampled_from([None, 6002000, 6002001]),
    aggregates=st.lists(_AGGREGATES, max_size=2).map(tuple),
    instances=st.frozensets(st.sampled_from("uvwxy")),
    metrics=st.dictionaries(st.sampled_from(["load", "heat"]), st.floats(-9, 9)),
    pci_pools=st.none()
    | st.lists(st.fixed_dictionaries({"count": _AMOUNTS})).map(tuple),
    image_properties=st.dictionaries(
        st.sampled_from([("os_type", "linux"), ("hw_cdrom_bus", "ide")]),
        st.integers(1, 3),
    ),
    image_uuids=st.frozensets(st.sampled_from(["image", "other"])),
)
_SPECS = st.builds(
    ServerSpec,
    st.builds(Flavor, st.integers(0, 4), _AMOUNTS, root_gb=st.integers(0, 2)),
    st.sampled_from(
        [Image(), Image({"os_type": "linux", "hw_cdrom_bus": "ide"}, uuid="image")]
    ),
    server_group=st.none()
    | st.builds(
        ServerGroup,
        st.sampled_from(["soft-affinity", "soft-anti-affinity", "affinity"]),
        st.frozensets(st.sampled_from("uvwxy")),
    ),
    destination=st.none()
    | st.builds(Destination, cell=st.just("one"), allow_cross_cell_move=st.booleans()),
    is_volume_backed=st.booleans(),
)


@given(
    st.lists(_HOSTS, max_size=6),
    _SPECS,
    st.permutations([each.name for each in register.registered()]),
    st.sampled_from([0.0, 1.0, -2.5]),
)
def test_same_as_oracle(
    hosts: list[Host], spec: ServerSpec, names: list[str], multiplier: float
) -> None:
    options = replace(
        only("", image_props_weight_multiplier=multiplier),
        metrics=MetricsSection(
            weight_setting=("load=0.3", "heat=-1", "bad"), required=False
        ),
    )
    weighers = [register.find(name) for name in names]
    weighed = weigh(hosts, spec, options, weighers)
    weights, order = oracle.weigh(hosts, spec, options, weighers)
    assert np.array(weights).tobytes() == weighed.weights.tobytes()
    assert weighed.order.tolist() == order


def test_errors_name_what_is_missing() -> None:
    hosts = [Host("a"), Host("b")]
    with pytest.raises(NotReported, match="cpu_allocation_ratio of 2 hosts"):
        weigh(hosts, SPEC, only("CPUWeigher"))
    metrics = replace(OPTIONS, metrics=MetricsSection(weight_setting=("load=1",)))
    with pytest.raises(UnknownMetric, match=r"Host 'a' .* metric 'load'"):
        weigh(hosts, SPEC, metrics, [register.find("MetricsWeigher")])
    with pytest.raises(UnknownWeigher, match="Did you mean 'RAMWeigher'"):
        register.enabled(only("nova.scheduler.weights.ram.RamWeigher"))

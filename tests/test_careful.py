"""Hosts that are chosen from a ranking: shuffled equals, hosts that do not report.

Method: random clouds with few kinds of hosts, so that many weigh the same; Nova's way
through plain objects ranks them, the drawn numbers are applied to its lists.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import fleets, specs
from kilonova import Cloud
from kilonova.errors import NotReported, NoValidHost, UnknownMetric
from kilonova.hosts.draws import draws
from kilonova.hosts.events import Boot
from kilonova.hosts.options import FilterSchedulerSection, MetricsSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerGroup, ServerSpec
from naive_select import naive
from oracle.select import shuffled

SMALL = ServerSpec(Flavor(1, 0))


def shuffling(subset: int = 1, **more: Any) -> Options:
    section = FilterSchedulerSection(
        shuffle_best_same_weighed_hosts=True, host_subset_size=subset, **more
    )
    return Options(filter_scheduler=section)


def alike(count: int, **more: Any) -> Cloud:
    providers = [
        {"name": f"h{i:03d}", "inventories": {"VCPU": {"total": 64}}}
        for i in range(count)
    ]
    return Cloud.from_document({"providers": providers, **more})


@given(
    fleets(),
    st.lists(specs(), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 1.0]),
)
@settings(deadline=None, max_examples=60)
def test_same_as_nova_with_these_draws(
    document: dict[str, Any],
    wishes: list[ServerSpec],
    subset: int,
    seed: int,
    multiplier: float,
) -> None:
    cloud = Cloud.from_document(document)
    # With one weigher, or none, there are many equals.
    off = dict.fromkeys(
        (
            "ram_weight_multiplier",
            "disk_weight_multiplier",
            "hypervisor_version_weight_multiplier",
            "build_failure_weight_multiplier",
        ),
        0.0,
    )
    options = shuffling(subset, cpu_weight_multiplier=multiplier, **off)
    scheduler = Scheduler(cloud, options, seed=seed)
    place = 0
    for i, spec in enumerate(wishes):
        best = naive(cloud, scheduler, spec)
        numbers = draws(seed, place, 1)[0]
        place += 1
        if not best.hosts:
            with pytest.raises(NoValidHost):
                scheduler.select(spec, servers=[f"server-{i}"])
            continue
        expected = shuffled(best, numbers, subset)
        found = scheduler.select(spec, servers=[f"server-{i}"])
        chosen = found.hosts[0]
        assert chosen.nodename == expected.hosts[0]
        assert chosen.weight == expected.weights[0]
        cells = {host["nodename"]: host["cell_uuid"] for host in document["hosts"]}
        near = [h for h in expected.hosts[1:] if cells[h] == chosen.cell_uuid]
        assert [each.nodename for each in found.alternates[0]] == near[:2]
        assert cloud.state.consumer_uuids.find(f"server-{i}") >= 0


def test_every_equal_is_drawn_alike() -> None:
    counts: Counter[str] = Counter()
    for seed in range(600):
        scheduler = Scheduler(alike(3), shuffling(), seed=seed)
        counts[scheduler.select(SMALL).hosts[0].host] += 1
    # 600 of three: 11.5 is the standard deviation.
    assert all(abs(count - 200) < 5 * 11.5 for count in counts.values())
    assert len(counts) == 3


def test_equals_beyond_the_first_ranking() -> None:
    found = {
        Scheduler(alike(300), shuffling(), seed=seed).select(SMALL).hosts[0].host
        for seed in range(40)
    }
    assert max(found) > "h150"


@pytest.mark.parametrize("bulk", [False, True])
def test_several_servers_see_each_other(bulk: bool) -> None:
    cloud = alike(4)
    group = ServerGroup("anti-affinity", uuid="group")
    spec = replace(SMALL, server_group=group)
    scheduler = Scheduler(cloud, shuffling(), seed=7)
    if bulk:
        hosts = scheduler.play([Boot(f"s{i}", spec) for i in range(5)]).host.tolist()
    else:
        chosen = scheduler.select(spec, count=4).hosts
        hosts = [cloud.state.hosts.row(each.nodename) for each in chosen] + [-1]
        with pytest.raises(NoValidHost):
            scheduler.select(spec)
    assert sorted(hosts) == [-1, 0, 1, 2, 3]
    assert hosts[:4] != [0, 1, 2, 3]


METRIC = MetricsSection(weight_setting=("load=1.0",))


def reporting(*loads: float | None) -> Cloud:
    """Give hosts h000, h001, ... of which some report a metric."""
    hosts = [
        {"nodename": f"h{i:03d}", "metrics": {} if load is None else {"load": load}}
        for i, load in enumerate(loads)
    ]
    return alike(len(loads), hosts=hosts)


def test_a_required_metric_that_a_host_lacks() -> None:
    scheduler = Scheduler(reporting(1.0, None, 3.0), Options(metrics=METRIC))
    with pytest.raises(UnknownMetric, match="'h001' does not report the metric 'load'"):
        scheduler.select(SMALL)
    assert not scheduler.cloud.to_document()["consumers"]


def test_hosts_that_do_not_pass_need_not_report() -> None:
    filters = FilterSchedulerSection(enabled_filters=("MetricsFilter",))
    options = Options(filter_scheduler=filters, metrics=METRIC)
    scheduler = Scheduler(reporting(1.0, None, 3.0), options)
    found = scheduler.select(SMALL)
    assert found.hosts[0].host == "h002"
    with pytest.raises(UnknownMetric):
        Scheduler(reporting(1.0, None, 3.0), Options(metrics=METRIC)).select(SMALL)


def test_ignored_hosts_need_not_report_and_one_alone_is_not_weighed() -> None:
    scheduler = Scheduler(reporting(1.0, None, 3.0), Options(metrics=METRIC))
    found = scheduler.select(replace(SMALL, ignore_hosts=("h001",)))
    assert found.hosts[0].host == "h002"
    alone = scheduler.select(replace(SMALL, ignore_hosts=("h000", "h002")))
    assert (alone.hosts[0].host, alone.hosts[0].weight) == ("h001", 0.0)


def test_server_groups_close_hosts_that_do_not_report() -> None:
    cloud = reporting(None, 1.0, 3.0)
    scheduler = Scheduler(cloud, Options(metrics=METRIC))
    apart = replace(SMALL, server_group=ServerGroup("anti-affinity", uuid="apart"))
    only = replace(apart, ignore_hosts=("h001", "h002"))
    assert scheduler.select(only).hosts[0].host == "h000"
    assert scheduler.select(apart).hosts[0].host == "h002"
    near = replace(SMALL, server_group=ServerGroup("affinity", uuid="near"))
    first = scheduler.select(replace(near, ignore_hosts=("h000",))).hosts[0].host
    assert scheduler.select(near).hosts[0].host == first


def test_metrics_that_are_not_required_count_as_unavailable() -> None:
    section = replace(METRIC, required=False)
    scheduler = Scheduler(reporting(1.0, None, 3.0), Options(metrics=section))
    found = scheduler.select(SMALL)
    assert found.hosts[0].host == "h002"


def test_an_unknown_allocation_ratio() -> None:
    providers = [
        {"name": name, "inventories": {"MEMORY_MB": {"total": 4096}}} for name in "ab"
    ]
    cloud = Cloud.from_document(
        {"providers": providers, "hosts": [{"nodename": n} for n in "ab"]}
    )
    with pytest.raises(NotReported, match="cpu_allocation_ratio of host 'a'"):
        Scheduler(cloud).select(ServerSpec(Flavor(0, 512)))

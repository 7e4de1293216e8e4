"""Filters and weighers of what servers change: asked again for hosts that changed.

Method: random clouds with servers that come and go, by themselves, several in a call,
or through ``play``; before each, all hosts are filtered and weighed as they are now.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.fleets import fleets, specs
from kilonova import Cloud
from kilonova.cloud.host import Host
from kilonova.errors import NoValidHost
from kilonova.hosts import filtering
from kilonova.hosts.events import Boot
from kilonova.hosts.filters.json_query import JSON
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec
from naive_select import naive

QUERIES = (
    '[">=", "$free_ram_mb", 1024]',
    '["<", "$vcpus_used", 3]',
    '["and", ["<", "$num_instances", 3], [">", "$free_disk_mb", 2048]]',
)
OWN = ("RAMShareWeigher", "CPUShareWeigher", "DiskShareWeigher", "DominantShareWeigher")


def filtering_options() -> Options:
    names = ("JsonFilter", "ComputeCapabilitiesFilter")
    return Options(filter_scheduler=FilterSchedulerSection(enabled_filters=names))


def weighing_options(*names: str) -> Options:
    return Options(filter_scheduler=FilterSchedulerSection(weight_classes=names))


def asked(spec: ServerSpec, query: str | None, capability: str | None) -> ServerSpec:
    flavor = spec.flavor
    if capability is not None:
        extra_specs = {"capabilities:num_instances": capability}
        flavor = replace(flavor, extra_specs=extra_specs)
    hints = {} if query is None else {"query": (query,)}
    return replace(spec, flavor=flavor, hints=hints)


def check(cloud: Cloud, scheduler: Scheduler, spec: ServerSpec, name: str) -> bool:
    """Compare one selection with all hosts asked now; say whether there was one."""
    best = naive(cloud, scheduler, spec)
    if not best.hosts:
        with pytest.raises(NoValidHost):
            scheduler.select(spec, servers=[name])
        return False
    found = scheduler.select(spec, servers=[name])
    chosen = found.hosts[0]
    assert (chosen.nodename, chosen.weight) == (best.hosts[0], best.weights[0])
    return True


wishes = st.lists(
    st.tuples(
        specs(),
        st.sampled_from([None, *QUERIES]),
        st.sampled_from([None, "== 1", ">= 2"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(fleets(), wishes)
@settings(deadline=None, max_examples=60)
def test_filters_ask_hosts_that_changed(
    document: dict[str, Any], wanted: list[tuple[ServerSpec, Any, Any, bool]]
) -> None:
    cloud = Cloud.from_document(document)
    scheduler = Scheduler(cloud, filtering_options())
    alive: list[str] = []
    for i, (spec, query, capability, leave) in enumerate(wanted):
        if leave and alive:
            cloud.release(alive.pop(0))
        if check(cloud, scheduler, asked(spec, query, capability), f"s{i}"):
            alive.append(f"s{i}")


@given(
    fleets(),
    st.lists(st.tuples(specs(), st.booleans()), min_size=1, max_size=12),
    st.sampled_from([OWN, *((name,) for name in OWN)]),
)
@settings(deadline=None, max_examples=60)
def test_weighers_weigh_hosts_as_they_are(
    document: dict[str, Any],
    wanted: list[tuple[ServerSpec, bool]],
    names: tuple[str, ...],
) -> None:
    cloud = Cloud.from_document(document)
    scheduler = Scheduler(cloud, weighing_options(*names))
    alive: list[str] = []
    for i, (spec, leave) in enumerate(wanted):
        if leave and alive:
            cloud.release(alive.pop(0))
        if check(cloud, scheduler, spec, f"s{i}"):
            alive.append(f"s{i}")


def alike(count: int) -> Cloud:
    inventories = {"VCPU": {"total": 4}, "MEMORY_MB": {"total": 4096}}
    names = [f"h{i}" for i in range(count)]
    return Cloud.from_document(
        {"providers": [{"name": n, "inventories": inventories} for n in names]}
    )


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("case", ["filter", "weigher"])
def test_servers_of_one_call_see_each_other(bulk: bool, case: str) -> None:
    cloud = alike(3)
    if case == "filter":
        # At most one server a host: the query is asked of a host without any.
        options = Options(
            filter_scheduler=FilterSchedulerSection(
                enabled_filters=("JsonFilter",), weight_classes=()
            )
        )
        spec = ServerSpec(
            Flavor(1, 512), hints={"query": ('["=", "$num_instances", 0]',)}
        )
    else:
        options, spec = weighing_options("RAMShareWeigher"), ServerSpec(Flavor(1, 512))
    scheduler = Scheduler(cloud, options)
    if bulk:
        hosts = scheduler.play([Boot(f"s{i}", spec) for i in range(3)]).host.tolist()
    else:
        chosen = scheduler.select(spec, count=3).hosts
        hosts = [cloud.state.hosts.row(each.nodename) for each in chosen]
    assert hosts == [0, 1, 2]


def test_only_hosts_that_changed_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = alike(20)
    scheduler = Scheduler(cloud, filtering_options())
    spec = ServerSpec(Flavor(1, 512), hints={"query": (QUERIES[0],)})
    asked_hosts: list[str] = []
    passes = JSON.passes

    def counted(host: Host, *more: Any) -> bool:
        asked_hosts.append(host.host)
        return passes(host, *more)

    # The register keeps frozen filters: the engine's own are changed.
    scheduler.select(spec, servers=["first"])
    shape = scheduler.shape(spec)
    engine = scheduler.engine((shape,))
    slow = engine.changing._slow[0]
    counting = tuple(replace(each, passes=counted) for each in slow.filters)
    monkeypatch.setattr(slow, "filters", counting)
    scheduler.select(spec, servers=["second"])
    assert asked_hosts == ["h0"]
    cloud.release("first")
    asked_hosts.clear()
    scheduler.select(spec, servers=["third"])
    assert asked_hosts == ["h0", "h1"]


def test_explain_agrees() -> None:
    cloud = alike(2)
    scheduler = Scheduler(cloud, filtering_options())
    spec = ServerSpec(Flavor(1, 512), hints={"query": ('["=", "$num_instances", 0]',)})
    scheduler.select(spec)
    assert [each.host for each in scheduler.explain(spec).ranked] == ["h1"]
    assert filtering.run([], spec, scheduler.options).hosts == ()

"""Where a server must go: missing names, one node, several nodes of a host; refusals.

``ironic`` serves two nodes; what a destination excludes shows where a sharing provider
has the disks: with one node in sight, Nova asks for all in that node's tree. Random
names are put to the oracle, which goes through all hosts.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilonova import Cloud
from kilonova.cloud.host import Host
from kilonova.errors import NoValidHost
from kilonova.hosts.batch import Batch
from kilonova.hosts.events import Boot, Delete
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.server_spec import server_spec
from oracle.named import named

SMALL = ServerSpec(Flavor(1, 0))
WITH_DISK = ServerSpec(Flavor(1, 0, root_gb=1))
HOSTS = [
    {"nodename": "n1", "host": "ironic", "cell_uuid": "red"},
    {"nodename": "n2", "host": "ironic", "cell_uuid": "red"},
    {"nodename": "cn", "host": "cn", "cell_uuid": "blue"},
]


def cloud(*, shared: bool = False) -> Cloud:
    providers: list[dict[str, Any]] = [
        {"name": n, "inventories": {"VCPU": {"total": 4}}} for n in ("n1", "n2", "cn")
    ]
    if shared:
        for each in providers:
            each["aggregates"] = ["storage"]
        providers.append(
            {
                "name": "disks",
                "inventories": {"DISK_GB": {"total": 100}},
                "traits": ["MISC_SHARES_VIA_AGGREGATE"],
                "aggregates": ["storage"],
            }
        )
    return Cloud.from_document({"providers": providers, "hosts": HOSTS})


def passing(scheduler: Scheduler, spec: ServerSpec) -> list[str]:
    """Give all hosts that could take a server, best first."""
    state = scheduler.state
    engine = scheduler.engine((scheduler.shape(spec),))
    nobody, draws = np.full(1, -1, np.int32), np.zeros((1, 2))
    batch = Batch(engine, scheduler.asked(spec), nobody, draws, spare=len(HOSTS))
    assert not batch.run()
    return [state.hosts.names[row] for row in batch.orders.best[0] if row >= 0]


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        pytest.param(
            {"destination": Destination(host="gone")},
            "No such host - host: gone node: None ",
            id="host",
        ),
        pytest.param(
            {"destination": Destination(host="cn", node="n1")},
            "No such host - host: cn node: n1 ",
            id="node of another host",
        ),
        pytest.param(
            {"destination": Destination(host="cn", cell="red")},
            "No such host - host: cn node: None ",
            id="another cell",
        ),
        pytest.param(
            {"destination": Destination(host="CN")},
            "No such host - host: CN node: None ",
            id="case of a destination",
        ),
        pytest.param(
            {"force_hosts": ("gone", "cn")},
            "No such host - host: gone node: None ",
            id="the first forced one counts",
        ),
        pytest.param(
            {"force_nodes": ("gone",)},
            "No such host - host: None node: gone ",
            id="forced node",
        ),
    ],
)
def test_missing(wish: dict[str, Any], text: str) -> None:
    scheduler = Scheduler(cloud())
    with pytest.raises(NoValidHost) as error:
        scheduler.select(replace(SMALL, **wish))
    assert str(error.value) == text
    played = scheduler.play([Boot("a", replace(SMALL, **wish)), Boot("b", SMALL)])
    assert played.host.tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        pytest.param({"destination": Destination(host="ironic")}, "n1 n2", id="both"),
        pytest.param(
            {"destination": Destination(host="ironic", node="n2")}, "n2", id="one"
        ),
        pytest.param({"destination": Destination(node="n2")}, "n2", id="by node"),
        pytest.param({"force_hosts": ("Ironic", "cn")}, "n1 n2 cn", id="two names"),
        pytest.param({"force_hosts": ("cn", "ironic")}, "cn", id="one of the first"),
        pytest.param({"force_nodes": ("n2", "n1")}, "n2", id="the first node"),
        pytest.param({}, "n1 n2 cn", id="nothing named"),
    ],
)
def test_nodes(wish: dict[str, Any], names: str) -> None:
    asked = replace(SMALL, **wish)
    scheduler = Scheduler(cloud())
    assert passing(scheduler, asked) == names.split()
    assert scheduler.select(asked).hosts[0].nodename == names.split()[0]


@pytest.mark.parametrize(
    ("wish", "passed"),
    [
        pytest.param({}, 3, id="any host shares"),
        pytest.param({"destination": Destination(host="ironic")}, 2, id="two nodes"),
        pytest.param({"destination": Destination(host="cn")}, 0, id="one node"),
        pytest.param({"force_nodes": ("n1",)}, 0, id="forced node"),
    ],
)
def test_one_node_has_all_in_its_tree(wish: dict[str, Any], passed: int) -> None:
    scheduler = Scheduler(cloud(shared=True))
    asked = replace(WITH_DISK, **wish)
    if passed:
        assert len(passing(scheduler, asked)) == passed
        scheduler.select(asked)
    else:
        with pytest.raises(NoValidHost):
            scheduler.select(asked)
    # Another node is another question, and so is none.
    assert len(passing(scheduler, WITH_DISK)) == 3
    small = replace(SMALL, **wish)
    assert len(passing(scheduler, small)) == (passed or 1)


def test_a_refusal_says_which_plan_failed() -> None:
    hosts = {
        "pinned": {"PCPU": {"total": 1}},
        "old": {"VCPU": {"total": 1}},
        "older": {"VCPU": {"total": 8}},
    }
    providers = [{"name": n, "inventories": i} for n, i in hosts.items()]
    scheduler = Scheduler(Cloud.from_document({"providers": providers}))
    spec = server_spec(Flavor(2, 0, extra_specs={"hw:cpu_policy": "dedicated"}))
    ignoring = replace(spec, ignore_hosts=("older",))
    with pytest.raises(NoValidHost) as error:
        scheduler.select(ignoring)
    assert (
        "of 3 hosts 0 have an allocation candidate with PCPU (1 offer PCPU), 1 with "
        "VCPU in its place (2 offer VCPU)"
    ) in str(error.value)
    assert [each.host for each in scheduler.explain(ignoring).ranked] == []
    assert [each.host for each in scheduler.explain(spec).ranked] == ["older"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_unknown_servers_do_not_leave(shuffle: bool) -> None:
    section = FilterSchedulerSection(shuffle_best_same_weighed_hosts=shuffle)
    scheduler = Scheduler(cloud(), Options(filter_scheduler=section))
    before = scheduler.cloud.state.hosts.table["num_instances"].tolist()
    played = scheduler.play(
        [Delete("gone"), Boot("a", SMALL), Delete("lost"), Delete("a"), Delete("gone")]
    )
    assert played.unknown.tolist() == [True, False, True, False, True]
    assert (played.host >= 0).tolist() == [False, True, False, False, False]
    assert scheduler.cloud.state.hosts.table["num_instances"].tolist() == before
    assert scheduler.play([Boot("gone", SMALL)]).host.tolist() != [-1]
    scheduler.play([Delete("gone"), Delete("lost")])
    assert scheduler.cloud.state.hosts.table["num_instances"].tolist() == before


SERVICES = ("ironic", "Ironic", "cn", "gone")
NODES = ("n1", "n2", "cn", "N1")
names = st.lists(st.sampled_from(SERVICES), max_size=2).map(tuple)
nodes = st.lists(st.sampled_from(NODES), max_size=2).map(tuple)


@given(
    st.one_of(
        st.fixed_dictionaries({"force_hosts": names, "force_nodes": nodes}),
        st.builds(
            lambda host, node: {"destination": Destination(host=host, node=node)},
            st.sampled_from([None, *SERVICES]),
            st.sampled_from([None, *NODES]),
        ),
    ),
    names,
)
@settings(deadline=None, max_examples=300)
def test_same_as_going_through_all_hosts(
    wish: dict[str, Any], ignored: tuple[str, ...]
) -> None:
    spec = replace(SMALL, ignore_hosts=ignored, **wish)
    hosts = [Host(each["host"], each["nodename"]) for each in HOSTS]
    left = named(hosts, spec)
    rows = [row for row, host in enumerate(hosts) if host in left]
    scheduler = Scheduler(cloud())
    try:
        found = scheduler.select(spec)
    except NoValidHost:
        assert not rows
        return
    assert found.hosts[0].nodename == left[0].nodename
    assert passing(Scheduler(cloud()), spec) == [host.nodename for host in left]

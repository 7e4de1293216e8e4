"""Plans of evacuations: possible step by step, and as good as they say.

Random small outages are judged by the oracle, which looks at each step by itself; where
all plans can be tried, the bound and the improved plan are compared with the best one.
"""

import json
from dataclasses import replace

import pytest

from generators.evac_small import Small, small, uuid
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, NoValidHost, UnknownAggregate, UnknownHost
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.evacuation import evacuate
from kilonova.plan.failed import hosts_of, lost_servers
from kilonova.plan.plan import Plan
from kilonova.plan.specs import Specs
from oracle import evacuation as oracle

SEEDS = 100


def plan_of(given: Small, *, improve: bool = True, regroup: bool = False) -> Plan:
    """Plan, and see that the cloud is as it was to the last byte."""
    scheduler = Scheduler(Cloud.from_document(given.document))
    before = state_of(scheduler.cloud)
    plan = evacuate(
        scheduler, given.records, given.failed, improve=improve, regroup=regroup
    )
    assert state_of(scheduler.cloud) == before
    return plan


def state_of(cloud: Cloud) -> tuple[str, list[int]]:
    return json.dumps(cloud.to_document()), cloud.state.counters.tolist()


@pytest.mark.parametrize("regroup", [False, True])
@pytest.mark.parametrize("improve", [False, True])
def test_every_step_is_possible(improve: bool, regroup: bool) -> None:
    placed = 0
    for seed in range(SEEDS):
        given = small(seed)
        plan = plan_of(given, improve=improve, regroup=regroup)
        found = list(oracle.faults(given.document, given.records, given.failed, plan))
        assert not found, (seed, found)
        assert plan.greedy <= plan.placed <= plan.bound, seed
        placed += plan.placed
    assert placed > SEEDS


def test_greedy_is_one_selection_after_the_other() -> None:
    for seed in range(SEEDS):
        given = small(seed)
        plan = plan_of(given, improve=False)
        assert {s.server: s.target for s in plan.steps} == one_by_one(given), seed


def one_by_one(given: Small) -> dict[str, str | None]:
    """Select a host for each server in Nova's order, failed ones being left out."""
    scheduler = Scheduler(Cloud.from_document(given.document))
    state = scheduler.state
    specs = Specs(state, given.records, scheduler.options)
    rows = [state.hosts.row(name) for name in given.failed]
    found: dict[str, str | None] = {}
    services = tuple(
        host["host"]
        for host in given.document["hosts"]
        if host["nodename"] in given.failed
    )
    for lost in lost_servers(state, given.records, rows):
        found[lost.server.uuid] = None
        if lost.refused:
            continue
        spec = specs.exact(lost.server, lost.source)
        try:
            made = scheduler.select(replace(spec, ignore_hosts=services))
        except NoValidHost:
            continue
        found[lost.server.uuid] = made.hosts[0].nodename
    return found


def test_improved_plans_are_the_best_and_bounds_hold() -> None:
    better = 0
    for seed in range(SEEDS):
        given = small(seed, plain=True)
        plan = plan_of(given)
        best = oracle.best(given.document, given.records, given.failed)
        assert plan.placed <= best <= plan.bound, seed
        # HiGHS solves these, host by host.
        assert plan.bound_exact, seed
        assert plan.placed == best == plan.bound, seed
        better += plan.placed > plan.greedy
    assert better > SEEDS // 20


def outage_of(*flavors: tuple[int, int], room: tuple[int, ...] = (4,)) -> Small:
    """Make an outage of one host with servers of some flavors."""
    given = small(0, plain=True)
    template = next(iter(given.records.servers.values()))
    given.records.servers.clear()
    given.document["consumers"] = []
    given.document["providers"] = [
        {
            "name": name,
            "uuid": uuid(2, n),
            "inventories": {
                "VCPU": {"total": vcpus},
                "MEMORY_MB": {"total": 9999},
                "DISK_GB": {"total": 99},
            },
        }
        for n, (name, vcpus) in enumerate(
            [("h0", 99), *((f"h{n}", v) for n, v in enumerate(room, 1))]
        )
    ]
    given.document["hosts"] = [{"nodename": f"h{n}"} for n in range(len(room) + 1)]
    for n, (vcpus, memory) in enumerate(flavors):
        flavor = replace(template.flavor, vcpus=vcpus, memory_mb=memory)
        server = replace(
            template,
            uuid=uuid(4, n),
            flavor=flavor,
            host="h0",
            node="h0",
            created_at=float(n),
            vm_state="active",
        )
        given.records.servers[server.uuid] = server
    return given._replace(failed=("h0",))


def test_a_big_server_first_keeps_two_others_out() -> None:
    given = outage_of((4, 512), (2, 512), (2, 512))
    plan = plan_of(given)
    assert (plan.greedy, plan.placed, plan.bound, plan.method) == (1, 2, 2, "improved")
    left = plan.steps[-1]
    assert left.server == uuid(4, 0)
    assert left.reason == "1 hosts, allocation candidates removed 1"


def test_servers_that_hold_nothing_are_placed_too() -> None:
    plan = plan_of(outage_of((1, 512)))
    assert plan.steps[0].generation is None
    assert plan.steps[0].allocations == {
        uuid(2, 1): {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}
    }


def test_what_may_be_asked_in_two_ways_bounds_by_what_they_share() -> None:
    """Dedicated CPUs, or else others: the two requests have no class in common."""
    given = outage_of((1, 512), (5, 512))
    server = given.records.servers[uuid(4, 0)]
    extra_specs = {
        "hw:cpu_policy": "dedicated",
        "resources:MEMORY_MB": "0",
        "resources:DISK_GB": "0",
    }
    server.flavor = replace(server.flavor, extra_specs=extra_specs)
    plan = plan_of(given)
    assert plan.steps[0].allocations == {uuid(2, 1): {"VCPU": 1}}
    assert (plan.placed, plan.bound) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vm_state": "paused"}, "vm_state must be"),
        ({"task_state": "migrating"}, "task_state must be none"),
        ({"ports": ("nowhere",)}, "Port nowhere is not in the records"),
        ({"server_group": "nobody"}, "Server group nobody is not in the cloud"),
    ],
)
def test_what_nova_does_not_evacuate(changes: dict[str, object], reason: str) -> None:
    given = outage_of((1, 512))
    for server in given.records.servers.values():
        for name, value in changes.items():
            setattr(server, name, value)
    plan = plan_of(given)
    assert plan.steps[0].status == "refused"
    assert reason in plan.steps[0].reason


def test_accelerator_ports_and_vtpms_stay() -> None:
    given = outage_of((1, 512), (1, 512))
    first, second = given.records.servers.values()
    first.ports = ("p",)
    given.records.ports["p"] = {"id": "p", "binding:vnic_type": "accelerator-direct"}
    second.flavor = replace(second.flavor, extra_specs={"hw:tpm_version": "2.0"})
    reasons = [step.reason for step in plan_of(given).steps]
    assert "accelerator" in reasons[0]
    assert "vTPM" in reasons[1]


def test_ports_that_ask_for_what_is_not_there_end_no_plan() -> None:
    given = outage_of((1, 512), (1, 512))
    first = next(iter(given.records.servers.values()))
    first.ports = (uuid(5, 0),)
    asked = {"resources": {"VGPU": 1}, "required": ["CUSTOM_NOWHERE"]}
    given.records.ports[uuid(5, 0)] = {"id": uuid(5, 0), "resource_request": asked}
    plan = plan_of(given)
    assert [step.status for step in plan.steps] == ["planned", "refused"]
    assert "CUSTOM_NOWHERE" in plan.steps[1].reason


def test_lost_affinity_groups_gather_only_if_asked() -> None:
    given = outage_of((1, 512), (1, 512), room=(1, 2))
    given.document["server_groups"] = [{"uuid": uuid(1, 1), "policy": "affinity"}]
    for server in given.records.servers.values():
        server.server_group = uuid(1, 1)
        given.document["consumers"].append(
            {
                "uuid": server.uuid,
                "allocations": {"h0": {"VCPU": 1}},
                "host": "h0",
                "group": uuid(1, 1),
            }
        )
    plan = plan_of(given)
    assert (plan.placed, plan.bound) == (0, 0)
    assert plan.steps[0].reason.endswith(f"server group {uuid(1, 1)} (affinity)")
    plan = plan_of(given, regroup=True)
    assert [step.target for step in plan.steps] == ["h2", "h2"]


def test_hosts_by_aggregate_cell_and_service() -> None:
    given = small(3)
    document = given.document
    document["host_aggregates"] = [{"uuid": "rack", "name": "rack 7"}]
    document["hosts"][0]["aggregates"] = ["rack"]
    document["hosts"][1]["cell_uuid"] = "far"
    state = Cloud.from_document(document).state
    assert hosts_of(state, aggregates=["rack 7"]) == ["h0"]
    assert hosts_of(state, cells=["far"], hosts=["service-1"]) == ["h1"]
    with pytest.raises(UnknownHost, match="No host 'x'"):
        hosts_of(state, ["x"])
    with pytest.raises(UnknownAggregate, match="No host aggregate 'x'"):
        hosts_of(state, aggregates=["x"])
    with pytest.raises(BadInput, match="No cell 'x' has a host"):
        hosts_of(state, cells=["x"])

"""Carrying plans out: all or nothing per server, and again after an interrupt.

A plan is carried out in one run, and in several that are cut off at random servers with
everything read from its files again; cloud, records and plan must come out the same.
"""

import json
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

from generators.evac_small import EGRESS, small, uuid
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, BadTable
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.apply import apply
from kilonova.plan.evacuation import evacuate
from kilonova.plan.files import read_plan, write_plan
from kilonova.plan.plan import Plan
from kilonova.records import document as documents
from kilonova.records.records import Records


class World:
    """A cloud with its records and a plan, as files that each run reads again."""

    def __init__(self, seed: int, folder: Path) -> None:
        given = small(seed)
        self.folder = folder
        self.given = given
        cloud = Cloud.from_document(given.document)
        cloud.write(folder / "cloud")
        documents.write_file(given.records, folder / "records.json")
        scheduler = Scheduler(Cloud.read(folder / "cloud"))
        plan = evacuate(scheduler, given.records, given.failed)
        plan.created_at = 1.0
        write_plan(plan, folder / "plan.parquet")

    def read(self) -> tuple[Scheduler, Records, Plan]:
        return (
            Scheduler(Cloud.read(self.folder / "cloud")),
            documents.read_file(self.folder / "records.json"),
            read_plan(self.folder / "plan.parquet"),
        )

    def run(self, steps: int = 99, lose: str = "") -> int:
        """Carry out so many steps; write the files up to one that gets lost."""
        scheduler, records, plan = self.read()
        seen: list[object] = []
        left = apply(
            scheduler,
            records,
            plan,
            stop=lambda: len(seen) >= steps,
            progress=seen.append,
        )
        scheduler.cloud.write(self.folder / "cloud")
        if lose != "records":
            documents.write_file(records, self.folder / "records.json")
        # What comes after a lost file is lost with it.
        if not lose:
            write_plan(plan, self.folder / "plan.parquet")
        return left

    def state(self) -> dict[str, Any]:
        scheduler, records, plan = self.read()
        cloud = scheduler.cloud.to_document()
        # In which order consumers lie depends on no one.
        cloud["consumers"].sort(key=json.dumps)
        return {"cloud": cloud, "records": asdict(records), "plan": asdict(plan)}


def test_interrupted_runs_end_as_one_run(tmp_path: Path) -> None:
    moved = 0
    for seed in range(25):
        random = Random(f"interrupts {seed}")
        whole = World(seed, tmp_path / f"whole{seed}")
        cut = World(seed, tmp_path / f"cut{seed}")
        assert whole.run() == 0
        for lose in ("", "plan", "records", ""):
            cut.run(random.randrange(3), lose)
        assert cut.run() == 0
        assert whole.state() == cut.state(), seed
        moved += whole.read()[2].counts().get("done", 0)
    assert moved > 30


def test_what_servers_hold_is_doubled(tmp_path: Path) -> None:
    for seed in range(15):
        world = World(seed, tmp_path / str(seed))
        world.run()
        scheduler, records, plan = world.read()
        for step in plan.steps:
            held = scheduler.cloud.allocations(step.server)
            server = records.servers[step.server]
            if step.status != "done":
                assert held == step.held or step.status == "refused"
                continue
            assert held == {**step.held, **step.allocations}
            assert server.node == step.target
            assert server.node is not None
            service = f"service-{server.node.removeprefix('h')}"
            assert server.host == service
            (move,) = [
                m for m in records.migrations.values() if m.server == server.uuid
            ]
            assert (move.kind, move.status) == ("evacuation", "done")
            assert (move.source_node, move.dest_node) == (step.source, step.target)
            for port in server.ports:
                check_port(records.ports[port], service, step.allocations)
        check_counts(scheduler.cloud)


def check_port(
    port: dict[str, Any], service: str, taken: dict[str, dict[str, int]]
) -> None:
    assert port["binding:host_id"] == service
    allocation = port["binding:profile"]["allocation"]
    request = port["resource_request"]
    if "request_groups" in request:
        (asked,) = request["request_groups"]
        assert set(allocation) == {asked["id"]}
        allocation = allocation[asked["id"]]
    else:
        asked = request
    assert taken[allocation][EGRESS] >= asked["resources"][EGRESS]


def check_counts(cloud: Cloud) -> None:
    """See that hosts count just the servers that are on them."""
    document = cloud.to_document()
    for host in document["hosts"]:
        mine = [c for c in document["consumers"] if c.get("host") == host["nodename"]]
        memory = host["total_usable_ram_mb"] - host["free_ram_mb"]
        assert host["num_instances"] == len(mine)
        assert memory == sum(c["memory_mb"] for c in mine)


def conflicting(world: World, change: Any) -> tuple[dict[str, str], Any]:
    scheduler, records, plan = world.read()
    change(scheduler.cloud, records, plan)
    before = json.dumps(scheduler.cloud.to_document())
    apply(scheduler, records, plan)
    unchanged = before == json.dumps(scheduler.cloud.to_document())
    return {s.server: s.reason for s in plan.steps if s.status == "conflict"}, unchanged


def first_placed(plan: Plan) -> Any:
    return next(step for step in plan.steps if step.status == "planned")


def fill(cloud: Cloud, host: str) -> None:
    left = cloud.inventories(host)["VCPU"].total - cloud.usages(host)["VCPU"]
    cloud.claim(uuid(9, 0), {host: {"VCPU": left}})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda cloud, records, plan: cloud.claim(
                first_placed(plan).server, {"h0": {"VCPU": 1}}
            ),
            "Its consumer is at generation 2",
            id="generation",
        ),
        pytest.param(
            lambda cloud, records, plan: records.servers.pop(first_placed(plan).server),
            "not in the records any more",
            id="deleted",
        ),
        pytest.param(
            lambda cloud, records, plan: setattr(
                records.servers[first_placed(plan).server], "node", "h4"
            ),
            "It is on 'h4' now",
            id="moved",
        ),
        pytest.param(
            lambda cloud, records, plan: fill(cloud, first_placed(plan).target),
            "cannot give",
            id="full",
        ),
        pytest.param(
            lambda cloud, records, plan: (
                cloud.state.hosts.table["disabled"].fill(1),
                cloud.state.hosts.changed(),
            ),
            "does not pass the filters any more",
            id="down",
        ),
    ],
)
def test_servers_that_changed_are_left(
    change: Any, reason: str, tmp_path: Path
) -> None:
    world = World(2, tmp_path)
    first = first_placed(world.read()[2]).server
    found, unchanged = conflicting(world, change)
    assert reason in found[first]
    if len(found) == world.read()[2].placed:
        assert unchanged


def test_plans_come_back(tmp_path: Path) -> None:
    for seed in range(10):
        given = small(seed)
        plan = evacuate(
            Scheduler(Cloud.from_document(given.document)), given.records, given.failed
        )
        write_plan(plan, tmp_path / "plan.parquet")
        assert read_plan(tmp_path / "plan.parquet") == plan


def test_other_files_are_no_plans(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "plan.parquet"
    with pytest.raises(BadInput, match="no such file; plan first"):
        read_plan(path)
    path.write_text("no parquet")
    with pytest.raises(BadTable, match="is not a Parquet file"):
        read_plan(path)
    pq.write_table(pa.table({"step": [1]}), path)
    with pytest.raises(BadTable, match="is not a plan of evacuations"):
        read_plan(path)
    with pytest.raises(BadInput, match="is a folder"):
        write_plan(Plan((), []), tmp_path)

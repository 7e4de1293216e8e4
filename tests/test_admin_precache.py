"""Pre-caching of images: which hosts, how many at a time, what came of it.

Limits of plan and run first; then random clouds and fetchers, of which a plain count
says what must come out; then the command, at last what is refused.
"""

import json
import random
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kilonova import Cloud
from kilonova.admin.precache import (
    STATUSES,
    PrecacheResult,
    Progress,
    run_precache,
)
from kilonova.admin.precache_plan import plan_precache, read_precache_concurrency
from kilonova.admin.precache_simulated import SimulatedFetcher
from kilonova.cli import main
from kilonova.cloud.host_view import host_view
from kilonova.errors import BadInput, BadOption, Refused, UnknownAggregate
from kilonova.hosts import clock
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.image_properties import image_properties
from kilonova.request.server_spec import server_spec

IMAGES = [str(UUID(int=n + 1)) for n in range(3)]
ONE = IMAGES[0]


def cloud(*hosts: dict[str, Any]) -> Cloud:
    """Make a cloud of one provider for each host, all in the aggregate `rack`."""
    names = [str(host.get("nodename", host["host"])) for host in hosts]
    return Cloud.from_document(
        {
            "providers": [
                {"name": name, "inventories": {"VCPU": {"total": 8}}} for name in names
            ],
            "host_aggregates": [{"uuid": "a1", "name": "rack"}, {"uuid": "a2"}],
            "hosts": [{"aggregates": ["a1"], **host} for host in hosts],
        }
    )


def images_of(made: Cloud) -> dict[str, frozenset[str]]:
    state = made.state
    rows = (host_view(state, row) for row in range(len(state.hosts)))
    return {host.nodename: host.image_uuids for host in rows}


def test_plan_by_cell() -> None:
    made = cloud(
        {"host": "h1", "cell_uuid": "c1"},
        {"host": "h2", "cell_uuid": "c2"},
        {"host": "h3", "cell_uuid": "c1", "forced_down": True},
        {"host": "h4", "aggregates": ["a2"]},
        {"host": "h2", "nodename": "n2", "cell_uuid": "c2"},
    )
    plan = plan_precache(made, "rack", IMAGES)
    assert [(cell.cell_uuid, cell.hosts, set(cell.down)) for cell in plan.cells] == [
        ("c1", ("h1", "h3"), {"h3"}),
        ("c2", ("h2",), set()),
    ]
    assert plan.host_count == 3
    assert plan_precache(made, "a1", IMAGES) == plan


@pytest.mark.parametrize(
    ("host", "down"),
    [
        pytest.param({"last_seen_up": 940.0}, False, id="as late as can be"),
        pytest.param({"last_seen_up": 939.9}, True, id="too late"),
        pytest.param({"last_seen_up": 1060.1}, True, id="too early"),
        pytest.param({"disabled": True}, False, id="disabled is not down"),
        pytest.param({"forced_down": True, "last_seen_up": 1000.0}, True, id="forced"),
        pytest.param({}, False, id="no heartbeats"),
    ],
)
def test_who_is_down(host: dict[str, Any], down: bool) -> None:
    with clock.using(lambda: 1000.0):
        plan = plan_precache(cloud({"host": "h1", **host}), "rack", [ONE])
    assert bool(plan.cells[0].down) == down


@pytest.mark.parametrize("concurrency", [1, 3])
def test_concurrency_over_all_cells(concurrency: int) -> None:
    hosts = [{"host": f"h{n}", "cell_uuid": f"c{n % 4}"} for n in range(12)]
    made, lock, busy, most = cloud(*hosts), threading.Lock(), set[str](), 0

    def fetch(host: str, image: str) -> bool:
        nonlocal most
        with lock:
            busy.add(host)
            most = max(most, len(busy))
        time.sleep(0.002)
        with lock:
            busy.discard(host)
        return True

    plan = plan_precache(made, "rack", [ONE])
    run_precache(made, plan, fetch, concurrency=concurrency)
    assert most == concurrency


def test_weigher_sees_the_cache() -> None:
    made = cloud({"host": "h1", "aggregates": []}, {"host": "h2"})
    spec = server_spec(
        Flavor(vcpus=1, memory_mb=0, root_gb=0),
        Image(image_properties({}), uuid=ONE),
    )
    classes = ("nova.scheduler.weights.all_weighers", "ImageLocalityWeigher")
    options = Options(filter_scheduler=FilterSchedulerSection(weight_classes=classes))
    scheduler = Scheduler(made, options)

    def weights() -> dict[str, float]:
        ranked = scheduler.explain(spec, 2).ranked
        return {
            host.host: share.weighted
            for host in ranked
            for share in host.shares
            if share.weigher == "ImageLocalityWeigher"
        }

    assert len(set(weights().values())) == 1
    run_precache(made, plan_precache(made, "rack", [ONE]), lambda host, image: True)
    after = weights()
    assert after["h2"] > after["h1"]
    assert scheduler.select(spec, 1).hosts[0].host == "h2"


def draw_cloud(draw: random.Random) -> tuple[Cloud, dict[tuple[str, str], str]]:
    """Draw hosts with caches, and what becomes of each image on each of them."""
    hosts: list[dict[str, Any]] = []
    fate: dict[tuple[str, str], str] = {}
    for n in range(draw.randint(1, 8)):
        name, down = f"h{n}", draw.random() < 0.2
        hosts.append({"host": name, "cell_uuid": draw.choice(("c1", "c2", "c3"))})
        hosts[-1]["forced_down"] = down
        hosts[-1]["image_uuids"] = draw.sample(IMAGES, draw.randint(0, 2))
        for image in IMAGES:
            there = image in hosts[-1]["image_uuids"]
            other = draw.choice(("cached", "existing", "error", "unsupported"))
            status = "skipped" if down else "existing" if there else other
            fate[name, image] = status
    return cloud(*hosts), fate


@pytest.mark.parametrize("seed", range(60))
def test_random_runs(seed: int) -> None:
    draw = random.Random(seed)
    made, fate = draw_cloud(draw)
    before, told = images_of(made), list[Progress]()
    wanted = draw.sample(IMAGES, draw.randint(1, 3))

    def fetch(host: str, image: str) -> bool:
        status = fate[host, image]
        if status == "unsupported":
            raise NotImplementedError
        if status == "error":
            raise OSError
        return status == "cached"

    plan = plan_precache(made, "rack", wanted)
    result = run_precache(
        made, plan, fetch, concurrency=draw.randint(1, 4), progress=told.append
    )
    hosts = {host for host, _ in fate}
    assert result.hosts == {h: {i: fate[h, i] for i in wanted} for h in hosts}
    assert [each.completed for each in told] == list(range(1, len(hosts) + 1))
    assert {each.total for each in told} == {len(hosts)}
    for image, counts in result.images().items():
        for status in STATUSES:
            assert counts[status] == sum(fate[h, image] == status for h in hosts)
    failed = {i for i in wanted if any(fate[h, i] == "error" for h in hosts)}
    assert {line.split()[1] for line in result.warnings()} == failed
    assert set(result.errors) == {
        (h, i) for h in hosts for i in wanted if fate[h, i] == "error"
    }
    for host, images in images_of(made).items():
        new = {i for i in wanted if fate[host, i] in ("cached", "existing")}
        assert images == before[host] | new
    again = Cloud.from_document(made.to_document())
    assert images_of(again) == images_of(made)


def test_what_was_fetched_before_a_stop_is_kept() -> None:
    made = cloud(*({"host": f"h{n}"} for n in range(5)))
    plan = plan_precache(made, "rack", [ONE])

    def stop(progress: Progress) -> None:
        if progress.completed == 2:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run_precache(made, plan, lambda host, image: True, progress=stop)
    cached = {host for host, images in images_of(made).items() if images}
    assert cached == {"h0", "h1"}


def test_simulated_fetcher() -> None:
    made = cloud(
        {"host": "h1", "image_uuids": [ONE], "hypervisor_type": "QEMU"},
        {"host": "h2", "hypervisor_type": "ironic"},
        {"host": "h3"},
        {"host": "h4"},
    )
    plan = plan_precache(made, "rack", [ONE])
    result = run_precache(made, plan, SimulatedFetcher(made, {"h4": [ONE]}))
    statuses = {host: results[ONE] for host, results in result.hosts.items()}
    expected = ["existing", "unsupported", "cached", "error"]
    assert list(statuses.values()) == expected
    assert result.summary() == (
        "1 images, 4 hosts, 1 cells: 1 cached, 1 existing, 1 errors, 1 unsupported, "
        "0 hosts skipped (down)"
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "Invalid input for field/attribute cache. Value: []. [] should be"),
        (["x"], "Invalid input for field/attribute id. Value: x. 'x' is not a 'uuid'"),
        ([ONE, IMAGES[1], ONE], "Duplicate images in request"),
    ],
)
def test_refused_with_400(images: list[str], message: str) -> None:
    with pytest.raises(Refused) as refused:
        plan_precache(cloud({"host": "h1"}), "rack", images)
    assert str(refused.value).startswith(message)
    assert refused.value.status == 400


def test_unknown_aggregate_is_404() -> None:
    with pytest.raises(UnknownAggregate) as refused:
        plan_precache(cloud({"host": "h1"}), "7", [ONE])
    assert str(refused.value) == "Aggregate 7 could not be found."
    assert refused.value.status == 404


def test_a_name_of_two_aggregates_is_refused() -> None:
    document = cloud({"host": "h1"}).to_document()
    document["host_aggregates"][1]["name"] = "rack"
    made = Cloud.from_document(document)
    with pytest.raises(BadInput) as refused:
        plan_precache(made, "rack", [ONE])
    assert str(refused.value) == "2 aggregates are called 'rack'; give a UUID."
    assert plan_precache(made, "a1", [ONE]).host_count == 1


def test_concurrency_option(tmp_path: Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_text("[image_cache]\nprecache_concurrency = 4\n")
    assert read_precache_concurrency(path) == 4
    path.write_text("[DEFAULT]\nhost = a\n")
    assert read_precache_concurrency(path) == 1
    path.write_text("[image_cache]\nprecache_concurrency = 0\n")
    with pytest.raises(BadOption, match="a whole number from 1, got '0'"):
        read_precache_concurrency(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_precache_concurrency(tmp_path / "none")
    made = cloud({"host": "h1"})
    plan = plan_precache(made, "rack", [ONE])
    with pytest.raises(BadInput, match="at least 1, got 0"):
        run_precache(made, plan, SimulatedFetcher(made), concurrency=0)


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["precache", *arguments])
    return int(stop.value.code or 0)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "cloud.json", tmp_path / "after"
    made = cloud({"host": "h1", "forced_down": True}, {"host": "h2"})
    path.write_text(json.dumps(made.to_document()))
    assert command(str(path), "rack", ONE, "--out", str(out), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["totals"] == dict.fromkeys(STATUSES, 0) | {"cached": 1, "skipped": 1}
    assert images_of(Cloud.read(out)) == {"h1": frozenset(), "h2": frozenset({ONE})}
    assert command(str(path), "rack", ONE, "--fail", f"h2={ONE}") == 1
    shown = capsys.readouterr().out
    assert f"Image {ONE} failed on 1 hosts" in shown
    assert f"2/2 h2: {ONE} error" in shown
    assert command(str(path), "none", ONE) == 2
    assert capsys.readouterr().err == "kilonova: Aggregate none could not be found.\n"
    assert command(str(path), "rack", ONE, "--fail", "h1") == 2


def test_command_asks_the_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "cloud.json", tmp_path / "after"
    path.write_text(json.dumps(cloud({"host": "h1"}).to_document()))
    asked = [str(path), "rack", ONE, "--out", str(out)]
    assert command(*asked, "--as", "role:manager,project:P") == 2
    assert "compute:aggregates:images needs" in capsys.readouterr().err
    assert not out.exists()
    assert command(*asked, "--as", "role:admin,project:P") == 0
    assert out.exists()


def test_results_say_what_was_not_reached() -> None:
    plan = plan_precache(cloud({"host": "h1"}), "rack", [ONE])
    assert PrecacheResult(plan).images() == {ONE: dict.fromkeys(STATUSES, 0)}

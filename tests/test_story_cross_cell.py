"""A server moves to another cell: who may is in a policy file, and each way back works.

Cell east has one host, on which the larger flavor has no room; west has two.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from kilonova.candidates.cloud import Cloud
from moves_cloud import old_port, uuid
from story_site import LARGE, SMALL, StorySite

ADMIN = "role:admin,project:P"
EAST, WEST = "e", ("w1", "w2")
RULE = '"compute:servers:resize:cross_cell": "role:admin"\n'
BIG = "vcpus=9,ram=2048,disk=10,name=big"


def hosts() -> list[dict[str, Any]]:
    return [
        {"nodename": name, "cell_uuid": "west" if name in WEST else "east"}
        for name in (EAST, *WEST)
    ]


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    """Boot a server in the east, where LARGE has no room beside what is there."""
    made = StorySite(tmp_path, capsys, (EAST, *WEST), hosts=hosts())
    (tmp_path / "policy.yaml").write_text(RULE)
    cloud = Cloud.read(made.path)
    cloud.claim("others", {EAST: {"VCPU": 5}})
    cloud.write(made.path)
    assert made.server("boot", "web", "--flavor", SMALL, "--host", EAST) == 0
    assert made.records().servers["web"].cell == "east"
    return made


def as_admin(site: StorySite) -> tuple[str, ...]:
    return ("--as", ADMIN, "--policy-file", str(site.folder / "policy.yaml"))


def orphans(site: StorySite) -> list[str]:
    """Name the consumers that an audit finds."""
    site.audit("--all-classes", "--json")
    return [each["consumer"] for each in site.told()["orphans"]]


def test_without_the_rule_it_stays_in_its_cell(site: StorySite) -> None:
    assert site.server("resize", "web", "--flavor", LARGE, "--as", ADMIN) == 3
    assert "NoValidHost" in site.shown()
    before = site.texts()
    assert site.server("migrate", "web", "--host", "w1", "--as", ADMIN) == 1
    assert "host must be in its cell 'east'" in site.complained()
    assert site.texts() == before


@pytest.mark.parametrize("confirms", [True, False])
def test_it_goes_west_and_stays_or_returns(site: StorySite, confirms: bool) -> None:
    resize = ("resize", "web", "--flavor", LARGE)
    assert site.server(*resize, *as_admin(site), "--steps") == 0
    shown = site.shown()
    for step in ("create_target_copy", "snapshot", "switch_cell"):
        assert step in shown
    web = site.records().servers["web"]
    assert (web.cell, web.vm_state) == ("west", "resized")
    (migration,) = site.records().migrations
    assert (site.hosts_of("web"), site.hosts_of(migration)) == ({web.host}, {EAST})
    assert orphans(site) == ["others"]

    assert site.server("confirm" if confirms else "revert", "web", "--as", ADMIN) == 0
    after = site.records()
    host, cell = (web.host, "west") if confirms else (EAST, "east")
    assert (after.servers["web"].host, after.servers["web"].cell) == (host, cell)
    assert site.hosts_of("web") == {host}
    assert site.held(migration) == {}
    assert not after.copies
    assert orphans(site) == ["others"]


def test_its_own_cell_is_preferred(site: StorySite) -> None:
    """With room in the east again it stays there, though it may leave."""
    cloud = Cloud.read(site.path)
    cloud.release("others")
    cloud.write(site.path)
    conf = site.folder / "nova.conf"
    conf.write_text("[DEFAULT]\nallow_resize_to_same_host = true\n")
    options = ("--config-file", str(conf))
    resize = ("resize", "web", "--flavor", LARGE)
    assert site.server(*resize, *as_admin(site), *options) == 0
    assert site.records().servers["web"].host == EAST


@pytest.mark.parametrize("step", ["prep_resize_at_dest", "finish_resize_at_dest"])
def test_what_fails_is_rolled_back(site: StorySite, step: str) -> None:
    move = ("migrate", "web", "--host", "w2", *as_admin(site))
    assert site.server(*move, "--fail", step) == 3
    after = site.records()
    assert after.servers["web"].host == EAST
    assert site.hosts_of("web") == {EAST}
    assert [m.status for m in after.migrations.values()] == ["error"]
    assert not after.copies
    assert orphans(site) == ["others"]


@pytest.mark.parametrize("confirms", [True, False])
def test_a_port_that_asks_for_bandwidth(site: StorySite, confirms: bool) -> None:
    """Nova keeps such a server in its cell; an option of our own takes it along."""
    port = json.dumps(old_port("port", 100))
    assert site.server("attach", "web", port) == 0
    conf = site.folder / "nova.conf"
    options = (*as_admin(site), "--config-file", str(conf))
    move = ("migrate", "web", "--host", "w2", *options)
    conf.write_text("[kilonova]\ncross_cell_with_port_resources = no\n")
    before = site.texts()
    assert site.server(*move) == 1
    assert "host must be in its cell 'east'" in site.complained()
    assert site.texts() == before

    conf.write_text("[kilonova]\ncross_cell_with_port_resources = yes\n")
    assert site.server(*move) == 0
    assert "w2:agent" in str(site.records().ports[uuid("port")])
    assert site.server("confirm" if confirms else "revert", "web", *options) == 0
    host = "w2" if confirms else EAST
    assert site.hosts_of("web") == {host}
    (given,) = (name for name in site.held("web") if name != host)
    profile = site.records().ports[uuid("port")]["binding:profile"]
    assert profile == {"allocation": given}
    assert orphans(site) == ["others"]


def test_old_services_let_no_server_leave_its_cell(site: StorySite) -> None:
    conf = site.folder / "nova.conf"
    move = ("migrate", "web", "--host", "w2", *as_admin(site))
    for version, status in ((46, 1), (47, 0)):
        conf.write_text(f"[kilonova]\ncompute_version = {version}\n")
        assert site.server(*move, "--config-file", str(conf)) == status


def test_options_that_cannot_be_right(site: StorySite) -> None:
    conf = site.folder / "nova.conf"
    move = ("migrate", "web", *as_admin(site), "--config-file", str(conf))
    for line, told in (
        ("cross_cell_with_port_resources = perhaps", "true or false"),
        ("cross_cell_with_ports = true", "has no option 'cross_cell_with_ports'"),
        ("compute_version = new", "whole number"),
    ):
        conf.write_text(f"[kilonova]\n{line}\n")
        assert site.server(*move) == 2
        assert told in site.complained()


def test_nowhere_is_room(site: StorySite) -> None:
    assert site.server("resize", "web", "--flavor", BIG, *as_admin(site)) == 3
    assert "NoValidHost" in site.shown()
    assert site.hosts_of("web") == {EAST}

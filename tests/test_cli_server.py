"""``kilonova server``: what it shows, writes and refuses, and its exit statuses."""

import json
from pathlib import Path

import pytest

from moves_cloud import old_port, uuid
from story_site import LARGE, SMALL, StorySite


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    """Lay out three hosts with a server on the first."""
    made = StorySite(tmp_path, capsys)
    assert made.server("boot", "web", "--flavor", SMALL, "--host", "a") == 0
    return made


def test_steps_show_who_holds_what(site: StorySite) -> None:
    assert site.server("migrate", "web", "--host", "b", "--steps") == 0
    held = "VCPU 2, MEMORY_MB 2048, DISK_GB 10"
    lines = [" ".join(line.split()) for line in site.shown().splitlines()]
    assert lines[:2] == [
        f"hold_source resize_prep server: - | migration: a {held}",
        f"select resize_prep server: b {held} | migration: a {held}",
    ]
    assert lines[-2] == f"server web: resized on b; holds b {held}"
    assert lines[-1].endswith(f"migration, finished, a to b; holds a {held}")


def test_what_is_ignored_is_said(site: StorySite) -> None:
    odd = ("--property", "resources:VCPU=x")
    note = "resources:VCPU must be a whole number from 0, got 'x'; it is ignored."
    site.complained()
    assert site.server("boot", "odd", "--flavor", SMALL, *odd, "--count", "2") == 0
    assert site.complained() == f"kilonova: {note}\n"
    assert site.server("migrate", "odd-1", "--json") == 0
    shown, complained = site.printed()
    assert json.loads(shown)["notes"] == [note]
    assert complained == f"kilonova: {note}\n"
    assert site.server("migrate", "web", "--json") == 0
    assert site.told()["notes"] == []


def test_json_says_the_same(site: StorySite) -> None:
    assert site.server("migrate", "web", "--host", "b", "--steps", "--json") == 0
    told = site.told()
    (migration,) = told["migrations"]
    assert told["refused"] is None
    assert told["servers"][0]["vm_state"] == "resized"
    assert migration["allocations"] == site.held(migration["uuid"])
    assert [row["step"] for row in told["steps"]][:2] == ["hold_source", "select"]
    assert told["steps"][0]["holds"] == {}


def test_a_step_fails_on_one_host(site: StorySite) -> None:
    fails = ("--fail", "check_live_migration@b")
    assert site.server("live-migrate", "web", *fails, "--steps") == 0
    assert "skip_host" in site.shown()
    assert site.records().servers["web"].host == "c"


def test_it_ends_in_error(site: StorySite) -> None:
    fails = ("--fail", "finish_resize")
    assert site.server("resize", "web", "--flavor", LARGE, *fails) == 3
    shown = site.shown()
    assert "server web: error on" in shown
    assert "fault: NovaException: finish_resize failed" in shown
    assert site.records().servers["web"].vm_state == "error"
    assert site.hosts_of("web") == {site.records().servers["web"].host}


def test_rescue(site: StorySite) -> None:
    held = site.held("web")
    image = ("--image", "i", "--image-property", "hw_rescue_bus=virtio")
    assert site.server("rescue", "web", *image) == 0
    assert site.records().servers["web"].vm_state == "rescued"
    assert site.server("migrate", "web") == 1
    assert "got 'rescued'" in site.complained()
    assert site.server("unrescue", "web", "--fail", "unrescue") == 3
    assert site.server("unrescue", "web") == 1
    assert site.server("rescue", "web") == 0
    assert site.server("unrescue", "web") == 0
    assert site.records().servers["web"].vm_state == "active"
    assert site.held("web") == held


def test_what_is_to_fail_may_not_run(site: StorySite) -> None:
    assert site.server("delete", "web", "--fail", "spwan") == 0
    assert site.complained() == "kilonova: --fail: spwan did not run\n"


def test_port_that_cannot_be_bound(site: StorySite) -> None:
    """As in Nova, what was claimed for it stays: this is written, too."""
    port = json.dumps(old_port("port", 100))
    assert site.server("attach", "web", port, "--fail", "bind_ports") == 3
    assert "refused: 500" in site.complained()
    assert len(site.held("web")) == 2


@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param(("confirm", "web"), "409 InstanceInvalidState", id="state"),
        pytest.param(("delete", "nobody"), "404 InstanceNotFound", id="unknown"),
        pytest.param(("evacuate", "web"), "400 ComputeServiceInUse", id="up"),
        pytest.param(
            ("migrate", "web", "--host", "z"), "400 ComputeHostNotFound", id="host"
        ),
        pytest.param(("boot", "web", "--flavor", SMALL), "400 InvalidUUID", id="taken"),
    ],
)
def test_refused(site: StorySite, command: tuple[str, ...], told: str) -> None:
    before = site.texts()
    assert site.server(*command) == 1
    assert f"kilonova: refused: {told}: " in site.complained()
    assert site.server(*command, "--json") == 1
    refused = site.told()["refused"]
    assert f"{refused['status']} {refused['nova']}" == told
    assert site.texts() == before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param(("--fail", "@a"), "--fail must be STEP", id="no step"),
        pytest.param(("--fail", "spawn@"), "--fail must be STEP", id="no host"),
        pytest.param(("--flavor", "vcpus=4"), "--flavor needs ram", id="flavor"),
        pytest.param(("--as", "admin"), "Credentials must be like", id="caller"),
        pytest.param(
            ("--rules", "yoga", "--as", "role:admin,project:P"), "yoga", id="release"
        ),
        pytest.param(("--config-file", "none.conf"), "cannot be read", id="options"),
    ],
)
def test_input_that_cannot_be_right(
    site: StorySite, more: tuple[str, ...], told: str
) -> None:
    before = site.texts()
    assert site.server("resize", "web", "--flavor", LARGE, *more) == 2
    assert told in site.complained()
    assert site.texts() == before


@pytest.mark.parametrize("command", ["rebuild", "rescue"])
def test_properties_are_of_an_image(site: StorySite, command: str) -> None:
    asked = (command, "web", "--image-property", "hw_rescue_bus=virtio")
    before = site.texts()
    assert site.server(*asked) == 2
    assert "give its --image" in site.complained()
    assert site.texts() == before
    assert site.server(*asked, "--image", "i") == 0


def test_cloud_and_records_are_written_together(site: StorySite) -> None:
    files = (str(site.path), "web", "--records", str(site.known))
    assert site.run("server", "delete", *files, "--out", str(site.path)) == 2
    assert "--records-out" in site.complained()
    before = site.texts()
    assert site.run("server", "delete", *files) == 0
    assert site.texts() == before


def test_options_of_nova(site: StorySite) -> None:
    path = site.folder / "nova.conf"
    path.write_text("[DEFAULT]\nshelved_offload_time = -1\n")
    assert site.server("shelve", "web", "--config-file", str(path)) == 0
    assert site.records().servers["web"].vm_state == "shelved"
    path.write_text("[DEFAULT]\nshelved_offload_time = soon\n")
    assert site.server("unshelve", "web", "--config-file", str(path)) == 2
    assert "shelved_offload_time must be a whole number" in site.complained()
    assert site.server("shelve-offload", "web") == 0
    assert site.server("unshelve", "web", "--availability-zone", "nova") == 0


def test_several_servers(site: StorySite) -> None:
    many = ("boot", "db", "--flavor", SMALL, "--count", "3", "--image", "i1")
    assert site.server(*many) == 0
    assert set(site.records().servers) == {"web", "db-1", "db-2", "db-3"}
    assert site.server("rebuild", "db-1", "--image", "i2") == 0
    assert site.records().servers["db-1"].image.uuid == "i2"
    assert site.server(*many, "--host", "a") == 2
    listed = ("list", str(site.path), "--records", str(site.known))
    assert site.run("server", *listed) == 0
    assert "db-2: active on" in site.shown()


def test_ports_of_the_records(site: StorySite) -> None:
    records = site.records()
    records.ports[uuid("port")] = old_port("port")
    records.save(site.known)
    assert site.server("attach", "web", uuid("port")) == 0
    assert site.records().ports[uuid("port")]["device_id"] == "web"
    again = json.dumps(old_port("port"))
    assert site.server("attach", "web", again) == 2
    assert "needs an id of its own" in site.complained()
    assert site.server("detach", "web", uuid("port")) == 0
    assert site.server("detach", "web", uuid("port")) == 3


def test_services(site: StorySite) -> None:
    assert site.server("stop-service", "z") == 2
    assert site.server("stop-service", "a") == 0
    assert site.server("evacuate", "web", "--stopped") == 0
    assert site.records().servers["web"].vm_state == "stopped"
    assert site.server("start-service", "a") == 0
    assert site.hosts_of("web") == {site.records().servers["web"].host}
    assert site.server("live-migrate", "web") == 1


def test_records_must_be_there(site: StorySite) -> None:
    files = (str(site.path), "--records", str(site.folder / "none.json"))
    assert site.run("server", "list", *files) == 2
    assert "no such file" in site.complained()

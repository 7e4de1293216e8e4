"""A server with accelerators: booted, refused what Nova refuses, shelved, evacuated."""

from pathlib import Path

import pytest

from story_site import LARGE, StorySite

FLAVOR = ("--flavor", "vcpus=2,ram=2048,disk=10", "--property")
WITH_TWO = (*FLAVOR, "accel:device_profile=two")


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    made = StorySite(tmp_path, capsys)
    records = made.records()
    records.device_profiles = {"two": [{"resources:FPGA": "2"}]}
    records.save(made.known)
    return made


def bound(site: StorySite) -> list[str]:
    """Give the providers that the accelerator requests of the server are bound to."""
    requests = site.records().accelerator_requests.values()
    return sorted(r.device_rp_uuid or "" for r in requests if r.server == "ai")


def test_accelerators_go_along(site: StorySite) -> None:
    assert site.server("boot", "ai", *WITH_TWO, "--host", "a", "--steps") == 0
    assert "bind_accelerators" in site.shown()
    assert bound(site) == ["a:fpga", "a:fpga"]
    assert site.held("ai")["a:fpga"] == {"FPGA": 2}

    before = site.texts()
    for command in (("resize", "ai", "--flavor", LARGE), ("live-migrate", "ai")):
        assert site.server(*command) == 1
        assert "ForbiddenWithAccelerators" in site.complained()
    assert site.texts() == before

    assert site.server("shelve", "ai") == 0
    assert (bound(site), site.held("ai")) == ([], {})
    assert site.server("unshelve", "ai", "--host", "b") == 0
    assert bound(site) == ["b:fpga", "b:fpga"]

    assert site.server("stop-service", "b") == 0
    assert site.server("evacuate", "ai", "--host", "c") == 0
    assert bound(site) == ["c:fpga", "c:fpga"]
    assert site.held("ai")["b:fpga"] == {"FPGA": 2}
    assert site.server("delete", "ai") == 0
    assert (bound(site), site.held("ai")) == ([], {})


def test_devices_run_out(site: StorySite) -> None:
    for number in range(7):
        status = site.server("boot", f"ai-{number}", *WITH_TWO)
        assert status == (0 if number < 6 else 3)
    assert "NoValidHost" in site.shown()


def test_cyborg_binds_nothing(site: StorySite) -> None:
    """As in Nova, what was claimed stays with the server, which is in error."""
    fails = ("--fail", "bind_accelerators")
    assert site.server("boot", "ai", *WITH_TWO, "--host", "a", *fails) == 3
    assert "server ai: error; holds a VCPU 2" in site.shown()
    assert bound(site) == []
    assert site.audit("--all-classes") == 3
    assert site.server("delete", "ai") == 0
    assert site.audit("--all-classes") == 0


def test_a_plan_takes_accelerators_along(site: StorySite) -> None:
    assert site.server("boot", "ai", *WITH_TWO, "--host", "a") == 0
    plan = str(site.folder / "plan.parquet")
    asked = ("evacuate", str(site.path), "--records", str(site.known), "--plan", plan)
    assert site.run(*asked, "--host", "a") == 0
    assert site.run(*asked, "--apply") == 0
    host = site.records().servers["ai"].host
    assert host in ("b", "c")
    assert bound(site) == [f"{host}:fpga"] * 2

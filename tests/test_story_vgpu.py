"""Two types of vGPU on one host: planned, entered into the cloud, and used up.

Both generations of option names are read; a mistake in them stops the service.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from kilonova.candidates.cloud import Cloud
from story_site import StorySite

FIRST, SECOND = "0000:84:00.0", "0000:85:00.0"
# The first type by the newer names of options, the second by the older.
OPTIONS = f"""\
[devices]
enabled_mdev_types = nvidia-35, nvidia-36
[mdev_nvidia-35]
device_addresses = {FIRST}
mdev_class = CUSTOM_SMALL_VGPU
[vgpu_nvidia-36]
device_addresses = {SECOND}
"""
DEVICES = [
    {"address": FIRST, "types": {"nvidia-35": {"existing": 1, "available": 2}}},
    {"address": SECOND, "types": {"nvidia-36": {"existing": 0, "available": 2}}},
]


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> StorySite:
    made = StorySite(tmp_path, capsys)
    (tmp_path / "nova.conf").write_text(OPTIONS)
    (tmp_path / "devices.json").write_text(json.dumps(DEVICES))
    return made


def plan(site: StorySite, *more: str) -> int:
    files = (str(site.folder / "nova.conf"), str(site.folder / "devices.json"))
    return site.run("vgpu", "plan", *files, "--node", "a", *more)


def enter(site: StorySite, providers: list[dict[str, Any]]) -> None:
    """Do what nova-compute does when it starts: report the providers."""
    cloud = Cloud.read(site.path)
    for each in providers:
        for name in each["inventories"]:
            if name.startswith("CUSTOM_"):
                cloud.add_resource_class(name)
        cloud.add_provider(
            each["name"],
            each["parent"],
            inventories=each["inventories"],
            traits=each["traits"],
        )
    cloud.write(site.path)


def boot(site: StorySite, name: str, wanted: str) -> int:
    flavor = ("--flavor", "vcpus=1,ram=512", "--property", f"resources:{wanted}=1")
    return site.server("boot", name, *flavor)


def test_planned_and_used_up(site: StorySite) -> None:
    assert plan(site) == 0
    assert "a_pci_0000_84_00_0" in site.shown()
    assert plan(site, "--json") == 0
    enter(site, site.told()["providers"])
    for number in range(4):
        status = boot(site, f"small-{number}", "CUSTOM_SMALL_VGPU")
        assert status == (0 if number < 3 else 3)
    for number in range(3):
        assert boot(site, f"large-{number}", "VGPU") == (0 if number < 2 else 3)
    assert "NoValidHost" in site.shown()
    assert site.held("small-0")["a_pci_0000_84_00_0"] == {"CUSTOM_SMALL_VGPU": 1}
    assert site.held("large-0")["a_pci_0000_85_00_0"] == {"VGPU": 1}
    assert site.audit("--all-classes") == 0


@pytest.mark.parametrize(
    ("release", "message"),
    [
        ("current", "mdev-capable devices: duplicate types for PCI ID " + FIRST),
        ("ussuri", "GPU devices: duplicate types for PCI ID " + FIRST),
    ],
)
def test_one_device_of_two_types(site: StorySite, release: str, message: str) -> None:
    path = site.folder / "nova.conf"
    text = OPTIONS.replace(SECOND, FIRST)
    if release == "ussuri":
        # It knew these names only.
        text = text.replace("mdev_types", "vgpu_types").replace("[mdev_", "[vgpu_")
    path.write_text(text)
    assert plan(site, "--release", release) == 2
    assert message in site.complained()

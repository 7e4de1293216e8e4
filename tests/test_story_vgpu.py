"""Two types of vGPU on one host: planned, entered into the cloud, and used up.

Both generations of option names are read; a mistake in them stops the service. What is
in use stays as it is.
"""

import json
from pathlib import Path

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


def files(site: StorySite) -> tuple[str, ...]:
    folder = site.folder
    return str(folder / "nova.conf"), str(folder / "devices.json"), "--node", "a"


def plan(site: StorySite, *more: str) -> int:
    return site.run("vgpu", "plan", *files(site), *more)


def apply(site: StorySite, *more: str) -> int:
    """Do what nova-compute does when it starts: report the providers."""
    cloud = str(site.path)
    return site.run("vgpu", "apply", cloud, *files(site), "--out", cloud, *more)


def change(site: StorySite, number: int, existing: int, available: int) -> None:
    """Let the host report other numbers of one of its devices."""
    found = json.loads((site.folder / "devices.json").read_text())
    for name in found[number]["types"]:
        found[number]["types"][name] = {"existing": existing, "available": available}
    (site.folder / "devices.json").write_text(json.dumps(found))


def boot(site: StorySite, name: str, wanted: str) -> int:
    flavor = ("--flavor", "vcpus=1,ram=512", "--property", f"resources:{wanted}=1")
    return site.server("boot", name, *flavor)


def test_planned_and_used_up(site: StorySite) -> None:
    assert plan(site) == 0
    assert "a_pci_0000_84_00_0" in site.shown()
    assert apply(site) == 0
    assert "Added: a_pci_0000_85_00_0\n" in site.shown()
    for number in range(4):
        status = boot(site, f"small-{number}", "CUSTOM_SMALL_VGPU")
        assert status == (0 if number < 3 else 3)
    for number in range(3):
        assert boot(site, f"large-{number}", "VGPU") == (0 if number < 2 else 3)
    assert "NoValidHost" in site.shown()
    assert site.held("small-0")["a_pci_0000_84_00_0"] == {"CUSTOM_SMALL_VGPU": 1}
    assert site.held("large-0")["a_pci_0000_85_00_0"] == {"VGPU": 1}
    assert site.audit("--all-classes") == 0


def test_a_second_time_nothing_changes(site: StorySite) -> None:
    names = ["a_pci_0000_84_00_0", "a_pci_0000_85_00_0"]
    cloud = Cloud.read(site.path).to_document()
    for what in (names, []):
        assert apply(site, "--json") == 0
        told = site.told()
        assert (told["added"], told["updated"], told["removed"]) == (what, [], [])
        assert [each["name"] for each in told["providers"]] == names
        before, cloud = cloud, Cloud.read(site.path).to_document()
        assert (cloud == before) == (not what)
    found = {each["name"]: each for each in cloud["providers"]}
    assert found[names[0]]["traits"] == ["OWNER_NOVA"]
    assert found[names[0]]["parent"] == "a"


def test_a_device_that_grows_and_one_that_goes(site: StorySite) -> None:
    assert apply(site) == 0
    assert boot(site, "small", "CUSTOM_SMALL_VGPU") == 0
    change(site, 0, 1, 6)
    (site.folder / "nova.conf").write_text(OPTIONS.partition("[vgpu")[0])
    assert apply(site, "--json") == 0
    assert site.told()["updated"] == ["a_pci_0000_84_00_0"]
    assert site.held("small")["a_pci_0000_84_00_0"] == {"CUSTOM_SMALL_VGPU": 1}
    devices = json.loads((site.folder / "devices.json").read_text())
    (site.folder / "devices.json").write_text(json.dumps(devices[:1]))
    for more, gone in (((), []), (("--remove-absent",), ["a_pci_0000_85_00_0"])):
        assert apply(site, "--json", *more) == 0
        assert site.told()["removed"] == gone
    cloud = Cloud.read(site.path)
    assert cloud.inventories("a_pci_0000_84_00_0")["CUSTOM_SMALL_VGPU"].total == 7
    assert "a_pci_0000_85_00_0" not in str(cloud.to_document())


def test_what_is_in_use_stays(site: StorySite) -> None:
    """A device that would go, or offer another class, keeps what servers hold of it."""
    assert apply(site) == 0
    assert boot(site, "small", "CUSTOM_SMALL_VGPU") == 0
    before = site.texts()
    (site.folder / "nova.conf").write_text(OPTIONS.replace("SMALL_VGPU", "OTHER"))
    assert apply(site) == 2
    assert "has allocations of 1 CUSTOM_SMALL_VGPU" in site.complained()
    limited = OPTIONS.replace("mdev_class", "max_instances = 1\nmdev_class")
    (site.folder / "nova.conf").write_text(limited)
    change(site, 0, 0, 3)
    assert apply(site) == 2
    assert "must go, but has allocations" in site.complained()
    assert site.texts() == before
    assert site.run("vgpu", "apply", str(site.path), *files(site)[:3], "z") == 2
    assert "'z'" in site.complained()


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
    before = site.texts()
    for command in (plan, apply):
        assert command(site, "--release", release) == 2
        assert message in site.complained()
    assert site.texts() == before

"""Rescue: what Nova's API refuses, and where the disks of a server are meanwhile.

Limits first, then the recorded answers of Nova to random servers and images, then the
command, at last input that cannot be right.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from kilonova import Cloud
from kilonova.admin.rescue import RescueImage, check_rescue
from kilonova.admin.rescue_devices import Hypervisor, letters, plan_rescue
from kilonova.admin.rescue_reading import host_traits, rescue_image, rescue_server
from kilonova.cli import main
from kilonova.errors import BadInput, NotFound, Refused, UnknownHost
from recorded_answers import compare
from rescue_answers import ours
from rescue_cases import IMAGE, UUID, case

VOLUME = {"volume_id": "v1", "volume_status": "in-use"}
ROOT = {"name": "root", "bus": "virtio", "dev": "vda"}
BOTH = {"hw_rescue_bus": "virtio", "hw_rescue_device": "disk"}


def server(*disks: dict[str, Any], **fields: Any) -> Any:
    return rescue_server({"uuid": UUID, "disks": list(disks) or [ROOT], **fields})


def refusal(asked: Any, properties: Any, **call: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        check_rescue(asked, RescueImage(IMAGE, properties), **call)
    return refused.value


def test_own_disks_stay_and_the_new_one_is_last() -> None:
    asked = server(
        ROOT,
        {"name": "/dev/vdb", "bus": "virtio", "dev": "vdb", **VOLUME},
        {"name": "/dev/sda", "bus": "scsi", "dev": "sda", **VOLUME},
    )
    plan = plan_rescue(asked, check_rescue(asked, RescueImage(IMAGE, BOTH)))
    assert plan.is_stable
    assert plan.disks[:-1] == tuple(asked.disks)
    assert plan.disks[-1] is plan.boot
    assert (plan.boot.name, plan.boot.bus, plan.boot.dev) == (
        "disk.rescue",
        "virtio",
        "vdc",
    )


def test_a_gap_is_filled() -> None:
    asked = server(ROOT, {"name": "/dev/vdc", "bus": "virtio", "dev": "vdc"})
    assert plan_rescue(asked, BOTH).boot.dev == "vdb"


def test_without_properties_the_root_moves() -> None:
    config = {"name": "disk.config", "bus": "ide", "dev": "hda"}
    plan = plan_rescue(server(ROOT, config), {})
    assert not plan.is_stable
    assert [(disk.name, disk.dev) for disk in plan.disks] == [
        ("disk.rescue", "vda"),
        ("disk", "vdb"),
        ("disk.config.rescue", "hda"),
    ]


@pytest.mark.parametrize(
    ("properties", "bus", "dev"),
    [
        ({"hw_rescue_device": "cdrom"}, "ide", "hda"),
        ({"hw_rescue_device": "cdrom", "hw_machine_type": "pc-q35-5"}, "sata", "sda"),
        ({"hw_rescue_device": "cdrom", "hw_architecture": "aarch64"}, "scsi", "sda"),
        ({"hw_rescue_device": "floppy"}, "fdc", "fda"),
        ({"hw_rescue_device": "disk", "hw_disk_bus": "scsi"}, "scsi", "sda"),
        ({"hw_rescue_bus": "usb"}, "usb", "sda"),
    ],
)
def test_bus(properties: dict[str, str], bus: str, dev: str) -> None:
    boot = plan_rescue(server(), properties).boot
    assert (boot.bus, boot.dev) == (bus, dev)


@pytest.mark.parametrize(
    ("most", "fits"), [pytest.param(2, True, id="room"), pytest.param(1, False, id="0")]
)
def test_most_disks(most: int, fits: bool) -> None:
    host = Hypervisor(max_disk_devices=most)
    if fits:
        assert plan_rescue(server(), BOTH, host).boot.dev == "vdb"
    else:
        with pytest.raises(Refused, match=r"number of disk devices \(1\)"):
            plan_rescue(server(), BOTH, host)


def test_volume_backed_limits() -> None:
    asked = server({**ROOT, **VOLUME})
    traits = ("COMPUTE_RESCUE_BFV",)
    assert check_rescue(asked, RescueImage(IMAGE, BOTH), traits=traits) == BOTH
    refused = refusal(asked, BOTH, traits=traits, microversion=(2, 86))
    assert str(refused).endswith("Cannot rescue a volume-backed instance")
    assert refused.status == 400
    for missing in BOTH:
        one = {key: value for key, value in BOTH.items() if key != missing}
        assert "Cannot rescue" in str(refusal(asked, one, traits=traits))
    assert "Host unable to rescue" in str(refusal(asked, BOTH))
    # A volume that is not the root does not make it volume-backed.
    beside = server(ROOT, {**ROOT, "dev": "vdb", **VOLUME})
    assert check_rescue(beside, RescueImage(IMAGE, {})) == {}


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"has_vtpm": True}, 400, "not supported for vTPM-enabled instance"),
        ({"locked": True}, 409, f"Instance {UUID} is locked"),
        ({"vm_state": "paused"}, 409, "while it is in vm_state paused"),
        ({"task_state": "rebooting"}, 409, "while it is in task_state rebooting"),
        ({"launched": False}, 409, "is in an invalid state for 'rescue'"),
        ({"vm_state": "rescued"}, 409, "while it is in vm_state rescued"),
    ],
)
def test_states(fields: dict[str, Any], status: int, message: str) -> None:
    refused = refusal(server(**fields), {})
    assert (refused.status, message in str(refused)) == (status, True)


def test_volume_states() -> None:
    attaching = {**ROOT, "dev": "vdb", **VOLUME, "volume_status": "attaching"}
    refused = refusal(server(ROOT, attaching), {})
    assert refused.status == 409
    assert str(refused) == (
        "Invalid volume: volume 'v1' status must be 'in-use'. Currently in "
        "'attaching' status"
    )


def test_lxc() -> None:
    host = Hypervisor("lxc")
    assert plan_rescue(server(), {}, host).boot.dev is None
    with pytest.raises(Refused, match="not supported by virt_type 'lxc'") as refused:
        plan_rescue(server(), BOTH, host)
    assert refused.value.status == 200


def test_letters() -> None:
    assert [letters(n) for n in (0, 25, 26, 701, 702)] == ["a", "z", "aa", "zz", "aaa"]


def test_same_as_nova_recorded() -> None:
    answers = compare("nova_rescue.jsonl.gz", case, ours)
    assert len(answers) >= 400
    assert 100 <= sum("disks" in each for each in answers) <= 300


def cloud() -> Cloud:
    providers = [
        {"name": "h1", "traits": ["COMPUTE_RESCUE_BFV"]},
        {"name": "h2", "traits": ["COMPUTE_NODE"]},
    ]
    hosts = [{"host": "h1"}, {"host": "h2"}]
    return Cloud.from_document({"providers": providers, "hosts": hosts})


def test_traits_of_a_host() -> None:
    made = cloud()
    assert host_traits(made, "h1") == {"COMPUTE_RESCUE_BFV"}
    with pytest.raises(UnknownHost):
        host_traits(made, "h3")
    made.remove_provider("h2")
    with pytest.raises(NotFound, match="has no resource provider"):
        host_traits(made, "h2")


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["rescue", "plan", *arguments])
    return int(stop.value.code or 0)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {name: tmp_path / f"{name}.json" for name in ("server", "image", "cloud")}
    disks = [{**ROOT, **VOLUME}]
    paths["server"].write_text(json.dumps({"uuid": UUID, "disks": disks}))
    paths["image"].write_text(json.dumps({"uuid": IMAGE, "properties": BOTH}))
    paths["cloud"].write_text(json.dumps(cloud().to_document()))
    asked = [str(paths["server"]), "--image", str(paths["image"])]
    where = [*asked, "--cloud", str(paths["cloud"])]
    assert command(*where, "--host", "h1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [disk["dev"] for disk in found["disks"]] == ["vda", "vdb"]
    assert command(*where, "--host", "h1") == 0
    assert "boots" in capsys.readouterr().out
    assert command(*where, "--host", "h2") == 1
    assert capsys.readouterr().out == (
        f"400 Instance {UUID} cannot be rescued: Host unable to rescue a "
        "volume-backed instance\n"
    )
    assert command(*where, "--host", "h1", "--microversion", "2.86", "--json") == 1
    assert json.loads(capsys.readouterr().out)["refused"]["status"] == 400
    assert command(*where) == 2
    assert command(*asked, "--microversion", "3") == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "server must be an object"),
        ({"uuid": UUID}, "server must have 'disks'"),
        ({"uuid": UUID, "disks": []}, "must be a list with a root"),
        ({"uuid": UUID, "disks": [ROOT], "name": 1}, "unknown key 'name'"),
        ({"uuid": 1, "disks": [ROOT]}, "uuid must be a text, got 1"),
        ({"uuid": UUID, "disks": [ROOT, ROOT]}, "must be another device"),
        ({"uuid": UUID, "disks": [{"name": "root"}]}, "must have 'bus'"),
        (
            {"uuid": UUID, "disks": [ROOT], "image_properties": []},
            "image_properties must be an object",
        ),
    ],
)
def test_servers_that_cannot_be(given: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        rescue_server(given)


def test_images_that_cannot_be() -> None:
    assert rescue_image({"uuid": IMAGE, "properties": None}).properties is None
    with pytest.raises(BadInput, match="properties must be an object"):
        rescue_image({"uuid": IMAGE, "properties": 3})

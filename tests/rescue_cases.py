"""Random servers and images for the tests of rescue, with one thing wrong or none."""

import random
from typing import Any

UUID = "5f2c6a3e-6f0a-4b5c-9f0e-2d6a3c1b7a90"
IMAGE = "6f2c6a3e-6f0a-4b5c-9f0e-2d6a3c1b7a91"
PREFIX = {"virtio": "vd", "scsi": "sd", "ide": "hd", "sata": "sd"}
# Where other hypervisors can have disks at all; a server has them there already.
BUSES = {"parallels": ("ide", "scsi")}
TRAITS = ("COMPUTE_RESCUE_BFV", "COMPUTE_NODE")


def case(seed: int) -> dict[str, Any]:
    """Draw a call of rescue: server, image, caller and host."""
    draw = random.Random(seed)

    def rare(usual: Any, *others: Any) -> Any:
        return draw.choice(others) if draw.random() < 0.06 else usual

    virt_type = rare("kvm", "qemu", "lxc", "parallels")
    image: dict[str, Any] | None = None
    if draw.random() < 0.8:
        image = {"uuid": IMAGE, "properties": _properties(draw)}
        if draw.random() < 0.05:
            image["properties"] = None
        elif draw.random() < 0.05:
            image["properties"]["img_block_device_mapping"] = [{"volume_size": 1}]
    return {
        "server": {
            "uuid": UUID,
            "disks": _disks(draw, rare, BUSES.get(virt_type, tuple(PREFIX))),
            "vm_state": rare("active", "stopped", "error", "paused", "rescued"),
            "task_state": rare(None, "rebooting"),
            "launched": rare(True, False),
            "locked": rare(False, True),
            "has_vtpm": rare(False, True),
            "image_properties": _properties(draw),
        },
        "image": image,
        "microversion": rare([2, 87], [2, 86], [2, 1], [2, 100]),
        "traits": draw.sample(TRAITS, draw.randint(0, 2)),
        "is_admin": draw.random() < 0.3,
        "virt_type": virt_type,
        "most": draw.choice((-1, -1, 2, 3, 4)),
    }


def _disks(
    draw: random.Random, rare: Any, buses: tuple[str, ...]
) -> list[dict[str, Any]]:
    disks: list[dict[str, Any]] = []
    backed = draw.random() < 0.5
    used: dict[str, int] = {}
    for n in range(draw.randint(1, 5)):
        bus = draw.choice(buses)
        prefix = PREFIX[bus]
        number = used.get(prefix, 0) + draw.choice((0, 0, 1))
        used[prefix] = number + 1
        disk: dict[str, Any] = {
            "name": f"/dev/{prefix}{'abcdefghijkl'[number]}" if n else "root",
            "bus": bus,
            "dev": f"{prefix}{'abcdefghijkl'[number]}",
            "device_type": draw.choice(("disk", "disk", "cdrom", "lun")),
        }
        if n or backed:
            disk["volume_id"] = f"00000000-0000-0000-0000-00000000000{n}"
            disk["volume_status"] = rare("in-use", "attaching", "available")
        disks.append(disk)
    return disks


def _properties(draw: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, values in {
        "hw_rescue_device": ("disk", "cdrom", "floppy", "lun", "fs"),
        "hw_rescue_bus": ("virtio", "scsi", "ide", "usb", "sata", "lxc", "fdc"),
        "hw_disk_bus": ("virtio", "scsi", "ide", "sata"),
        "hw_cdrom_bus": ("ide", "sata", "scsi"),
        "hw_machine_type": ("pc", "q35"),
        "hw_architecture": ("x86_64", "aarch64"),
    }.items():
        if draw.random() < (0.6 if "rescue" in key else 0.2):
            found[key] = draw.choice(values)
    return found

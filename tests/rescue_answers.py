"""What Kilonova makes of a case of rescue, in the form of Nova's answer."""

from typing import Any

from kilonova.admin.rescue import Disk, RescueImage, RescueServer, check_rescue
from kilonova.admin.rescue_devices import Hypervisor, plan_rescue
from kilonova.errors import Refused


def server_of(given: dict[str, Any]) -> RescueServer:
    """Make the server of a case."""
    disks = [Disk(**disk) for disk in given["disks"]]
    return RescueServer(**{**given, "disks": disks})


def ours(given: dict[str, Any]) -> dict[str, Any]:
    """Give the disks, or what Nova would answer."""
    server = server_of(given["server"])
    image = given["image"] and RescueImage(**given["image"])
    host = Hypervisor(given["virt_type"], max_disk_devices=given["most"])
    try:
        properties = check_rescue(
            server,
            image,
            microversion=tuple(given["microversion"]),
            traits=given["traits"],
            is_admin=given["is_admin"],
        )
        plan = plan_rescue(server, properties, host)
    except Refused as error:
        found = {"status": error.status, "message": str(error)}
        return found if error.status != 200 else {**found, "error": error.nova}
    return {
        "stable": plan.is_stable,
        "disks": [[disk.bus, disk.dev, disk.device_type] for disk in plan.disks],
        "boot": plan.boot.dev,
    }

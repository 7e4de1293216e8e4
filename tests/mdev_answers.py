"""What Kilonova makes of a case of mediated devices, in the form of Nova's answer."""

from typing import Any

from kilonova.admin.mdev import plan_mdevs
from kilonova.admin.mdev_devices import devices
from kilonova.admin.mdev_options import mdev_options
from kilonova.errors import BadMdevConfig

NODE = "host1"


def ours(given: dict[str, Any]) -> dict[str, Any]:
    """Give the providers of a host, or what Nova would stop at."""
    host = devices(given["devices"])
    try:
        plan = plan_mdevs(mdev_options(given["config"]), host, NODE)
    except BadMdevConfig as error:
        return {"error": error.nova, "message": str(error)}
    # A provider of each device was there; the ones not spoken of stay as they were.
    found: dict[str, Any] = {
        f"{NODE}_{device.libvirt_name}": {"inventories": {}, "traits": []}
        for device in host
    }
    found |= dict.fromkeys(plan.withdrawn)
    for provider in plan.providers:
        found[provider.name] = {
            "inventories": {
                name: inventory._asdict()
                for name, inventory in provider.inventories.items()
            },
            "traits": list(provider.traits),
        }
    return {"providers": found}

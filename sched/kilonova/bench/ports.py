"""Ports that ask for bandwidth, as Neutron's API shows them."""

from kilonova.bench.document import uuid_of
from kilonova.records.records import Port

BANDWIDTH = ("NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC")


def port(name: str, network: int, kilobits: int) -> Port:
    """Make a port of a physical network, with as much bandwidth each way."""
    return {
        "id": uuid_of(name),
        "binding:vnic_type": "normal",
        "resource_request": {
            "resources": dict.fromkeys(BANDWIDTH, kilobits),
            "required": [
                "CUSTOM_VNIC_TYPE_NORMAL",
                f"CUSTOM_PHYSNET_PHYSNET{network}",
            ],
        },
    }

"""Nova's libvirt driver, asked for the providers of a host's mediated devices.

The driver is made without a hypervisor: what libvirt would report is given to it, and
the provider tree is Nova's own. ``python -m peers.nova_mdev`` records its answers.
"""

import os
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest import mock

from kilonova.bench.peers.nova_imports import configure, exception
from mdev_cases import case
from recorded_answers import record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nova.compute import provider_tree
    from nova.virt.libvirt import driver

NODE = "host1"


def answer(given: dict[str, Any]) -> dict[str, Any]:
    """Give the providers of a host, or what nova-compute stops at."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "nova.conf")
        Path(path).write_text(given["config"])
        configure(path)
        try:
            return {"providers": _providers(given["devices"])}
        except exception.InvalidLibvirtMdevConfig as error:
            return {"error": type(error).__name__, "message": str(error)}
        finally:
            configure()


def _providers(devices: list[dict[str, Any]]) -> dict[str, Any]:
    names = {_name(each["address"]): each["types"] for each in devices}
    virtual = {f"/sys/devices/virtual/{n.replace('_', '/')}" for n in names}
    tree = provider_tree.ProviderTree()
    tree.new_root(NODE, "9dd1b5c0-4f9c-4c3b-8f27-2c0c2c1c5b4e")
    # A provider of each device is there already: some will have to go.
    for name in names:
        tree.new_child(f"{NODE}_{name}", NODE)
    with mock.patch.object(driver.os.path, "exists", virtual.__contains__):
        libvirt = _driver()
        libvirt.supported_vgpu_types = libvirt._get_supported_vgpu_types()
    libvirt._get_mediated_devices = lambda types: _existing(names, types)
    libvirt._get_mdev_capable_devices = lambda types: _capable(names, types)
    libvirt._update_provider_tree_for_vgpu(tree, NODE)
    found: dict[str, Any] = {}
    for name in names:
        whole = f"{NODE}_{name}"
        if tree.exists(whole):
            data = tree.data(whole)
            found[whole] = {
                "inventories": data.inventory,
                "traits": sorted(data.traits),
            }
        else:
            found[whole] = None
    return found


def _driver() -> Any:
    """Make a driver with what it keeps of types, and without libvirt."""
    made = driver.LibvirtDriver.__new__(driver.LibvirtDriver)
    made.pgpu_type_mapping = defaultdict(str)
    made.mdev_class_mapping = defaultdict(lambda: "VGPU")
    made.mdev_type_max_mapping = defaultdict(str)
    made.mdev_classes = set()
    made.virtual_mdevs = set()
    made.pgpu_type_default = None
    return made


def _name(address: str) -> str:
    if address.count(":") != 2:
        return address
    return "pci_" + address.replace(":", "_").replace(".", "_")


def _existing(names: dict[str, Any], types: list[str]) -> list[dict[str, Any]]:
    return [
        {"parent": name, "type": mdev_type}
        for name, offered in names.items()
        for mdev_type, each in offered.items()
        if mdev_type in types
        for _ in range(each["existing"])
    ]


def _capable(names: dict[str, Any], types: list[str]) -> list[dict[str, Any]]:
    found = []
    for name, offered in names.items():
        ours = {
            mdev_type: {"availableInstances": each["available"]}
            for mdev_type, each in offered.items()
            if mdev_type in types and each["available"] is not None
        }
        if ours:
            found.append({"dev_id": name, "types": ours})
    return found


if __name__ == "__main__":
    record("nova_mdev.jsonl.gz", case, answer, cases=300)

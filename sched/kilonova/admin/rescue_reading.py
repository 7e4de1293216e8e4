"""Servers and images that are to be rescued, from JSON; traits of their hosts."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from kilonova.admin.rescue import Disk, RescueImage, RescueServer
from kilonova.cloud.cloud import BaseCloud
from kilonova.errors import BadInput, NotFound

_TEXTS = ("uuid", "vm_state", "name", "bus", "dev", "device_type")


def rescue_server(given: Any) -> RescueServer:
    """Make a server of JSON: the fields of ``RescueServer``, disks those of ``Disk``.

    Raises
    ------
    BadInput
        A field is unknown, missing or of the wrong kind, or two disks are one device.
    """
    made = dict(_checked("server", given, RescueServer, ("uuid", "disks")))
    disks = made["disks"]
    if not isinstance(disks, list) or not disks:
        raise BadInput(f"server: disks must be a list with a root, got {disks!r:.80}.")
    made["disks"] = [
        Disk(**_checked(f"server: disks[{i}]", disk, Disk, ("name", "bus", "dev")))
        for i, disk in enumerate(disks)
    ]
    devs = [disk.dev for disk in made["disks"] if disk.dev is not None]
    if len(set(devs)) < len(devs):
        raise BadInput(f"server: each disk must be another device, got {devs}.")
    return RescueServer(**made)


def rescue_image(given: Any) -> RescueImage:
    """Make an image of JSON: ``uuid``, and ``properties``, null if there is none.

    Raises
    ------
    BadInput
        It has another form.
    """
    return RescueImage(**_checked("image", given, RescueImage, ("uuid",)))


def host_traits(cloud: BaseCloud, host: str) -> frozenset[str]:
    """Give the traits of the provider of a host, by the name of its node.

    Raises
    ------
    UnknownHost
        No host has this name.
    NotFound
        Its provider is gone.
    """
    state = cloud.state
    with state.lock:
        provider = int(state.hosts.table["provider"][state.hosts.row(host)])
        if provider < 0:
            raise NotFound(f"Host {host!r} has no resource provider any more.")
        number = int(state.tables.provider["trait_set"][provider])
        return frozenset(state.traits[trait] for trait in state.trait_sets[number])


def _checked(
    where: str, given: Any, kind: type[Any], needed: tuple[str, ...]
) -> Mapping[str, Any]:
    names = [field.name for field in fields(kind)]
    if not isinstance(given, Mapping):
        raise BadInput(f"{where} must be an object, got {given!r:.80}.")
    if unknown := sorted(set(given) - set(names)):
        raise BadInput(f"{where}: unknown key {unknown[0]!r}, known: {names}.")
    for name in needed:
        if name not in given:
            raise BadInput(f"{where} must have {name!r}.")
    for name, value in given.items():
        if name in _TEXTS and not isinstance(value, str):
            # A bus without names of devices is the one exception.
            if name == "dev" and value is None:
                continue
            raise BadInput(f"{where}: {name} must be a text, got {value!r:.80}.")
        properties = name.endswith("properties")
        if properties and not isinstance(value, Mapping | None):
            raise BadInput(f"{where}: {name} must be an object, got {value!r:.80}.")
    return given

"""The child providers of a host's mediated devices, one for each physical device."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kilonova.admin.mdev_devices import Device
from kilonova.admin.mdev_options import MdevOptions
from kilonova.admin.mdev_types import Types, settle
from kilonova.cloud.offers import Inventory


@dataclass(frozen=True, slots=True)
class PlannedProvider:
    """The provider of one device.

    Attributes
    ----------
    name
        ``<node>_pci_0000_84_00_0``.
    address, mdev_type
        The device, and the type of what it is divided into.
    resource_class
        ``VGPU``, or a custom class.
    total
        Units, at least 1; all of them may go to one server.
    traits
        Traits that it is to have.
    """

    name: str
    address: str
    mdev_type: str
    resource_class: str
    total: int
    traits: tuple[str, ...] = ()

    @property
    def inventories(self) -> dict[str, Inventory]:
        """What it offers."""
        return {self.resource_class: Inventory(self.total, max_unit=self.total)}


@dataclass(frozen=True, slots=True)
class MdevPlan:
    """What the tree of a host is to have.

    Attributes
    ----------
    node
        Name of the root provider.
    providers
        In the order of the host's devices.
    withdrawn
        Names of providers that must go, as their devices have nothing to offer.
    warnings
        What an operator will not have meant.
    """

    node: str
    providers: tuple[PlannedProvider, ...]
    withdrawn: tuple[str, ...]
    warnings: tuple[str, ...]


def plan_mdevs(
    options: MdevOptions,
    devices: Sequence[Device],
    node: str,
    release: str = "current",
) -> MdevPlan:
    """Plan the child providers of one host.

    Parameters
    ----------
    options
        Of the host.
    devices
        In the order in which the host lists them: it decides where ``max_instances``
        of a type runs out.
    node
        Name of the root provider.
    release
        ``ussuri`` or ``current``.

    Raises
    ------
    BadMdevConfig
        nova-compute would not start; in its words.

    Notes
    -----
    As ``_get_gpu_inventories`` and ``_ensure_pgpu_providers`` in Nova's
    ``virt/libvirt/driver.py``.
    """
    virtual = [device.address for device in devices if device.is_virtual]
    types = settle(options, virtual, release)
    totals = _totals(types, options, devices, release)
    _warn(types, devices, totals)
    # In Ussuri these providers had no trait of their own.
    traits = ("OWNER_NOVA",) if release == "current" else ()
    providers, withdrawn = [], []
    for device in devices:
        name = f"{node}_{device.libvirt_name}"
        if total := totals.get(device.address):
            mdev_type = types.type_of(device) or ""
            resource_class = types.class_of(device)
            providers.append(
                PlannedProvider(
                    name, device.address, mdev_type, resource_class, total, traits
                )
            )
        elif total == 0:
            withdrawn.append(name)
    return MdevPlan(node, tuple(providers), tuple(withdrawn), tuple(types.warnings))


def _totals(
    types: Types, options: MdevOptions, devices: Sequence[Device], release: str
) -> dict[str, int]:
    """Give the units of each device; one that has no part in it is left out."""
    found: dict[str, int] = {}
    counted: dict[str, int] = defaultdict(int)
    ours = [(device, name) for device in devices if (name := types.type_of(device))]
    # What exists counts first, on whichever device it is.
    for device, name in ours:
        if name in device.types and (existing := device.types[name].existing):
            found[device.address] = existing
            counted[name] += existing
    for device, name in ours:
        more = device.types[name].available if name in device.types else None
        if more is None:
            continue
        most = options.types[name].max_instances if release == "current" else None
        if most and counted[name] + more > most:
            types.warnings.append(
                f"Device {device.address} offers nothing: {more} more of type {name!r} "
                f"would pass its max_instances of {most}; {counted[name]} are counted."
            )
            found[device.address] = 0
            continue
        counted[name] += more
        found[device.address] = found.get(device.address, 0) + more
    return found


def _warn(types: Types, devices: Sequence[Device], totals: Mapping[str, int]) -> None:
    there = {device.address: device for device in devices}
    for address, name in types.by_address.items():
        if address not in there:
            types.warnings.append(
                f"[mdev_{name}] device_addresses: the host has no device {address}."
            )
    for device in devices:
        name_of = types.type_of(device)
        if name_of and device.address not in totals:
            known = ", ".join(device.types) or "none"
            types.warnings.append(
                f"Device {device.address} has no type {name_of!r}; its types: {known}."
            )

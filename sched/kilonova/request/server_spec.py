"""Make a server spec from what users have: flavor, image, ports, profiles, hints."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import TypedDict, Unpack

from kilonova.errors import BadServerSpec
from kilonova.request.availability_zone import parse_zone
from kilonova.request.device_profile import DeviceProfiles, profile_groups
from kilonova.request.draft import Draft
from kilonova.request.flavor import Flavor
from kilonova.request.guest_features import (
    address_mode,
    ephemeral_encryption,
    ephemeral_encryption_format,
    packed_virtqueue,
    pci_numa_policy,
    secure_boot,
    sound_model,
    tpm,
)
from kilonova.request.hints import Hints, read_hints
from kilonova.request.image import Image
from kilonova.request.networks import Networks
from kilonova.request.nova_options import RequestOptions
from kilonova.request.numa_constraints import numa_constraints
from kilonova.request.pci_alias import alias_groups, flavor_pci_requests, parse_aliases
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from kilonova.request.server_ports import Port, read_ports
from kilonova.request.topology import GuestTopology, NetworkMetadata


class Wishes(TypedDict, total=False):
    """What else a server may ask for; see `ServerSpec`."""

    networks: Networks
    device_profiles: DeviceProfiles
    hints: Hints
    server_group: ServerGroup | None
    availability_zone: str | None
    destination: Destination | None
    ignore_hosts: Iterable[str]
    force_hosts: Iterable[str]
    force_nodes: Iterable[str]
    segments: Iterable[Iterable[str]]
    is_volume_backed: bool
    project_id: str
    instance_uuid: str


def server_spec(
    flavor: Flavor,
    image: Image | None = None,
    *,
    options: RequestOptions | None = None,
    ports: Iterable[Port] = (),
    **wishes: Unpack[Wishes],
) -> ServerSpec:
    """Make a server spec, and refuse what Nova's API would refuse.

    Parameters
    ----------
    flavor, image
        What the server is made of, and boots from; `image_from_glance` reads an image
        as Glance shows it.
    options
        ``[pci] alias``, ``[filter_scheduler] pci_in_placement`` and ``[DEFAULT]
        default_schedule_zone`` count; without them there are no aliases and no zone.
    ports
        As Neutron's API shows them. Without ``id``, only ``network_id`` must be there:
        such a port is made while the server boots, and the ``qos_rules`` of its network
        count.
    **wishes
        ``networks``: Neutron's networks by id, for physical networks and ``qos_rules``.
        ``device_profiles``: groups of Cyborg's profiles by name. ``hints``: texts or
        lists of texts. ``availability_zone``: may be ``zone:host:node``. The others are
        fields of `ServerSpec`.

    Returns
    -------
    ServerSpec
        With groups, NUMA cells, PCI requests and networks filled in. Equal arguments
        give equal specs, which share a compiled plan.

    Raises
    ------
    BadServerSpec
        If something is malformed, unknown or contradicts something else.
    BadRequest
        If the ``resource_request`` of a port is malformed.
    BadOption
        If a PCI alias is malformed.

    Notes
    -----
    Same spec as Nova's ``compute/api.py`` makes with ``RequestSpec.from_components``.
    """
    image = image or Image()
    _check_wishes(wishes)
    _check_flavor(flavor)
    topology, policy = _guest(flavor, image)
    in_placement = options is not None and options.filter_scheduler.pci_in_placement
    aliases = parse_aliases(options.pci.alias if options else (), in_placement)
    pci_requests = flavor_pci_requests(flavor, aliases, policy)
    profiles = wishes.get("device_profiles", {})
    of_ports = read_ports(ports, wishes.get("networks", {}), profiles, policy)
    groups = of_ports.groups
    if in_placement:
        groups += alias_groups(pci_requests)
    profile = flavor.extra_specs.get("accel:device_profile")
    if profile:
        of_profile, notes = profile_groups(profile, profiles)
        groups += of_profile
        of_ports.notes += notes
    Draft().add_groups(groups)
    spec = ServerSpec(
        flavor=flavor,
        image=image,
        groups=tuple(groups),
        same_subtree=tuple(of_ports.same_subtree),
        topology=topology,
        pci_requests=(*pci_requests, *of_ports.pci_requests),
        networks=NetworkMetadata(frozenset(of_ports.physnets), of_ports.tunneled),
        remote_managed_ports=of_ports.remote_managed,
        notes=tuple(of_ports.notes),
    )
    default_zone = options.default.default_schedule_zone if options else None
    return _with_wishes(spec, wishes, default_zone)


def _with_wishes(
    spec: ServerSpec, wishes: Wishes, default_zone: str | None
) -> ServerSpec:
    """Fill in what says where the server is to go."""
    group = wishes.get("server_group")
    zone = parse_zone(wishes.get("availability_zone"))
    force_hosts = (*_texts(zone.host), *wishes.get("force_hosts", ()))
    force_nodes = (*_texts(zone.node), *wishes.get("force_nodes", ()))
    destination = wishes.get("destination")
    named = destination is not None and (destination.host or destination.node)
    if named and (force_hosts or force_nodes):
        raise BadServerSpec(
            "A forced host cannot stand beside a destination's, got "
            f"{[*force_hosts, *force_nodes]} and {named!r}."
        )
    return replace(
        spec,
        is_volume_backed=wishes.get("is_volume_backed", False),
        project_id=wishes.get("project_id", ""),
        availability_zone=zone.name or default_zone,
        hints=read_hints(wishes.get("hints", {}), group),
        server_group=group,
        destination=destination,
        ignore_hosts=tuple(wishes.get("ignore_hosts", ())),
        force_hosts=force_hosts,
        force_nodes=force_nodes,
        segments=tuple(map(tuple, wishes.get("segments", ()))),
        instance_uuid=wishes.get("instance_uuid", ""),
    )


def _texts(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _check_wishes(wishes: Wishes) -> None:
    unknown = sorted(wishes.keys() - Wishes.__annotations__.keys())
    if unknown:
        raise BadServerSpec(
            f"A server may ask for {sorted(Wishes.__annotations__)}, got {unknown}."
        )


def _check_flavor(flavor: Flavor) -> None:
    for name in ("vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap_mb"):
        amount = getattr(flavor, name)
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise BadServerSpec(
                f"Flavor: {name} must be a whole number from 0, got {amount!r}."
            )
    for key, value in flavor.extra_specs.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise BadServerSpec(f"Extra spec {key!r} must be a text, got {value!r}.")


# The same flavors and images come again and again.
@lru_cache(maxsize=4096)
def _guest(flavor: Flavor, image: Image) -> tuple[GuestTopology | None, str | None]:
    """Return NUMA cells and PCI policy; refuse each setting that is bad."""
    topology = numa_constraints(flavor, image)
    for read in (
        tpm,
        secure_boot,
        address_mode,
        packed_virtqueue,
        ephemeral_encryption,
        ephemeral_encryption_format,
        sound_model,
    ):
        read(flavor, image)
    return topology, pci_numa_policy(flavor, image)

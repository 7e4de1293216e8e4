"""What the QoS rules of a port or network ask of Placement.

Neutron works this out for ports that exist. For ports that are made while the server
boots nobody does: their network's rules then go unheeded in Nova.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from kilonova.errors import BadServerSpec
from kilonova.request.custom_names import custom_name

QosRule = Mapping[str, object]
"""A rule as Neutron's API shows it: ``id``, ``type``, ``direction``, ``min_kbps``."""

_BANDWIDTH = {
    "ingress": "NET_BW_IGR_KILOBIT_PER_SEC",
    "egress": "NET_BW_EGR_KILOBIT_PER_SEC",
}
_PACKET_RATE = {
    "ingress": "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
    "egress": "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "any": "NET_PACKET_RATE_KILOPACKET_PER_SEC",
}
_TUNNEL = "CUSTOM_NETWORK_TUNNEL_PROVIDER"


@dataclass(frozen=True, slots=True)
class PortPlace:
    """Where a port is plugged in.

    Attributes
    ----------
    port_id
        UUID of the port, from which Neutron makes those of its groups.
    vnic_type
        ``normal``, ``direct``, ...
    physnet
        Physical network; None for a network of tunnels.
    """

    port_id: str
    vnic_type: str = "normal"
    physnet: str | None = None


def resource_request(
    rules: Sequence[QosRule], place: PortPlace, extended: bool = True
) -> dict[str, object] | None:
    """Return a port's ``resource_request`` for QoS rules, as Neutron shows it.

    Parameters
    ----------
    rules
        Of the port's policy, or, where it has none, of the network's. Rules other than
        ``minimum_bandwidth`` and ``minimum_packet_rate`` ask for nothing.
    place
        Where the port is.
    extended
        Whether the form with ``request_groups`` is wanted. The old one has bandwidth
        only.

    Returns
    -------
    dict or None
        As `kilonova.request.port.port_groups` reads it; None if nothing is asked for.

    Raises
    ------
    BadServerSpec
        If a rule is malformed, or the old form cannot hold it.

    Notes
    -----
    Same request as ``QoSPlugin`` in Neutron's ``services/qos/qos_plugin.py``.
    """
    bandwidth = _resources(rules, "minimum_bandwidth", "min_kbps", _BANDWIDTH)
    packets = _resources(rules, "minimum_packet_rate", "min_kpps", _PACKET_RATE)
    net = custom_name(f"PHYSNET_{place.physnet}") if place.physnet else _TUNNEL
    vnic = custom_name(f"VNIC_TYPE_{place.vnic_type}")
    if not extended:
        if packets:
            raise BadServerSpec(
                f"Port {place.port_id}: a minimum_packet_rate needs the extended "
                f"resource_request, got {packets} for the old one."
            )
        return {"required": [net, vnic], "resources": bandwidth} if bandwidth else None
    groups = [
        {
            "id": _group_id(rules, kind, place),
            "required": traits,
            "resources": resources,
        }
        for kind, traits, resources in (
            ("minimum_bandwidth", [net, vnic], bandwidth),
            ("minimum_packet_rate", [vnic], packets),
        )
        if resources
    ]
    if not groups:
        return None
    return {"request_groups": groups, "same_subtree": [each["id"] for each in groups]}


def _resources(
    rules: Sequence[QosRule], kind: str, key: str, classes: Mapping[str, str]
) -> dict[str, int]:
    found = {}
    for rule in _of_kind(rules, kind):
        direction = rule.get("direction", "egress")
        if direction not in classes:
            raise BadServerSpec(
                f"QoS rule {kind}: direction must be one of {tuple(classes)}, "
                f"got {direction!r}."
            )
        amount = rule.get(key)
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise BadServerSpec(
                f"QoS rule {kind}: {key} must be a whole number from 0, got {amount!r}."
            )
        found[classes[str(direction)]] = amount
    return found


def _group_id(rules: Sequence[QosRule], kind: str, place: PortPlace) -> str:
    """Return the id that Neutron gives the group, from its port and its rules."""
    ids = ":".join(str(rule.get("id", "")) for rule in _of_kind(rules, kind))
    try:
        return str(uuid5(UUID(place.port_id), ids))
    except ValueError:
        raise BadServerSpec(
            f"Port id must be a UUID where QoS rules count, got {place.port_id!r}."
        ) from None


def _of_kind(rules: Sequence[QosRule], kind: str) -> list[QosRule]:
    return [rule for rule in rules if rule.get("type") == kind]

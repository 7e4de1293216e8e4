"""QoS rules ask of Placement what Neutron makes of them, for ports to come as well.

The ids of groups are Neutron's: UUIDs made of the port's and those of the rules.
"""

import uuid
from typing import Any

import pytest

from kilonova.errors import BadServerSpec, RequestFilterFailed
from kilonova.hosts.options import Options
from kilonova.request.flavor import Flavor
from kilonova.request.networks import physnet_and_tunnel, segment_aggregates
from kilonova.request.port import port_groups
from kilonova.request.qos import PortPlace, resource_request
from kilonova.request.server_spec import server_spec
from kilonova.request.translate import translate

PORT = "22222222-0000-4000-8000-222222222222"
PLACE = PortPlace(PORT, "direct-physical", "phys-net.0")
EGRESS = {
    "id": "e",
    "type": "minimum_bandwidth",
    "direction": "egress",
    "min_kbps": 1000,
}
INGRESS = {**EGRESS, "id": "i", "direction": "ingress", "min_kbps": 2000}
PACKETS = {
    "id": "p",
    "type": "minimum_packet_rate",
    "direction": "any",
    "min_kpps": 50,
}
LIMIT = {"id": "l", "type": "bandwidth_limit", "max_kbps": 1}
NET = "CUSTOM_PHYSNET_PHYS_NET_0"
VNIC = "CUSTOM_VNIC_TYPE_DIRECT_PHYSICAL"


def id_of(*rules: dict[str, Any]) -> str:
    return str(uuid.uuid5(uuid.UUID(PORT), ":".join(rule["id"] for rule in rules)))


def test_extended_form() -> None:
    found = resource_request([EGRESS, PACKETS, LIMIT, INGRESS], PLACE)
    bandwidth, packets = id_of(EGRESS, INGRESS), id_of(PACKETS)
    assert found == {
        "request_groups": [
            {
                "id": bandwidth,
                "required": [NET, VNIC],
                "resources": {
                    "NET_BW_EGR_KILOBIT_PER_SEC": 1000,
                    "NET_BW_IGR_KILOBIT_PER_SEC": 2000,
                },
            },
            {
                "id": packets,
                "required": [VNIC],
                "resources": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 50},
            },
        ],
        "same_subtree": [bandwidth, packets],
    }
    groups = port_groups({"id": PORT, "resource_request": found})
    assert [group.suffix for group in groups.groups] == [bandwidth, packets]


def test_old_form() -> None:
    assert resource_request([INGRESS], PLACE, extended=False) == {
        "required": [NET, VNIC],
        "resources": {"NET_BW_IGR_KILOBIT_PER_SEC": 2000},
    }
    with pytest.raises(BadServerSpec, match="needs the extended resource_request"):
        resource_request([PACKETS], PLACE, extended=False)


@pytest.mark.parametrize("extended", [True, False])
def test_rules_that_ask_for_nothing(extended: bool) -> None:
    assert resource_request([LIMIT], PLACE, extended) is None


def test_tunnels_have_a_trait_of_their_own() -> None:
    found = resource_request([EGRESS], PortPlace(PORT), extended=False)
    assert found is not None
    assert found["required"] == [
        "CUSTOM_NETWORK_TUNNEL_PROVIDER",
        "CUSTOM_VNIC_TYPE_NORMAL",
    ]


@pytest.mark.parametrize(
    ("direction", "name"),
    [("ingress", "IGR_"), ("egress", "EGR_"), ("any", "")],
)
def test_packet_rates(direction: str, name: str) -> None:
    groups: Any = resource_request([{**PACKETS, "direction": direction}], PLACE)
    (group,) = groups["request_groups"]
    assert group["resources"] == {f"NET_PACKET_RATE_{name}KILOPACKET_PER_SEC": 50}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({**EGRESS, "direction": "any"}, "direction must be one of"),
        ({**EGRESS, "min_kbps": -1}, "min_kbps must be a whole number from 0, got -1"),
        ({**EGRESS, "min_kbps": True}, "got True"),
        ({**PACKETS, "min_kpps": None}, "min_kpps must be .* got None"),
    ],
)
def test_bad_rules(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(BadServerSpec, match=message):
        resource_request([rule], PLACE)


def test_port_id_must_be_a_uuid() -> None:
    with pytest.raises(BadServerSpec, match="Port id must be a UUID"):
        resource_request([EGRESS], PortPlace("x"))


NETWORKS: dict[str, dict[str, object]] = {
    "net": {"provider:physical_network": "fast", "qos_rules": [EGRESS, PACKETS]}
}


def suffixes(*ports: dict[str, object]) -> list[list[str]]:
    spec = server_spec(Flavor(1, 1), ports=ports, networks=NETWORKS)
    translate(spec, Options())
    return [sorted(clause) for clause in spec.same_subtree]


def test_ports_to_be_made_count_their_network() -> None:
    new: dict[str, object] = {"network_id": "net"}
    spec = server_spec(Flavor(1, 1), ports=[new, new], networks=NETWORKS)
    assert len(spec.groups) == 4
    assert len({group.suffix for group in spec.groups}) == 4
    wanted = [dict(group.resources) for group in spec.groups]
    assert wanted[0] == wanted[2] == {"NET_BW_EGR_KILOBIT_PER_SEC": 1000}
    assert suffixes(new, new) == suffixes(new, new)


def test_rules_of_the_port_go_before_those_of_the_network() -> None:
    own: dict[str, object] = {"id": PORT, "network_id": "net", "qos_rules": [INGRESS]}
    spec = server_spec(Flavor(1, 1), ports=[own], networks=NETWORKS)
    (group,) = spec.groups
    assert dict(group.resources) == {"NET_BW_IGR_KILOBIT_PER_SEC": 2000}
    assert group.suffix == id_of(INGRESS)


def test_what_neutron_says_counts() -> None:
    port: dict[str, object] = {
        "id": PORT,
        "network_id": "net",
        "resource_request": None,
    }
    assert suffixes(port) == []


def test_segments_need_aggregates() -> None:
    known = {"s1": ["a", "b"], "s2": ["c"], "s3": []}
    assert segment_aggregates("network n", ["s1", "s2"], known) == ("a", "b", "c")
    assert segment_aggregates("network n", [], known) == ()
    with pytest.raises(
        RequestFilterFailed, match="found for the subnet x: segment 's3'"
    ):
        segment_aggregates("subnet x", ["s3"], known)


def test_segments_need_a_physical_network() -> None:
    network = {"segments": [{"provider:physical_network": None}]}
    with pytest.raises(BadServerSpec, match="Network n: a segment must have"):
        physnet_and_tunnel("n", network)

"""Ports become request groups, and claimed candidates binding profiles, as in Nova.

Method: ports as Neutron shows them, in both forms, and at the limits of each rule; the
recorded queries for such a port, built from it; then malformed ports.
"""

from typing import Any

import pytest

from corpus import cases
from kilonova.errors import BadInput, BadRequest
from kilonova.request.group import Request, RequestGroup
from kilonova.request.port import (
    PortGroups,
    binding_allocation,
    port_groups,
    with_ports,
)
from kilonova.request.query import parse_query

PORT = "4d3e0f0f-5e0a-4b0e-9d0e-2a8b4d9a0c11"
OTHER = "9f2c7c9e-0b7e-4f62-a2a4-3f1a8b6f0d22"
PACKETS = "7f1a2b3c-0000-4000-8000-000000000001"
BANDWIDTH = "7f1a2b3c-0000-4000-8000-000000000002"
PROVIDER, SECOND = "provider-1", "provider-2"
TRAITS = ["CUSTOM_VNIC_TYPE_NORMAL", "CUSTOM_PHYSNET_2"]
CLAUSES = frozenset({"CUSTOM_PHYSNET_2"}), frozenset({"CUSTOM_VNIC_TYPE_NORMAL"})
EGRESS = {"NET_BW_EGR_KILOBIT_PER_SEC": 1000}
RATE = {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 10}

OLD = {"id": PORT, "resource_request": {"resources": EGRESS, "required": TRAITS}}
EXTENDED = {
    "id": OTHER,
    "resource_request": {
        "request_groups": [
            {"id": PACKETS, "resources": RATE, "required": TRAITS[:1]},
            {"id": BANDWIDTH, "resources": EGRESS, "required": TRAITS},
        ],
        "same_subtree": [PACKETS, BANDWIDTH],
    },
}
FLAVOR = Request((RequestGroup(resources={"VCPU": 1}),), limit=1000)


def port(**asked: object) -> dict[str, Any]:
    return {"id": PORT, "resource_request": asked}


def entry(**changes: object) -> dict[str, Any]:
    """Return a port in the extended form with one entry."""
    return port(request_groups=[{"id": PACKETS, "resources": RATE, **changes}])


def test_old_form() -> None:
    assert port_groups(OLD) == PortGroups((RequestGroup(PORT, EGRESS, CLAUSES),))


def test_extended_form() -> None:
    assert port_groups(EXTENDED) == PortGroups(
        (
            RequestGroup(PACKETS, RATE, CLAUSES[1:]),
            RequestGroup(BANDWIDTH, EGRESS, CLAUSES),
        ),
        frozenset({PACKETS, BANDWIDTH}),
    )


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param({}, id="no id either"),
        pytest.param({"id": PORT, "resource_request": None}, id="null"),
        pytest.param(port(), id="empty"),
        pytest.param(port(request_groups=[], same_subtree=[]), id="no groups"),
        pytest.param(port(request_groups=None), id="null groups"),
        pytest.param(port(resources={}, required=[]), id="no resources"),
        pytest.param(port(resources={"VCPU": 0}), id="none of a resource"),
        pytest.param(entry(resources={"VCPU": 0}), id="none in a group"),
    ],
)
def test_ports_that_ask_for_nothing(nothing: dict[str, Any]) -> None:
    assert port_groups(nothing) == PortGroups()
    assert with_ports(FLAVOR, [nothing]) == FLAVOR
    assert binding_allocation(nothing, {}) is None


def test_zero_amounts_are_left_out() -> None:
    (group,) = port_groups(port(resources={**EGRESS, "VCPU": 0})).groups
    assert group.resources == EGRESS


def test_a_group_of_traits_only_in_a_subtree() -> None:
    asked = port(
        request_groups=[
            {"id": PACKETS, "resources": RATE},
            {"id": BANDWIDTH, "resources": {}, "required": ["A"]},
        ],
        same_subtree=[BANDWIDTH, PACKETS],
    )
    assert port_groups(asked).groups[1] == RequestGroup(
        BANDWIDTH, required=(frozenset("A"),)
    )


# With a request.


def test_groups_follow_the_flavor_in_the_order_of_the_ports() -> None:
    request = with_ports(FLAVOR, [EXTENDED, OLD])
    assert [group.suffix for group in request.groups] == ["", PACKETS, BANDWIDTH, PORT]
    assert request.groups[:1] == FLAVOR.groups
    assert request.same_subtree == (frozenset({PACKETS, BANDWIDTH}),)
    assert request.limit == 1000


def test_subtrees_of_the_flavor_stay() -> None:
    flavor = Request(
        (RequestGroup("_A", {"VCPU": 1}),), same_subtree=(frozenset({"_A"}),)
    )
    subtrees = with_ports(flavor, [EXTENDED]).same_subtree
    assert subtrees == (frozenset({"_A"}), frozenset({PACKETS, BANDWIDTH}))


@pytest.mark.parametrize(
    ("suffixes", "policy", "ports", "expected"),
    [
        pytest.param([""], None, [OLD], None, id="one group needs none"),
        pytest.param([""], None, [OLD, EXTENDED], "none", id="ports only"),
        pytest.param(["_A"], None, [OLD], "none", id="one of the flavor, one port"),
        pytest.param(["_A"], None, [], None, id="one of the flavor"),
        pytest.param([""], "isolate", [OLD, EXTENDED], "isolate", id="given"),
        pytest.param(["_A", "_B"], "isolate", [OLD], "isolate", id="given for two"),
    ],
)
def test_group_policy(
    suffixes: list[str],
    policy: str | None,
    ports: list[dict[str, Any]],
    expected: str | None,
) -> None:
    flavor = Request(tuple(RequestGroup(s, {"VCPU": 1}) for s in suffixes), policy)
    assert with_ports(flavor, ports).group_policy == expected


def test_recorded_port_queries() -> None:
    """A port with two groups in one subtree, from Placement's own tests."""
    suffixes = "-port-normal-bw", "-port-normal-pps"
    queries = {
        case["query"]
        for case in cases()
        if set(case["groups"]) == {"", *suffixes} and "in:" not in case["query"]
    }
    assert queries
    for query in queries:
        recorded = parse_query(query)
        of_flavor, *of_port = recorded.groups
        entries = [
            {
                "id": group.suffix,
                "resources": group.resources,
                "required": [trait for clause in group.required for trait in clause],
            }
            for group in of_port
        ]
        asked = port(request_groups=entries, same_subtree=list(suffixes))
        assert with_ports(Request((of_flavor,)), [asked]) == recorded


# What Neutron is told.


def test_binding_of_the_old_form_is_a_provider() -> None:
    mappings = {"": ["cn", "numa"], PORT: [PROVIDER]}
    assert binding_allocation(OLD, mappings) == PROVIDER


def test_binding_of_the_extended_form_is_a_provider_a_group() -> None:
    mappings = {"": ["cn"], BANDWIDTH: [PROVIDER], PACKETS: [SECOND], PORT: ["other"]}
    assert binding_allocation(EXTENDED, mappings) == {
        PACKETS: SECOND,
        BANDWIDTH: PROVIDER,
    }


@pytest.mark.parametrize("providers", [[], [PROVIDER, SECOND]])
def test_binding_needs_one_provider(providers: list[str]) -> None:
    message = f"Port {PORT}: mappings must have one provider for '{PORT}', got "
    with pytest.raises(BadInput) as refused:
        binding_allocation(OLD, {PORT: providers})
    assert str(refused.value) == f"{message}{providers}."


# What is refused.


@pytest.mark.parametrize(
    ("malformed", "message"),
    [
        (
            {"id": None, "resource_request": {"resources": EGRESS}},
            "Port: id must be at most 64 of the characters a-z A-Z 0-9 _ -, got None.",
        ),
        (
            {"id": PORT, "resource_request": [1]},
            f"Port {PORT}: resource_request must be an object, got [1].",
        ),
        (
            port(required=["A"]),
            f"Port {PORT}: resource_request.resources must be an object, got None.",
        ),
        (
            port(resources={"VCPU": -1}),
            f"Port {PORT}: resource_request.resources.VCPU must be at least 1, got -1.",
        ),
        (
            port(resources={"VCPU": 2**31}),
            f"Port {PORT}: resource_request.resources.VCPU must be at most 2147483647, "
            "got 2147483648.",
        ),
        (
            port(resources={"VCPU": True}),
            f"Port {PORT}: resource_request.resources.VCPU must be a whole number, "
            "got True.",
        ),
        (
            port(resources={"VCPU": "1"}),
            f"Port {PORT}: resource_request.resources.VCPU must be a whole number, "
            "got '1'.",
        ),
        (
            port(resources=EGRESS, required="A"),
            f"Port {PORT}: resource_request.required must be a list, got 'A'.",
        ),
        (
            port(resources=EGRESS, required=[""]),
            f"Port {PORT}: resource_request.required must hold strings, got ''.",
        ),
        (
            port(resources={}, required=["A"]),
            f"Port {PORT}: group '{PORT}' must have resources or be in same_subtree, "
            "got traits only.",
        ),
        (
            port(resources=EGRESS, in_tree="x"),
            f"Port {PORT}: resource_request must have no keys but "
            "['required', 'resources'], got ['in_tree'].",
        ),
        (
            port(resources=EGRESS, same_subtree=[]),
            f"Port {PORT}: resource_request must have no keys but "
            "['request_groups', 'same_subtree'], got ['resources'].",
        ),
        (
            port(request_groups={"id": PACKETS}),
            f"Port {PORT}: request_groups must be a list, got {{'id': '{PACKETS}'}}.",
        ),
        (
            port(request_groups=[7]),
            f"Port {PORT}: request_groups[0] must be an object, got 7.",
        ),
        (
            entry(id="a b"),
            f"Port {PORT}: request_groups[0].id must be at most 64 of the characters "
            "a-z A-Z 0-9 _ -, got 'a b'.",
        ),
        (
            entry(resources=None),
            f"Port {PORT}: request_groups[0].resources must be an object, got None.",
        ),
        (
            entry(forbidden=[]),
            f"Port {PORT}: request_groups[0] must have no keys but "
            "['id', 'required', 'resources'], got ['forbidden'].",
        ),
        (
            port(
                request_groups=[{"id": PACKETS, "resources": RATE}],
                same_subtree=[PACKETS, "x"],
            ),
            f"Port {PORT}: same_subtree must name groups of the port, ['{PACKETS}'], "
            "got ['x'].",
        ),
    ],
    ids=lambda value: value.rpartition(": ")[2] if isinstance(value, str) else "",
)
def test_malformed_ports(malformed: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        port_groups(malformed)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("flavor", "ports", "message"),
    [
        pytest.param(
            FLAVOR,
            [OLD, OLD],
            f"Port {PORT}: the suffix of a group must be new, got '{PORT}' again.",
            id="the same port twice",
        ),
        pytest.param(
            Request((RequestGroup(PACKETS, {"VCPU": 1}),)),
            [EXTENDED],
            f"Port {OTHER}: the suffix of a group must be new, got '{PACKETS}' again.",
            id="the flavor's suffix",
        ),
        pytest.param(
            Request((RequestGroup("_A", {"VCPU": 1}), RequestGroup("_B", {"VCPU": 1}))),
            [OLD],
            "group_policy must be 'none' or 'isolate' with two or more suffixed "
            f"groups, got none for ['_A', '_B', '{PORT}'].",
            id="a flavor that must say",
        ),
    ],
)
def test_ports_that_do_not_fit_the_request(
    flavor: Request, ports: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        with_ports(flavor, ports)
    assert str(refused.value) == message

"""What is wrong with a server is named in one line, with key and value.

The name of Nova's exception goes with it, so that its users find what they know.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kilonova.errors import BadInput, BadOption, BadRequest, BadServerSpec
from kilonova.hosts.options import PciSection
from kilonova.request.flavor import Flavor
from kilonova.request.image_properties import image_from_glance, image_properties
from kilonova.request.server import Destination, ServerGroup
from kilonova.request.server_spec import server_spec
from server_parts import (
    ALIASES,
    GROUP,
    NET,
    NETWORKS,
    PORT,
    PROFILES,
    SMALL,
    flavor,
)


def of_flavor(**extra_specs: str) -> Callable[[], object]:
    return lambda: server_spec(flavor(**extra_specs), options=ALIASES)


def of_wishes(**wishes: Any) -> Callable[[], object]:
    return lambda: server_spec(SMALL, **wishes)


def of_port(**port: Any) -> Callable[[], object]:
    named = {key.replace("__", ":"): value for key, value in port.items()}
    return lambda: server_spec(
        SMALL, ports=[named], networks=NETWORKS, device_profiles=PROFILES
    )


def of_alias(*texts: str) -> Callable[[], object]:
    options = replace(ALIASES, pci=PciSection(texts))
    return lambda: server_spec(SMALL, options=options)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            of_flavor(pci_passthrough__alias="fpga:1"),
            "PciRequestAliasNotDefined",
            "pci_passthrough:alias must name aliases of [pci] alias, ['gpu', 'qat'], "
            "got 'fpga'.",
        ),
        (
            of_flavor(pci_passthrough__alias="qat"),
            "ValueError",
            "pci_passthrough:alias must be like 'alias:1,other:2', got 'qat'.",
        ),
        (
            of_flavor(hw__tpm_version="2.0", hw__tpm_model="x"),
            "Invalid",
            "hw:tpm_model must be one of ('tpm-tis', 'tpm-crb'), got 'x'.",
        ),
        (
            of_flavor(hw__tpm_version="1.2", hw__tpm_model="tpm-crb"),
            "Invalid",
            "hw:tpm_model 'tpm-crb' needs hw:tpm_version '2.0', got '1.2'.",
        ),
        (
            of_flavor(accel__device_profile="x"),
            "DeviceProfileError",
            "Device profile must be one of [], got 'x'.",
        ),
        (
            of_wishes(hints={"group": "x"}),
            "Invalid",
            "Hint group must be UUIDs, got 'x'.",
        ),
        (
            of_wishes(hints={"same_host": [PORT], "different_host": [PORT]}),
            "Invalid",
            "Hints same_host and different_host must not name one server, "
            f"got ['{PORT}'].",
        ),
        (
            of_wishes(
                hints={"group": NET}, server_group=ServerGroup("affinity", uuid=GROUP)
            ),
            "Invalid",
            f"Hint group must name the server group, '{GROUP}', got ('{NET}',).",
        ),
        (
            of_wishes(server_group=ServerGroup("near", uuid=GROUP)),
            "Invalid",
            "Server group: policy must be one of ('affinity', 'anti-affinity', "
            "'soft-affinity', 'soft-anti-affinity'), got 'near'.",
        ),
        (
            of_wishes(hints={"same_host": 5}),
            "Invalid",
            "Hint same_host must be a text or a list, got 5.",
        ),
        (
            of_wishes(availability_zone="a:b:c:d"),
            "InvalidInput",
            "availability_zone must be like 'zone:host:node', got 'a:b:c:d'.",
        ),
        (
            of_wishes(availability_zone="a:b", destination=Destination(host="c")),
            "Invalid",
            "A forced host cannot stand beside a destination's, got ['b'] and 'c'.",
        ),
        (
            of_port(id=PORT, network_id="x"),
            "Invalid",
            f"Port {PORT}: network_id must be one of ['{NET}', 'tunnel'], got 'x'.",
        ),
        (
            of_port(binding__vnic_type="normal"),
            "Invalid",
            "Port number 0: network_id must be given, got none.",
        ),
        (
            of_port(id=PORT, network_id=NET, binding__vnic_type="accelerator-direct"),
            "DeviceProfileError",
            f"Port {PORT}: device_profile must be given for vnic_type "
            "'accelerator-direct', got none.",
        ),
        (
            of_port(
                id=PORT,
                network_id=NET,
                binding__vnic_type="accelerator-direct",
                device_profile="two",
            ),
            "DeviceProfileError",
            f"Device profile must ask for one device for port {PORT}, not 3, "
            "got 'two'.",
        ),
        (
            of_port(
                id=PORT,
                network_id=NET,
                binding__vnic_type="direct",
                numa_affinity_policy="x",
            ),
            "ValueError",
            f"Port {PORT}: numa_affinity_policy must be one of ('required', 'legacy', "
            "'preferred', 'socket'), got 'x'.",
        ),
    ],
)
def test_bad_servers(make: Callable[[], object], error: str, message: str) -> None:
    with pytest.raises(BadServerSpec) as caught:
        make()
    assert str(caught.value) == message
    assert caught.value.nova == error


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (of_wishes(flavour=1), BadServerSpec, "got ['flavour']"),
        (lambda: server_spec(Flavor(-1, 1)), BadServerSpec, "vcpus must be a whole"),
        (
            of_port(id=PORT, network_id=NET, binding__vnic_type="x"),
            BadServerSpec,
            "'x'",
        ),
        (
            of_port(id=PORT, network_id=NET, resource_request={"resources": 1}),
            BadRequest,
            "resource_request.resources must be an object, got 1",
        ),
        (of_flavor(accel__device_profile="none"), BadServerSpec, "must be one of []"),
        (of_alias("{"), BadOption, "must be a JSON object, got '{'"),
        (of_alias('{"name": "a", "x": "y"}'), BadOption, "without 'x'"),
        (of_alias('{"vendor_id": "8086"}'), BadOption, "with 'name'"),
        (of_alias('{"name": "a"}'), BadOption, "must have vendor_id and product_id"),
        (
            of_alias(ALIASES.pci.alias[0], ALIASES.pci.alias[0]),
            BadOption,
            "device_type",
        ),
        (lambda: image_properties({"hw_numa_nodes": "x"}), BadServerSpec, "'x'"),
        (lambda: image_properties({"hw_vm_mode": "x"}), BadServerSpec, "hw_vm_mode"),
        (lambda: image_from_glance({"properties": 1}), BadServerSpec, "mapping"),
    ],
)
def test_bad_input(
    make: Callable[[], object], kind: type[BadInput], message: str
) -> None:
    with pytest.raises(kind) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

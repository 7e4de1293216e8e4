"""A server spec is made from what users have; what is wrong is named in one line.

Ports of Neutron, device profiles of Cyborg, PCI aliases, hints, zones: named cases for
each; the errors have a module of their own. Equal arguments give equal specs with equal
hashes, in another process too, whatever becomes of the mappings they were made from.
"""

import pickle
import subprocess
import sys
from dataclasses import replace

import pytest

from kilonova.hosts.options import DefaultSection, Options, PciSection
from kilonova.request.flavor import Flavor
from kilonova.request.frozen import FrozenMapping
from kilonova.request.image import Image
from kilonova.request.image_properties import image_from_glance
from kilonova.request.nova_query import nova_query
from kilonova.request.server import ServerGroup, ServerSpec
from kilonova.request.server_spec import server_spec
from kilonova.request.topology import NetworkMetadata
from kilonova.request.translate import translate
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


def query(spec: ServerSpec, options: Options | None = None) -> str:
    return nova_query(translate(spec, options or Options()).request)


def test_nothing_but_a_flavor() -> None:
    spec = server_spec(SMALL)
    assert spec == ServerSpec(SMALL, networks=NetworkMetadata())
    assert query(spec) == "limit=1000&resources=MEMORY_MB%3A8%2CVCPU%3A2"


def test_topology_is_filled_in() -> None:
    spec = server_spec(flavor(hw__cpu_policy="dedicated"))
    assert spec.topology is not None
    assert spec.topology.cells[0].pcpuset == {0, 1}


def test_ports_in_both_forms() -> None:
    old = {
        "id": PORT,
        "resource_request": {"resources": {"CUSTOM_B": 1}, "required": []},
    }
    new = {
        "id": NET,
        "resource_request": {
            "request_groups": [
                {"id": "a", "resources": {"CUSTOM_B": 1}, "required": ["CUSTOM_T"]},
                {"id": "b", "resources": {"CUSTOM_P": 2}, "required": []},
            ],
            "same_subtree": ["a", "b"],
        },
    }
    spec = server_spec(SMALL, ports=[old, new, {"id": GROUP}])
    assert [group.suffix for group in spec.groups] == [PORT, "a", "b"]
    assert spec.same_subtree == (frozenset("ab"),)
    assert "group_policy=none&limit=1000&requireda=CUSTOM_T&" in query(spec)
    assert "same_subtree=a%2Cb" in query(spec)


def test_physical_networks_and_tunnels() -> None:
    ports = [{"id": PORT, "network_id": NET}, {"id": GROUP, "network_id": "tunnel"}]
    spec = server_spec(SMALL, ports=ports, networks=NETWORKS)
    assert spec.networks == NetworkMetadata(frozenset(["fast"]), tunneled=True)


def test_first_segment_with_a_physical_network_counts() -> None:
    segments = [{"provider:physical_network": name} for name in (None, "b", "c")]
    spec = server_spec(
        SMALL, ports=[{"network_id": "n"}], networks={"n": {"segments": segments}}
    )
    assert spec.networks == NetworkMetadata(frozenset("b"))


def test_sriov_ports_are_pci_requests() -> None:
    port = {
        "id": PORT,
        "network_id": NET,
        "binding:vnic_type": "direct-physical",
        "binding:profile": {"trusted": "yes"},
        "numa_affinity_policy": "socket",
    }
    other = {"id": GROUP, "network_id": NET, "binding:vnic_type": "remote-managed"}
    policy = flavor(hw__pci_numa_affinity_policy="legacy")
    spec = server_spec(policy, ports=[port, other], networks=NETWORKS)
    first, second = spec.pci_requests
    assert dict(first.spec[0]) == {
        "physical_network": "fast",
        "remote_managed": "False",
        "dev_type": "type-PF",
        "trusted": "True",
    }
    assert (first.count, first.alias_name, first.numa_policy) == (1, None, "socket")
    assert dict(second.spec[0])["remote_managed"] == "True"
    assert second.numa_policy == "legacy"
    assert spec.remote_managed_ports
    assert spec.groups == ()


def test_aliases_become_groups() -> None:
    spec = server_spec(flavor(pci_passthrough__alias="qat:1, gpu:2"), options=ALIASES)
    assert [each.suffix for each in spec.groups] == ["alias0-0", "alias1-0", "alias1-1"]
    assert dict(spec.groups[0].resources) == {"CUSTOM_PCI_8086_0A43": 1}
    assert dict(spec.groups[1].resources) == {"CUSTOM_A16": 1}
    required = {frozenset(["CUSTOM_BIG"]), frozenset(["HW_NIC_DCB_ETS"])}
    assert set(spec.groups[1].required) == required
    assert [each.numa_policy for each in spec.pci_requests] == ["legacy", "required"]
    assert "group_policy=none" in query(spec, ALIASES)


def test_aliases_without_placement_are_requests_only() -> None:
    options = Options(pci=PciSection(ALIASES.pci.alias[:1]))
    spec = server_spec(flavor(pci_passthrough__alias="qat:3"), options=options)
    assert spec.groups == ()
    assert [each.count for each in spec.pci_requests] == [3]


def test_device_profiles_of_flavor_and_port() -> None:
    port = {
        "id": PORT,
        "binding:vnic_type": "accelerator-direct",
        "device_profile": "one",
    }
    spec = server_spec(
        flavor(accel__device_profile="two"), ports=[port], device_profiles=PROFILES
    )
    assert [each.suffix for each in spec.groups] == [
        f"device_profile_0{PORT}",
        "device_profile_0",
        "device_profile_1",
    ]
    (note,) = translate(spec, Options()).notes
    assert note.startswith("Device profile 'two': resources:BOGUS must be for")


def test_hints_and_group() -> None:
    group = ServerGroup("affinity", uuid=GROUP)
    spec = server_spec(SMALL, server_group=group, hints={"same_host": PORT})
    assert dict(spec.hints) == {"group": (GROUP,), "same_host": (PORT,)}
    assert translate(spec, Options()).request.limit is None
    query_hint = server_spec(SMALL, hints={"query": {"a": 1}}).hints["query"]
    assert query_hint == ('{"a": 1}',)


@pytest.mark.parametrize(
    ("text", "zone", "hosts", "nodes"),
    [
        ("zone", "zone", (), ()),
        ("zone:host", "zone", ("host",), ()),
        ("zone:host:node", "zone", ("host",), ("node",)),
        ("zone::node", "zone", (), ("node",)),
        (":host", None, ("host",), ()),
        ("", None, (), ()),
    ],
)
def test_zones(
    text: str, zone: str | None, hosts: tuple[str, ...], nodes: tuple[str, ...]
) -> None:
    spec = server_spec(SMALL, availability_zone=text)
    assert (spec.availability_zone, spec.force_hosts, spec.force_nodes) == (
        zone,
        hosts,
        nodes,
    )


def test_default_zone() -> None:
    options = Options(default=DefaultSection(default_schedule_zone="z"))
    assert server_spec(SMALL, options=options).availability_zone == "z"
    spec = server_spec(SMALL, options=options, availability_zone="y")
    assert spec.availability_zone == "y"


def test_image_of_glance() -> None:
    image = image_from_glance(
        {
            "id": "i",
            "disk_format": "qcow2",
            "properties": {
                "architecture": "AMD64",
                "hw_numa_cpus.0": "0-1",
                "hw_numa_mem.0": "8",
                "hw_locked_memory": "no",
                "trait:CUSTOM_A": "required",
                "vmware_adaptertype": "lsilogic",
                "owner": "nobody",
            },
        }
    )
    assert (image.uuid, image.disk_format) == ("i", "qcow2")
    assert dict(image.properties) == {
        "hw_architecture": "x86_64",
        "hw_disk_bus": "scsi",
        "hw_locked_memory": False,
        "hw_numa_cpus": (frozenset({0, 1}),),
        "hw_numa_mem": (8,),
        "hw_scsi_model": "lsilogic",
        "traits_required": ("CUSTOM_A",),
    }
    beside = {"id": "i", "disk_format": "raw", "hw_cpu_policy": "shared"}
    assert dict(image_from_glance(beside).properties) == {"hw_cpu_policy": "shared"}


def test_same_arguments_same_spec() -> None:
    def make() -> ServerSpec:
        return server_spec(
            flavor(pci_passthrough__alias="qat:2", hw__numa_nodes="2"),
            Image({"traits_required": ["CUSTOM_T"]}),
            options=ALIASES,
            ports=[{"network_id": NET, "binding:vnic_type": "direct"}],
            networks=NETWORKS,
            hints={"different_host": [PORT]},
        )

    assert make() == make()
    assert hash(make()) == hash(make())
    assert hash(replace(make(), project_id="x")) != hash(make())
    assert translate(make(), ALIASES) == translate(make(), ALIASES)


def test_mappings_of_the_caller_are_copied() -> None:
    extra: dict[str, str] = {"a": "b"}
    properties: dict[str, object] = {"hw_numa_mem": [1]}
    spec = ServerSpec(Flavor(1, 1, extra_specs=extra), Image(properties))
    before = hash(spec)
    extra["a"] = "c"
    properties["hw_numa_mem"].append(2)  # type: ignore[attr-defined]
    assert dict(spec.flavor.extra_specs) == {"a": "b"}
    assert spec.image.properties["hw_numa_mem"] == (1,)
    assert hash(replace(spec, project_id="")) == before


def test_frozen_mappings() -> None:
    one, two = FrozenMapping({"a": 1, "b": 2}), FrozenMapping({"b": 2, "a": 1})
    assert one == two == {"a": 1, "b": 2}
    assert hash(one) == hash(two)
    assert list(one) != list(two)
    assert one != FrozenMapping({"a": 1})
    assert repr(one) == "{'a': 1, 'b': 2}"


def test_hashes_do_not_travel_between_processes() -> None:
    spec = server_spec(flavor(hw__numa_nodes="1"), hints={"x": "y"})
    hash(spec)
    code = (
        "import pickle, sys\n"
        "spec = pickle.loads(sys.stdin.buffer.read())\n"
        "again = type(spec)(**{n: getattr(spec, n) for n in spec.__slots__"
        " if n != '_hash'})\n"
        "print(spec == again, hash(spec) == hash(again))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(spec),
        capture_output=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout == b"True True\n"

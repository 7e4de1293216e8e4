"""Recorded objects of Nova as our own: specs, flavors, images, groups, options.

An attribute that a case does not carry is at Nova's default. In a recorded value,
``{"__set__": [...]}`` is a set, and ``{"__obj__": class, ...}`` an object.
"""

from dataclasses import fields, replace
from typing import Any

from kilonova.hosts.options import Options
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.pci import PciRequest
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.topology import GuestCell, GuestTopology

Recorded = dict[str, Any]


def plain(value: Any) -> Any:
    """Return a recorded value with sets for what stands for them."""
    if isinstance(value, dict):
        if "__set__" in value:
            return frozenset(value["__set__"])
        return {name: plain(item) for name, item in value.items() if name != "__obj__"}
    return [plain(item) for item in value] if isinstance(value, list) else value


def flavor(recorded: Recorded) -> Flavor:
    return Flavor(
        vcpus=recorded.get("vcpus", 1),
        memory_mb=recorded.get("memory_mb", 1),
        root_gb=recorded.get("root_gb", 0),
        ephemeral_gb=recorded.get("ephemeral_gb", 0),
        swap_mb=recorded.get("swap", 0),
        name=recorded.get("name", ""),
        extra_specs=recorded.get("extra_specs", {}),
    )


def image(recorded: Recorded | None) -> Image:
    recorded = plain(recorded or {})
    return Image(
        properties=recorded.get("properties", {}),
        uuid=recorded.get("id", ""),
        disk_format=recorded.get("disk_format"),
    )


def group(recorded: Recorded) -> RequestGroup:
    recorded = plain(recorded)
    return RequestGroup(
        suffix=recorded["requester_id"] or "",
        resources=recorded["resources"],
        required=tuple(frozenset([t]) for t in sorted(recorded["required_traits"])),
        forbidden=recorded["forbidden_traits"],
        member_of=tuple(frozenset(each) for each in recorded["aggregates"]),
        forbidden_aggregates=recorded["forbidden_aggregates"],
        in_tree=recorded["in_tree"],
    )


def destination(recorded: Recorded | None) -> Destination | None:
    """Return the destination; one that says nothing is none."""
    recorded = plain(recorded or {})
    clauses = recorded.get("aggregates") or ()
    found = Destination(
        host=recorded.get("host"),
        node=recorded.get("node"),
        cell=(recorded.get("cell") or {}).get("uuid"),
        aggregates=tuple(frozenset(clause.split(",")) for clause in clauses),
        forbidden_aggregates=recorded.get("forbidden_aggregates") or frozenset(),
    )
    return None if found == Destination() else found


def pci_request(recorded: Recorded) -> PciRequest:
    return PciRequest(
        count=recorded.get("count", 1),
        alias_name=recorded.get("alias_name"),
        request_id=recorded.get("request_id"),
    )


def spec(recorded: Recorded) -> ServerSpec:
    params = plain(recorded.get("request_level_params") or {})
    hints = recorded.get("scheduler_hints") or {}
    pci = (recorded.get("pci_requests") or {}).get("requests", ())
    return ServerSpec(
        flavor=flavor(recorded.get("flavor", {})),
        image=image(recorded.get("image")),
        groups=tuple(map(group, recorded.get("requested_resources") or ())),
        same_subtree=tuple(map(frozenset, params.get("same_subtree", ()))),
        root_required=params.get("root_required", frozenset()),
        root_forbidden=params.get("root_forbidden", frozenset()),
        is_volume_backed=recorded.get("is_bfv", False),
        project_id=recorded.get("project_id", ""),
        availability_zone=recorded.get("availability_zone"),
        hints={name: tuple(values) for name, values in hints.items()},
        destination=destination(recorded.get("requested_destination")),
        force_hosts=tuple(recorded.get("force_hosts") or ()),
        force_nodes=tuple(recorded.get("force_nodes") or ()),
        pci_requests=tuple(map(pci_request, pci)),
    )


def topology(recorded: Recorded | None) -> GuestTopology | None:
    recorded = plain(recorded)
    if recorded is None:
        return None
    cells = tuple(
        GuestCell(
            number=cell["id"],
            cpuset=cell["cpuset"],
            pcpuset=cell["pcpuset"],
            memory_mb=cell["memory"],
            pagesize_kb=cell["pagesize"],
            cpu_policy=cell["cpu_policy"],
            cpu_thread_policy=cell["cpu_thread_policy"],
        )
        for cell in recorded["cells"]
    )
    return GuestTopology(cells, recorded["emulator_threads_policy"])


def options(conf: dict[str, Any]) -> Options:
    """Return the options of a case, by ``section.name``."""
    found = Options()
    for key, value in conf.items():
        section, _, name = key.partition(".")
        old = getattr(found, section)
        assert name in {each.name for each in fields(old)}, key
        new = tuple(value) if isinstance(value, list) else value
        found = replace(found, **{section: replace(old, **{name: new})})
    return found

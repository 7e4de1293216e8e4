"""Recorded objects of Nova as our own: hosts, specs, topologies, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from kilonova.cloud.host import Host, HostAggregate, HostCell, PagePool
from kilonova.hosts.options import Options
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.pci import PciRequest
from kilonova.request.server import Destination, ServerGroup, ServerSpec
from kilonova.request.topology import GuestCell, GuestTopology, NetworkMetadata

Row = Mapping[str, Any]

_SAME = {
    field.name
    for field in fields(Host)
    if field.name
    not in {"aggregates", "instances", "metrics", "numa_cells", "pci_pools", "stats"}
}


@dataclass(slots=True)
class RecordedHost(Host):
    """A host with an attribute that only the hosts of Nova's unit tests have."""

    capabilities: Any = None


def options_of(conf: Row | None) -> Options:
    """Set the options that a case changes, ``section.name`` by value."""
    options = Options()
    for key, value in (conf or {}).items():
        section, _, name = key.rpartition(".")
        given = tuple(value) if isinstance(value, list) else value
        changed = replace(getattr(options, section), **{name: given})
        options = replace(options, **{section: changed})
    return options


def host_of(row: Row | None, metadata: Sequence[Mapping[str, str]] = ()) -> Host:
    """Make a host; ``metadata`` is of aggregates that a unit test made up."""
    if row is None:
        return Host("")
    recorded = [aggregate["metadata"] for aggregate in row["aggregates"]]
    service = row.get("service")
    disabled: Any = service.get("disabled") if service else None
    host = RecordedHost(
        **{name: row[name] for name in _SAME & row.keys() if row[name] is not None},
        # None where a case has no service: its disabled state is not known then.
        disabled=disabled,
        aggregates=tuple(
            HostAggregate(str(number), metadata=each)
            for number, each in enumerate([*recorded, *metadata])
        ),
        instances=frozenset(row["instances"]),
        capabilities=row.get("capabilities"),
        stats=row.get("stats") or {},
        numa_cells=cells_of(row["numa_topology"]),
        pci_pools=tuple(row["pci_stats"]["pools"]) if row["pci_stats"] else None,
    )
    if row["metrics"] is not None:
        host.metrics = {metric["name"]: metric["value"] for metric in row["metrics"]}
    host.candidates = tuple(
        each["mappings"]
        for each in row["allocation_candidates"]
        if isinstance(each, dict)
    )
    return host


def spec_of(row: Row | None) -> ServerSpec:
    """Make a server spec; what a case does not say has its default."""
    row = row or {}
    flavor, image = row.get("flavor") or {}, row.get("image") or {}
    properties = image.get("properties") or {}
    hints = {
        name: tuple(value) if isinstance(value, list) else (value,)
        for name, value in (row.get("scheduler_hints") or {}).items()
    }
    return ServerSpec(
        Flavor(
            vcpus=flavor.get("vcpus", 0),
            memory_mb=flavor.get("memory_mb", 0),
            name=flavor.get("name", ""),
            extra_specs=flavor.get("extra_specs") or {},
        ),
        Image(
            {name: value for name, value in properties.items() if name != "__obj__"},
            uuid=image.get("id", ""),
        ),
        project_id=row.get("project_id") or "",
        hints=hints,
        server_group=_group_of(row.get("instance_group")),
        destination=_destination_of(row.get("requested_destination")),
        topology=topology_of(row.get("numa_topology")),
        pci_requests=requests_of((row.get("pci_requests") or {}).get("requests")),
        networks=networks_of(row.get("network_metadata")),
        instance_uuid=row.get("instance_uuid") or "",
    )


def _group_of(row: Row | None) -> ServerGroup | None:
    if row is None:
        return None
    rules = row.get("_rules") or {}
    # Old specs hold a list of policies, of which the first counts.
    policy = row.get("policy") or (row.get("policies") or [""])[0]
    return ServerGroup(
        policy=policy,
        members=frozenset(row.get("members") or ()),
        hosts=frozenset(row.get("hosts") or ()),
        max_server_per_host=int(rules.get("max_server_per_host", 1)),
    )


def _destination_of(row: Row | None) -> Destination | None:
    if row is None:
        return None
    return Destination(
        host=row.get("host"),
        node=row.get("node"),
        cell=(row.get("cell") or {}).get("uuid"),
        allow_cross_cell_move=row.get("allow_cross_cell_move", False),
    )


def set_of(row: Any) -> frozenset[int]:
    """Make a set of a recorded one."""
    return frozenset(row["__set__"]) if row else frozenset()


def cells_of(row: Row | None) -> tuple[HostCell, ...] | None:
    """Make the cells of a host."""
    if row is None:
        return None
    return tuple(
        HostCell(
            number=cell["id"],
            cpuset=set_of(cell["cpuset"]),
            pcpuset=set_of(cell["pcpuset"]),
            memory_mb=cell["memory"],
            memory_usage_mb=cell.get("memory_usage", 0),
            cpu_usage=cell.get("cpu_usage", 0),
            pinned_cpus=set_of(cell.get("pinned_cpus")),
            siblings=tuple(map(set_of, cell["siblings"])),
            pages=tuple(
                PagePool(
                    pool["size_kb"],
                    pool["total"],
                    pool.get("used", 0),
                    pool.get("reserved", 0),
                )
                for pool in cell["mempages"]
            ),
            socket=cell.get("socket"),
            physnets=frozenset(
                (cell.get("network_metadata") or {})
                .get("physnets", {})
                .get("__set__", ())
            ),
            tunneled=(cell.get("network_metadata") or {}).get("tunneled", False),
        )
        for cell in row["cells"]
    )


def topology_of(row: Row | None) -> GuestTopology | None:
    """Make the topology of a guest."""
    if row is None:
        return None
    return GuestTopology(
        tuple(map(guest_cell_of, row["cells"])), row.get("emulator_threads_policy")
    )


def guest_cell_of(row: Row) -> GuestCell:
    """Make one cell of a guest."""
    pinning = row.get("cpu_pinning_raw") or {}
    return GuestCell(
        number=row.get("id", -1),
        cpuset=set_of(row.get("cpuset")),
        pcpuset=set_of(row.get("pcpuset")),
        memory_mb=row["memory"],
        pagesize_kb=row.get("pagesize"),
        cpu_policy=row.get("cpu_policy"),
        cpu_thread_policy=row.get("cpu_thread_policy"),
        pinning=tuple(sorted((int(cpu), host) for cpu, host in pinning.items())),
        reserved=set_of(row.get("cpuset_reserved")),
    )


def requests_of(rows: Sequence[Row] | None) -> tuple[PciRequest, ...]:
    """Make PCI requests."""
    return tuple(
        PciRequest(
            count=row["count"],
            spec=tuple(row["spec"]),
            alias_name=row.get("alias_name"),
            request_id=row.get("request_id"),
            numa_policy=row.get("numa_policy"),
        )
        for row in rows or ()
    )


def networks_of(row: Row | None) -> NetworkMetadata | None:
    """Make the networks whose NUMA affinity counts."""
    if row is None:
        return None
    return NetworkMetadata(
        frozenset((row.get("physnets") or {}).get("__set__", ())),
        bool(row.get("tunneled")),
    )

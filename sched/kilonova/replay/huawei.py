"""The Huawei topology: hosts of two NUMA cells in racks, servers with placement rules.

A host's CPUs and memory are its cells', two child providers; the root has one unit of
CUSTOM_SERVER for each server, because Nova finds a host only through candidates that
take something of its root.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadTable
from kilonova.hosts.options import Options
from kilonova.replay import tables
from kilonova.replay.servers import (
    STAYS,
    Fleet,
    Kind,
    Place,
    ServerTrace,
    Window,
    distinct,
)
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerGroup, ServerSpec

DOMAINS = 3
CELLS = 2

_MACHINES = {
    "machine": tables.WHOLE,
    "name": tables.TEXT,
    "rack": tables.WHOLE,
    "numa": tables.WHOLE,
    "cpu_milli": tables.WHOLE,
    "mem_mib": tables.WHOLE,
}
_REQUESTS = {
    "workload": tables.TEXT,
    "request": tables.WHOLE,
    "cpu_milli": tables.WHOLE,
    "mem_mib": tables.WHOLE,
    "numa": tables.WHOLE,
    "group": tables.WHOLE,
    "group_policy": tables.TEXT,
    "domain": tables.WHOLE,
}
_POLICIES = ("affinity", "anti-affinity")
_FAULT_DOMAIN = "fault-domain"
_SERVERS = 100_000
_MOST = 2**31 - 1


class Host(NamedTuple):
    """A host with the free vCPUs and MiB of each of its cells."""

    name: str
    rack: int
    vcpus: tuple[int, ...]
    memory_mb: tuple[int, ...]


def read_huawei(folder: Path) -> ServerTrace:
    """Read hosts and requests.

    Parameters
    ----------
    folder
        Holds ``machines.parquet`` and ``requests.parquet``.

    Raises
    ------
    BadTable
        A file, a column or an amount cannot be right; the message names it.
    """
    hosts = _hosts(folder / "machines.parquet")
    path = folder / "requests.parquet"
    table = tables.read_table(path, _REQUESTS)
    _check_requests(path, table)
    windows = {
        name: _window(name, table.filter(pc.field("workload") == name))
        for name in pc.unique(table["workload"]).to_pylist()
    }
    if not windows:
        raise BadTable(f"{path}: no requests.")
    groups = server_groups(windows.values())
    racks = len({host.rack for host in hosts})
    about = f"{len(hosts)} hosts of {CELLS} NUMA cells in {racks} racks"
    return ServerTrace(
        folder, about, lambda: build_fleet(hosts, groups), windows, True, active
    )


def active(options: Options) -> Options:
    """Let no server count as an I/O operation: each is active before the next comes."""
    section = replace(options.filter_scheduler, io_ops_weight_multiplier=0.0)
    return replace(options, filter_scheduler=section)


def _hosts(path: Path) -> tuple[Host, ...]:
    table = tables.read_table(path, _MACHINES)
    tables.check_text(path, table, "name")
    tables.check_range(path, table, "machine", 0, _MOST)
    tables.check_range(path, table, "rack", 0, _MOST)
    tables.check_range(path, table, "numa", 0, CELLS - 1)
    _check_whole(path, table, 0)
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for row, values in enumerate(table.to_pylist()):
        cells = found.setdefault(values["machine"], {})
        if values["numa"] in cells:
            raise BadTable(
                f"{path}: row {row}: machine {values['machine']} has cell "
                f"{values['numa']} already."
            )
        cells[values["numa"]] = values
    for machine, cells in found.items():
        if len(cells) != CELLS:
            raise BadTable(f"{path}: machine {machine} must have {CELLS} cells.")
    if not found:
        raise BadTable(f"{path}: no machines.")
    return tuple(_host([cells[n] for n in range(CELLS)]) for cells in found.values())


def _host(cells: Sequence[dict[str, Any]]) -> Host:
    return Host(
        cells[0]["name"],
        cells[0]["rack"],
        tuple(cell["cpu_milli"] // 1000 for cell in cells),
        tuple(cell["mem_mib"] for cell in cells),
    )


def _check_whole(path: Path, table: pa.Table, low: int) -> None:
    tables.check_range(path, table, "cpu_milli", low, _MOST)
    tables.check_range(path, table, "mem_mib", low, _MOST)
    tables.check_whole_cpus(path, table)


def _check_requests(path: Path, table: pa.Table) -> None:
    tables.check_text(path, table, "workload")
    tables.check_range(path, table, "numa", 1, CELLS)
    _check_whole(path, table, 1)
    known = (None, *_POLICIES, _FAULT_DOMAIN)
    for row, values in enumerate(table.to_pylist()):
        where = f"{path}: row {row}:"
        policy, domain, cells = (
            values[name] for name in ("group_policy", "domain", "numa")
        )
        if policy not in known:
            raise BadTable(f"{where} group_policy must be in {known}, got {policy!r}.")
        if policy in _POLICIES and values["group"] is None:
            raise BadTable(f"{where} {policy} needs a group, got None.")
        if policy == _FAULT_DOMAIN and domain not in range(DOMAINS):
            raise BadTable(f"{where} domain must be in 0..{DOMAINS - 1}, got {domain}.")
        for amount in (values["cpu_milli"] // 1000, values["mem_mib"]):
            if amount % cells:
                raise BadTable(f"{where} {amount} cannot be halved over two cells.")


def _window(name: str, table: pa.Table) -> Window:
    columns = ("cpu_milli", "mem_mib", "numa", "group", "group_policy", "domain")
    lists = [table[column].to_pylist() for column in columns]
    rows = [_asked(*values) for values in zip(*lists, strict=True)]
    first, numbers = distinct(rows)
    count = np.arange(len(rows), dtype=np.int64)
    return Window(
        name=name,
        kinds=tuple(_kind(name, *rows[row]) for row in first),
        kind=np.array(numbers, np.int32),
        call=count,
        start=count,
        end=np.full(len(rows), STAYS, np.int64),
        timed=False,
    )


def _asked(
    cpu: int,
    memory: int,
    cells: int,
    group: int | None,
    policy: str | None,
    domain: int,
) -> tuple[int, ...]:
    """Give amounts, cells, number of the policy, and its group or domain."""
    if policy == _FAULT_DOMAIN:
        return cpu // 1000, memory, cells, len(_POLICIES), domain
    if policy is None or group is None:
        return cpu // 1000, memory, cells, -1, -1
    return cpu // 1000, memory, cells, _POLICIES.index(policy), group


def _kind(
    window: str, vcpus: int, memory_mb: int, cells: int, policy: int, which: int
) -> Kind:
    name = f"{vcpus} vCPU, {memory_mb / 1024:g} GiB, {cells} cell{'s' * (cells > 1)}"
    spec = ServerSpec(
        Flavor(
            vcpus,
            memory_mb,
            name=name,
            extra_specs=extra_specs(vcpus, memory_mb, cells),
        )
    )
    rule = ""
    if policy == len(_POLICIES):
        rule = f"domain {which}"
        spec = replace(spec, availability_zone=f"domain-{which}")
    elif policy >= 0:
        rule = _POLICIES[policy]
        group = ServerGroup(rule, uuid=f"{window}-{which}")
        spec = replace(spec, server_group=group)
    return Kind(spec, name, rule, vcpus // cells, memory_mb // cells)


def extra_specs(vcpus: int, memory_mb: int, cells: int) -> dict[str, str]:
    """Take CPUs and memory from cells, in equal parts, and one unit of the root."""
    found = {
        "resources:VCPU": "0",
        "resources:MEMORY_MB": "0",
        "resources:CUSTOM_SERVER": "1",
        "group_policy": "isolate",
    }
    for cell in range(1, cells + 1):
        found[f"resources{cell}:VCPU"] = str(vcpus // cells)
        found[f"resources{cell}:MEMORY_MB"] = str(memory_mb // cells)
    return found


def server_groups(windows: Iterable[Window]) -> list[dict[str, str]]:
    """List the server groups of all windows, as a document has them."""
    groups = [kind.spec.server_group for each in windows for kind in each.kinds]
    found = {group.uuid: group.policy for group in groups if group is not None}
    return [{"uuid": uuid, "policy": policy} for uuid, policy in found.items()]


def build_fleet(hosts: Sequence[Host], groups: Sequence[dict[str, str]]) -> Fleet:
    """Make the hosts: a root, two cells, aggregates for its rack and fault domain."""
    providers: list[dict[str, Any]] = []
    listed: list[dict[str, Any]] = []
    places: list[Place] = []
    for host in hosts:
        around = [f"rack-{host.rack}", f"domain-{host.rack % DOMAINS}"]
        root = {"CUSTOM_SERVER": {"total": _SERVERS}}
        providers.append({"name": host.name, "aggregates": around, "inventories": root})
        for number, amounts in enumerate(zip(host.vcpus, host.memory_mb, strict=True)):
            name = f"{host.name}:numa{number}"
            offered = dict(zip(("VCPU", "MEMORY_MB"), amounts, strict=True))
            providers.append(
                {
                    "name": name,
                    "parent": host.name,
                    "inventories": {k: {"total": v} for k, v in offered.items() if v},
                }
            )
            places.append(Place(name, host.name, host.rack, *amounts))
        # Weighers go by what a host says of itself, which is its cells together.
        listed.append(
            {
                "nodename": host.name,
                "aggregates": around,
                "vcpus_total": sum(host.vcpus),
                "total_usable_ram_mb": sum(host.memory_mb),
                "free_ram_mb": sum(host.memory_mb),
                "cpu_allocation_ratio": 1.0,
                "ram_allocation_ratio": 1.0,
            }
        )
    document = {
        "providers": providers,
        "hosts": listed,
        "host_aggregates": _aggregates(hosts),
        "server_groups": list(groups),
    }
    return Fleet(Cloud.from_document(document), tuple(places))


def _aggregates(hosts: Sequence[Host]) -> list[dict[str, Any]]:
    """Give the host aggregates; a fault domain is an availability zone, too."""
    domains = [f"domain-{number}" for number in range(DOMAINS)]
    racks = [f"rack-{rack}" for rack in sorted({host.rack for host in hosts})]
    return [
        *(
            {"uuid": d, "name": d, "metadata": {"availability_zone": d}}
            for d in domains
        ),
        *({"uuid": rack, "name": rack} for rack in racks),
    ]

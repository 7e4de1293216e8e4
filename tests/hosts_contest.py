"""One selection, put to Kilonova's filters and weighers.

Filters, weights, choice of the best host, consumption: one server after the other.
"""

from dataclasses import replace
from typing import Any

from generators.hosts import NOW, Case
from kilonova.cloud.host import Host, HostCell
from kilonova.errors import KilonovaError
from kilonova.hosts import clock
from kilonova.hosts.consume import Consumed, consumed
from kilonova.hosts.filtering import run
from kilonova.hosts.filters.register import find
from kilonova.hosts.numa_fit import limits_of
from kilonova.hosts.weighing import weigh
from kilonova.request.server import ServerSpec
from peers.rounds import Round


def play(case: Case) -> list[Round]:
    """Put a case to our own filters and weighers."""
    rounds = []
    hosts, spec = list(case.hosts), case.spec
    with clock.using(lambda: NOW):
        for index, uuid in enumerate(case.servers):
            spec = replace(spec, instance_uuid=uuid)
            played, hosts, spec = _round(case, spec, hosts, index)
            rounds.append(played)
            if played.chosen is None:
                break
    return rounds


def _round(
    case: Case, spec: ServerSpec, hosts: list[Host], index: int
) -> tuple[Round, list[Host], ServerSpec]:
    played = Round([], [])
    try:
        for name in case.options.filter_scheduler.enabled_filters:
            filtered = run(hosts, spec, case.options, filters=[find(name)], index=index)
            if not hosts or not filtered.steps:
                continue
            hosts = list(filtered.hosts)
            played.steps.append((name, [_shown(host) for host in hosts]))
        weighed = weigh(hosts, spec, case.options)
    except KilonovaError as error:
        found = str(getattr(error, "nova", type(error).__name__))
        return played._replace(error=found), hosts, spec
    hosts = [hosts[h] for h in weighed.order]
    weights = weighed.weights[weighed.order]
    played.weights.extend(
        (host.host, float(weight).hex())
        for host, weight in zip(hosts, weights, strict=True)
    )
    if not hosts:
        return played, hosts, spec
    taken = _consume(case, spec, hosts[0])
    spec = following(spec, hosts[0], taken)
    hosts[0] = taken.applied_to(hosts[0])
    return played._replace(chosen=_left(hosts[0], spec)), hosts, spec


def following(spec: ServerSpec, host: Host, taken: Consumed) -> ServerSpec:
    """Give the spec for the next server of a multi-create.

    The chosen host joins those of the server group, and the cells of the guest are
    those that were fitted.
    """
    group = spec.server_group
    if group is not None:
        group = replace(group, hosts=group.hosts | {host.host})
    return replace(spec, server_group=group, topology=taken.topology)


def _consume(case: Case, spec: ServerSpec, host: Host) -> Consumed:
    mapping = {name: uuids for name, uuids in host.candidates[0].items() if name}
    limited = "NUMATopologyFilter" in case.options.filter_scheduler.enabled_filters
    # Nova's hosts have no limits before the filter sets them.
    limits = limits_of(host, case.spec) if limited and case.spec.topology else None
    return consumed(host, spec, case.options, mapping=mapping, limits=limits)


def _shown(host: Host) -> tuple[str, list[Any]]:
    return host.host, [dict(each) for each in host.candidates]


def _left(host: Host, spec: ServerSpec) -> dict[str, Any]:
    guests = spec.topology.cells if spec.topology else ()
    return {
        "amounts": [
            host.free_ram_mb,
            host.free_disk_mb,
            host.vcpus_used,
            host.num_instances,
            host.num_io_ops,
        ],
        "instances": sorted(host.instances),
        "cells": [_cell(cell) for cell in host.numa_cells or ()],
        "pools": None if host.pci_pools is None else [dict(p) for p in host.pci_pools],
        "guest": [[guest.number, guest.pagesize_kb] for guest in guests],
        "cpus": [sorted(cell.pinned_cpus) for cell in host.numa_cells or ()],
        "pinning": [[sorted(guest.pinning), *guest.reserved] for guest in guests],
    }


def _cell(cell: HostCell) -> list[Any]:
    return [
        cell.number,
        cell.memory_usage_mb,
        cell.cpu_usage,
        [len(core & cell.pinned_cpus) for core in cell.siblings],
        [pool.used for pool in cell.pages],
    ]

"""Nova's own filters and weighers, in process, as the truth that tests compare with.

No service, database or message bus. Three looks at a database that
ImagePropertiesWeigher makes are replaced by what the case says of the servers' images.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

with warnings.catch_warnings():
    # Nova warns of its own dependencies while it is imported.
    warnings.simplefilter("ignore")
    from nova import context, objects
    from nova.scheduler import filters, weights
    from oslo_utils import timeutils

    from kilonova.bench.peers import nova_objects

from generators.hosts import NOW, Case
from peers.rounds import Round

objects.register_all()
logging.getLogger("nova").setLevel(logging.CRITICAL)
logging.getLogger("oslo").setLevel(logging.CRITICAL)

_FILTERS = {each.__name__: each for each in filters.all_filters()}
_WEIGHERS = {each.__name__: each for each in weights.all_weighers()}


def play(case: Case) -> list[Round]:
    """Put a case to Nova: filter, weigh, choose and consume, server by server."""
    nova_objects.set_options(case.options)
    with _prepared(case.images):
        spec = nova_objects.request_spec(case.spec)
        hosts = [nova_objects.host_state(host) for host in case.hosts]
        rounds = []
        for index, uuid in enumerate(case.servers):
            spec.instance_uuid = uuid
            played, hosts = _round(case, spec, hosts, index)
            rounds.append(played)
            if played.chosen is None:
                break
    return rounds


def _round(
    case: Case, spec: Any, hosts: list[Any], index: int
) -> tuple[Round, list[Any]]:
    section = case.options.filter_scheduler
    played = Round([], [])
    try:
        for name in section.enabled_filters:
            each = _FILTERS[name]()
            if not hosts or not each.run_filter_for_index(index):
                continue
            hosts = list(each.filter_all(hosts, spec))
            played.steps.append((name, [_shown(host) for host in hosts]))
        weighers = [_WEIGHERS[name]() for name in section.weight_classes]
        handler = weights.HostWeightHandler()
        weighed = handler.get_weighed_objects(weighers, hosts, spec)
    except Exception as error:
        return played._replace(error=type(error).__name__), hosts
    played.weights.extend((w.obj.host, float(w.weight).hex()) for w in weighed)
    hosts = [each.obj for each in weighed]
    if not hosts:
        return played, hosts
    _consume(hosts[0], spec)
    return played._replace(chosen=_left(hosts[0], spec)), hosts


def _shown(host: Any) -> tuple[str, list[Any]]:
    return host.host, [each["mappings"] for each in host.allocation_candidates]


def _consume(host: Any, spec: Any) -> None:
    """Do what the scheduler does once a host is claimed."""
    mappings = host.allocation_candidates[0]["mappings"]
    spec.requested_resources = [
        objects.RequestGroup(requester_id=name, provider_uuids=list(uuids))
        for name, uuids in mappings.items()
        if name
    ]
    host.consume_from_request(spec)
    if spec.instance_group is not None:
        spec.instance_group.hosts.append(host.host)
        uuid = spec.instance_uuid
        host.instances.setdefault(uuid, objects.Instance(uuid=uuid))


def _left(host: Any, spec: Any) -> dict[str, Any]:
    """Show what is left of a host, and the guest's cells for the next server."""
    cells = host.numa_topology.cells if host.numa_topology else []
    guests = spec.numa_topology.cells if spec.numa_topology else []
    return {
        "amounts": [
            host.free_ram_mb,
            host.free_disk_mb,
            host.vcpus_used,
            host.num_instances,
            host.num_io_ops,
        ],
        "instances": sorted(host.instances),
        "cells": [_cell(cell) for cell in cells],
        "pools": [dict(p) for p in host.pci_stats.pools] if host.pci_stats else None,
        "guest": [[guest.id, guest.pagesize] for guest in guests],
        "cpus": [sorted(cell.pinned_cpus) for cell in cells],
        "pinning": [
            [sorted((guest.cpu_pinning or {}).items()), *(guest.cpuset_reserved or ())]
            for guest in guests
        ],
    }


def _cell(cell: Any) -> list[Any]:
    return [
        cell.id,
        cell.memory_usage,
        cell.cpu_usage,
        [len(core & cell.pinned_cpus) for core in cell.siblings],
        [pool.used for pool in cell.mempages],
    ]


@contextmanager
def _prepared(images: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Stop the clock, and say what images the servers have."""

    def image_of(instance: Any) -> Any:
        properties = nova_objects.image_properties(images.get(instance.uuid, {}))
        return objects.ImageMeta(properties=properties)

    @contextmanager
    def same_context(given: Any, cell: Any) -> Iterator[Any]:
        yield given

    timeutils.set_time_override(datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None))
    try:
        with (
            mock.patch.object(objects.CellMapping, "get_by_uuid"),
            mock.patch.object(objects.InstanceList, "fill_metadata"),
            mock.patch.object(objects.ImageMeta, "from_instance", image_of),
            mock.patch.object(context, "target_cell", same_context),
        ):
            yield
    finally:
        timeutils.clear_time_override()

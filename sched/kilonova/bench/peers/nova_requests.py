"""Nova in process: what it makes of a server before it looks at hosts.

Specs are given as our own objects and turned into Nova's. An answer is what Nova gave,
or the name of the exception that it raised.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from types import SimpleNamespace
from typing import Any
from unittest import mock

from oslo_config import cfg

from kilonova.bench.peers.nova_imports import (
    CONF,
    aggregate,
    exception,
    hardware,
    image_meta,
    objects,
    pci_request,
    request_filter,
    scheduler_utils,
)
from kilonova.cloud.host import HostAggregate
from kilonova.hosts.options import Options
from kilonova.request.flavor import Flavor
from kilonova.request.group import RequestGroup
from kilonova.request.image import Image
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.translate import TargetNode

_LISTS = aggregate.AggregateList


def outcome(ask: Callable[[], Any]) -> Any:
    """Return what Nova answers, or ``("raises", name of the exception)``."""
    try:
        return ask()
    except (exception.NovaException, ValueError) as error:
        return "raises", type(error).__name__


@contextmanager
def configured(options: Options) -> Iterator[None]:
    """Give Nova our options while the block runs, those apart that it does not have."""
    with ExitStack() as stack:
        stack.callback(pci_request.get_alias_from_config.cache_clear)
        for each in fields(options):
            group = None if each.name == "default" else each.name
            section = getattr(options, each.name)
            for option in fields(section):
                value = getattr(section, option.name)
                value = list(value) if isinstance(value, tuple) else value
                with suppress(cfg.NoSuchOptError, cfg.NoSuchGroupError):
                    CONF.set_override(option.name, value, group)
                    stack.callback(CONF.clear_override, option.name, group)
        pci_request.get_alias_from_config.cache_clear()
        yield


def queries(
    spec: ServerSpec, options: Options, nodes: Sequence[TargetNode]
) -> tuple[str, str | None]:
    """Return the query for candidates, and that of the fallback or None."""
    manager = SimpleNamespace(
        get_compute_nodes_by_host_or_node=lambda *_, **__: [
            SimpleNamespace(
                uuid=node.uuid, host=node.host, hypervisor_hostname=node.nodename
            )
            for node in nodes
        ]
    )
    ask = scheduler_utils.resources_from_request_spec
    with configured(options):
        first = ask(None, nova_spec(spec), manager)
        second = None
        fallback = not CONF.workarounds.disable_fallback_pcpu_query
        if first.cpu_pinning_requested and fallback:
            second = ask(None, nova_spec(spec), manager, enable_pinning_translate=False)
        return first.to_querystring(), second and second.to_querystring()


def numa_cells(flavor: Flavor, image: Image) -> dict[str, Any] | None:
    """Return Nova's NUMA cells, in the form of the recorded cases."""
    found = hardware.numa_get_constraints(nova_flavor(flavor), nova_image(image))
    if found is None:
        return None
    names = ("id", "memory", "pagesize", "cpu_policy", "cpu_thread_policy")
    return {
        "emulator_threads_policy": found.emulator_threads_policy,
        "cells": [
            {name: getattr(cell, name) for name in names}
            | {"cpuset": frozenset(cell.cpuset), "pcpuset": frozenset(cell.pcpuset)}
            for cell in found.cells
        ],
    }


def alias_requests(
    flavor: Flavor, options: Options, numa_policy: str | None
) -> list[tuple[Any, ...]]:
    """Return the PCI requests of a flavor, and the groups that Nova makes of them."""
    with configured(options):
        found = pci_request.get_pci_requests_from_flavor(
            nova_flavor(flavor), numa_policy
        )
        spec = objects.RequestSpec(pci_requests=found, requested_resources=[])
        spec.generate_request_groups_from_pci_requests()
    requests = [
        (each.count, each.alias_name, each.numa_policy, [dict(s) for s in each.spec])
        for each in found.requests
    ]
    groups = [
        (dict(each.resources), set(each.required_traits))
        for each in spec.requested_resources
    ]
    return [("requests", requests), ("groups", groups)]


def properties_of(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an image that Nova reads from Glance's."""
    found = image_meta.ImageMetaProps.from_dict(dict(raw))
    return {n: getattr(found, n) for n in found.fields if found.obj_attr_is_set(n)}


def narrowed(
    spec: ServerSpec,
    aggregates: Sequence[HostAggregate],
    options: Options,
    service_version: int,
) -> dict[str, Any]:
    """Return what Nova's pre-filters change, in plain values."""
    found = nova_spec(spec)
    found.requested_networks = objects.NetworkRequestList(objects=[])
    with configured(options), aggregates_known(aggregates), ExitStack() as stack:
        versions = mock.patch.object(
            request_filter.objects.service,
            "get_minimum_version_all_cells",
            return_value=service_version,
        )
        stack.enter_context(versions)
        request_filter.process_reqspec(None, found)
    destination = found.requested_destination
    return {
        "root_required": set(found.root_required),
        "root_forbidden": set(found.root_forbidden),
        "aggregates": [
            set(clause.split(","))
            for clause in (destination and destination.aggregates) or ()
        ],
        "forbidden_aggregates": set(
            (destination and destination.forbidden_aggregates) or ()
        ),
        "groups": [set(each.required_traits) for each in found.requested_resources],
    }


@contextmanager
def aggregates_known(aggregates: Sequence[HostAggregate]) -> Iterator[None]:
    """Let Nova find these host aggregates where it would ask its database."""
    with (
        mock.patch.object(_LISTS, "get_by_metadata", _by_metadata(aggregates)),
        mock.patch.object(
            _LISTS, "get_non_matching_by_metadata_keys", _non_matching(aggregates)
        ),
    ):
        yield


def _by_metadata(aggregates: Sequence[HostAggregate]) -> Callable[..., list[Any]]:
    def get(_: object, key: str | None = None, value: str | None = None) -> list[Any]:
        found = []
        for each in aggregates:
            # The database gives the entries that match, not all of the aggregate.
            entries = {
                k: v
                for k, v in each.metadata.items()
                if key in (None, k) and value in (None, v)
            }
            if entries:
                found.append(objects.Aggregate(uuid=each.uuid, metadata=entries))
        return found

    return get


def _non_matching(aggregates: Sequence[HostAggregate]) -> Callable[..., list[Any]]:
    def get(_: object, ignored: list[str], prefix: str, value: str) -> list[Any]:
        return [
            objects.Aggregate(uuid=each.uuid)
            for each in aggregates
            if any(
                k.startswith(prefix) and v == value and k not in ignored
                for k, v in each.metadata.items()
            )
        ]

    return get


def nova_flavor(flavor: Flavor) -> Any:
    """Make Nova's flavor."""
    return objects.Flavor(
        name=flavor.name,
        vcpus=flavor.vcpus,
        memory_mb=flavor.memory_mb,
        root_gb=flavor.root_gb,
        ephemeral_gb=flavor.ephemeral_gb,
        swap=flavor.swap_mb,
        extra_specs=dict(flavor.extra_specs),
    )


def nova_image(image: Image) -> Any:
    """Make Nova's image."""
    properties = {name: _thawed(value) for name, value in image.properties.items()}
    found = objects.ImageMeta(
        id=image.uuid, name=image.name, properties=objects.ImageMetaProps(**properties)
    )
    # Nova fails on an image without a format where it should skip it.
    found.disk_format = image.disk_format or "none"
    return found


def nova_spec(spec: ServerSpec) -> Any:
    """Make Nova's request spec, as far as candidates depend on it."""
    return objects.RequestSpec(
        flavor=nova_flavor(spec.flavor),
        image=nova_image(spec.image),
        is_bfv=spec.is_volume_backed,
        project_id=spec.project_id,
        availability_zone=spec.availability_zone,
        requested_resources=list(map(_nova_group, spec.groups)),
        requested_destination=_nova_destination(spec.destination),
        force_hosts=list(spec.force_hosts),
        force_nodes=list(spec.force_nodes),
        scheduler_hints={name: list(texts) for name, texts in spec.hints.items()},
        request_level_params=objects.RequestLevelParams(
            root_required=set(spec.root_required),
            root_forbidden=set(spec.root_forbidden),
            same_subtree=list(map(list, spec.same_subtree)),
        ),
        pci_requests=_nova_pci_requests(spec),
    )


def _nova_pci_requests(spec: ServerSpec) -> Any:
    return objects.InstancePCIRequests(
        requests=[
            objects.InstancePCIRequest(
                count=each.count,
                spec=[dict(entry) for entry in each.spec],
                alias_name=each.alias_name,
                request_id=each.request_id,
            )
            for each in spec.pci_requests
        ]
    )


def _nova_group(group: RequestGroup) -> Any:
    return objects.RequestGroup(
        requester_id=group.suffix or None,
        resources=dict(group.resources),
        required_traits=set().union(*group.required),
        forbidden_traits=set(group.forbidden),
        aggregates=list(map(list, group.member_of)),
        forbidden_aggregates=set(group.forbidden_aggregates),
        in_tree=group.in_tree,
    )


def _nova_destination(destination: Destination | None) -> Any:
    if destination is None:
        return None
    found = objects.Destination()
    for name in ("host", "node"):
        if getattr(destination, name) is not None:
            setattr(found, name, getattr(destination, name))
    for clause in destination.aggregates:
        found.require_aggregates(sorted(clause))
    if destination.forbidden_aggregates:
        found.forbidden_aggregates = set(destination.forbidden_aggregates)
    return found


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(map(_thawed, value))
    return set(value) if isinstance(value, frozenset) else value

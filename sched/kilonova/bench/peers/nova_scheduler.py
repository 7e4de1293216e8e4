"""Nova's own scheduler on top of Placement, both in process: a whole call of it.

``SchedulerManager.select_destinations`` runs as it is, with its report client, host
states, filters, weighers, claims and alternates. Replaced is what needs a database or a
message bus: compute nodes and services are objects in memory, requests to Placement are
calls of its application, notifications go nowhere.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from json import dumps
from types import SimpleNamespace
from typing import Any
from unittest import mock

with warnings.catch_warnings():
    # Nova warns of its own dependencies while it is imported.
    warnings.simplefilter("ignore")
    # Both read Nova's options, so they come before other parts of Nova.
    from kilonova.bench.peers import nova_objects, nova_requests  # isort: skip
    from nova import context, exception, objects
    from nova.objects import monitor_metric
    from nova.scheduler import host_manager, manager
    from nova.scheduler.client import report
    from oslo_utils import timeutils

    from kilonova.bench.peers.nova_imports import CONF

from kilonova import Cloud
from kilonova.bench.document import uuid_of
from kilonova.bench.peers.nova_session import Session
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.reasons import hosts_with_servers
from kilonova.request.server import ServerSpec

__all__ = ["HostManager", "Manager", "NovaScheduler", "exception", "request_spec"]

objects.register_all()
logging.getLogger("nova").setLevel(logging.CRITICAL)
# Services have one heartbeat, at the start: a measurement takes longer than a minute.
_SERVICE_DOWN_TIME_S = 1_000_000
_START = "2000-01-01T00:00:00.000000"
_CELL = uuid_of("cell")
_ACTION = "nova.compute.utils.notify_about_scheduler_action"
_VERSIONS = "nova.objects.service.get_minimum_version_all_cells"
_PERCENTAGES = frozenset(monitor_metric.FIELDS_REQUIRING_CONVERSION)


class HostManager(host_manager.HostManager):  # type: ignore[misc]
    """Nova's host manager over compute nodes in memory.

    Attributes
    ----------
    weighed
        Hosts and weights of each server of the last call, best first.
    """

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.nodes = {uuid_of(host.nodename): _compute_node(host) for host in hosts}
        self.services = {host.host: _service(host.host) for host in hosts}
        self.weighed: list[list[tuple[str, float]]] = []
        super().__init__()
        # Nova adds weights up in the order in which a folder lists its files, and the
        # last bit of a sum depends on that: ours is the alphabet.
        self.weighers.sort(key=lambda one: (type(one).__module__, type(one).__name__))
        self._instance_info: dict[str, Any] = {
            host.host: {
                "instances": {u: objects.Instance(uuid=u) for u in host.instances},
                "updated": True,
            }
            for host in hosts
        }

    def refresh_cells_caches(self) -> None:
        """Know of one cell."""
        self.cells = {_CELL: objects.CellMapping(uuid=_CELL)}
        self.enabled_cells = list(self.cells.values())

    def _init_aggregates(self) -> None:
        """Know of no aggregate."""

    def _init_instance_info(self, computes_by_cell: object = None) -> None:
        """Be told of instances afterwards."""

    def _get_computes_for_cells(
        self, ctxt: object, cells: object, compute_uuids: Sequence[str]
    ) -> tuple[dict[str, list[Any]], dict[str, Any]]:
        known = self.nodes
        found = [known[uuid] for uuid in compute_uuids if uuid in known]
        return {_CELL: found}, self.services

    def get_compute_nodes_by_host_or_node(
        self, ctxt: object, host: str | None, node: str | None, cell: object = None
    ) -> list[Any]:
        """Look compute nodes up; names are compared as they are."""
        return [
            each
            for each in self.nodes.values()
            if host in (None, each.host) and node in (None, each.hypervisor_hostname)
        ]

    def tell(self, host: str, server: str, is_there: bool) -> None:
        """Be told that a host has a server now, or has it no more."""
        known: dict[str, Any] = self._instance_info[host]["instances"]
        if is_there:
            known[server] = objects.Instance(uuid=server)
        else:
            known.pop(server, None)

    def states(self, uuids: Sequence[str]) -> list[Any]:
        """Make the states of hosts anew, from their compute nodes."""
        return list(self.get_host_states_by_uuids(None, uuids, None))

    def get_weighed_hosts(self, hosts: list[Any], spec_obj: Any) -> list[Any]:
        """Weigh hosts, and note what came of it."""
        found: list[Any] = super().get_weighed_hosts(hosts, spec_obj)
        self.weighed.append([(each.obj.host, each.weight) for each in found])
        return found


class Manager(manager.SchedulerManager):  # type: ignore[misc]
    """Nova's scheduler service without a message bus.

    Attributes
    ----------
    rank
        Place of each host by name where equal ones shall keep it; None leaves them as
        Nova has them, in the order of a set.
    provider_rank
        Place of each provider by UUID where a host's candidates shall come in the order
        of their providers; None leaves them as Placement gives them.
    """

    def __init__(self, hosts: HostManager, session: Session) -> None:
        self.host_manager = hosts
        self.notifier = SimpleNamespace(info=lambda *_: None)
        self.rank: Mapping[str, int] | None = None
        self.provider_rank: Mapping[str, int] | None = None
        self._client = report.SchedulerReportClient(adapter=session)

    @property
    def placement_client(self) -> Any:
        """The report client."""
        return self._client

    def _get_sorted_hosts(self, spec_obj: Any, hosts: Any, index: int) -> list[Any]:
        rank = self.rank
        if rank is not None:
            hosts = sorted(hosts, key=lambda host: rank[host.host])
        found: list[Any] = super()._get_sorted_hosts(spec_obj, hosts, index)
        if self.provider_rank is not None:
            for host in found:
                host.allocation_candidates.sort(key=self._candidate_rank)
        return found

    def _candidate_rank(self, candidate: Mapping[str, Any]) -> list[int]:
        rank, mappings = self.provider_rank, candidate["mappings"]
        assert rank is not None
        return [rank[uuid] for suffix in sorted(mappings) for uuid in mappings[suffix]]


class NovaScheduler:
    """Nova and Placement over one cloud.

    Parameters
    ----------
    cloud
        Hosts as they are now, which a cloud without any has once it has a scheduler;
        their nodes are named as their root providers.
    placement
        Service that holds the same providers and allocations.
    options
        Options of both schedulers.
    """

    def __init__(
        self, cloud: Cloud, placement: PlacementApplication, options: Options
    ) -> None:
        nova_objects.set_options(options)
        self.limit(options.scheduler.max_placement_results)
        down = _SERVICE_DOWN_TIME_S
        CONF.set_override("service_down_time", down)
        hosts = hosts_with_servers(cloud.state)
        self.session = Session(placement)
        self.hosts = HostManager(hosts)
        self.manager = Manager(self.hosts, self.session)
        self._aggregates = [
            replace(each, uuid=uuid_of(each.uuid))
            for each in cloud.state.hosts.aggregates
        ]
        self.row = {host.host: row for row, host in enumerate(hosts)}
        self._placement = placement
        self._context = context.RequestContext("user", "project", is_admin=True)

    def limit(self, most: int) -> None:
        """Ask for at most so many candidates from now on."""
        name = "max_placement_results"
        CONF.set_override(name, most, group="scheduler")

    def select(self, spec: ServerSpec, servers: Sequence[str]) -> list[Any]:
        """Select and claim hosts, with alternates; give Nova's selections."""
        self.hosts.weighed.clear()
        with _silent(), nova_requests.aggregates_known(self._aggregates):
            try:
                found: list[Any] = self.manager.select_destinations(
                    self._context,
                    spec_obj=request_spec(spec, len(servers)),
                    instance_uuids=list(servers),
                    return_objects=True,
                    return_alternates=True,
                )
            except manager.messaging.ExpectedException as error:
                raise error.exc_info[1] from None
        return found

    def rank(self, states: list[Any], spec: ServerSpec, servers: Sequence[str]) -> None:
        """Filter, weigh, choose and consume hosts, without Placement."""
        self.hosts.weighed.clear()
        asked = request_spec(spec, len(servers))
        for index, uuid in enumerate(servers):
            asked.instance_uuid = uuid
            states = self.manager._get_sorted_hosts(asked, states, index)
            self.manager._consume_selected_host(states[0], asked, uuid)

    def release(self, servers: Sequence[str]) -> None:
        """Give back what servers hold in Placement."""
        for uuid in servers:
            self._placement.call("DELETE", f"/allocations/{uuid}")


def request_spec(spec: ServerSpec, count: int) -> Any:
    """Make the request spec of a new server, with all that the scheduler looks at."""
    found = nova_requests.nova_spec(spec)
    found.num_instances = count
    found.user_id = "user"
    found.project_id = spec.project_id or "project"
    found.numa_topology = nova_objects.guest_topology(spec.topology)
    found.instance_group = spec.server_group and nova_objects.instance_group(
        spec.server_group
    )
    found.ignore_hosts = list(spec.ignore_hosts)
    found.requested_networks = objects.NetworkRequestList(objects=[])
    return found


def _compute_node(host: Host) -> Any:
    return objects.ComputeNode(
        uuid=uuid_of(host.nodename),
        host=host.host,
        hypervisor_hostname=host.nodename,
        hypervisor_type=host.hypervisor_type or "QEMU",
        hypervisor_version=host.hypervisor_version or 0,
        host_ip=None,
        cpu_info=None,
        vcpus=host.vcpus_total,
        vcpus_used=host.vcpus_used,
        memory_mb=host.total_usable_ram_mb,
        free_ram_mb=host.free_ram_mb,
        local_gb=host.total_usable_disk_gb,
        local_gb_used=host.disk_mb_used // 1024,
        free_disk_gb=host.free_disk_mb // 1024,
        disk_available_least=None,
        cpu_allocation_ratio=host.cpu_allocation_ratio,
        ram_allocation_ratio=host.ram_allocation_ratio or 1.0,
        disk_allocation_ratio=host.disk_allocation_ratio or 1.0,
        stats={
            "num_instances": str(host.num_instances),
            "io_workload": str(host.num_io_ops),
            "failed_builds": str(host.failed_builds),
        },
        metrics=None if host.metrics is None else _metrics(host.metrics),
        numa_topology=None,
        pci_device_pools=None if host.pci_pools is None else _pools(host.pci_pools),
        supported_hv_specs=[],
        updated_at=None,
    )


def _metrics(metrics: Mapping[str, float]) -> str:
    """Write metrics as a compute service does; times are not looked at.

    Percentages are whole numbers in a host state, and so in our hosts; the text that a
    compute service writes has fractions of 1 for them.
    """
    return dumps(
        [
            {
                "name": name,
                "value": _fraction(value) if name in _PERCENTAGES else value,
                "timestamp": _START,
                "source": "test",
            }
            for name, value in metrics.items()
        ]
    )


def _fraction(percent: float) -> float:
    """Give what Nova reads as that percentage; it cuts off, and reads 0.29 as 28."""
    return (int(percent) + 0.5) / 100


def _pools(pools: Sequence[Mapping[str, Any]]) -> Any:
    """Make pools of devices, whose providers have UUIDs."""
    known = ("count", "vendor_id", "product_id", "numa_node")
    found = []
    for pool in pools:
        tags = {name: value for name, value in pool.items() if name not in known}
        if "rp_uuid" in tags:
            tags["rp_uuid"] = uuid_of(tags["rp_uuid"])
        plain = {name: pool.get(name) for name in known}
        found.append(objects.PciDevicePool(**plain, tags=tags))
    return objects.PciDevicePoolList(objects=found)


def _service(host: str) -> Any:
    return objects.Service(
        host=host,
        binary="nova-compute",
        disabled=False,
        disabled_reason=None,
        forced_down=False,
        last_seen_up=timeutils.utcnow(with_timezone=True),
        created_at=timeutils.utcnow(with_timezone=True),
        updated_at=None,
    )


@contextmanager
def _silent() -> Iterator[None]:
    """Tell nobody of what is scheduled, and ask no cell for its version."""
    with (
        mock.patch(_ACTION),
        mock.patch(_VERSIONS, return_value=72),
    ):
        yield

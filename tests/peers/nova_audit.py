"""Nova's own audit, healing and mirroring of aggregates, run in process.

Placement is one of our clouds behind the few calls that the commands make; Nova's
databases and Neutron are documents of records.
"""

import contextlib
import copy
import io
import warnings
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from kilonova import Cloud
from kilonova.bench.peers.nova_imports import exception, objects
from kilonova.errors import KilonovaError
from oracle.audit import OVER
from peers.nova_cells import CellDatabases

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from neutronclient.common import exceptions as neutron_exceptions
    from nova import context, monkey_patch

    # Commands put eventlet's threads in the place of Python's while they are loaded;
    # whoever has threads already, as tests in several processes do, would wait forever.
    with mock.patch.object(monkey_patch, "patch"):
        from nova.cmd import manage

Document = dict[str, Any]


class Placement:
    """What the commands ask of Placement.

    Parameters
    ----------
    cloud
        Answers, and is changed.
    failing
        Consumers of which nothing can be written.
    """

    def __init__(self, cloud: Cloud, failing: frozenset[str] = frozenset()) -> None:
        self.cloud = cloud
        self._failing = failing

    def get(self, url: str, **_: Any) -> Any:
        """List providers."""
        state, found = self.cloud.state, []
        for row in range(state.tables.provider.count):
            root = int(state.tables.provider["root"][row])
            found.append(
                {
                    "uuid": state.provider_identity(row),
                    "root_provider_uuid": state.provider_identity(root),
                }
            )
        path, asks, uuid = url.partition("?uuid=")
        assert path == "/resource_providers"
        found = [each for each in found if not asks or each["uuid"] == uuid]
        return SimpleNamespace(json=lambda: {"resource_providers": found})

    def get_allocations_for_resource_provider(self, _: Any, uuid: str) -> Any:
        """Give who holds what of a provider."""
        found: Document = {}
        for consumer in filter(None, self.cloud.state.consumer_uuids.to_list()):
            held = self.cloud.allocations(consumer)
            if uuid in held:
                found[consumer] = {"resources": held[uuid]}
        return SimpleNamespace(allocations=found)

    def get_allocs_for_consumer(self, _: Any, consumer: str) -> Document:
        """Give what a consumer holds, and whose it is."""
        state = self.cloud.state
        row = state.consumer_uuids.find(consumer)
        held = self.cloud.allocations(consumer)
        if not held:
            return {"allocations": {}}
        table = state.tables.consumer
        return {
            "allocations": {rp: {"resources": each} for rp, each in held.items()},
            "project_id": state.projects[int(table["project"][row])],
            "user_id": state.users[int(table["user"][row])],
            "consumer_generation": int(table["generation"][row]),
        }

    def put_allocations(self, _: Any, consumer: str, payload: Document) -> bool:
        """Replace what a consumer holds."""
        if consumer in self._failing:
            raise exception.AllocationUpdateFailed(consumer_uuid=consumer, error="")
        try:
            self.cloud.claim(
                consumer,
                {
                    rp: dict(each["resources"])
                    for rp, each in payload["allocations"].items()
                },
                project=payload["project_id"],
                user=payload["user_id"],
                consumer_generation=payload["consumer_generation"],
            )
        except KilonovaError:
            return False
        return True

    def delete_allocation_for_instance(
        self, _: Any, consumer: str, *__: Any, **___: Any
    ) -> None:
        """Delete a consumer."""
        if consumer in self._failing:
            raise exception.AllocationDeleteFailed(consumer_uuid=consumer, error="")
        self.cloud.release(consumer)

    def get_allocation_candidates(self, _: Any, request: Any) -> Any:
        """Ask for candidates with the query that Nova writes."""
        query = request.to_querystring()
        try:
            body = self.cloud.allocation_candidates(query).to_placement()
        except KilonovaError:
            return None, None, None
        return body["allocation_requests"], body["provider_summaries"], "1.36"

    def aggregate_add_host(self, _: Any, aggregate: str, rp_uuid: str) -> None:
        """Add a provider to an aggregate."""
        state = self.cloud.state
        row = state.find_provider(rp_uuid)
        if row < 0:
            raise exception.ResourceProviderNotFound(name_or_uuid=rp_uuid)
        number = int(state.tables.provider["aggregate_set"][row])
        there = [state.aggregates[i] for i in state.aggregate_sets[number]]
        if aggregate not in there:
            self.cloud.set_aggregates(rp_uuid, [*there, aggregate])


@dataclass
class Neutron:
    """Ports, and which of them cannot be written."""

    ports: dict[str, Document]
    failing: frozenset[str] = frozenset()
    sticking: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    written: list[str] = field(default_factory=list)

    def list_ports(self, _: Any, device_id: str, **__: Any) -> Document:
        """Give the ports of a server."""
        if device_id in self.lost:
            raise neutron_exceptions.NeutronClientException("lost")
        found = [p for p in self.ports.values() if p["device_id"] == device_id]
        return {"ports": copy.deepcopy(found)}

    def update_port(self, port: str, body: Document) -> None:
        """Write the profile of a port."""
        profile = body["port"]["binding:profile"]
        adds = "allocation" in profile
        if port in (self.failing if adds else self.sticking):
            raise neutron_exceptions.NeutronClientException("refused")
        self.ports[port]["binding:profile"] = dict(profile)
        self.written.append(port)


class Databases:
    """What Nova's databases answer, of documents of a cloud and of records."""

    def __init__(self, cloud: Document, records: Document) -> None:
        self.nodes = {}
        for host in cloud["hosts"]:
            provider = next(
                p for p in cloud["providers"] if p["name"] == host["nodename"]
            )
            self.nodes[provider["uuid"]] = SimpleNamespace(
                uuid=provider["uuid"],
                host=host["host"],
                hypervisor_hostname=host["nodename"],
                cell=host.get("cell_uuid"),
            )
        self.servers = records["servers"]
        self.migrations = records.get("migrations", [])

    def node_in_cells(self, _: Any, __: Any, uuid: str) -> dict[str, Any]:
        """Look for a compute node in all cells."""
        found: dict[str, Any] = {"elsewhere": exception.ComputeHostNotFound(host="")}
        if uuid in self.nodes:
            found[self.nodes[uuid].cell or "some cell"] = self.nodes[uuid]
        return found

    def instances(self, cell: Any, host: str, node: str, **_: Any) -> list[Any]:
        """Give the servers on a node."""
        return [
            SimpleNamespace(uuid=each["uuid"])
            for each in self.servers
            if (each["host"], each["node"]) == (host, node)
            and each["vm_state"] != "deleted"
            and (each["cell"] in (None, cell.uuid) or cell.uuid == "some cell")
        ]

    def under_way(self, _: Any, host: str, node: str) -> list[Any]:
        """Give the migrations in progress from or to a node."""
        return [
            SimpleNamespace(uuid=each["uuid"])
            for each in self.migrations
            if each["status"] not in OVER
            and (host, node)
            in (
                (each["source_host"], each["source_node"]),
                (each["dest_host"], each["dest_node"]),
            )
        ]


def audit(
    placement: Placement, databases: Databases, provider: str | None, delete: bool
) -> tuple[int, list[str]]:
    """Run ``placement audit``; give its exit status and the lines that it shows."""
    commands = manage.PlacementCommands()
    cell = SimpleNamespace
    with ExitStack() as stack:
        for target, name, value in (
            (manage.report, "report_client_singleton", lambda: placement),
            (context, "scatter_gather_skip_cell0", databases.node_in_cells),
            (context, "target_cell", lambda _, mapping: nullcontext(mapping)),
            (objects.CellMapping, "get_by_uuid", lambda _, uuid: cell(uuid=uuid)),
            (objects.InstanceList, "get_by_host_and_node", databases.instances),
            (
                objects.MigrationList,
                "get_in_progress_by_host_and_node",
                databases.under_way,
            ),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        shown = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        code = commands.audit(verbose=True, provider_uuid=provider, delete=delete)
    return code, shown.getvalue().splitlines()


def heal(
    placement: Placement, neutron: Neutron, servers: list[Any], **asked: Any
) -> int:
    """Run ``placement heal_allocations``; give its exit status.

    Parameters
    ----------
    placement, neutron
        Changed.
    servers
        As ``heal_server`` makes them, in any order.
    asked
        Arguments of the command; ``extended`` is the form of ports, ``cells`` are the
        UUIDs of all cells and ``nodes`` the UUID of each compute node by cell, service
        and node.
    """
    extended, cells = asked.pop("extended"), asked.pop("cells")
    nodes = asked.pop("nodes")
    mappings = [SimpleNamespace(uuid=cell, identity=cell) for cell in cells]
    databases = CellDatabases(servers, mappings, nodes)

    with ExitStack() as stack:
        for target, name, value in (
            (manage.report, "report_client_singleton", lambda: placement),
            (manage.neutron_api, "get_client", lambda *_, **__: neutron),
            (
                manage.neutron_api.API,
                "has_extended_resource_request_extension",
                lambda *_: extended,
            ),
            (context, "target_cell", lambda _, mapping: nullcontext(mapping)),
            (
                objects,
                "CellMappingList",
                mock.Mock(
                    side_effect=lambda objects: objects, get_all=lambda _: mappings
                ),
            ),
            (objects.CellMapping, "get_by_uuid", databases.by_uuid),
            (objects.InstanceMapping, "get_by_instance_uuid", databases.mapping),
            (objects.InstanceList, "get_by_filters", databases.listed),
            (objects.ComputeNode, "get_by_host_and_nodename", databases.node),
            (
                manage.scheduler_utils.compute_utils,
                "is_volume_backed_instance",
                lambda _, server: server.is_volume_backed,
            ),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        return int(manage.PlacementCommands().heal_allocations(**asked))


def heal_server(given: Document) -> Any:
    """Make a server of the document of one."""
    flavor = given["flavor"]
    made = objects.Flavor(
        vcpus=flavor["vcpus"],
        memory_mb=flavor["memory_mb"],
        root_gb=flavor.get("root_gb", 0),
        ephemeral_gb=0,
        swap=flavor.get("swap_mb", 0),
        name="",
        extra_specs=dict(flavor.get("extra_specs", {})),
    )
    return SimpleNamespace(**{**given, "flavor": made, "_context": None})


def sync_aggregates(
    placement: Placement,
    aggregates: list[tuple[str, list[str]]],
    mappings: dict[str, str],
    nodes: dict[str, list[str]],
) -> int:
    """Run ``placement sync_aggregates``; give its exit status.

    Parameters
    ----------
    placement
        Changed.
    aggregates
        UUID and services of each host aggregate.
    mappings
        Cell of each service that is mapped.
    nodes
        UUIDs of compute nodes by service.
    """
    listed = [
        SimpleNamespace(uuid=uuid, name=uuid, hosts=hosts) for uuid, hosts in aggregates
    ]

    def mapping(_: Any, host: str) -> Any:
        if host not in mappings:
            raise exception.HostMappingNotFound(name=host)
        return SimpleNamespace(cell_mapping=mappings[host])

    def of_host(_: Any, host: str) -> list[Any]:
        if not nodes.get(host):
            raise exception.ComputeHostNotFound(host=host)
        return [SimpleNamespace(uuid=uuid) for uuid in nodes[host]]

    face = SimpleNamespace(
        placement_client=placement, get_aggregate_list=lambda _: listed
    )
    with ExitStack() as stack:
        for target, name, value in (
            (manage.api, "AggregateAPI", lambda: face),
            (objects.HostMapping, "get_by_host", mapping),
            (objects.ComputeNodeList, "get_all_by_host", of_host),
            (context, "target_cell", lambda _, mapping: nullcontext(mapping)),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        return int(manage.PlacementCommands().sync_aggregates())

"""Nova with Placement over a cloud, and what compute services tell it of servers.

Servers come, leave and are handed over one call after the other. A compute service
reports at once what its host has left, so that the next server is weighed by that.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from kilonova.bench.document import uuid_of
from kilonova.bench.peers.nova_scheduler import NovaScheduler, exception
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.bench.workload import WrongResult
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

# That in which Nova hands allocations over.
_MICROVERSION = "1.28"

# Nova's images have a UUID.
_IMAGE = uuid_of("image")


class _Held(NamedTuple):
    """Where a server is, and what it asked."""

    host: str
    spec: ServerSpec


class NovaSite:
    """Nova and Placement.

    Parameters
    ----------
    cloud
        Hosts, as they are now.
    placement
        Service with the same providers and allocations.
    options
        Of Nova's scheduler.

    Attributes
    ----------
    seconds
        Spent in Nova and Placement.
    """

    def __init__(
        self, cloud: Cloud, placement: PlacementApplication, options: Options
    ) -> None:
        self.nova = NovaScheduler(cloud, placement, options)
        self.seconds = 0.0
        self._placement = placement
        self._nodes = {node.host: node for node in self.nova.hosts.nodes.values()}
        self._held: dict[str, _Held] = {}
        self._members: dict[str, set[str]] = defaultdict(set)
        self._building: set[str] = set()

    def boot(self, servers: Sequence[str], spec: ServerSpec) -> list[str | None]:
        """Place servers in one call; give the names of their hosts, None for none."""
        image = replace(spec.image, uuid=spec.image.uuid or _IMAGE)
        asked = self._grouped(replace(spec, image=image))
        try:
            found = self._timed(lambda: self.nova.select(asked, servers))
        except exception.NoValidHost:
            return [None] * len(servers)
        for server, selection in zip(servers, found, strict=True):
            self._held[server] = _Held(selection[0].service_host, spec)
            self._building.add(server)
            self._report(server, 1)
        return [selection[0].nodename for selection in found]

    def delete(self, server: str) -> None:
        """Let a server leave; one that has no host leaves nothing behind."""
        self._call("DELETE", f"/allocations/{server}", (204, 404))
        if server in self._held:
            self._report(server, -1)
            self._building.discard(server)
            del self._held[server]

    def move(self, source: str, target: str) -> None:
        """Hand what a consumer holds to another one; its host counts it as before."""
        held = json.loads(self._call("GET", f"/allocations/{source}", (200,)))
        owner = {name: held[name] for name in ("project_id", "user_id")}
        known = {"consumer_generation": held["consumer_generation"]}
        parts = {
            uuid: {"resources": part["resources"]}
            for uuid, part in held["allocations"].items()
        }
        body = {
            source: {"allocations": {}, **owner, **known},
            target: {"allocations": parts, **owner, "consumer_generation": None},
        }
        self._call("POST", "/allocations", (204,), body)
        self._report(source, -1)
        self._held[target] = self._held.pop(source)
        if source in self._building:
            self._building.remove(source)
            self._building.add(target)
        self._report(target, 1)

    def settle(self) -> None:
        """Let all servers be active: they are no I/O operations any more."""
        for server in self._building:
            self._count(self._held[server].host, io_workload=-1)
        self._building.clear()

    def _timed(self, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        try:
            return call()
        finally:
            self.seconds += time.perf_counter() - begin

    def _call(
        self, method: str, path: str, right: tuple[int, ...], body: object = None
    ) -> bytes:
        status, raw = self._timed(
            lambda: self._placement.call(
                method, path, body=body, microversion=_MICROVERSION
            )
        )
        if status not in right:
            raise WrongResult(f"{method} {path} must give {right[0]}, got {status}.")
        return bytes(raw)

    def _grouped(self, spec: ServerSpec) -> ServerSpec:
        """Tell of the group's members and hosts, which Nova reads from its database."""
        group = spec.server_group
        if group is None:
            return spec
        members = self._members[group.uuid]
        hosts = {self._held[server].host for server in members}
        known = replace(group, members=frozenset(members), hosts=frozenset(hosts))
        return replace(spec, server_group=known)

    def _report(self, server: str, sign: int) -> None:
        """Let a host have a server more (``sign`` 1) or less (-1)."""
        host, spec = self._held[server]
        node, flavor = self._nodes[host], spec.flavor
        root_gb = 0 if spec.is_volume_backed else flavor.root_gb
        disk_gb = root_gb + flavor.ephemeral_gb
        node.vcpus_used += sign * flavor.vcpus
        node.free_ram_mb -= sign * flavor.memory_mb
        node.free_disk_gb -= sign * disk_gb
        node.local_gb_used += sign * disk_gb
        building = sign if server in self._building else 0
        self._count(host, num_instances=sign, io_workload=building)
        self.nova.hosts.tell(host, server, sign > 0)
        if spec.server_group is not None:
            members = self._members[spec.server_group.uuid]
            (members.add if sign > 0 else members.discard)(server)

    def _count(self, host: str, **more: int) -> None:
        node = self._nodes[host]
        counts = {name: int(node.stats[name]) + by for name, by in more.items()}
        node.stats = {**node.stats, **{name: str(n) for name, n in counts.items()}}

"""One server of a cloud, and all that is done to it: for benchmarks of moves."""

import copy
from dataclasses import replace

import numpy as np

from kilonova.bench.busy_cloud import class_used
from kilonova.bench.document import uuid_of
from kilonova.bench.ports import BANDWIDTH, port
from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.hosts.claiming import count_server, settle
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.operations import Operations
from kilonova.moves.options import MoveOptions
from kilonova.moves.specs import spec_of
from kilonova.records.records import Port, Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor

SMALL, LARGE = Flavor(2, 2_048, 10, name="small"), Flavor(4, 4_096, 20, name="large")
_KILOBITS = 10_000


class _Driver:
    """Does nothing, and notes nothing."""

    def run(self, step: str, server: Server, host: str) -> None:
        """Let a step be done."""


class Site:
    """A server with a port that asks for bandwidth, of a cloud of nested hosts.

    Parameters
    ----------
    cloud
        Has no servers.
    name
        Of the server.
    options
        Options of what moves it.

    Attributes
    ----------
    do
        What moves it.
    server
        As it was booted last.
    other
        A further port, which it does not have.
    """

    def __init__(
        self, cloud: Cloud, name: str, options: MoveOptions | None = None
    ) -> None:
        self.cloud = cloud
        own, self.other = (port(f"{name} {n}", n, _KILOBITS) for n in (0, 1))
        ports = {str(each["id"]): each for each in (own, self.other)}
        self._new = Server(uuid_of(name), SMALL, ports=(str(own["id"]),))
        self.uuid = self._new.uuid
        records = Records(ports=ports)
        self.do = Operations(Scheduler(cloud), records, _Driver(), options=options)
        self._before = self.used()
        self._lost: tuple[Server, dict[str, Port], dict[str, dict[str, int]]]
        self.boot()

    def boot(self) -> None:
        """Boot the server."""
        self.server = self.do.boot(replace(self._new))

    def used(self) -> int:
        """Give the VCPU in use."""
        return int(class_used(self.cloud.state, "VCPU").sum())

    def taken(self) -> int:
        """Give the VCPU that are in use for the server, wherever it holds them."""
        return self.used() - self._before

    def bridges(self) -> int:
        """Count the providers that give bandwidth to the server itself."""
        held = self.cloud.allocations(self.uuid)
        return sum(BANDWIDTH[0] in amounts for amounts in held.values())

    def bound(self) -> str | None:
        """Give the compute service that the server's own port is bound to, if any."""
        port = self.do.records.ports[self._new.ports[0]]
        host = port.get("binding:host_id")
        return str(host) if host else None

    def grown(self) -> Flavor:
        """Give the other one of two flavors."""
        return LARGE if self.server.flavor == SMALL else SMALL

    def forget(self) -> None:
        """Forget migrations that have ended."""
        self.do.records.migrations.clear()

    def lose_host(self) -> None:
        """Let the host of the server be down, and remember what it had there."""
        self._lost = (
            replace(self.server),
            copy.deepcopy(self.do.records.ports),
            self.cloud.allocations(self.uuid),
        )
        self._heard(0.0)

    @property
    def lost(self) -> str:
        """The compute service of the host that was lost."""
        return str(self._lost[0].host)

    def find_host(self) -> None:
        """Let the host that was lost be up again."""
        self._heard(np.nan)

    def return_home(self) -> None:
        """Put the server back onto its lost host, as if it had never left it."""
        lost, ports, held = self._lost
        records, state = self.do.records, self.cloud.state
        self.do.start_service(self.lost)
        self.do.delete(self.uuid)
        self.forget()
        self.server = records.servers[self.uuid] = replace(lost)
        records.ports = copy.deepcopy(ports)
        claims.claim(state, self.uuid, held, claims.Owner(), None)
        row = state.consumer_uuids.find(self.uuid)
        spec = spec_of(self.do.context, self.server)
        count_server(state, row, state.hosts.row(str(lost.node)), spec)
        settle(state, row)

    def _heard(self, when: float) -> None:
        """Note when the host that was lost was heard of last."""
        hosts = self.cloud.state.hosts
        hosts.table["last_seen_up"][hosts.row(str(self._lost[0].node))] = when
        hosts.changed()

    def close(self) -> None:
        """Delete the server."""
        self.do.delete(self.uuid)
        self.forget()

"""What all operations share: cloud, scheduler, records, driver, options, observer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kilonova.cloud import claims
from kilonova.cloud.host_view import host_view
from kilonova.cloud.state import State
from kilonova.errors import KilonovaError, StepFailed
from kilonova.hosts import clock
from kilonova.hosts.claiming import settle
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.selection import Selection
from kilonova.moves.driver import Driver
from kilonova.moves.options import MoveOptions
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.server import ServerSpec

Allow = Callable[[str, Server], None]
Observer = Callable[[str, Server], None]


@dataclass(slots=True)
class Context:
    """What operations work with.

    Attributes
    ----------
    scheduler
        Selects hosts; its cloud has the allocations.
    records
        Servers, migrations, ports and accelerator requests; changed in place.
    driver
        Does what is done outside.
    options
        Options of Nova beside those of the scheduler.
    allow
        Called with the name of the operation and the server before anything changes;
        raises where a policy forbids it.
    observer
        Called with the name of a step and the server after each step.
    is_admin
        Whether locks of servers do not count.
    now
        Gives the present time in seconds since 1970.
    notes
        What was ignored in what servers ask, each once.
    logged
        Errors that Nova only logs, of roll-backs and of cleaning up; oldest first.
    """

    scheduler: Scheduler
    records: Records
    driver: Driver
    options: MoveOptions = field(default_factory=MoveOptions)
    allow: Allow | None = None
    observer: Observer | None = None
    is_admin: bool = True
    now: Callable[[], float] = clock.now
    notes: list[str] = field(default_factory=list)
    logged: list[KilonovaError] = field(default_factory=list)

    @property
    def state(self) -> State:
        """The columns of the cloud."""
        return self.scheduler.state

    def check(self, operation: str, server: Server) -> None:
        """Ask the policy; raises what ``allow`` raises."""
        if self.allow is not None:
            self.allow(operation, server)

    def select(self, spec: ServerSpec, servers: Sequence[str]) -> Selection:
        """Select and claim a host for each server; raises as the scheduler does."""
        notes = self.scheduler.notes(spec)
        self.notes += (note for note in notes if note not in self.notes)
        return self.scheduler.select(spec, len(servers), servers)

    def run(self, step: str, server: Server, host: str | None) -> None:
        """Have a step done outside, then show it; raises StepFailed."""
        self.driver.run(step, server, host or "")
        self.see(step, server)

    def attempt(self, step: str, server: Server, host: str | None) -> bool:
        """Have a step done whose failure is only logged; say whether it was done."""
        try:
            self.run(step, server, host)
        except StepFailed as error:
            self.logged.append(error)
            return False
        return True

    def see(self, step: str, server: Server) -> None:
        """Show what a step left."""
        if self.observer is not None:
            self.observer(step, server)

    def fail(
        self, server: Server, error: KilonovaError, vm_state: str | None = None
    ) -> None:
        """End an operation with a fault; without a ``vm_state`` it stays as it is."""
        if vm_state is not None:
            server.vm_state = vm_state
        server.task_state = None
        note_fault(server, error)
        self.see("fail", server)

    def row(self, consumer: str) -> int:
        """Give the row of a consumer, -1 where there is none."""
        return self.state.consumer_uuids.find(consumer)

    def root(self, node: str) -> str:
        """Give the UUID of the root provider of a node; raises UnknownHost."""
        state = self.state
        provider = int(state.hosts.table["provider"][state.hosts.row(node)])
        return state.provider_identity(provider)

    def has_trait(self, node: str, trait: str) -> bool:
        """Say whether the root provider of a node has a trait; raises UnknownHost."""
        state = self.state
        row = state.provider_row(self.root(node))
        traits = state.trait_sets[int(state.tables.provider["trait_set"][row])]
        return state.traits.find(trait) in traits

    def is_up(self, node: str | None) -> bool:
        """Say whether the compute service of a node is there, and sends heartbeats."""
        if node is None or self.state.hosts.names.find(node) < 0:
            return False
        host = host_view(self.state, self.state.hosts.row(node))
        down_time = self.scheduler.options.default.service_down_time
        return host.is_up(self.now(), down_time)

    def other_cell(self, server: Server, node: str) -> str | None:
        """Give the cell of a node where it is known not to be the server's own."""
        hosts = self.state.hosts
        number = int(hosts.table["cell"][hosts.row(node)])
        cell = hosts.cells[number] if number >= 0 else None
        return None if cell == server.cell or server.cell is None else cell

    def node_of(self, host: str) -> str | None:
        """Give the first node of a compute service, None where there is none."""
        hosts = self.state.hosts
        service = hosts.services.find(host)
        rows = np.flatnonzero(hosts.table["service"] == service)
        return hosts.names[int(rows[0])] if service >= 0 and len(rows) else None

    def settle(self, server: Server) -> None:
        """Let a server be no I/O operation of its host any more."""
        settle(self.state, self.row(server.uuid))

    def release(self, consumer: str) -> None:
        """Let a consumer hold nothing any more, if it holds something."""
        row = self.row(consumer)
        if row >= 0 and int(self.state.tables.consumer["first"][row]) >= 0:
            claims.release(self.state, consumer)


def note_fault(server: Server, error: KilonovaError) -> None:
    """Note on a server what failed, in one line that begins with Nova's name."""
    name = getattr(error, "nova", None) or type(error).__name__
    server.fault = f"{name}: {error}"


def failed(message: str, nova: str) -> StepFailed:
    """Make the error of a step that fails within Kilonova."""
    return StepFailed(message, nova)

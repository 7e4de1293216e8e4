"""``Operations``: all that users and operators do with servers, as Nova does it."""

from collections.abc import Callable, Sequence

from kilonova.errors import BadInput, KilonovaError
from kilonova.hosts import clock as clocks
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves import (
    attach,
    boot,
    cross_cell,
    cross_cell_revert,
    deletion,
    evacuation,
    live,
    rebuild,
    refusals,
    rescue,
    resize,
    revert,
    shelving,
)
from kilonova.moves.boot_rules import operations_of_boot
from kilonova.moves.context import Allow, Context, Observer
from kilonova.moves.driver import Driver
from kilonova.moves.options import MoveOptions
from kilonova.records.migration import EVACUATION, LIVE, Migration
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.server import Destination


class Operations:
    """Boots, moves and deletes servers; decides and accounts, and runs none of them.

    What Nova's API refuses is raised as ``Refused``, before anything changes. What goes
    wrong later is told as Nova tells it: in ``vm_state``, ``task_state`` and ``fault``
    of the server, and in the status of its migration.

    Parameters
    ----------
    scheduler
        Selects hosts; its cloud has the allocations.
    records
        Servers, migrations, ports and accelerator requests; changed in place.
    driver
        Does each step outside, and may fail.
    options
        Options of Nova; defaults where left out.
    allow
        Called with the name of the operation, as ``kilonova policy`` names it, and the
        server, before anything changes; raises where a policy forbids it. Moves across
        cells are for those only whom it lets pass: without it, for nobody.
    observer
        Called with the name of a step and the server after each step.
    clock
        Gives the present time in seconds since 1970.

    Notes
    -----
    Operations of one server follow each other; they are not for several threads.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        records: Records,
        driver: Driver,
        *,
        options: MoveOptions | None = None,
        allow: Allow | None = None,
        observer: Observer | None = None,
        clock: Callable[[], float] = clocks.now,
    ) -> None:
        self.context = Context(
            scheduler,
            records,
            driver,
            options or MoveOptions(),
            allow,
            observer,
            now=clock,
        )

    @property
    def is_admin(self) -> bool:
        """Whether callers are administrators, whom locks of servers do not stop."""
        return self.context.is_admin

    @is_admin.setter
    def is_admin(self, value: bool) -> None:
        self.context.is_admin = value

    @property
    def logged(self) -> list[KilonovaError]:
        """Errors of roll-backs and of cleaning up that Nova only logs, oldest first."""
        return self.context.logged

    @property
    def records(self) -> Records:
        """Servers, migrations, ports and accelerator requests."""
        return self.context.records

    def boot(
        self,
        server: Server,
        *,
        force_hosts: Sequence[str] = (),
        force_nodes: Sequence[str] = (),
        host: str | None = None,
    ) -> Server:
        """Boot a server.

        Parameters
        ----------
        server
            Flavor, image, project, ports and wishes of a server that is not there yet.
            Its zone may be ``zone:host:node``, as in Nova's API.
        force_hosts, force_nodes
            Go past all filters.
        host
            Requested destination, which does not.

        Returns
        -------
        Server
            The same, ``active`` or in ``error``.

        Raises
        ------
        Refused
            A port is unknown or in use, or the UUID is taken.
        BadServerSpec, BadRequest
            Nova's API would refuse flavor, image, ports or hints.
        """
        return self._boot(server, [server], (force_hosts, force_nodes), host)[0]

    def boot_many(
        self, server: Server, count: int, uuids: Sequence[str] | None = None
    ) -> list[Server]:
        """Boot servers like one: all of them find a host, or none keeps one.

        Raises as ``boot``; the servers cannot share ports.
        """
        names = list(uuids) if uuids is not None else boot.new_uuids(count)
        if count < 1 or len(names) != count:
            raise BadInput(f"count must be at least 1 and that of uuids, got {count}.")
        return self._boot(server, boot.copies(server, names), ((), ()), None)

    def resize(self, server: str, flavor: Flavor) -> Migration:
        """Resize a server; it waits for ``confirm_resize`` or ``revert_resize``.

        Raises
        ------
        Refused
            By what Nova refuses; nothing was changed. So with all operations below.
        """
        return self._migrate_cold(server, flavor, None)

    def migrate(self, server: str, host: str | None = None) -> Migration:
        """Migrate a server cold, to a host or to any."""
        return self._migrate_cold(server, None, host)

    def confirm_resize(self, server: str) -> Migration:
        """Confirm a resize or cold migration: the source is freed."""
        found, migration = self._waiting(server, "confirm-resize")
        if not self.context.is_up(migration.source_node):
            raise refusals.refused(
                f"Server {server}, confirm-resize: its source {migration.source_host!r}"
                " must be up.",
                "ServiceUnavailable",
                409,
            )
        if not migration.cross_cell_move:
            migration.status = "confirming"
        resize.confirm_resize(self.context, found, migration)
        return migration

    def revert_resize(self, server: str) -> Migration:
        """Revert a resize or cold migration: the server goes back to the source."""
        found, migration = self._waiting(server, "revert-resize")
        if migration.cross_cell_move:
            cross_cell_revert.revert_across(self.context, found, migration)
        else:
            revert.revert_resize(self.context, found, migration)
        return migration

    def live_migrate(
        self, server: str, host: str | None = None, *, force: bool = False
    ) -> Migration:
        """Migrate a running server; ``force`` goes past the scheduler."""
        name = "server-live-migrate" + ("-to-host" if host else "")
        found = self._checked(server, "live-migrate", name)
        live.check_live_migrate(self.context, found, host, force)
        migration = resize.new_migration(
            self.context, found, LIVE, host if force else None
        )
        self._rolling(
            migration,
            lambda: live.live_migrate(self.context, found, migration, host, force),
        )
        return migration

    def evacuate(
        self,
        server: str,
        host: str | None = None,
        *,
        force: bool = False,
        target_state: str | None = None,
    ) -> Migration:
        """Build a server anew elsewhere whose host is down.

        Parameters
        ----------
        server
            UUID.
        host
            Where to; None: anywhere.
        force
            Whether no filter is asked.
        target_state
            ``stopped``, as from microversion 2.95, or None for the state it had.
        """
        found = self._found(server, "server-evacuate")
        evacuation.check_host(self.context, found, host, force, target_state)
        refusals.check_refusals(self.context, found, "evacuate")
        evacuation.check_evacuate(self.context, found)
        migration = resize.new_migration(self.context, found, EVACUATION, host)
        self._rolling(
            migration,
            lambda: evacuation.evacuate(
                self.context, found, migration, force, target_state
            ),
        )
        return migration

    def start_service(self, host: str) -> list[Server]:
        """Let a compute service that is back free what was evacuated from it.

        Returns
        -------
        list of Server
            The servers that held something there until now.
        """
        return evacuation.start_service(self.context, host)

    def shelve(self, server: str) -> Server:
        """Shelve a server, and offload it if the options say at once."""
        found = self._checked(server, "shelve", "server-shelve")
        shelving.shelve(self.context, found)
        return found

    def shelve_offload(self, server: str) -> Server:
        """Take a shelved server off its host."""
        found = self._checked(server, "shelve-offload", "server-shelve-offload")
        shelving.shelve_offload(self.context, found)
        return found

    def unshelve(
        self,
        server: str,
        availability_zone: str | None = shelving.KEEP_ZONE,
        host: str | None = None,
    ) -> Server:
        """Start a shelved server again.

        ``availability_zone`` None lets it be in any zone from now on; left out, it
        keeps that which it has.
        """
        name = "server-unshelve" + ("-to-host" if host else "")
        found = self._checked(server, "unshelve", name)
        shelving.check_unshelve(self.context, found, availability_zone, host)
        shelving.unshelve(self.context, found, availability_zone, host)
        return found

    def rebuild(self, server: str, image: Image | None = None) -> Server:
        """Build a server anew where it is, from its image or another one."""
        found = self._checked(server, "rebuild", "server-rebuild")
        rebuild.check_rebuild(found, image or found.image)
        rebuild.rebuild(self.context, found, image or found.image)
        return found

    def rescue(self, server: str, image: Image | None = None) -> Server:
        """Boot a server from its image, or another one, to repair it."""
        found = self._checked(server, "rescue", "server-rescue")
        rescue.check_rescue(self.context, found, image)
        rescue.rescue(self.context, found)
        return found

    def unrescue(self, server: str) -> Server:
        """Boot a rescued server from its own disks again."""
        found = self._checked(server, "unrescue", "server-unrescue")
        rescue.unrescue(self.context, found)
        return found

    def delete(self, server: str) -> Server:
        """Delete a server; the record that is given is no longer among the others."""
        found = self._checked(server, "delete", "server-delete")
        deletion.delete(self.context, found)
        return found

    def attach_port(self, server: str, port: str) -> Server:
        """Attach a port of Neutron to a server."""
        found = self._checked(server, "attach-port", "port-attach")
        attach.check_attach(self.context, found, port)
        attach.attach_port(self.context, found, port)
        return found

    def detach_port(self, server: str, port: str) -> Server:
        """Detach a port; what it holds is given back.

        Nova answers before it tries; what goes wrong then is the server's ``fault``.
        """
        found = self._checked(server, "detach-port", "port-detach")
        attach.check_detach(self.context, found, port)
        attach.detach_port(self.context, found, port)
        return found

    def _boot(
        self,
        server: Server,
        servers: list[Server],
        forced: tuple[Sequence[str], Sequence[str]],
        host: str | None,
    ) -> list[Server]:
        names = operations_of_boot(server, any(forced), host)
        for each in servers:
            for name in names:
                self.context.check(name, each)
            boot.check_boot(self.context, each, len(servers), host)
        destination = Destination(host=host) if host is not None else None
        hosts, nodes = map(tuple, forced)
        spec = boot.boot_spec(self.context, servers[0], hosts, nodes, destination)
        for each in servers:
            each.availability_zone = servers[0].availability_zone
        boot.boot(self.context, servers, spec)
        return servers

    def _migrate_cold(
        self, server: str, flavor: Flavor | None, host: str | None
    ) -> Migration:
        name = "server-resize" if flavor is not None else "server-migrate"
        name += "-to-host" if host else ""
        found = self._checked(server, "resize", name)
        crosses = f"{name}-across-cells"
        may_cross = cross_cell.may_cross_cells(self.context, found, crosses)
        resize.check_resize(self.context, found, flavor, host, may_cross)
        migration = resize.new_migration(
            self.context, found, resize.resize_kind(flavor), None
        )
        self._rolling(
            migration,
            lambda: resize.resize(
                self.context, found, migration, flavor, host, may_cross
            ),
        )
        return migration

    def _rolling(self, migration: Migration, operation: Callable[[], None]) -> None:
        """Do an operation; what is wrong with its server leaves no migration behind."""
        try:
            operation()
        except BadInput:
            if migration.status == "accepted":
                del self.records.migrations[migration.uuid]
            raise

    def _waiting(self, server: str, operation: str) -> tuple[Server, Migration]:
        found = self._checked(server, operation, f"server-{operation}")
        migration = deletion.unconfirmed(self.context, found)
        if migration is None:
            raise refusals.refused(
                f"Server {server}, {operation}: it has no finished migration.",
                "MigrationNotFoundByStatus",
            )
        return found, migration

    def _checked(self, server: str, operation: str, policy: str) -> Server:
        """Give a server that an operation is allowed for, and not refused."""
        found = self._found(server, policy)
        refusals.check_refusals(self.context, found, operation)
        return found

    def _found(self, server: str, policy: str) -> Server:
        found = self.records.servers.get(server)
        if found is None:
            raise refusals.refused(f"No server {server!r}.", "InstanceNotFound", 404)
        self.context.check(policy, found)
        return found

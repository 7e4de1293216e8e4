"""Operations of a simulation, each with what its outcome must leave behind."""

from kilonova.admin.heal import heal
from kilonova.admin.heal_steps import HEALED, NOT_WRITTEN, UNSUPPORTED, HealOptions
from kilonova.hosts.claiming import count_server, join_group, park, settle, unpark
from kilonova.moves.ports import binding_profile
from kilonova.moves.specs import spec_of
from kilonova.plan.apply import apply
from kilonova.plan.evacuation import evacuate
from kilonova.plan.plan import DONE, PLANNED
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from simulation_books import Amounts, without
from simulation_cells import Crossings
from simulation_site import Turn
from simulation_world import as_migration


class Moves(Crossings):
    """All that is done with servers."""

    def boot(self, server: Server, count: int, host: str | None, turn: Turn) -> None:
        """Boot servers alike; what fits on some host is active."""
        uuids = [f"{server.uuid[:-1]}{n}" for n in range(count)]
        server.uuid = uuids[0]
        what = "boot" if host is None else "boot to host"
        hosts = self.site.names if host is None else (host,)
        fits = self.takers(server.flavor, hosts)
        if count == 1:
            done = self.act(
                what, uuids, lambda: self.operations.boot(server, host=host), turn
            )
        else:
            done = self.act(
                what,
                uuids,
                lambda: self.operations.boot_many(server, count, uuids),
                turn,
            )
        if done is not None and count == 1 and self.is_plain(server):
            assert server.vm_state == ("active" if fits else "error")

    def migrate(
        self, server: Server, flavor: Flavor | None, host: str | None, turn: Turn
    ) -> None:
        """Resize a server, or migrate it cold."""
        what = "resize" if flavor else "migrate to host" if host else "migrate"
        was = self.cloud.allocations(server.uuid)
        places = self.neighbours(server, server.node)
        may_cross = self.may_cross(server, turn)
        if may_cross:
            places += self.strangers(server)
        if flavor and self.site.same_host and server.node:
            places.append(server.node)
        asked = flavor or server.flavor
        fits = self.takers(asked, [host] if host in places else places)
        call = (
            (lambda: self.operations.resize(server.uuid, flavor))
            if flavor
            else (lambda: self.operations.migrate(server.uuid, host))
        )
        done = self.act(what, [server.uuid], call, turn)
        if done is None:
            return
        migration = as_migration(done)
        assert may_cross or not migration.cross_cell_move
        if migration.status == "finished":
            self.books.moved_out(migration, was)
            self.check_freed(0)
            self.check_waits(server, migration)
        elif "switch_host" in self.steps:
            self.books.went_off(server.uuid)
            # It has the old flavor again, and holds what the new one asks.
            self.unbound.add(server.uuid)
        else:
            assert self.cloud.allocations(server.uuid) == was
            self.check_freed(0)
            if migration.cross_cell_move and "activate_port_bindings" in self.steps:
                # Nova may leave its ports bound there, or nowhere.
                self.unbound.add(server.uuid)
        if self.is_plain(server) and not (host and host not in places):
            assert (migration.status == "finished") == bool(fits)

    def live_migrate(
        self, server: Server, host: str | None, force: bool, turn: Turn
    ) -> None:
        """Migrate a server that runs."""
        was = self.cloud.allocations(server.uuid)
        places = self.neighbours(server, server.node)
        fits = self.takers(server.flavor, [host] if host in places else places)
        runs = server.power_state == "running" and server.node not in self.down
        done = self.act(
            "live migrate to host" if host else "live migrate",
            [server.uuid],
            lambda: self.operations.live_migrate(server.uuid, host, force=force),
            turn,
        )
        if done is None:
            return
        migration = as_migration(done)
        if migration.status == "completed":
            self.books.went_off(server.uuid)
            self.check_freed(1)
        elif "live_migration" in self.steps:
            self.books.moved_out(migration, was)
            self.check_freed(0)
        else:
            assert self.cloud.allocations(server.uuid) == was
            self.check_freed(0)
        if self.is_plain(server) and not host:
            assert (migration.status == "completed") == (runs and bool(fits))

    def evacuate(self, server: Server, host: str | None, turn: Turn) -> None:
        """Evacuate a server whose host is down: both hosts are held."""
        was = self.cloud.allocations(server.uuid)
        fits = self.takers(server.flavor, self.neighbours(server, server.node))
        force = host is not None and host not in self.down and len(was) == 1
        bound = self.requests_of(server)
        done = self.act(
            "evacuate",
            [server.uuid],
            lambda: self.operations.evacuate(server.uuid, host, force=force),
            turn,
        )
        if done is None:
            return
        migration = as_migration(done)
        self._bound_anew(server, migration, bound)
        if server.uuid in self.books.leaky:
            return
        now = self.cloud.allocations(server.uuid)
        self.check_freed(0)
        if migration.status == "done":
            assert without(was, server.node) == without(now, server.node)
            self.books.evacuated(migration, was)
        else:
            self.unbound.add(server.uuid)
            lost = migration.dest_node if "claim" in self.steps else None
            assert now == without(was, lost) or self.faults.failed == ["claim"]
            self.books.elsewhere[server.uuid] = without(now, server.node)
        if self.is_plain(server) and host is None:
            assert (migration.status == "done") == bool(fits)

    def _bound_anew(self, server: Server, migration: Migration, was: set[str]) -> None:
        """Check the accelerator requests: an evacuation binds all of them anew."""
        now = self.requests_of(server)
        if migration.status == "error":
            assert now == was
            return
        assert not now & was
        binds = self.faults.failed != ["bind_accelerators"]
        assert len(now) == (3 if server.flavor.extra_specs and binds else 0)
        if migration.status == "failed":
            self.books.left |= now

    def host_fails(self, host: str, improve: bool) -> None:
        """Let a host be down, and evacuate all of its servers by a plan."""
        self.set_up(host, up=False)
        was = {uuid: self.cloud.allocations(uuid) for uuid in self.records.servers}
        known = set(self.records.migrations)
        plan = evacuate(self.scheduler, self.records, [host], improve=improve)
        planned = [step for step in plan.steps if step.status == PLANNED]
        names = [step.server for step in planned]
        self.act(
            "evacuate all",
            names,
            lambda: apply(self.scheduler, self.records, plan),
            Turn(),
        )
        assert [step.status for step in planned] == [DONE] * len(planned)
        for uuid, migration in self.records.migrations.items():
            if uuid not in known:
                self._was_evacuated(migration, was[migration.server])

    def _was_evacuated(self, migration: Migration, was: Amounts) -> None:
        server = self.records.servers[migration.server]
        now = self.cloud.allocations(server.uuid)
        assert without(was, server.node) == without(now, server.node)
        self.books.evacuated(migration, was)
        assert server.vm_state in ("active", "stopped")

    def host_returns(self, host: str) -> None:
        """Let a service start: what was evacuated from it is freed, once."""
        self.set_up(host, up=True)
        known = self.records.migrations.values()
        left = [
            m.server
            for m in known
            if m.kind == "evacuation"
            and m.source_host == host
            and m.status in ("accepted", "pre-migrating", "done")
        ]
        servers = [uuid for uuid in left if uuid in self.records.servers]
        self.act(
            "start service",
            servers,
            lambda: self.operations.start_service(host),
            Turn(),
        )
        self.books.cleaned(host, servers)
        assert self.operations.start_service(host) == []

    def shelve(self, server: Server, offload: bool, turn: Turn) -> None:
        """Shelve a server, or offload one that is shelved."""
        do, uuid = self.operations, server.uuid
        was = self.cloud.allocations(uuid)
        if offload:
            self.act("shelve offload", [uuid], lambda: do.shelve_offload(uuid), turn)
        else:
            self.act("shelve", [uuid], lambda: do.shelve(uuid), turn)
        if "shelve_offload" in self.steps:
            self.books.went_off(uuid)
            assert not self.cloud.allocations(uuid)
        else:
            assert self.cloud.allocations(uuid) == was
            if "unbind_ports" in self.steps:
                self.unbound.add(uuid)

    def unshelve(self, server: Server, host: str | None, turn: Turn) -> None:
        """Unshelve a server; what failed holds nothing."""
        fits = self.takers(server.flavor, self.neighbours(server, None))
        offloaded = server.vm_state == "shelved_offloaded"
        bound = self.requests_of(server)
        done = self.act(
            "unshelve to host" if host else "unshelve",
            [server.uuid],
            lambda: self.operations.unshelve(server.uuid, host=host),
            turn,
        )
        if done is not None and offloaded and server.vm_state == "shelved_offloaded":
            now = self.requests_of(server)
            assert now >= bound
            assert len(now - bound) == (3 if "bind_accelerators" in self.steps else 0)
            self.books.left |= now
        if done is not None and offloaded and not host and self.is_plain(server):
            assert server.vm_state == ("active" if fits else "shelved_offloaded")

    def rebuild(self, server: Server, image: str, turn: Turn) -> None:
        """Rebuild a server: it holds what it held, but where the guest fails."""
        was = self.cloud.allocations(server.uuid)
        self.act(
            "rebuild",
            [server.uuid],
            lambda: self.operations.rebuild(server.uuid, Image(uuid=image)),
            turn,
        )
        if "rebuild" not in self.faults.failed:
            assert self.cloud.allocations(server.uuid) == was
            return
        assert self.cloud.allocations(server.uuid) == without(was, server.node)
        self._give_back(server, was)

    def _give_back(self, server: Server, amounts: Amounts) -> None:
        """Let a server have again what a rebuild that failed has taken from it."""
        state = self.cloud.state
        self.cloud.claim(server.uuid, amounts, project=server.project_id)
        row = state.consumer_uuids.find(server.uuid)
        if int(state.tables.consumer["host"][row]) < 0:
            spec = spec_of(self.operations.context, server)
            count_server(state, row, state.hosts.row(server.node or ""), spec)
            settle(state, row)
            join_group(state, row, server.server_group)

    def rescue(self, server: Server, turn: Turn) -> None:
        """Rescue a server, or end that: it holds what it held, and runs."""
        do, uuid = self.operations, server.uuid
        was = self.cloud.allocations(uuid)
        if server.vm_state == "rescued":
            done = self.act("unrescue", [uuid], lambda: do.unrescue(uuid), turn)
        else:
            done = self.act("rescue", [uuid], lambda: do.rescue(uuid), turn)
            assert done is None or server.vm_state in ("rescued", "error")
        if done is not None and not self.faults.failed:
            assert server.power_state == "running"
        assert self.cloud.allocations(uuid) == was

    def delete(self, server: Server, turn: Turn) -> None:
        """Delete a server: nothing is left but what migrations in error hold.

        One whose source is down, and waits to be confirmed, stays.
        """
        was = self.cloud.allocations(server.uuid)
        waiting = [
            migration
            for migration in self.records.migrations.values()
            if migration.server == server.uuid and migration.status == "finished"
        ]
        done = self.act(
            "delete", [server.uuid], lambda: self.operations.delete(server.uuid), turn
        )
        if done is None:
            return
        for migration in waiting:
            if migration.source_node in self.down:
                # It does not answer: nothing is confirmed, and nothing deleted.
                assert self.cloud.allocations(server.uuid) == was
                assert server.uuid in self.records.servers
                over = "error" if migration.cross_cell_move else "finished"
                assert migration.status == over
                return
            self.books.let_go(migration)
        if self.faults.failed == ["destroy"]:
            # Its ports are gone, and what they held is not.
            self.books.leaky.add(server.uuid)
        if server.uuid not in self.records.servers:
            assert not self.cloud.allocations(server.uuid)
            self.books.went_off(server.uuid)

    def attach(self, server: Server, port: str, turn: Turn) -> None:
        """Attach a port: what is refused is noted, and a port in use is claimed for."""
        was = self.cloud.allocations(server.uuid)
        in_use = self.records.ports[port].get("device_id")
        done = self.act(
            "attach",
            [server.uuid],
            lambda: self.operations.attach_port(server.uuid, port),
            turn,
        )
        if self.faults.failed == ["bind_ports"] or in_use:
            self.books.leaky.add(server.uuid)
        elif done is None:
            assert self.cloud.allocations(server.uuid) == was

    def detach(self, server: Server, port: str, turn: Turn) -> None:
        """Detach a port."""
        self.act(
            "detach",
            [server.uuid],
            lambda: self.operations.detach_port(server.uuid, port),
            turn,
        )

    def stop(self, server: Server) -> None:
        """Stop a server that runs, as its owner may at any time."""
        if server.vm_state == "active" and server.task_state is None:
            server.vm_state, server.power_state = "stopped", "shutdown"

    def lose(self, server: Server) -> None:
        """Delete the allocations of a server by hand, and heal them.

        What its ports held is deleted in their profiles, too. Healed is what was held
        where the server is, unless several interfaces could give it: then nothing is.
        """
        uuid, state = server.uuid, self.cloud.state
        was = self.cloud.allocations(uuid)
        if not was or server.task_state or uuid in self.books.leaky | self.unbound:
            return
        profiles = {
            name: binding_profile(self.records.ports[name]) for name in server.ports
        }
        parked = park(state, state.consumer_uuids.find(uuid))
        self.cloud.release(uuid)
        for name, profile in profiles.items():
            left = {key: v for key, v in profile.items() if key != "allocation"}
            self.records.ports[name]["binding:profile"] = left
        result = heal(self.cloud, self.records, HealOptions(server=uuid))
        now = self.cloud.allocations(uuid)
        if result.code == HEALED:
            wanted = {
                p: a for p, a in was.items() if p not in without(was, server.node)
            }
            assert now == wanted
            assert profiles == {
                name: self.records.ports[name]["binding:profile"] for name in profiles
            }
            self.books.went_off(uuid)
        else:
            asks = any(server.ports) or server.flavor.extra_specs
            assert result.code in (NOT_WRITTEN, UNSUPPORTED)
            assert asks, result.message
            assert not now
            for name, profile in profiles.items():
                self.records.ports[name]["binding:profile"] = profile
            self.cloud.claim(uuid, was, project=server.project_id)
        unpark(state, state.consumer_uuids.find(uuid), parked)

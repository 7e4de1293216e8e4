"""Kilonova plays scenarios of moves; what it leaves is noted as of Nova."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, Refused, StepFailed
from kilonova.hosts import clock
from kilonova.hosts.options import FilterSchedulerSection, Options, SchedulerSection
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.driver import SimulatedDriver
from kilonova.moves.operations import Operations
from kilonova.moves.options import MoveOptions
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from moves_scenarios import (
    FLAVORS,
    HOSTS,
    IMAGES,
    TOTALS,
    TRAITS,
    Scenario,
    children_of,
    is_asked,
    port_of,
    uuid,
)

NOW = 1000.0
# Steps that are not looked at in Nova.
_UNSEEN = ("await_accelerators", "prepare_disks")
_ERRORS: dict[str, dict[str, Any]] = {
    "error": {},
    "unfit": {"nova": "MigrationPreCheckError"},
    "unbound": {"nova": "PortBindingFailed"},
    "claim": {"nova": "ComputeResourcesUnavailable"},
    "aborts": {"nova": "BuildAbortException", "aborts": True},
    "rolls_back": {"rolls_back": True},
}


def flavor_of(name: str) -> Flavor:
    vcpus, memory_mb, root_gb = FLAVORS[name]
    return Flavor(vcpus, memory_mb, root_gb=root_gb, name=name)


def image_of(name: str) -> Image:
    return Image(IMAGES[name], uuid=uuid(name), disk_format="raw", name=name)


def cloud_of(scenario: Scenario) -> Cloud:
    names = scenario.get("hosts", HOSTS)
    totals = {name: {"total": total} for name, total in TOTALS.items()}
    roots = [{"name": name, "inventories": totals} for name in names]
    return Cloud.from_document(
        {
            "traits": list(TRAITS),
            "providers": [
                provider
                for root in roots
                for provider in (root, *children_of(str(root["name"])))
            ],
            "hosts": [
                {
                    "host": name,
                    "nodename": name,
                    "provider": name,
                    "cell_uuid": "cell1",
                    "last_seen_up": NOW,
                    "hypervisor_type": "fake",
                    "hypervisor_version": 1000000,
                    "supported_instances": [["x86_64", "fake", "hvm"]],
                }
                for name in names
            ],
        }
    )


class Player:
    """A cloud of one scenario; also the driver of its operations."""

    def __init__(self, scenario: Scenario) -> None:
        options = dict(scenario.get("options", {}))
        attempts = options.pop("max_attempts", 3)
        self.cloud = cloud_of(scenario)
        self.records = Records()
        extended = scenario.get("extended", False)
        for name, kind in scenario.get("ports", {}).items():
            port = port_of(name, kind, extended)
            self.records.ports[port["id"]] = {**port, "name": name}
        scheduler = Scheduler(
            self.cloud,
            Options(
                # Of hosts of equal weight the first is taken.
                filter_scheduler=FilterSchedulerSection(weight_classes=()),
                scheduler=SchedulerSection(max_attempts=attempts),
            ),
        )
        self.simulated = SimulatedDriver()
        self.do = Operations(
            scheduler,
            self.records,
            self,
            options=MoveOptions(**options),
            clock=lambda: NOW,
        )
        self.dead: set[str] = set()
        self.names: dict[str, str] = {}
        self.trace: list[list[Any]] = []
        self.takes: list[dict[str, Any]] = []

    def play(self, step: dict[str, Any]) -> dict[str, Any]:
        """Do one step; note what it left."""
        step = dict(step)
        self.trace, self.takes = [], [dict(each) for each in step.pop("takes", ())]
        for fault in step.pop("faults", ()):
            error = StepFailed("made to fail", **_ERRORS[fault.get("kind", "error")])
            self.simulated.fail(
                fault["step"], fault.get("host"), fault.get("times", 1), error
            )
        name = step.pop("do")
        refused: Any = None
        try:
            if self._asks_dead_host(name, step.get("server")):
                refused = "dead"
            else:
                getattr(self, "_" + name)(**step)
        except Refused as error:
            refused = error.status
        except BadInput:
            refused = 400
        return {"refused": refused, "trace": self._taken(), **self.look()}

    def _asks_dead_host(self, name: str, server: str | None) -> bool:
        found = self.records.servers.get(self.names.get(server or "", ""))
        return is_asked(name) and found is not None and found.host in self.dead

    def _taken(self) -> list[list[Any]]:
        left = [step.partition("@")[0] for step in self.simulated.waiting()]
        left += [take["step"] for take in self.takes]
        self.simulated = SimulatedDriver()
        trace = sorted(self.trace, key=lambda row: str(row[2]))
        return [*trace, *(["never", step] for step in left)]

    def run(self, step: str, server: Server, host: str) -> None:
        """Note what is held before a step; then do it."""
        if "bind" in step and not server.ports:
            return
        # Nova's hosts claim for a live migration only where they have NUMA or devices.
        unseen = step == "claim" and server.task_state == "migrating"
        if step not in _UNSEEN and not unseen:
            moves = [
                migration
                for migration in self.records.migrations.values()
                if migration.server == server.uuid
            ]
            last = moves[-1] if moves else None
            self.trace.append(
                [
                    step,
                    host,
                    self._name_of(server.uuid),
                    server.task_state,
                    self.held(server.uuid),
                    last and [last.status, self.held(last.uuid)],
                ]
            )
        for take in list(self.takes):
            if (take["step"], take.get("host", host)) == (step, host):
                self.takes.remove(take)
                self._take(take["consumer"], take["allocations"])
        self.simulated.run(step, server, host)

    def held(self, consumer: str) -> dict[str, dict[str, int]]:
        """Give what a consumer holds, its classes in order."""
        held = self.cloud.allocations(consumer)
        return {p: dict(sorted(amounts.items())) for p, amounts in held.items()}

    def look(self) -> dict[str, Any]:
        """Note servers, migrations and ports as they are."""
        servers: dict[str, Any] = {}
        for name, identity in self.names.items():
            held = self.held(identity)
            server = self.records.servers.get(identity)
            if server is not None:
                servers[name] = {
                    "vm_state": server.vm_state,
                    "task_state": server.task_state,
                    "power_state": server.power_state,
                    "host": server.host,
                    "flavor": server.flavor.name,
                    "fault": server.fault and server.fault.partition(":")[0],
                    "held": held,
                }
            elif held:
                servers[name] = {"deleted": True, "held": held}
        migrations = [
            {
                "server": self._name_of(each.server),
                "kind": each.kind,
                "status": each.status,
                "source": each.source_host,
                "dest": each.dest_host,
                "held": self.held(each.uuid),
            }
            for each in self.records.migrations.values()
        ]
        return {"servers": servers, "migrations": migrations, "ports": self._ports()}

    def _ports(self) -> dict[str, Any]:
        found = {}
        for port in self.records.ports.values():
            profile: Any = port.get("binding:profile") or {}
            named = profile.get("allocation")
            if isinstance(named, dict):
                named = sorted(named.values())
            elif named:
                named = [named]
            server = str(port.get("device_id") or "")
            found[str(port["name"])] = {
                "server": server and self._name_of(server),
                "host": port.get("binding:host_id") or None,
                "allocation": named or [],
            }
        return found

    def _name_of(self, server: str) -> str:
        return next((n for n, known in self.names.items() if known == server), "?")

    def _boot(
        self,
        server: str,
        flavor: str = "small",
        ports: tuple[str, ...] = (),
        count: int = 1,
        host: str | None = None,
        zone: str | None = None,
    ) -> None:
        made = Server(
            uuid(server),
            flavor_of(flavor),
            image_of("plain"),
            project_id="project",
            ports=tuple(uuid(port) for port in ports),
            availability_zone=zone,
        )
        if count == 1:
            self.names[server] = made.uuid
            self.do.boot(made, host=host)
            return
        names = [f"{server}-{n + 1}" for n in range(count)]
        self.names.update({name: uuid(name) for name in names})
        self.do.boot_many(made, count, [uuid(name) for name in names])

    def _resize(self, server: str, flavor: str) -> None:
        self.do.resize(self._uuid(server), flavor_of(flavor))

    def _migrate(self, server: str, host: str | None = None) -> None:
        self.do.migrate(self._uuid(server), host)

    def _confirm(self, server: str) -> None:
        self.do.confirm_resize(self._uuid(server))

    def _revert(self, server: str) -> None:
        self.do.revert_resize(self._uuid(server))

    def _live_migrate(
        self, server: str, host: str | None = None, force: bool = False
    ) -> None:
        self.do.live_migrate(self._uuid(server), host, force=force)

    def _evacuate(
        self,
        server: str,
        host: str | None = None,
        force: bool = False,
        target_state: str | None = None,
    ) -> None:
        self.do.evacuate(
            self._uuid(server), host, force=force, target_state=target_state
        )

    def _down(self, host: str) -> None:
        self.dead.add(host)
        self._set_up(host, False)

    def _up(self, host: str) -> None:
        self.dead.discard(host)
        self._set_up(host, True)
        self.do.start_service(host)

    def _set_up(self, host: str, up: bool) -> None:
        hosts = self.cloud.state.hosts
        hosts.table["last_seen_up"][hosts.row(host)] = NOW if up else 0.0
        hosts.changed()

    def _shelve(self, server: str) -> None:
        self.do.shelve(self._uuid(server))

    def _offload(self, server: str) -> None:
        self.do.shelve_offload(self._uuid(server))

    def _unshelve(self, server: str, host: str | None = None) -> None:
        self.do.unshelve(self._uuid(server), host=host)

    def _rebuild(self, server: str, image: str = "plain") -> None:
        self.do.rebuild(self._uuid(server), image_of(image))

    def _delete(self, server: str) -> None:
        self.do.delete(self._uuid(server))

    def _attach(self, server: str, port: str) -> None:
        self.do.attach_port(self._uuid(server), uuid(port))

    def _detach(self, server: str, port: str) -> None:
        self.do.detach_port(self._uuid(server), uuid(port))

    def _stop(self, server: str) -> None:
        found = self._active(server)
        if found is not None:
            found.vm_state, found.power_state = "stopped", "shutdown"

    def _pause(self, server: str) -> None:
        found = self._active(server)
        if found is not None:
            found.vm_state = found.power_state = "paused"

    def _active(self, server: str) -> Server | None:
        found = self.records.servers.get(self._uuid(server))
        if found is None or found.task_state is not None:
            return None
        return found if found.vm_state == "active" else None

    def _take(self, consumer: str, allocations: dict[str, dict[str, int]]) -> None:
        self.cloud.claim(uuid(consumer), allocations)

    def _uuid(self, server: str) -> str:
        return self.names.get(server, uuid(server))


@contextmanager
def fixed_clock() -> Iterator[None]:
    """Let heartbeats be as old as scenarios say."""
    with clock.using(lambda: NOW):
        yield


def play(scenario: Scenario) -> list[dict[str, Any]]:
    """Play a scenario; give what was seen after each of its steps."""
    with fixed_clock():
        player = Player(scenario)
        return [player.play(step) for step in scenario["steps"]]

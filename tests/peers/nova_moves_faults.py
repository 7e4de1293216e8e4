"""Faults in Nova's hosts, and a look at what is held whenever one could be."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import fixtures
from nova import context, exception, objects
from nova.compute import claims
from nova.compute import utils as compute_utils
from nova.network import neutron

_ANY = "*"
# Steps by method and by the task of the server; with no other task is it a step.
_DRIVER: dict[str, dict[str, str]] = {
    "spawn": {_ANY: "spawn", "rebuilding": "rebuild", "rebuild_spawning": "rebuild"},
    "migrate_disk_and_power_off": {_ANY: "power_off"},
    "finish_migration": {_ANY: "finish_resize"},
    "confirm_migration": {_ANY: "confirm_resize"},
    "destroy": {
        "resize_reverting": "destroy_at_dest",
        "deleting": "destroy",
        "shelving_offloading": "destroy",
    },
    "finish_revert_migration": {_ANY: "finish_revert_resize"},
    "check_can_live_migrate_destination": {_ANY: "check_live_migration"},
    "pre_live_migration": {_ANY: "pre_live_migration"},
    "live_migration": {_ANY: "live_migration"},
    "post_live_migration_at_destination": {_ANY: "post_live_migration"},
    "snapshot": {_ANY: "snapshot"},
    "power_off": {"shelving": "power_off", "shelving_offloading": "power_off"},
    "power_on": {"powering-on": "power_on", "unshelving": "power_on"},
    "attach_interface": {_ANY: "attach_interface"},
    "detach_interface": {_ANY: "detach_interface"},
}
_NETWORK: dict[str, dict[str, str]] = {
    "_update_ports_for_instance": {_ANY: "bind_ports"},
    "setup_instance_network_on_host": {_ANY: "bind_ports"},
    "migrate_instance_finish": {
        "resize_migrated": "bind_ports",
        "resize_reverting": "bind_ports",
    },
}


class Hooks:
    """What is armed to fail, and what was seen at each step."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.faults: dict[str, str] = {}
        self._armed: list[dict[str, Any]] = []
        self._takes: list[dict[str, Any]] = []
        self._trace: list[list[Any]] = []
        self._unbound: set[str] = set()
        self._inside = threading.local()
        self._watch_claims()
        self._watch_faults()
        self._watch_conductor()

    def arm(
        self, faults: Sequence[dict[str, Any]], takes: Sequence[dict[str, Any]]
    ) -> None:
        """Let steps fail, and others take room meanwhile."""
        self._armed = [{"times": 1, **each} for each in faults]
        self._takes = [{"times": 1, **each} for each in takes]
        self._trace = []

    def taken(self) -> list[list[Any]]:
        """Give what was seen at the steps since ``arm``."""
        left = [each for each in (*self._armed, *self._takes) if each["times"]]
        for row in self._trace:
            row[2] = self.site.name_of(row[2])
        # Servers of one boot are built at the same time.
        trace = sorted(self._trace, key=lambda row: str(row[2]))
        return [*trace, *(["never", each["step"]] for each in left)]

    def watch(self, compute: Any) -> None:
        """Wrap what a compute service asks others to do."""
        manager, host = compute.manager, compute.host
        for name, steps in _DRIVER.items():
            self._wrap(manager.driver, name, host, steps)
        for name, steps in _NETWORK.items():
            self._wrap(manager.network_api, name, host, steps)
        self._wrap(manager, "_prep_resize", host, {_ANY: "prep_resize"})
        self._watch_unbinding(manager.network_api, host)

    @contextmanager
    def unwatched(self, compute: Any) -> Iterator[None]:
        """Let the driver of a service be as it was: a new service is to have it."""
        for name in _DRIVER:
            del vars(compute.manager.driver)[name]
        yield

    def _wrap(self, holder: Any, name: str, host: str, steps: dict[str, str]) -> None:
        real = getattr(holder, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            server = _server_in((*args, *kwargs.values()))
            step = steps.get(server.task_state or "", steps.get(_ANY))
            if step == "spawn" and server.uuid in self._unbound:
                # It fails of itself: the ports have not been bound.
                self._unbound.remove(server.uuid)
                step = None
            if step is None or getattr(self._inside, "is_driven", False):
                return real(*args, **kwargs)
            if name not in _DRIVER:
                self._see(step, host, server)
                return real(*args, **kwargs)
            return self._driven(step, host, real, args, kwargs)

        setattr(holder, name, wrapped)

    def _driven(
        self, step: str, host: str, real: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """Do a step of a driver."""
        server = _server_in((*args, *kwargs.values()))
        if step == "post_live_migration":
            # The guest has come by itself, whatever fails then.
            self._call(real, args, kwargs)
            self._see(step, host, server)
            return None
        try:
            self._see(step, host, server)
        except exception.NovaException:
            if step != "live_migration":
                raise
            # A real driver finds out later, and calls back.
            recover, data = args[4], args[-1]
            recover(*args[:3], migrate_data=data)
            return None
        return self._call(real, args, kwargs)

    def _call(self, real: Any, args: Any, kwargs: Any) -> Any:
        """Call a driver, whose methods call each other."""
        self._inside.is_driven = True
        try:
            return real(*args, **kwargs)
        finally:
            self._inside.is_driven = False

    def _see(self, step: str, host: str, server: Any) -> None:
        ctxt = context.get_admin_context()
        with context.target_cell(ctxt, self.site.cell_mappings["cell1"]) as targeted:
            task = objects.Instance.get_by_uuid(targeted, server.uuid).task_state
            moves = objects.MigrationList.get_by_filters(
                targeted, {"instance_uuid": server.uuid}
            )
        migration = None
        for each in sorted(moves, key=lambda each: each.id)[-1:]:
            migration = [each.status, self.site.held(each.uuid)]
        mine = self.site.held(server.uuid)
        has_ports = task == "networking" or self.site.neutron.ports_of(server.uuid)
        if "bind" in step and task is not None and not has_ports:
            return
        self._trace.append([step, host, server.uuid, task, mine, migration])
        if take := _pop(self._takes, step, host):
            self.site.take(take["consumer"], take["allocations"])
        if fault := _pop(self._armed, step, host):
            if task == "networking":
                self._unbound.add(server.uuid)
            raise _error(fault.get("kind", "error"), server.uuid)

    def _watch_unbinding(self, network_api: Any, host: str) -> None:
        real = network_api.unbind_ports

        def unbind(ctxt: Any, ports: Any, detach: bool = True) -> Any:
            if not detach and ports:
                found = self.site.neutron.show_port(ports[0])["port"]["device_id"]
                self._see("unbind_ports", host, SimpleNamespace(uuid=found))
            return real(ctxt, ports, detach=detach)

        network_api.unbind_ports = unbind

    def _watch_claims(self) -> None:
        real = claims.Claim._claim_test

        def test(this: Any, *args: Any, **kwargs: Any) -> Any:
            self._see("claim", this.tracker.host, this.instance)
            return real(this, *args, **kwargs)

        self.site.useFixture(
            fixtures.MockPatchObject(claims.Claim, "_claim_test", test)
        )

    def _watch_conductor(self) -> None:
        real = neutron.API.bind_ports_to_host

        def bind(
            this: Any, context: Any, instance: Any, host: str, *a: Any, **k: Any
        ) -> Any:
            self._see("bind_ports", host, instance)
            return real(this, context, instance, host, *a, **k)

        self.site.useFixture(
            fixtures.MockPatchObject(neutron.API, "bind_ports_to_host", bind)
        )

    def _watch_faults(self) -> None:
        real = compute_utils.add_instance_fault_from_exc

        def note(ctxt: Any, server: Any, fault: Any, *args: Any, **kwargs: Any) -> Any:
            name = type(fault).__name__.removesuffix("_Remote")
            self.faults[server.uuid] = name
            return real(ctxt, server, fault, *args, **kwargs)

        self.site.useFixture(
            fixtures.MockPatchObject(compute_utils, "add_instance_fault_from_exc", note)
        )


def _server_in(values: Sequence[Any]) -> Any:
    return next(each for each in values if isinstance(each, objects.Instance))


def _pop(planned: list[dict[str, Any]], step: str, host: str) -> dict[str, Any] | None:
    """Give what is planned for a step, and let it be planned once less."""
    for each in planned:
        if (each["step"], each.get("host", host)) == (step, host) and each["times"]:
            each["times"] -= 1
            return each
    return None


def _error(kind: str, server: str) -> Any:
    """Make the exception of a fault."""
    text = "made to fail"
    if kind == "claim":
        return exception.ComputeResourcesUnavailable(reason=text)
    if kind == "unfit":
        return exception.MigrationPreCheckError(reason=text)
    if kind == "unbound":
        return exception.PortBindingFailed(port_id="?")
    if kind == "rolls_back":
        return exception.InstanceFaultRollback(exception.NovaException(text))
    if kind == "aborts":
        return exception.BuildAbortException(instance_uuid=server, reason=text)
    return exception.NovaException(text)

"""Nova plays scenarios of moves; what each step leaves is noted.

``play`` notes what each operation leaves, and what servers and migrations hold at each
step on the way that could fail.
"""

import logging
import unittest
import warnings
from typing import Any

from peers.nova_moves_seen import SeenSite  # isort: skip
from nova import context, objects
from nova.tests.functional.api import client

from moves_scenarios import Scenario, is_asked, uuid


class Player(SeenSite):
    """Does the steps of its scenario one after the other."""

    seen: list[dict[str, Any]]

    def setUp(self) -> None:
        super().setUp()
        self.uuids = {}
        self.dead: set[str] = set()

    def runTest(self) -> None:  # noqa: N802
        for step in self.scenario["steps"]:
            self.seen.append(self._do(dict(step)))

    def _do(self, step: dict[str, Any]) -> dict[str, Any]:
        self.hooks.arm(step.pop("faults", ()), step.pop("takes", ()))
        name = step.pop("do")
        refused: Any = None
        try:
            if self._asks_dead_host(name, step.get("server")):
                refused = "dead"
            else:
                getattr(self, "_" + name)(**step)
        except client.OpenStackApiException as error:
            refused = error.response.status_code
        self.settle()
        return {"refused": refused, "trace": self.hooks.taken(), **self.look()}

    def _asks_dead_host(self, name: str, server: str | None) -> bool:
        """Say whether a message would wait until a dead host returns."""
        if not self.dead or not is_asked(name):
            return False
        found = self.look()["servers"].get(server)
        return found is not None and found["host"] in self.dead

    def _boot(
        self,
        server: str,
        flavor: str = "small",
        ports: tuple[str, ...] = (),
        count: int = 1,
        host: str | None = None,
        zone: str | None = None,
    ) -> None:
        body: dict[str, Any] = {
            "name": server,
            "imageRef": self.images["plain"],
            "flavorRef": self.flavors[flavor],
            "networks": [{"port": uuid(port)} for port in ports] or "none",
            "min_count": count,
            "max_count": count,
        }
        if host is not None:
            body["host"] = host
        if zone is not None:
            body["availability_zone"] = zone
        self.api.post_server({"server": body})
        ctxt = context.get_admin_context()
        self.settle()
        with context.target_cell(ctxt, self.cell_mappings["cell1"]) as cell:
            found = objects.InstanceList.get_all(cell)
        with context.target_cell(ctxt, self.cell_mappings["cell0"]) as cell:
            found = [*found, *objects.InstanceList.get_all(cell)]
        for each in found:
            if each.uuid not in self.uuids.values():
                self.uuids[each.display_name] = each.uuid

    def _uuid(self, server: str) -> str:
        """Give the UUID of a server; that of none where it was refused."""
        return self.uuids.get(server, uuid(server))

    def _act(self, server: str, action: str, body: Any, version: str = "2.94") -> None:
        self.api.microversion, before = version, self.api.microversion
        try:
            self.api.post_server_action(self._uuid(server), {action: body})
        finally:
            self.api.microversion = before

    def _resize(self, server: str, flavor: str) -> None:
        self._act(server, "resize", {"flavorRef": self.flavors[flavor]})

    def _migrate(self, server: str, host: str | None = None) -> None:
        self._act(server, "migrate", {"host": host} if host else None)

    def _confirm(self, server: str) -> None:
        self._act(server, "confirmResize", None)

    def _revert(self, server: str) -> None:
        self._act(server, "revertResize", None)

    def _live_migrate(
        self, server: str, host: str | None = None, force: bool = False
    ) -> None:
        body: dict[str, Any] = {"host": host, "block_migration": "auto"}
        if force:
            self._act(server, "os-migrateLive", {**body, "force": True}, "2.67")
        else:
            self._act(server, "os-migrateLive", body)

    def _evacuate(
        self,
        server: str,
        host: str | None = None,
        force: bool = False,
        target_state: str | None = None,
    ) -> None:
        body: dict[str, Any] = {"host": host} if host else {}
        if force:
            self._act(server, "evacuate", {**body, "force": True}, "2.67")
        else:
            version = "2.95" if target_state else "2.94"
            self._act(server, "evacuate", body, version)

    def _down(self, host: str) -> None:
        self.computes[host].stop()
        self._force_down(host, True)
        self.dead.add(host)

    def _up(self, host: str) -> None:
        if host not in self.dead:
            return
        self.dead.discard(host)
        self.forget_messages(host)
        with self.hooks.unwatched(self.computes[host]):
            self.computes[host] = self.restart_compute_service(self.computes[host])
        self.hooks.watch(self.computes[host])
        # Refused before the host has freed what was evacuated from it.
        self._force_down(host, False)

    def _force_down(self, host: str, value: bool) -> None:
        [service] = self.api.get_services(host=host, binary="nova-compute")
        self.api.put_service_force_down(service["id"], value)

    def _shelve(self, server: str) -> None:
        self._act(server, "shelve", None)

    def _offload(self, server: str) -> None:
        self._act(server, "shelveOffload", None)

    def _unshelve(self, server: str, host: str | None = None) -> None:
        self._act(server, "unshelve", {"host": host} if host else None)

    def _rebuild(self, server: str, image: str = "plain") -> None:
        self._act(server, "rebuild", {"imageRef": self.images[image]})

    def _delete(self, server: str) -> None:
        self.api.delete_server(self._uuid(server))

    def _attach(self, server: str, port: str) -> None:
        body = {"interfaceAttachment": {"port_id": uuid(port)}}
        self.api.attach_interface(self._uuid(server), body)

    def _detach(self, server: str, port: str) -> None:
        self.api.detach_interface(self._uuid(server), uuid(port))

    def _stop(self, server: str) -> None:
        if self._is_active(server):
            self._act(server, "os-stop", None)

    def _pause(self, server: str) -> None:
        if self._is_active(server):
            self._act(server, "pause", None)

    def _is_active(self, server: str) -> bool:
        found = self.look()["servers"].get(server, {})
        return (found.get("vm_state"), found.get("task_state")) == ("active", None)

    def _take(self, consumer: str, allocations: dict[str, dict[str, int]]) -> None:
        self.take(consumer, allocations)


def play(scenario: Scenario) -> list[dict[str, Any]]:
    """Play a scenario; give what was seen after each of its steps."""
    site = Player()
    # The class has them: what an object has is taken away at its end.
    Player.scenario, Player.seen = scenario, []
    result = unittest.TestResult()
    # What fails is meant to; nobody reads that each time.
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        site.run(result)
    for _, text in (*result.errors, *result.failures):
        raise RuntimeError(f"{scenario['id']}: {text}")
    return Player.seen

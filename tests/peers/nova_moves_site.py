"""All of Nova's services in one process: a small cloud of one scenario.

The services are Nova's own, on SQLite and messages in memory; its hosts have a driver
that does nothing.
"""

import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

# Nova patches threads when its tests are imported; nothing may start any before.
os.environ.setdefault("OS_LOG_CAPTURE", "0")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nova.tests.functional import integrated_helpers  # isort: skip

    import fixtures
    from nova.conf import paths
    from nova.tests import fixtures as nova_fixtures
    from nova.virt import fake
    from oslo_messaging._drivers import impl_fake
    from oslo_messaging.rpc import dispatcher
    from oslo_utils.fixture import uuidsentinel

from moves_scenarios import (
    FLAVORS,
    HOSTS,
    IMAGES,
    TOTALS,
    TRAITS,
    Scenario,
    children_of,
    port_of,
    uuid,
)
from peers.nova_moves_faults import Hooks

_QUIET_SECONDS, _MOST_SECONDS = 0.05, 60.0
_POLL_SECONDS = 0.001
_PAUSED = 3


class Neutron(nova_fixtures.NeutronFixture):  # type: ignore[misc]
    """Nova's stand-in for Neutron, with the ports of a scenario."""

    def __init__(self, test: Any, scenario: Scenario) -> None:
        super().__init__(test)
        self.is_extended = scenario.get("extended", False)
        template = self._ports.pop(self.port_1["id"])
        self._ports.clear()
        for name, kind in scenario.get("ports", {}).items():
            asked = port_of(name, kind, self.is_extended)
            self._ports[asked["id"]] = {
                **template,
                "id": asked["id"],
                "name": name,
                "resource_request": asked.get("resource_request"),
            }

    def ports_of(self, server: str) -> list[str]:
        """Give the ports that a server has."""
        return [p["id"] for p in self._ports.values() if p["device_id"] == server]

    def list_extensions(self, *args: Any, **kwargs: Any) -> Any:
        found = super().list_extensions(*args, **kwargs)
        if self.is_extended:
            name = "port-resource-request-groups"
            found["extensions"].append({"alias": name, "name": name})
        return found


class Site(integrated_helpers.ProviderUsageBaseTestCase):  # type: ignore[misc]
    """A cloud of one scenario."""

    compute_driver = "fake.FakeDriver"
    scenario: Scenario

    def setUp(self) -> None:
        options = self.scenario.get("options", {})
        # Nova's tests look for it where it is in a checkout, not where it is installed.
        paste, real = "etc/nova/api-paste.ini", paths.state_path_def
        self.useFixture(
            fixtures.MonkeyPatch(
                "nova.conf.paths.state_path_def",
                lambda name: (
                    str(Path(sys.prefix, name)) if name == paste else real(name)
                ),
            )
        )
        weights = {name: len(HOSTS) - n for n, name in enumerate(HOSTS)}
        self.useFixture(nova_fixtures.HostNameWeigherFixture(weights))
        self.useFixture(nova_fixtures.SpawnIsSynchronousFixture())
        self._mend_driver()
        # It makes errors of warnings that newer libraries have.
        self.useFixture(
            fixtures.MockPatchObject(
                nova_fixtures.WarningsFixture, "setUp", fixtures.Fixture.setUp
            )
        )
        self._watch_messages()
        super().setUp()
        self.neutron = self.useFixture(Neutron(self, self.scenario))
        self.flags(
            cpu_allocation_ratio=1.0,
            ram_allocation_ratio=1.0,
            disk_allocation_ratio=1.0,
            reserved_host_memory_mb=0,
            shelved_offload_time=options.get("shelved_offload_time", 0),
            allow_resize_to_same_host=options.get("allow_resize_to_same_host", False),
            rpc_response_timeout=5,
            migrate_max_retries=options.get("migrate_max_retries", -1),
        )
        self.flags(max_attempts=options.get("max_attempts", 3), group="scheduler")
        self.flags(driver="nova.quota.NoopQuotaDriver", group="quota")
        self.hooks = Hooks(self)
        for name in self.scenario.get("hosts", HOSTS):
            self.hooks.watch(self._start_compute(name))
            self._add_children(name)
        self._make_flavors()
        self._make_images()

    def _mend_driver(self) -> None:
        """Let hosts have the size of scenarios, and guests move as real ones do."""
        sizes = zip(("vcpus", "memory_mb", "local_gb"), TOTALS.values(), strict=True)

        states: dict[str, int] = {}
        arrive = fake.FakeDriver.post_live_migration_at_destination

        def leave(driver: Any, context: Any, server: Any, *args: Any, **_: Any) -> None:
            states[server.uuid] = driver.instances.pop(server.uuid).state

        def come(driver: Any, context: Any, server: Any, *a: Any, **k: Any) -> None:
            arrive(driver, context, server, *a, **k)
            driver.instances[server.uuid].state = states.pop(server.uuid)

        stop = fake.FakeDriver.power_off

        def power_off(driver: Any, server: Any, *args: Any, **kwargs: Any) -> None:
            # A guest that is not there is off.
            if server.uuid in driver.instances:
                stop(driver, server, *args, **kwargs)

        def pause(driver: Any, server: Any) -> None:
            driver.instances[server.uuid].state = _PAUSED

        for name, value in (
            *sizes,
            ("post_live_migration", leave),
            ("post_live_migration_at_destination", come),
            ("pause", pause),
            ("power_off", power_off),
            ("instance_exists", lambda driver, server: False),
            # It forgets its interfaces when a guest moves.
            ("attach_interface", lambda *args: None),
            ("detach_interface", lambda *args: None),
        ):
            self.useFixture(fixtures.MockPatchObject(fake.FakeDriver, name, value))

    def _watch_messages(self) -> None:
        self.busy, self.last = 0, time.monotonic()
        real = dispatcher.RPCDispatcher.dispatch

        def dispatch(this: Any, incoming: Any) -> Any:
            self.busy += 1
            try:
                return real(this, incoming)
            finally:
                self.busy -= 1
                self.last = time.monotonic()

        self.useFixture(
            fixtures.MockPatchObject(dispatcher.RPCDispatcher, "dispatch", dispatch)
        )
        clock = mock.Mock(wraps=time)
        clock.sleep = lambda seconds: time.sleep(min(seconds, _POLL_SECONDS))
        self.useFixture(fixtures.MockPatchObject(impl_fake, "time", clock))

    def forget_messages(self, host: str) -> None:
        """Forget what a dead host was told: nobody waits for it any more."""
        for exchange in impl_fake.FakeExchangeManager._exchanges.values():
            for (_, server), messages in exchange._server_queues.items():
                if server == host:
                    messages.clear()

    def settle(self) -> None:
        """Wait until nobody has a message to answer."""
        self.last = time.monotonic()
        until = self.last + _MOST_SECONDS
        while self.busy or time.monotonic() - self.last < _QUIET_SECONDS:
            if time.monotonic() > until:
                raise TimeoutError("Nova's services do not come to rest.")
            time.sleep(_POLL_SECONDS)

    def _add_children(self, host: str) -> None:
        root = self.root(host)
        for trait in TRAITS:
            self._create_trait(trait)
        for child in children_of(host):
            identity = uuid(child["name"])
            body = {
                "name": child["name"],
                "uuid": identity,
                "parent_provider_uuid": root,
            }
            self.placement.post("/resource_providers", body=body, version="1.20")
            body = {
                "inventories": child["inventories"],
                "resource_provider_generation": 0,
            }
            self._update_inventory(identity, body)
            self._set_provider_traits(identity, child["traits"])

    def root(self, host: str) -> str:
        return str(getattr(uuidsentinel, f"node_{host}"))

    def _make_flavors(self) -> None:
        self.flavors = {}
        for name, (vcpus, memory_mb, root_gb) in FLAVORS.items():
            self.flavors[name] = self._create_flavor(
                name=name, memory_mb=memory_mb, vcpu=vcpus, disk=root_gb, ephemeral=0
            )

    def _make_images(self) -> None:
        self.images = {}
        for name, properties in IMAGES.items():
            found = self.glance.create(
                None,
                {
                    "id": uuid(name),
                    "name": name,
                    "status": "active",
                    "container_format": "raw",
                    "disk_format": "raw",
                    "size": 1,
                    "min_ram": 0,
                    "min_disk": 0,
                    "properties": dict(properties),
                },
            )
            self.images[name] = found["id"]

    def take(self, consumer: str, allocations: dict[str, dict[str, int]]) -> None:
        """Let somebody else hold something."""
        asked = {
            self.root(name) if ":" not in name else uuid(name): {"resources": amounts}
            for name, amounts in allocations.items()
        }
        body = {
            "allocations": asked,
            "project_id": "p",
            "user_id": "u",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
        found = self.placement.put(
            f"/allocations/{uuid(consumer)}", body, version="1.38"
        )
        assert found.status == 204, found.body

"""What is seen of Nova after an operation: servers, migrations, ports, allocations."""

from typing import Any

# Before any other part of Nova.
from peers.nova_moves_site import Site  # isort: skip
from nova import context, exception, objects
from nova.db.main import api as db

from moves_scenarios import HOSTS, children_of, uuid

_POWER = {0: "nostate", 1: "running", 3: "paused", 4: "shutdown", 6: "crashed"}


class SeenSite(Site):
    """A cloud whose databases are looked at."""

    uuids: dict[str, str]

    def look(self) -> dict[str, Any]:
        """Note servers, migrations and ports as they are."""
        ctxt = context.get_admin_context()
        cells = [self.cell_mappings[name] for name in ("cell0", "cell1")]
        servers, migrations = {}, []
        for name, server in self.uuids.items():
            for cell in cells:
                with context.target_cell(ctxt, cell) as targeted:
                    try:
                        found = objects.Instance.get_by_uuid(targeted, server)
                    except exception.InstanceNotFound:
                        continue
                    servers[name] = {
                        "vm_state": found.vm_state,
                        "task_state": found.task_state,
                        "power_state": _POWER[found.power_state or 0],
                        "host": found.host,
                        "flavor": found.flavor.name,
                        "fault": self.hooks.faults.get(server),
                    }
            held = self.held(server)
            if held and name not in servers:
                servers[name] = {"deleted": True}
            if name in servers:
                servers[name]["held"] = held
        with context.target_cell(ctxt, cells[1]) as targeted:
            every = targeted.elevated(read_deleted="yes")
            rows = db.migration_get_all_by_filters(every, {})
        for row in sorted(rows, key=lambda each: each.id):
            migrations.append(
                {
                    "server": self.name_of(row.instance_uuid),
                    "kind": row.migration_type,
                    "status": row.status,
                    "source": row.source_compute,
                    "dest": row.dest_compute,
                    "held": self.held(row.uuid),
                }
            )
        return {"servers": servers, "migrations": migrations, "ports": self._ports()}

    def name_of(self, server: str) -> str:
        """Give the name of a server in the scenario."""
        for name, known in self.uuids.items():
            if known == server:
                return name
        return "?"

    def held(self, consumer: str) -> dict[str, dict[str, int]]:
        """Give what a consumer holds, by name of the provider."""
        found = self.placement.get(f"/allocations/{consumer}").body["allocations"]
        return {
            self._provider(provider): dict(sorted(each["resources"].items()))
            for provider, each in found.items()
        }

    def _provider(self, identity: str) -> str:
        for host in self.scenario.get("hosts", HOSTS):
            if self.root(host) == identity:
                return str(host)
            for child in children_of(host):
                if uuid(child["name"]) == identity:
                    return str(child["name"])
        raise KeyError(identity)

    def _ports(self) -> dict[str, Any]:
        found = {}
        for port in self.neutron._ports.values():
            shown = self.neutron.show_port(port["id"])["port"]
            named = (shown.get("binding:profile") or {}).get("allocation")
            if isinstance(named, dict):
                named = sorted(self._provider(each) for each in named.values())
            elif named:
                named = [self._provider(named)]
            found[port["name"]] = {
                "server": shown["device_id"] and self.name_of(shown["device_id"]),
                "host": shown.get("binding:host_id") or None,
                "allocation": named or [],
            }
        return found
